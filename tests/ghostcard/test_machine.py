"""Machines: assembly, state on disk, wrapping keys of one slot, forks."""

import os
import stat
from multiprocessing import get_context
from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.config import Config, ConfigError, parse
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import Ep11Error
from ghostcard.emulator.errors import EmulatorError, ProfileError
from ghostcard.emulator.nvram import Nvram
from ghostcard.firmware.abi.status import CKR_IBM_WKID_MISMATCH
from ghostcard.firmware.ep11.wrapping import nvram_name
from ghostcard.home import HomeError
from ghostcard.machine import Machine

TWO_CARDS = {
    "cards": [{"adapter": 0}, {"adapter": 1, "domains": [0, 7]}],
    "slots": [
        {"id": 0, "apqns": ["00.0000", "01.0007"]},
        {"id": 1, "apqns": ["00.0001"]},
        {"id": 2, "apqns": ["01.0000"]},
    ],
}
AES_CBC_IV = ck.CKM_AES_CBC.to_bytes(4, "big") + bytes(16)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path))
    monkeypatch.delenv("GHOSTCARD_CONFIG", raising=False)
    return tmp_path


def key(host: Ep11Host) -> bytes:
    template = {ck.CKA_ENCRYPT: b"\1", ck.CKA_DECRYPT: b"\1"}
    blob, _ = host.generate_key(ck.CKM_AES_KEY_GEN.to_bytes(4, "big"), 32, template)
    return blob


def encrypted(host: Ep11Host, blob: bytes) -> bytes:
    return host.encrypt_single(AES_CBC_IV, blob, bytes(16))


def stored(folder: Path, adapter: int, domain: int) -> bytes | None:
    return Nvram(folder / "cards" / f"{adapter:02x}.nvram").read(nvram_name(domain))


def boot(machine: Machine) -> None:
    """Have every card answer a request: its firmware boots at the first."""
    for card in machine.bus.cards.values():
        card.image.perform(card.domains[0], b"")


def test_the_default_machine(own_home: Path) -> None:
    machine = Machine(parse({}))
    assert {a: (c.profile.name, c.domains) for a, c in machine.bus.cards.items()} == {
        0: ("cex8p", (0, 1))
    }
    assert (machine.targets(0), machine.targets(1)) == ((0,), (1,))
    with pytest.raises(KeyError):
        machine.targets(2)
    assert stat.S_IMODE((own_home / "cards").stat().st_mode) == 0o700
    boot(machine)
    assert stat.S_IMODE((own_home / "cards" / "00.nvram").stat().st_mode) == 0o600


def test_keys_outlive_the_process_and_stay_in_their_domain() -> None:
    machine = Machine(parse({}))
    blob = key(Ep11Host(machine.native, (0,)))
    sealed = encrypted(Ep11Host(machine.native, (0,)), blob)
    again = Machine(parse({}))
    assert encrypted(Ep11Host(again.native, (0,)), blob) == sealed
    with pytest.raises(Ep11Error) as caught:
        encrypted(Ep11Host(again.native, (1,)), blob)
    assert caught.value.rv == CKR_IBM_WKID_MISMATCH


def test_the_apqns_of_one_slot_share_a_wrapping_key(own_home: Path) -> None:
    machine = Machine(parse(TWO_CARDS))
    first = Ep11Host(machine.native, (0x000,))
    blob = key(first)
    assert encrypted(Ep11Host(machine.native, (0x107,)), blob) == encrypted(first, blob)
    keys = [stored(own_home, *apqn) for apqn in ((0, 0), (1, 7), (0, 1), (1, 0))]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_a_card_that_joins_gets_the_key_that_is_there(own_home: Path) -> None:
    alone = {"cards": [{"adapter": 1, "domains": [7]}]}
    boot(Machine(parse(alone)))
    before = stored(own_home, 1, 7)
    Machine(parse(TWO_CARDS))
    assert stored(own_home, 0, 0) == stored(own_home, 1, 7) == before


def test_different_keys_in_one_slot_are_refused(own_home: Path) -> None:
    boot(Machine(parse({"cards": [{"adapter": 0}]})))
    boot(Machine(parse({"cards": [{"adapter": 1, "domains": [7]}]})))
    before = stored(own_home, 0, 0), stored(own_home, 1, 7)
    with pytest.raises(ConfigError) as caught:
        Machine(parse(TWO_CARDS))
    assert str(caught.value) == (
        "slots: 00.0000 and 01.0007 are to serve the same slot, "
        "but each has a wrapping key of its own already"
    )
    assert (stored(own_home, 0, 0), stored(own_home, 1, 7)) == before


