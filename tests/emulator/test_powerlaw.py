"""Families of operations: times along a power of the size, distributions, and their refusals."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.powerlaw import along
from ghostcard.emulator.profile import FOLDER, Distribution, Operation
from ghostcard.emulator.profile_reader import read_profile

FAMILY = """
operation = "zrsa{bits}-sign"
sizes = [1024, 2048, 3072, 4096, 8192]
[points]
2048 = { value = 64000, source = "measured" }
4096 = { value = 512000, source = "measured" }
[distribution]
kind = "uniform"
spread_permille = 250
source = "assumed"
"""


def document() -> dict[str, Any]:
    with open(f"{FOLDER}/null.toml", "rb") as file:
        return tomllib.load(file)


def with_family(**changes: Any) -> dict[str, Any]:
    whole = document()
    family = tomllib.loads(FAMILY)
    family.update(copy.deepcopy(changes))
    whole["engines"]["rsa"]["families"] = {"rsa-sign": family}
    return whole


def test_eight_times_for_twice_the_size_is_the_cube() -> None:
    card = read_profile("x", with_family())
    spread = Distribution("uniform", 250)
    assert {bits: card.operations[f"zrsa{bits}-sign"] for bits in (1024, 2048, 3072, 8192)} == {
        1024: Operation("rsa", 8_000, 0, spread),
        2048: Operation("rsa", 64_000, 0, spread),
        3072: Operation("rsa", 216_000, 0, spread),
        8192: Operation("rsa", 4_096_000, 0, spread),
    }
    assert card.sources["engines.rsa.families.rsa-sign.points.2048"] == "measured"
    assert card.beyond_fifo() == "uniform service times"


def test_between_neighbours_and_beyond_the_last() -> None:
    points = {1: 10, 10: 1000, 100: 10_000}
    assert [along(points, size) for size in (1, 2, 10, 20, 100, 1000)] == [
        10, 40, 1000, 2000, 10_000, 100_000,
    ]  # fmt: skip


@given(st.integers(1, 10**6), st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 10**6))
def test_the_law_lies_between_its_points(first: int, low: int, high: int, more: int) -> None:
    points = {first: low, first + 2 * more: high}
    assert min(low, high) <= along(points, first + more) <= max(low, high)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"points": {"2048": {"value": 1, "source": "x"}}}, "points"),
        ({"points": {"02": {"value": 1, "source": "x"}, "3": {"value": 1, "source": "x"}}}, "02"),
        ({"operation": "rsa-sign"}, "operation"),
        ({"operation": "rsa{bits}-sign"}, "rsa1024-sign"),
        ({"sizes": []}, "sizes"),
        ({"sizes": [64, 64]}, "sizes"),
        ({"distribution": {"kind": "normal", "source": "x"}}, "distribution.kind"),
        ({"distribution": {"kind": "uniform", "spread_permille": 1001, "source": "x"}}, "spread"),
        ({"distribution": {"kind": "constant"}}, "distribution.source"),
        (
            {"distribution": {"kind": "empirical", "permille": [1], "weights": [0], "source": "x"}},
            "weights",
        ),
        ({"colour": 1}, "colour"),
    ],
)
def test_refusals_name_the_key(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(ProfileError, match=key):
        read_profile("x", with_family(**changes))


FIGURE = {"value": 1, "source": "x"}


@pytest.mark.parametrize(
    ("section", "entry", "key"),
    [
        ("firmware", {"scheduler": "lottery"}, "firmware.scheduler: got 'lottery'"),
        ("firmware", {"weights": {"85": FIGURE}}, "firmware.weights.85"),
        ("firmware", {"weights": {"0": {"value": 0, "source": "x"}}}, "firmware.weights.0.value"),
        ("host", {"coalesce_count": {"value": 0, "source": "x"}}, "host.coalesce_count.value"),
        ("link", {"out": {}}, "link.out.latency_ns"),
    ],
)
def test_refusals_of_other_keys(section: str, entry: dict[str, Any], key: str) -> None:
    whole = document()
    whole[section].update(entry)
    with pytest.raises(ProfileError, match=key):
        read_profile("x", whole)


def test_memory_must_hold_a_message() -> None:
    whole = document()
    whole["memory"] = {"contexts": FIGURE, "bytes": {"value": 61439, "source": "x"}}
    with pytest.raises(ProfileError, match=r"memory\.bytes\.value: got 61439"):
        read_profile("x", whole)


def test_policies_and_coalescing_of_a_profile() -> None:
    whole = document()
    whole["firmware"] |= {"scheduler": "shares", "weights": {"2": {"value": 3, "source": "x"}}}
    whole["host"] |= {"coalesce_count": {"value": 4, "source": "x"}, "coalesce_ns": FIGURE}
    batch = {"count": FIGURE, "wait_ns": FIGURE, "start_ns": FIGURE, "max_bytes": FIGURE}
    whole["engines"]["ec"]["batch"] = batch
    card = read_profile("x", whole)
    assert (card.firmware.scheduler, card.firmware.weights) == ("shares", ((2, 3),))
    assert (card.host.coalesce_count, card.host.coalesce_ns) == (4, 1)
    assert {pool.name: pool.batch for pool in card.engines}["ec"] == (1, 1, 1, 1)
