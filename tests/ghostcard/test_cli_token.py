"""`ghostcard token`: where PINs come from, and what is refused."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ghostcard.cli import main

PINS = {"GHOSTCARD_SO_PIN": "87654321", "GHOSTCARD_PIN": "12345678"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "home"))
    for name in ("GHOSTCARD_CONFIG", *PINS):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def token(*arguments: str, **settings: str) -> Result:
    return CliRunner().invoke(main, ("token", *arguments), env=settings, prog_name="ghostcard")


def listed() -> list[tuple[int, str, bool]]:
    tokens = json.loads(token("list", "--json").stdout)
    return [(each["slot"], each["label"], each["has_user_pin"]) for each in tokens]


def test_tokens_fill_the_free_slots_in_order() -> None:
    assert listed() == [(0, "", False), (1, "", False)]
    assert token("init", "--label", "one", **PINS).stdout == "slot 0: token 'one' initialised\n"
    assert token("init", "--label", "two", **PINS).stdout == "slot 1: token 'two' initialised\n"
    assert listed() == [(0, "one", True), (1, "two", True)]
    full = token("init", "--label", "three", **PINS)
    assert full.stderr == "error: every slot has a token; choose one with --slot and --force\n"
    assert full.exit_code == 1


def test_the_table_says_what_each_slot_has() -> None:
    token("init", "--label", "one", **PINS)
    rows = [line.split() for line in token("list").stdout.splitlines()[4:6]]
    assert (rows[0][:2], rows[0][3:6]) == (["0", "one"], ["ready", "set", "set"])
    assert rows[1][:6] == ["1", "-", "-", "none", "-", "-"]


def test_an_initialised_token_is_destroyed_only_by_force_and_with_its_so_pin() -> None:
    token("init", "--label", "one", **PINS)
    again = ("init", "--slot", "0", "--label", "new")
    assert token(*again, **PINS).stderr == (
        "error: slot 0 has the token 'one'; --force initialises it again and destroys its objects\n"
    )
    wrong = token(*again, "--force", **{**PINS, "GHOSTCARD_SO_PIN": "not the one"})
    assert wrong.stderr == "error: slot 0: the token is initialised and has another SO PIN\n"
    assert listed()[0][1] == "one"
    assert token(*again, "--force", **PINS).exit_code == 0
    assert listed()[0][1] == "new"


def test_pins_come_from_options_before_the_environment(home: Path) -> None:
    options = ("--so-pin", "option so", "--pin", "option user")
    assert token("init", "--label", "one", *options, **PINS).exit_code == 0
    again = ("init", "--label", "new", "--slot", "0", "--force", "--pin", "option user")
    assert token(*again, "--so-pin", PINS["GHOSTCARD_SO_PIN"]).exit_code == 1
    (home / "so").write_text("option so\n")
    assert token(*again, "--so-pin-file", str(home / "so")).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        ((), 2, "error: the SO PIN is missing: give --so-pin or --so-pin-file\n"),
        (("--so-pin", "87654321"), 2, "error: the user PIN is missing: give --pin or --pin-file\n"),
        (("--so-pin", "123", "--pin", "1234"), 1, "error: the SO PIN must have 4 to 255 bytes\n"),
        (
            ("--so-pin", "1234", "--pin", "1234", "--slot", "7"),
            1,
            "error: there is no slot 7; there are 0, 1\n",
        ),
    ],
)
def test_refusals(arguments: tuple[str, ...], code: int, line: str) -> None:
    refused = token("init", "--label", "one", *arguments)
    assert (refused.exit_code, refused.stdout, refused.stderr) == (code, "", line)
    assert listed() == [(0, "", False), (1, "", False)]


def test_no_pin_is_ever_printed() -> None:
    secret = "a PIN that is wrong"
    token("init", "--label", "one", **PINS)
    refused = token(
        "init", "--slot", "0", "--force", "--label", "x", "--so-pin", secret, "--pin", secret
    )
    assert refused.exit_code == 1
    assert secret not in refused.output


def test_a_damaged_store_and_an_unusable_home_are_one_line_each(home: Path) -> None:
    token("init", "--label", "one", **PINS)
    (home / "home" / "tokens" / "slot-0.sqlite").write_bytes(b"not a store" * 99)
    assert token("list").stdout.splitlines()[4].split()[:4] == ["0", "-", "-", "damaged"]
    (home / "file").write_text("")
    unusable = token("list", GHOSTCARD_HOME=str(home / "file"))
    assert unusable.exit_code == 2
    assert unusable.stderr == f"error: {home / 'file'}: is not a directory\n"


def test_what_is_no_text_is_refused(home: Path) -> None:
    """The shell hands any bytes over; Python stands surrogates for those that are no UTF-8."""
    (home / "binary").write_bytes(b"\xff\xfe\n")
    file = ("--so-pin-file", str(home / "binary"))
    assert token("init", "--label", "one", "--pin", "1234", *file).stderr == (
        f"error: {home / 'binary'}: not a text in UTF-8\n"
    )
    assert token("init", "--label", "\udcff", **PINS).stderr == "error: the label is not UTF-8\n"
    for option, name in (("--so-pin", "SO PIN"), ("--pin", "user PIN")):
        refused = token("init", "--label", "one", option, "1234\udcff", **PINS)
        assert (refused.exit_code, refused.stderr) == (1, f"error: the {name} is not UTF-8\n")
    assert listed() == [(0, "", False), (1, "", False)]


def test_a_slot_of_accelerators_can_have_a_token(home: Path) -> None:
    machine = home / "machine.toml"
    machine.write_text('[[cards]]\nadapter = 0\n[[cards]]\nadapter = 1\nprofile = "cex8a"\n')
    settings = {**PINS, "GHOSTCARD_CONFIG": str(machine)}
    made = token("init", "--label", "fast", "--slot", "2", **settings)
    assert made.stdout == "slot 2: token 'fast' initialised\n"
    listed = json.loads(token("list", "--json", **settings).stdout)
    assert [each["label"] for each in listed] == ["", "", "fast", ""]


def test_cards_for_simulations_have_no_token(home: Path) -> None:
    machine = home / "machine.toml"
    machine.write_text('[[cards]]\nadapter = 0\nprofile = "cex8c"\ndomains = [0]\n')
    settings = {**PINS, "GHOSTCARD_CONFIG": str(machine)}
    assert json.loads(token("list", "--json", **settings).stdout) == []
    none = token("init", "--label", "one", **settings)
    assert none.stderr == "error: no slot can have a token: all lead to cards that have none\n"
    chosen = token("init", "--label", "one", "--slot", "0", **settings)
    assert chosen.stderr == "error: slot 0 leads to cards that have no token\n"
    assert (none.exit_code, chosen.exit_code) == (1, 1)
    assert not (home / "home" / "tokens").exists()