def test_slots_that_overlap_are_one_group(own_home: Path) -> None:
    slots = [
        {"id": 0, "apqns": ["00.0000", "01.0000"]},
        {"id": 1, "apqns": ["02.0000"]},
        {"id": 2, "apqns": ["02.0000", "01.0000"]},
    ]
    Machine(parse({"cards": [{"adapter": n} for n in range(3)], "slots": slots}))
    assert len({stored(own_home, adapter, 0) for adapter in range(3)}) == 1


def _assemble(_: int) -> None:
    Machine(parse(TWO_CARDS))


def test_processes_that_assemble_at_once_agree(own_home: Path) -> None:
    with get_context("spawn").Pool(4) as pool:
        pool.map(_assemble, range(4))
    assert stored(own_home, 0, 0) == stored(own_home, 1, 7) is not None


def test_a_seed_makes_the_cards_repeatable() -> None:
    def blob(seed: int, adapter: int) -> bytes:
        config = parse({"seed": seed, "cards": [{"adapter": adapter}]})
        machine = Machine(config, in_memory=True)
        return key(Ep11Host(machine.native, machine.targets(0)))

    assert blob(1, 0) == blob(1, 0)
    assert len({blob(1, 0), blob(1, 1), blob(2, 0)}) == 3


def test_a_simulation_leaves_nothing_on_disk(own_home: Path) -> None:
    machine = Machine.simulation("cex8p", cards=2, domains=3)
    assert machine.targets(0) == (0x000, 0x001, 0x002, 0x100, 0x101, 0x102)
    assert list(own_home.iterdir()) == []


@pytest.mark.parametrize("profile", ["cex8p", "cex8a", "null"])
def test_every_profile_makes_a_machine(profile: str) -> None:
    card = Machine.simulation(profile).bus.cards[0]
    assert card.image.mode == card.profile.mode


def test_modes_do_not_mix_in_a_slot() -> None:
    cards = [{"adapter": 0}, {"adapter": 1, "profile": "cex8a"}]
    slots = [{"id": 0, "apqns": ["00.0000", "01.0000"]}]
    with pytest.raises(ConfigError, match=r"slots\[0\]\.apqns: .* a slot takes cards of one mode"):
        Machine(parse({"cards": cards, "slots": slots}))


def test_what_a_card_cannot_be_is_refused() -> None:
    with pytest.raises(ProfileError, match="no profile 'cex9p'"):
        Machine(parse({"cards": [{"adapter": 0, "profile": "cex9p"}]}))
    with pytest.raises(EmulatorError, match="domain 200"):
        Machine(parse({"cards": [{"adapter": 0, "domains": [200]}]}))


def test_a_home_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "cards").write_text("")
    with pytest.raises(HomeError, match="cards: is not a directory"):
        Machine(parse({}))


def test_a_lone_real_program_is_timed_like_a_simulated_client() -> None:
    """The same requests, executed at once or travelling through simulated time."""
    machine = Machine.simulation(function="real")
    host = Ep11Host(machine.native, machine.targets(0))
    for size in (16, 100, 1000):
        host.generate_random(size)
    machine.native.finish()
    records = machine.recorder.array()
    assert list(records["payload_bytes"]) == [16, 100, 1000]
    card = machine.bus.cards[0]
    start = 0
    for record in records:
        sizes = (int(record["request_bytes"]), int(record["reply_bytes"]))
        times = card.lone(start, "random", int(record["payload_bytes"]), *sizes)
        assert (int(record["submitted"]), int(record["done"])) == (start, times[-1])
        start = times[-1]


def test_a_child_starts_anew() -> None:
    machine = Machine(parse({}))
    Ep11Host(machine.native, (0,)).generate_random(8)
    parent_records = len(machine.recorder)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        machine.after_fork()
        Ep11Host(machine.native, (0,)).generate_random(8)
        Ep11Host(machine.native, (0,)).generate_random(8)
        first = int(machine.recorder.array()["submitted"][0])
        os.write(writer, f"{len(machine.recorder)} {first}".encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == "2 0"
    assert os.waitpid(child, 0)[1] == 0
    assert len(machine.recorder) == parent_records == 1


def test_config_is_kept() -> None:
    config = parse({})
    assert isinstance(config, Config)
    assert Machine(config, in_memory=True).config == config
