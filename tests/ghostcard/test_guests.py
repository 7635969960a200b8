"""Cards for one run in the place of those of a home."""

from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.config import Config, ConfigError, parse
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.profile import load
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.guests import arranged
from ghostcard.machine import Machine

TWO = {"cards": [{"adapter": 0}, {"adapter": 1}]}
APART = {**TWO, "slots": [{"id": 0, "apqns": ["00.0000"]}, {"id": 1, "apqns": ["01.0000"]}]}
ECB = pack(ck.CKM_AES_ECB)
TOGETHER = {**TWO, "slots": [{"id": 7, "apqns": ["00.0000", "01.0000"]}]}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def _aes(machine: Machine, targets: tuple[int, ...]) -> tuple[bytes, bytes]:
    host = Ep11Host(machine.native, targets)
    return host.generate_key(pack(ck.CKM_AES_KEY_GEN), 32, {ck.CKA_ENCRYPT: b"\1"})


def apqns(config: Config) -> dict[int, tuple[int, ...]]:
    return {slot.id: slot.apqns for slot in config.slots}


def test_the_slots_stay_and_lead_to_more_cards(home: Path, scratch: Path) -> None:
    found = arranged(parse({}), "cex7p", 3, None, str(scratch))
    assert [(card.adapter, card.profile) for card in found.cards] == [
        (0, "cex7p"),
        (1, "cex7p"),
        (2, "cex7p"),
    ]
    assert [card.nvram for card in found.cards] == [None, str(scratch), str(scratch)]
    assert apqns(found) == {0: (0x000, 0x100, 0x200), 1: (0x001, 0x101, 0x201)}
    assert [slot.description for slot in found.slots] == [
        slot.description for slot in parse({}).slots
    ]


def test_guests_have_the_key_of_the_home_and_leave_nothing_there(home: Path, scratch: Path) -> None:
    config = parse({})
    key, _ = _aes(Machine(config), config.slots[0].apqns)
    before = sorted(path.name for path in (home / "cards").iterdir())
    found = arranged(config, None, 4, None, str(scratch))
    machine = Machine(found)
    for queue in found.slots[0].apqns:
        host = Ep11Host(machine.native, (queue,))
        assert len(host.encrypt_single(ECB, key, bytes(16))) == 16
    assert sorted(path.name for path in (home / "cards").iterdir()) == before
    assert {"01.nvram", "02.nvram", "03.nvram"} <= {path.name for path in scratch.iterdir()}


def test_fewer_cards_than_there_are(home: Path, scratch: Path) -> None:
    found = arranged(parse(TOGETHER), None, 1, None, str(scratch))
    assert [card.adapter for card in found.cards] == [0]
    assert apqns(found) == {7: (0,)}


def test_adapters_that_the_home_once_had_are_let_alone(home: Path, scratch: Path) -> None:
    (home / "cards").mkdir(parents=True)
    (home / "cards" / "01.nvram").write_bytes(b"another's")
    found = arranged(parse({}), None, 2, None, str(scratch))
    assert [card.adapter for card in found.cards] == [0, 2]


def test_a_depth_of_its_own(home: Path, scratch: Path) -> None:
    found = arranged(parse({}), None, None, 3, str(scratch))
    (card,) = found.cards
    profile = load(card.profile)
    assert (profile.queue.depth, profile.firmware.cores) == (3, load("cex8p").firmware.cores)


def test_the_cards_of_a_server_are_its_own(home: Path, scratch: Path) -> None:
    shared = parse({})._replace(server="/run/ghostcard.sock")
    with pytest.raises(ConfigError, match=r"the cards are those of /run/ghostcard\.sock"):
        arranged(shared, None, 2, None, str(scratch))


@pytest.mark.parametrize(
    ("document", "profile", "cards", "error", "says"),
    [
        (APART, None, 2, ConfigError, "slots that do not share their keys"),
        ({}, "cex8a", None, ConfigError, "is in mode accelerator"),
        ({}, "cex99", 2, ProfileError, "there is no profile 'cex99'"),
    ],
)
def test_refusals(
    home: Path,
    scratch: Path,
    document: dict[str, object],
    profile: str | None,
    cards: int | None,
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        arranged(parse(document), profile, cards, None, str(scratch))
