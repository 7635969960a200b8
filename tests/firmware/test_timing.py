"""The timing image: prices as the profile states them, and no answer to any block."""

from pathlib import Path

import pytest

from ghostcard.config import CardConfig, Config, ConfigError
from ghostcard.emulator.card import Card
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.profile import load
from ghostcard.emulator.randomness import RandomSource
from ghostcard.firmware.abi import errorreply
from ghostcard.firmware.timing import MODES, TimingImage
from ghostcard.machine import Machine


def card(profile: str) -> Card:
    loaded = load(profile)
    return Card(0, loaded, TimingImage(loaded.mode), Nvram(), RandomSource(1), (0,))


@pytest.mark.parametrize(
    ("profile", "operation", "payload", "plan"),
    [
        ("tpm-st33ktpm2xspi", "rsa2048-sign", 32, (0, 0, "tpm", 90_800_000, 0)),
        ("ti-j7200-sa2ul", "aes-128-cbc", 1024, (0, 0, "aes", 23_064 + 4_311, 0)),
    ],
)
def test_a_plan_is_what_the_profile_states(
    profile: str, operation: str, payload: int, plan: tuple[object, ...]
) -> None:
    assert card(profile).image.plan(operation, payload) == plan


def test_an_operation_of_which_nothing_is_known_has_no_price() -> None:
    with pytest.raises(KeyError):
        card("yubikey5-piv").image.plan("aes-128-cbc", 16)


@pytest.mark.parametrize("block", [b"", b"\0" * 200])
def test_every_block_is_refused(block: bytes) -> None:
    reply, operation, payload = card("intel-qat").image.perform(0, block)
    assert reply == errorreply.pack(0x20)  # TYPE: a card of this mode does not take it
    assert (operation, payload) == ("error", 0)


def test_a_simulation_takes_it_and_a_program_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    profile, mode = "intel-qat", "timing"
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path))
    assert mode in MODES
    assert Machine.simulation(profile).bus.cards[0].image.mode == mode
    configured = Config((CardConfig(0, profile, (0,)),), (), "real", None)
    with pytest.raises(ConfigError, match=f"{profile}: no firmware image answers .* mode {mode}"):
        Machine(configured)
