"""`ghostcard wrapping-key, control-points, administrator`: what they print, refuse and leave."""

import json
import os
import stat
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ghostcard.cli import main
from ghostcard.module import pins
from tests.module.program import QUICK_SCRYPT_N

PIN = "12345678"
TWO_CARDS = "".join(f"[[cards]]\nadapter = {n}\ndomains = [0]\n" for n in (0, 1)) + (
    '[[slots]]\nid = 0\napqns = ["00.0000", "01.0000"]\n'
)
PEM, SPKI = forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo
PKCS8, PLAIN = forms.PrivateFormat.PKCS8, forms.NoEncryption()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with two cards, and a token in their slot."""
    (tmp_path / "two.toml").write_text(TWO_CARDS)
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GHOSTCARD_CONFIG", "two.toml")
    for name in ("GHOSTCARD_PIN", "GHOSTCARD_SO_PIN", "GHOSTCARD_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pins, "SCRYPT_N", QUICK_SCRYPT_N)
    monkeypatch.chdir(tmp_path)
    ghostcard("token", "init", "--label", "one", "--so-pin", PIN, "--pin", PIN)
    return tmp_path


def ghostcard(*arguments: str, expect: int = 0) -> Result:
    done = CliRunner().invoke(main, arguments, prog_name="ghostcard")
    assert done.exit_code == expect, done.output
    return done


def refused(*arguments: str, expect: int = 1) -> str:
    """The one line that a command is refused with."""
    done = ghostcard(*arguments, expect=expect)
    assert done.stdout == ""
    *_, line = done.stderr.splitlines()
    return line.removeprefix("error: ").removeprefix("Error: ")


def wrapping_key(*arguments: str) -> str:
    return ghostcard("wrapping-key", *arguments).stdout


def private_key(name: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """Both halves of an administrator's key in files."""
    Path(f"{name}.pem").write_bytes(key.private_bytes(PEM, PKCS8, PLAIN))
    Path(f"{name}.pub").write_bytes(key.public_key().public_bytes(PEM, SPKI))
    return f"{name}.pem"


def private_object() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    ghostcard("token", "import", "--pin", PIN, private_key("imported", key))


def test_a_change_shown_step_by_step() -> None:
    private_object()

    def shown() -> tuple[list[tuple[str, str, bool]], tuple[str, str, int]]:
        found = json.loads(wrapping_key("show", "--json"))
        apqns = [(each["current"], each["next"], each["is_committed"]) for each in found["apqns"]]
        (token,) = found["tokens"]
        return apqns, (token["wkid"], token["next_wkid"], token["left"])

    apqns, token = shown()
    (current, _, _) = apqns[0]
    assert apqns == [(current, "", False)] * 2
    assert token == (current[:32], "", 2)
    said = wrapping_key("generate")
    apqns, _ = shown()
    following = apqns[0][1]
    assert said == f"00.0000, 01.0000: next wrapping key {following[:32]}\n"
    assert apqns == [(current, following, False)] * 2
    wrapping_key("commit")
    assert shown()[0] == [(current, following, True)] * 2
    told = json.loads(wrapping_key("reencipher", "--pin", PIN, "--json"))
    assert told == {"slot": 0, "keys": 1, "lost": 0}
    assert shown()[1] == (current[:32], following[:32], 0)
    wrapping_key("finalize")
    assert shown() == ([(following, "", False)] * 2, (following[:32], "", 2))


def test_a_pin_is_asked_for_only_if_it_is_needed() -> None:
    wrapping_key("generate")
    wrapping_key("commit")
    assert wrapping_key("reencipher") == "slot 0: 0 keys re-enciphered\n"
    wrapping_key("clear")
    private_object()
    wrapping_key("generate")
    wrapping_key("commit")
    missing = refused("wrapping-key", "reencipher", expect=2)
    assert missing == "the user PIN is missing: give --pin or --pin-file"
    assert refused("wrapping-key", "reencipher", "--pin", "0000") == "slot 0: the PIN is wrong"
    told = refused("wrapping-key", "finalize")
    assert told.startswith("slot 0: objects that are not re-enciphered: 2; `ghostcard wrapping-key")
    assert wrapping_key("reencipher", "--pin", PIN) == "slot 0: 1 keys re-enciphered\n"
    assert wrapping_key("reencipher") == "slot 0: 0 keys re-enciphered\n"
    wrapping_key("finalize")


