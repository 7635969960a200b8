"""The published figures: each stands where it can be simulated, and judges or is fitted on."""

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from ghostcard.benchmarks import published
from ghostcard.benchmarks.published import (
    FIT,
    JUDGE,
    RATING,
    Row,
    published_profiles,
    rows,
    rows_of,
)
from ghostcard.driver.ratings import ACCELERATOR_RATINGS, CCA_RATINGS, EP11_RATINGS, RequestClass
from ghostcard.driver.shapes import shape
from ghostcard.emulator.profile import load, names

OPERATIONS = {
    RequestClass.MEX_1K: "rsa1024-me",
    RequestClass.MEX_2K: "rsa2048-me",
    RequestClass.MEX_4K: "rsa4096-me",
    RequestClass.CRT_1K: "rsa1024-crt",
    RequestClass.CRT_2K: "rsa2048-crt",
    RequestClass.CRT_4K: "rsa4096-crt",
    RequestClass.RNG: "random",
    RequestClass.SECKEY: "aes-256-cbc",
}


def test_every_profile_but_null_has_rows() -> None:
    assert sorted(published_profiles()) == sorted(set(names()) - {"null"})


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.profile}-{row.operation}")
def test_a_row_has_its_source_and_can_be_simulated(row: Row) -> None:
    assert len(row.source) > 5
    profile = load(row.profile)
    assert row.simulated_operation in profile.operations
    sizes = shape(row.simulated_operation, row.simulated_bytes)
    assert max(sizes[1:]) <= profile.queue.max_message_bytes
    assert not row.bytes or int(row.bytes) == row.simulated_bytes
    assert not row.in_flight.isdigit() or int(row.in_flight) == row.clients


def test_no_figure_is_there_twice() -> None:
    keys = Counter((row.profile, row.operation, row.bytes, row.in_flight) for row in rows())
    assert set(keys.values()) == {1}


def test_what_judges() -> None:
    judges = [(row.profile, row.simulated_bytes) for row in rows() if row.use == JUDGE]
    sweep = [("ti-j7200-sa2ul", size) for size in (16, 256, 1024, 8192)]
    assert sorted(judges) == sorted([*sweep, *sweep, ("cex4c", 256)])
    tolerances = {row.profile: row.tolerance_percent for row in rows() if row.use == JUDGE}
    assert tolerances == {"ti-j7200-sa2ul": Fraction(5), "cex4c": None}
    assert all(row.tolerance_percent is None for row in rows() if row.use == FIT)


@pytest.mark.parametrize(
    ("mode", "table"), [("a", ACCELERATOR_RATINGS), ("c", CCA_RATINGS), ("p", EP11_RATINGS)]
)
def test_ratings_are_those_the_driver_weighs_with(
    mode: str, table: dict[int, tuple[int, ...]]
) -> None:
    for hardware_type, ratings in table.items():
        stated = {
            row.simulated_operation: row.value
            for row in rows_of(f"cex{hardware_type - 6}{mode}")
            if row.unit == RATING
        }
        rated = {OPERATIONS[kind]: rating for kind, rating in zip(OPERATIONS, ratings, strict=True)}
        assert stated == {operation: rating for operation, rating in rated.items() if rating}


@pytest.mark.parametrize(
    ("old", "new"), [(",1,fit,", ",1,guess,"), (",ops/s,", ",MB/s,"), ("49453.12", "-1")]
)
def test_a_row_that_cannot_be_is_refused(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = published.FILE.read_text(encoding="utf-8").replace(old, new, 1)
    (tmp_path / "published.csv").write_text(text, encoding="utf-8")
    monkeypatch.setattr(published, "FILE", tmp_path / "published.csv")
    with pytest.raises(ValueError, match=r"published\.csv: .* cannot be: .*ti-j721e"):
        rows.__wrapped__()
