"""The configuration: defaults, a full file, and every refusal with its dotted key."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.config import (
    CardConfig,
    Config,
    ConfigError,
    Limits,
    SlotConfig,
    apqn,
    check_modes,
    load,
    parse,
    qid,
)
from ghostcard.configtables import as_tables
from ghostcard.driver.timing import PACED, STRICT, Timing

FULL = """
function = "null"
seed = 7
[[cards]]
adapter = 0
[[cards]]
adapter = 0x0a
profile = "fast.toml"
domains = [71]
seed = 9
[[slots]]
id = 3
description = "two cards"
apqns = ["00.0001", "0a.0047"]
[[slots]]
id = 0
apqns = ["00.0000"]
"""


def test_defaults() -> None:
    assert parse({}) == Config(
        cards=(CardConfig(0, "cex8p", (0, 1), None),),
        slots=(
            SlotConfig(0, "Ghostcard APQN 00.0000", (0,)),
            SlotConfig(1, "Ghostcard APQN 00.0001", (1,)),
        ),
        function="real",
        seed=None,
    )


def test_a_full_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ghostcard.toml"
    path.write_text(FULL)
    monkeypatch.setenv("GHOSTCARD_CONFIG", str(path))
    assert load() == Config(
        cards=(CardConfig(0), CardConfig(10, str(tmp_path / "fast.toml"), (71,), 9)),
        slots=(
            SlotConfig(3, "two cards", (0x0001, 0x0A47)),
            SlotConfig(0, "Ghostcard APQN 00.0000", (0,)),
        ),
        function="null",
        seed=7,
    )


def test_without_a_file_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GHOSTCARD_CONFIG", raising=False)
    assert load() == parse({})


def test_cards_without_slots_give_one_slot_per_apqn() -> None:
    config = parse({"cards": [{"adapter": 2, "domains": [5, 3]}]})
    assert [(slot.id, slot.apqns) for slot in config.slots] == [(0, (0x203,)), (1, (0x205,))]


ONE_CARD = "[[cards]]\nadapter = 0\n"
REFUSALS = {
    "speed = 1": (
        "speed: unknown key, accepted are "
        "function, seed, faults, control, time, cards, slots, access"
    ),
    'function = "off"': 'function: got \'off\', takes "real" or "null"',
    "function = 1": 'function: got 1, takes "real" or "null"',
    "faults = 1": "faults: got 1, takes a text of 1 to 4096 bytes",
    "control = 1": "control: got 1, takes true or false",
    "seed = -1": "seed: got -1, takes an integer from 0 to 18446744073709551615",
    "seed = true": "seed: got True, takes an integer from 0 to 18446744073709551615",
    "cards = []": "cards: got [], takes one or more [[cards]] tables",
    "cards = 3": "cards: got 3, takes one or more [[cards]] tables",
    "cards = [1]": "cards[0]: got 1, takes a table",
    "[[cards]]": "cards[0].adapter: is missing, takes an integer from 0 to 255",
    "[[cards]]\nadapter = 256": "cards[0].adapter: got 256, takes an integer from 0 to 255",
    "[[cards]]\nadapter = 1.0": "cards[0].adapter: got 1.0, takes an integer from 0 to 255",
    ONE_CARD + "dept = 8": (
        "cards[0].dept: unknown key, accepted are adapter, profile, domains, seed, nvram"
    ),
    ONE_CARD + ONE_CARD: "cards[1].adapter: got 0 again, cards[0] has it",
    ONE_CARD + "profile = 8": "cards[0].profile: got 8, takes a text of 1 to 4096 bytes",
    ONE_CARD + "domains = []": (
        "cards[0].domains: got [], takes a list of different integers from 0 to 255"
    ),
    ONE_CARD + "domains = [1, 1]": (
        "cards[0].domains: got [1, 1], takes a list of different integers from 0 to 255"
    ),
    ONE_CARD + "domains = [256]": (
        "cards[0].domains: got [256], takes a list of different integers from 0 to 255"
    ),
    ONE_CARD + "domains = [true]": (
        "cards[0].domains: got [True], takes a list of different integers from 0 to 255"
    ),
    ONE_CARD + "seed = 'x'": (
        "cards[0].seed: got 'x', takes an integer from 0 to 18446744073709551615"
    ),
    "[[slots]]\napqns = ['00.0000']": (
        "slots[0].id: is missing, takes an integer from 0 to 4294967295"
    ),
    "[[slots]]\nid = 0": 'slots[0].apqns: is missing, takes a list of APQNs such as "00.0000"',
    "[[slots]]\nid = 0\napqns = ['00.0002']": (
        "slots[0].apqns: got ['00.0002'], takes APQNs of the configured cards: 00.0000, 00.0001"
    ),
    "[[slots]]\nid = 0\napqns = ['0.0']": (
        "slots[0].apqns: got ['0.0'], takes APQNs written as \"aa.dddd\" in hexadecimal, "
        'such as "00.0001"'
    ),
    "[[slots]]\nid = 0\napqns = ['00.0100']": (
        "slots[0].apqns: got ['00.0100'], takes APQNs written as \"aa.dddd\" in hexadecimal, "
        'such as "00.0001"'
    ),
    "[[slots]]\nid = 0\napqns = ['00.0000', '00.0000']": (
        "slots[0].apqns: got ['00.0000', '00.0000'], takes every APQN once"
    ),
    "[[slots]]\nid = 0\napqns = ['00.0000']\n[[slots]]\nid = 0\napqns = ['00.0001']": (
        "slots[1].id: got 0 again, slots[0] has it"
    ),
    "[[slots]]\nid = 0\napqns = ['00.0000']\ndescription = ''": (
        "slots[0].description: got '', takes a text of 1 to 64 bytes"
    ),
}


CLOCKS: tuple[tuple[dict[str, object], Timing], ...] = (
    ({}, Timing(STRICT)),
    ({"clock": "virtual", "think": "cpu"}, Timing(STRICT, "cpu")),
    ({"clock": "paced"}, Timing(STRICT, clock=PACED, dilation=10.0)),
    ({"clock": "paced", "dilation": 0.5}, Timing(STRICT, clock=PACED, dilation=0.5)),
)


@pytest.mark.parametrize(("table", "timing"), CLOCKS)
def test_the_clock(table: dict[str, object], timing: Timing) -> None:
    config = parse({"time": table})
    assert config.time == timing
    assert parse(as_tables(config)) == config


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"clock": "wall"}, """time.clock: got 'wall', takes "virtual" or "paced\""""),
        ({"dilation": 2}, 'time.dilation: got 2, takes nothing without clock = "paced"'),
        (
            {"clock": "paced", "dilation": 0},
            "time.dilation: got 0, takes a number from 0.001 to 1000000",
        ),
        (
            {"clock": "paced", "dilation": True},
            "time.dilation: got True, takes a number from 0.001 to 1000000",
        ),
        (
            {"clock": "paced", "order": "strict"},
            "time.order: got 'strict', takes nothing: with the paced clock time is the wall's",
        ),
    ],
)
def test_refusal_of_a_clock(table: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse({"time": table})
    assert str(refusal.value) == message


@pytest.mark.parametrize("text", REFUSALS)
def test_refusal(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(tomllib.loads(text))
    assert str(caught.value) == REFUSALS[text]


def test_limits_and_mechanisms_of_a_slot() -> None:
    slot = '[[slots]]\nid = 0\napqns = ["00.0000"]\n'
    (plain,) = parse(tomllib.loads(slot)).slots
    assert (plain.mechanisms, plain.limits) == (None, Limits(None, None, 10, None, None))
    text = (
        slot
        + """
        mechanisms = ["CKM_ECDSA", "CKM_SHA256"]
        [slots.limits]
        sessions = 16
        rw_sessions = 4
        pin_tries = 3
        objects = 0
        memory_bytes = 65536
    """
    )
    (limited,) = parse(tomllib.loads(text)).slots
    assert limited.mechanisms == frozenset((ck.CKM_ECDSA, ck.CKM_SHA256))
    assert limited.limits == Limits(16, 4, 3, 0, 65536)


_FROM_1 = "takes an integer from 1 to 4294967295"
SLOT_REFUSALS = {
    "mechanisms = []": 'mechanisms: got [], takes a list of names such as "CKM_AES_GCM"',
    "mechanisms = 1": 'mechanisms: got 1, takes a list of names such as "CKM_AES_GCM"',
    'mechanisms = ["CKA_LABEL"]': "mechanisms: 'CKA_LABEL' is no mechanism of PKCS #11 3.2",
    "mechanisms = [1]": "mechanisms: 1 is no mechanism of PKCS #11 3.2",
    "limits = 3": "limits: got 3, takes a table",
    "limits = { speed = 3 }": (
        "limits.speed: unknown key, accepted are "
        "sessions, rw_sessions, pin_tries, objects, memory_bytes"
    ),
    "limits = { pin_tries = 0 }": "limits.pin_tries: got 0, takes an integer from 1 to 255",
    "limits = { sessions = true }": f"limits.sessions: got True, {_FROM_1}",
    "limits = { rw_sessions = 0 }": f"limits.rw_sessions: got 0, {_FROM_1}",
    "limits = { objects = -1 }": "limits.objects: got -1, takes an integer from 0 to 4294967295",
}


@pytest.mark.parametrize("text", SLOT_REFUSALS)
def test_refusal_of_a_slot(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(tomllib.loads(f'[[slots]]\nid = 0\napqns = ["00.0000"]\n{text}\n'))
    assert str(caught.value) == f"slots[0].{SLOT_REFUSALS[text]}"


def test_the_message_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    with pytest.raises(ConfigError, match=f"^{path}: cannot be read: No such file or directory$"):
        load(str(path))
    path.write_text("seed = ")
    with pytest.raises(ConfigError, match=f"^{path}: is not TOML: "):
        load(str(path))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=f"^{path}: is not TOML: "):
        load(str(path))
    path.write_text("speed = 1")
    with pytest.raises(ConfigError, match=f"^{path}: speed: unknown key"):
        load(str(path))
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(str(tmp_path))


def test_a_slot_takes_cards_of_one_mode() -> None:
    document = {
        "cards": [{"adapter": 0}, {"adapter": 1, "profile": "cex8a"}],
        "slots": [{"id": 0, "apqns": ["00.0000", "01.0000"]}],
    }
    config = parse(document)
    check_modes(config, {0: "ep11", 1: "ep11"})
    with pytest.raises(ConfigError) as caught:
        check_modes(config, {0: "ep11", 1: "accelerator"})
    assert str(caught.value) == (
        "slots[0].apqns: 00.0000 is in mode ep11 and 01.0000 in mode accelerator; "
        "a slot takes cards of one mode"
    )


@given(st.integers(0, 255), st.integers(0, 255))
def test_apqn_text(adapter: int, domain: int) -> None:
    text = apqn(qid(adapter, domain))
    assert text == f"{adapter:02x}.{domain:04x}"
    card = {"adapter": adapter, "domains": [domain]}
    slot = {"id": 0, "apqns": [text.upper()]}
    assert parse({"cards": [card], "slots": [slot]}).slots[0].apqns == (adapter << 8 | domain,)


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text("a0.1\n", max_size=8)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["adapter", "id", "apqns", "domains", "seed", "profile"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["cards", "slots", "seed", "function"]), values))
def test_nonsense_is_refused_or_a_whole_machine(document: dict[str, object]) -> None:
    try:
        config = parse(document)
    except ConfigError as error:
        config, message = None, str(error)
    if config is None:
        assert "\n" not in message
    else:
        assert config.cards
        assert all(slot.apqns for slot in config.slots)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = " + "9" * 5000, "is not TOML: "),
        ("seed = " + "[" * 20_000, "is not TOML that can be read: nested too deeply"),
    ],
)
def test_what_the_parser_itself_cannot_take(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "machine.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(str(file))
    assert str(caught.value).startswith(f"{file}: {message}")


def test_no_file_has_a_zero_byte_in_its_name() -> None:
    cards = [{"adapter": 0, "profile": "a\0b/c.toml"}]
    with pytest.raises(ConfigError, match=r"cards\[0\]\.profile: .* without zero bytes"):
        parse({"cards": cards})