def test_parts_are_for_their_owner_alone(folder: Path) -> None:
    before = wrapping_key("generate", "--save", "a", "--save", "b")
    assert [stat.S_IMODE(os.stat(name).st_mode) for name in "ab"] == [0o600, 0o600]
    assert wrapping_key("import", "b", "a") == before
    assert wrapping_key("import", "a") != before
    for name in "ab":
        assert Path(name).read_text().split()[1] not in before
    there = refused("wrapping-key", "generate", "--save", "a")
    assert there == "a: there is such a file already"
    os.chmod("b", 0o640)
    open_to_others = refused("wrapping-key", "import", "a", "b", expect=2)
    assert open_to_others == "b: others can read it; chmod 600 b"
    Path("c").write_text("ghostcard-part 00ff\n")
    assert refused("wrapping-key", "import", "c", expect=2) == "c: no part of a wrapping key"


def test_parts_of_a_key_that_was_refused_do_not_stay(folder: Path) -> None:
    wrapping_key("generate")
    wrapping_key("commit")
    told = refused("wrapping-key", "generate", "--save", "a", "--save", "b")
    assert told == "00.0000 has a committed wrapping key already: finalize or clear it first"
    assert not Path("a").exists()
    assert not Path("b").exists()


def test_what_cannot_be(folder: Path) -> None:
    assert refused("wrapping-key", "commit") == (
        "there is no next wrapping key: generate or import one first"
    )
    assert refused("wrapping-key", "finalize") == "no next wrapping key is committed"
    assert refused("wrapping-key", "generate", "--slot", "7") == "there is no slot 7; there are 0"
    assert refused("wrapping-key", "generate", "--apqn", "07.0000", expect=2) == (
        "APQN '07.0000': there are 00.0000, 01.0000"
    )
    assert refused("wrapping-key", "importer", expect=1 + 1) == (
        "an importer key is that of one APQN: name it with --apqn"
    )
    assert refused("wrapping-key", "clear", "--current", expect=2) == (
        "nobody can be asked: --force clears it without"
    )
    private_key("one", ec.generate_private_key(ec.SECP256R1()))
    told = refused("wrapping-key", "export", "--to", "one.pub", "x")
    assert told == "The permissions do not allow the export."
    assert not Path("x").exists()


