"""`ghostcard token objects, import, export-public, delete, show-config`."""

import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, mldsa, mlkem, rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256

from ghostcard.cli import main
from ghostcard.cli.secret import uninterrupted
from ghostcard.config import load
from ghostcard.module import der, pins, spki
from ghostcard.module.encoding import big
from tests.module.program import QUICK_SCRYPT_N

SO_PIN, PIN = "87654321", "a PIN that is kept"
PASSPHRASE = "a passphrase"
SUBJECT = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
SPKI = forms.PublicFormat.SubjectPublicKeyInfo
PEM, DER, PKCS8 = forms.Encoding.PEM, forms.Encoding.DER, forms.PrivateFormat.PKCS8
PLAIN, SEALED = forms.NoEncryption(), forms.BestAvailableEncryption(PASSPHRASE.encode())
CERTIFICATE = (
    x509.CertificateBuilder(SUBJECT, SUBJECT, EC.public_key(), 7)
    .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    .sign(EC, SHA256())
)
SERVER = EC.private_bytes(PEM, PKCS8, PLAIN) + CERTIFICATE.public_bytes(PEM)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "home"))
    for name in ("GHOSTCARD_CONFIG", "GHOSTCARD_PIN", "GHOSTCARD_SO_PIN", "GHOSTCARD_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pins, "SCRYPT_N", QUICK_SCRYPT_N)
    monkeypatch.chdir(tmp_path)
    assert token("init", "--label", "one", "--so-pin", SO_PIN, "--pin", PIN).exit_code == 0
    return tmp_path


def token(*arguments: str, **settings: str) -> Result:
    return CliRunner().invoke(main, ("token", *arguments), env=settings, prog_name="ghostcard")


def logged_in(*arguments: str, **settings: str) -> Result:
    return token(*arguments, **{"GHOSTCARD_PIN": PIN, **settings})


def listed() -> list[tuple[str, str, str]]:
    objects = json.loads(logged_in("objects", "--json").stdout)
    return [(each["kind"], each["type"], each["label"]) for each in objects]


def done(result: Result) -> str:
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_a_key_with_its_certificate(home: Path) -> None:
    (home / "server.pem").write_bytes(SERVER)
    identifier = x509.SubjectKeyIdentifier.from_public_key(EC.public_key()).digest.hex()
    assert done(logged_in("import", "--label", "server", "server.pem")).splitlines() == [
        f"slot 0: {kind} 'server' imported, id {identifier}"
        for kind in ("private key", "public key", "certificate")
    ]
    assert listed() == [
        ("private key", "EC", "server"),
        ("public key", "EC", "server"),
        ("certificate", "X 509", "server"),
    ]
    public = EC.public_key().public_bytes(PEM, SPKI).decode()
    assert done(token("export-public", "--label", "server")) == public
    certificate = done(token("export-public", "--id", identifier, "--certificate"))
    assert certificate == CERTIFICATE.public_bytes(PEM).decode()
    done(token("export-public", "--label", "server", "--der", "--output", "out"))
    assert (home / "out").read_bytes() == EC.public_key().public_bytes(DER, SPKI)


FORMS = {
    "RSA 2048": RSA.private_bytes(DER, PKCS8, PLAIN),
    "RSA 2048, old": RSA.private_bytes(PEM, forms.PrivateFormat.TraditionalOpenSSL, PLAIN),
    "EC": EC.private_bytes(DER, forms.PrivateFormat.TraditionalOpenSSL, PLAIN),
    "EC, sealed": EC.private_bytes(PEM, PKCS8, SEALED),
    "EC EDWARDS": ed25519.Ed25519PrivateKey.generate().private_bytes(
        PEM, forms.PrivateFormat.OpenSSH, PLAIN
    ),
    "EC MONTGOMERY": x25519.X25519PrivateKey.generate().private_bytes(PEM, PKCS8, PLAIN),
    "DSA": dsa.generate_private_key(1024).private_bytes(PEM, PKCS8, PLAIN),
    "ML DSA": mldsa.MLDSA44PrivateKey.generate().private_bytes(PEM, PKCS8, PLAIN),
    "ML KEM": mlkem.MLKEM768PrivateKey.generate().private_bytes(DER, PKCS8, PLAIN),
    "EC, sealed and bare": EC.private_bytes(DER, PKCS8, SEALED),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_private_keys(home: Path, form: str) -> None:
    (home / "key").write_bytes(FORMS[form])
    done(logged_in("import", "key", GHOSTCARD_PASSPHRASE=PASSPHRASE))
    kind = form.partition(",")[0]
    assert listed() == [("private key", kind, ""), ("public key", kind, "")]


def test_public_objects_need_no_pin(home: Path) -> None:
    (home / "public").write_bytes(RSA.public_key().public_bytes(DER, SPKI))
    done(token("import", "--no-login", "--id", "0A0b", "public"))
    (shown,) = json.loads(done(token("objects", "--json")))
    assert (shown["kind"], shown["id"], shown["flags"]) == ("public key", "0a0b", ["modifiable"])
    (home / "key").write_bytes(SERVER)
    refused = token("import", "--no-login", "key")
    assert refused.stderr == "error: slot 0: a PIN is needed for that\n"


def test_what_keys_are_for(home: Path) -> None:
    (home / "key").write_bytes(SERVER)
    done(logged_in("import", "--usage", "derive, verify", "--extractable", "--id", "01", "key"))
    (private, public, _) = json.loads(done(logged_in("objects", "--json")))
    assert private["flags"] == ["private", "sensitive", "extractable", "modifiable"]
    assert public["flags"] == ["modifiable"]
    wrong = logged_in("import", "--usage", "sing", "key")
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("error: --usage: 'sing' is none of sign, verify, ")


def test_all_or_nothing(home: Path) -> None:
    (home / "good").write_bytes(SERVER)
    (home / "small.toml").write_text(
        '[[slots]]\nid = 0\napqns = ["00.0000"]\nlimits = { objects = 2 }\n'
    )
    full = logged_in("import", "good", GHOSTCARD_CONFIG="small.toml")
    assert (full.exit_code, full.stderr) == (1, "error: slot 0: the token is full\n")
    (home / "bad").write_bytes(b"no key")
    bad = logged_in("import", "good", "bad")
    assert bad.stderr == "error: bad: has no key and no certificate, in PEM or DER\n"
    assert listed() == []


_INFO = EC.public_key().public_bytes(DER, SPKI)
_POINT = _INFO[-65:]


def rsa_key(modulus: int, exponent: int) -> bytes:
    """A SubjectPublicKeyInfo, whatever the numbers."""
    return spki.rsa(big(modulus), big(exponent))


def with_key(info: bytes) -> bytes:
    """The certificate with another key in it; who imports it checks no signature."""
    whole, inner = CERTIFICATE.public_bytes(DER), CERTIFICATE.tbs_certificate_bytes
    changed = der.encode(der.SEQUENCE, der.read(inner, der.SEQUENCE).replace(_INFO, info))
    return der.encode(der.SEQUENCE, changed, whole[whole.index(inner) + len(inner) :])


REFUSALS = {
    "a wrong passphrase": (FORMS["EC, sealed"], "is damaged, or its passphrase is another"),
    "a request": (
        b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "has a CERTIFICATE REQUEST, which cannot be imported",
    ),
    "a damaged certificate": (
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "is damaged, or its passphrase is another",
    ),
    "an even modulus": (
        rsa_key(RSA.public_key().public_numbers().n - 1, 65537),
        "has a public key that no card can use: its modulus is even",
    ),
    "an exponent of 1": (
        rsa_key(RSA.public_key().public_numbers().n, 1),
        "has a public key that is damaged, or that no card can use",
    ),
    "a certificate of an unusable key": (
        CERTIFICATE.public_bytes(DER).replace(_POINT, b"\4" + bytes(64)),
        "has a public key that is damaged, or that no card can use",
    ),
    "a certificate of a key that cards have not": (
        with_key(rsa_key(RSA.public_key().public_numbers().n - 1, 65537)),
        "has a public key that no card can use: its modulus is even",
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_refused_files(home: Path, what: str) -> None:
    content, line = REFUSALS[what]
    (home / "file").write_bytes(content)
    refused = logged_in("import", "file", GHOSTCARD_PASSPHRASE="wrong")
    assert (refused.exit_code, refused.stderr) == (1, f"error: file: {line}\n")
    assert listed() == []


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("import", "file"), 2, "the user PIN is missing: give --pin or --pin-file"),
        (("import", "--pin", "wrong", "file"), 1, "slot 0: the PIN is wrong"),
        (("import", "--id", "0g", "file"), 2, "--id: '0g' is not hexadecimal"),
        (("import", "--slot", "1", "--no-login", "file"), 1, "slot 1: it has no token"),
        (("objects", "--slot", "9"), 1, "slot 9: there is no such slot"),
        (("objects", "--login"), 2, "the user PIN is missing: give --pin or --pin-file"),
        (("export-public",), 2, "say which one: --label or --id"),
        (("export-public", "--label", "x"), 1, "there is no such key; a private one needs a PIN"),
        (("delete", "--slot", "0"), 2, "nobody can be asked: --force deletes the token without"),
        (("delete", "--slot", "1", "--force"), 1, "slot 1 has no token"),
    ],
)
def test_refusals(home: Path, arguments: tuple[str, ...], code: int, line: str) -> None:
    (home / "file").write_bytes(RSA.public_key().public_bytes(DER, SPKI))
    refused = token(*arguments)
    assert (refused.exit_code, refused.stdout) == (code, "")
    assert refused.stderr.startswith(f"error: {line}")
    assert refused.stderr.count("\n") == 1


def test_several_tokens_want_a_choice() -> None:
    done(token("init", "--label", "two", "--so-pin", SO_PIN, "--pin", PIN))
    line = "error: several slots have a token (0, 1): choose with --slot\n"
    assert token("objects").stderr == line
    done(token("delete", "--slot", "0", "--force"))
    assert "in slot 1;" in done(token("objects"))


def test_a_deleted_token_is_gone_from_the_disk(home: Path) -> None:
    (home / "server.pem").write_bytes(SERVER)
    done(logged_in("import", "--label", "a label to be found", "server.pem"))
    store = home / "home" / "tokens" / "slot-0.sqlite"
    assert b"a label to be found" in store.read_bytes()
    assert done(token("delete", "--slot", "0", "--force")) == "slot 0: token deleted\n"
    left = b"".join(path.read_bytes() for path in store.parent.iterdir())
    assert b"a label to be found" not in left
    assert token("objects").stderr.startswith("error: no slot has a token")
    done(token("init", "--label", "new", "--so-pin", SO_PIN, "--pin", PIN))
    assert listed() == []


def test_no_secret_is_ever_printed(home: Path) -> None:
    (home / "key").write_bytes(FORMS["EC, sealed"])
    printed = [
        logged_in("import", "--passphrase", PASSPHRASE, "key"),
        logged_in("import", "--passphrase", "another secret", "key"),
        token("objects", "--pin", "a wrong secret"),
        token("import", "--pin", "a wrong secret", "--passphrase", PASSPHRASE, "key"),
        *(token(command, "--help") for command in ("import", "objects", "export-public")),
    ]
    secrets = (PIN, PASSPHRASE, "another secret", "a wrong secret")
    assert not [each for run in printed for each in secrets if each in run.output]


def test_ctrl_c_waits_for_a_change() -> None:
    reached = []

    def change() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append(True)

    with pytest.raises(KeyboardInterrupt):
        change()
    assert reached == [True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


CONFIGURATION = """\
function = "null"
seed = 7
faults = "plan.toml"
control = true

[[cards]]
adapter = 3
profile = "cex8p"
domains = [1, 2]
seed = 9

[[slots]]
id = 5
description = "a \\"quoted\\" name"
apqns = ["03.0002"]
mechanisms = ["CKM_SHA256", "CKM_AES_GCM"]
limits = { sessions = 4, pin_tries = 3 }
"""


def test_the_configuration_that_is_shown_says_the_same(home: Path) -> None:
    (home / "machine.toml").write_text(CONFIGURATION)
    shown = done(token("show-config", GHOSTCARD_CONFIG="machine.toml"))
    assert shown.splitlines()[:2] == ["# source: machine.toml", f"# home: {home / 'home'}"]
    (home / "shown.toml").write_text(shown)
    assert load("shown.toml") == load("machine.toml")
    as_json = json.loads(done(token("show-config", "--json", GHOSTCARD_CONFIG="machine.toml")))
    assert as_json["slots"][0]["limits"] == {"sessions": 4, "pin_tries": 3}
    (home / "defaults.toml").write_text(done(token("show-config")))
    assert load("defaults.toml") == load()
    (home / "bad.toml").write_text("speed = 1")
    refused = token("show-config", GHOSTCARD_CONFIG="bad.toml")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: bad.toml: speed: unknown key")


@pytest.mark.parametrize(
    "command", [("import", "--pin", PIN, "server.pem"), ("export-public", "--pin", PIN)]
)
def test_a_label_that_is_no_text(home: Path, command: tuple[str, ...]) -> None:
    (home / "server.pem").write_bytes(SERVER)
    refused = token(*command, "--label", os.fsdecode(b"a\xff"))
    assert (refused.exit_code, refused.stderr) == (1, "error: the label is not UTF-8\n")
    assert not listed()


def test_files_without_an_end(home: Path) -> None:
    refused = logged_in("import", "/dev/zero")
    assert (refused.exit_code, refused.stderr) == (1, "error: /dev/zero: longer than 16 MiB\n")
    refused = token("objects", "--pin-file", "/dev/zero")
    line = "error: /dev/zero: the first line is too long for a user PIN\n"
    assert (refused.exit_code, refused.stderr) == (1, line)