def test_administrators_sign() -> None:
    owners: dict[str, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = {
        "curve": ec.generate_private_key(ec.SECP256R1()),
        "rsa": rsa.generate_private_key(65537, 2048),
    }
    alice, bob = (private_key(name, key) for name, key in owners.items())
    ghostcard("administrator", "add", "curve.pub", "rsa.pub")
    ghostcard("administrator", "set", "--signatures", "2", "--revocations", "1")
    told = refused("wrapping-key", "generate")
    assert told == ("the domain has left imprint mode: its administrators sign, with --key FILE")
    assert refused("wrapping-key", "generate", "--key", alice) == "There are not enough signatures."
    stranger = private_key("stranger", ec.generate_private_key(ec.SECP384R1()))
    told = refused("wrapping-key", "generate", "--key", alice, "--key", stranger)
    assert told == "A signature is not that of an administrator of the domain."
    both = ("--key", alice, "--key", bob)
    for step in (("generate",), ("commit",)):
        wrapping_key(*step, *both)
    wrapping_key("reencipher")
    wrapping_key("finalize", *both)
    ghostcard("control-points", "forbid", *both, "SIGN_SYMM")
    shown = json.loads(ghostcard("administrator", "show", "--json").stdout)
    assert [each["signatures"] for each in shown] == [2, 2]
    assert [each["is_in_imprint_mode"] for each in shown] == [False, False]
    names = shown[0]["administrators"]
    told = refused("administrator", "remove", "--key", alice, names[0])
    assert told == "There are not enough signatures."  # two must be left
    ghostcard("administrator", "zeroize", *both, "--force")
    shown = json.loads(ghostcard("administrator", "show", "--json").stdout)
    assert [each["administrators"] for each in shown] == [[], []]


def test_keys_that_cannot_sign() -> None:
    Path("ed.pem").write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, PLAIN)
    )
    told = refused("wrapping-key", "generate", "--key", "ed.pem", expect=2)
    assert told == "ed.pem: a private key of RSA or on a curve of ECDSA was expected"
    Path("none.pem").write_text("nothing\n")
    told = refused("wrapping-key", "generate", "--key", "none.pem", expect=2)
    assert told == "none.pem: no private key in PEM, or another passphrase"
    sealed = forms.BestAvailableEncryption(b"open sesame")
    key = ec.generate_private_key(ec.SECP256R1())
    Path("sealed.pem").write_bytes(key.private_bytes(PEM, PKCS8, sealed))
    wrapping_key("generate", "--key", "sealed.pem", "--passphrase", "open sesame")
    told = refused("wrapping-key", "generate", "--key", "sealed.pem", "--passphrase", "x", expect=2)
    assert told == "sealed.pem: no private key in PEM, or another passphrase"
    assert refused("administrator", "add", "none.pem", expect=2) == "none.pem: no public key in PEM"


def test_control_points_by_name_and_number() -> None:
    ghostcard("control-points", "forbid", "--apqn", "01.0000", "sign-asymm", "5", "ALG_RSA")
    shown = json.loads(ghostcard("control-points", "show", "--json").stdout)
    off = {name for name, is_on in shown["01.0000"].items() if not is_on}
    usual = {name for name, is_on in shown["00.0000"].items() if not is_on}
    assert usual == {"SKIP_KEYTESTS", "ALG_NBSI2009"}
    assert off - usual == {"SIGN_ASYMM", "ENCRYPT_SYMM", "ALG_RSA"}
    told = refused("control-points", "allow", "81", expect=2)
    assert told == "control point '81': `ghostcard control-points show` has them all"
    told = refused("control-points", "allow", "SKIP_KEYTESTS")
    assert told == "A control point is among those that cannot be allowed."


def test_apqns_that_differ_for_good_can_still_be_administered() -> None:
    """A program is refused the machine, the administrator is not."""
    for step in (("generate",), ("commit",), ("finalize", "--force")):
        wrapping_key(*step, "--apqn", "01.0000")
    private = ("token", "objects", "--pin", PIN, "--login")
    assert refused(*private, expect=2) == (
        "slots: 00.0000 and 01.0000 are to serve the same slot, "
        "but each has a wrapping key of its own already"
    )
    shown = json.loads(wrapping_key("show", "--json"))
    assert len({each["current"] for each in shown["apqns"]}) == 2
    ghostcard("administrator", "set", "--apqn", "00.0000", "--allow", "wk-export")
    Path("importer.pem").write_text(wrapping_key("importer", "--apqn", "01.0000"))
    wrapping_key("export", "--apqn", "00.0000", "--to", "importer.pem", "sealed")
    wrapping_key("import", "--apqn", "01.0000", "sealed")
    wrapping_key("commit", "--apqn", "01.0000")
    wrapping_key("finalize", "--apqn", "01.0000")
    ghostcard(*private)


@pytest.mark.parametrize("group", ["wrapping-key", "control-points", "administrator"])
def test_every_command_has_an_example(group: str) -> None:
    command = import_module(f"ghostcard.cli.{group.replace('-', '_')}").command
    for name in command.commands:
        told = ghostcard(group, name, "--help").stdout
        assert f"ghostcard {group} {name}" in told, name
