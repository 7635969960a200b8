"""Published against simulated: what the model gives equals closed forms, and what the notes say."""

from fractions import Fraction
from pathlib import Path

import pytest

from ghostcard.benchmarks.fitting import cycle_ns
from ghostcard.benchmarks.published import (
    FIT,
    JUDGE,
    LATENCY,
    RATING,
    Row,
    published_profiles,
    rows,
    rows_of,
)
from ghostcard.benchmarks.validation import (
    NOTES,
    PREDICTED,
    SCALE_NOTE,
    Comparison,
    in_unit,
    notes,
    simulate,
    validate,
)
from ghostcard.emulator.profile import FOLDER, load


@pytest.fixture(scope="module")
def compared() -> dict[str, list[Comparison]]:
    return {name: list(validate(name)) for name in published_profiles()}


def bound(row: Row, clients: int) -> Fraction:
    """Requests per second of a device whose engines take all the time: min(N, engines) / S."""
    profile = load(row.profile)
    price = profile.operations[row.simulated_operation]
    engines = next(one.size for one in profile.engines if one.name == price.engine)
    return Fraction(min(clients, engines) * 10**9, price.service_ns(row.simulated_bytes))


def test_a_device_does_what_its_engines_give(compared: dict[str, list[Comparison]]) -> None:
    """Exactly: nothing else of it takes time (deterministic closed loop, after the transient)."""
    for name in published_profiles():
        if load(name).mode != "timing":
            continue
        known = rows_of(name)
        for row, one in zip(known, compared[name], strict=False):
            rate = float(bound(row, row.clients))
            expected = 1000 / rate if row.unit == LATENCY else rate
            assert one.simulated == pytest.approx(expected, rel=1e-12), one
        for one in compared[name][len(known) :]:
            assert one.simulated == pytest.approx(float(bound(known[0], one.clients)), rel=1e-12)


def test_ratios_of_crypto_express_are_those_of_the_ratings(
    compared: dict[str, list[Comparison]],
) -> None:
    """Any two of them, of any two cards: the way to the engines adds a thousandth at most."""
    costs = [
        (one.simulated, one.published)
        for found in compared.values()
        for one in found
        if one.unit == RATING
    ]
    ratios = [simulated / published for simulated, published in costs if published]
    assert len(costs) == 5 * 6 + 5 * 8 + 5
    assert 1 - 1e-3 < min(ratios) <= max(ratios) < 1 + 2e-3


def test_every_row_is_compared_in_its_own_unit(compared: dict[str, list[Comparison]]) -> None:
    for name, found in compared.items():
        measured = [one for one in found if one.use != PREDICTED]
        for row, one in zip(rows_of(name), measured, strict=True):
            assert (one.operation, one.clients, one.unit) == (row.operation, row.clients, row.unit)
            assert (one.use, one.source, one.published) == (row.use, row.source, float(row.value))
            error = 100 * (one.simulated - float(row.value)) / float(row.value)
            assert one.error_percent == pytest.approx(error, abs=1e-9)


def test_the_sweep_is_predicted_within_five_percent(compared: dict[str, list[Comparison]]) -> None:
    judged = [one for one in compared["ti-j7200-sa2ul"] if one.use == JUDGE]
    assert [one.bytes for one in judged] == [16, 256, 1024, 8192] * 2
    assert all(one.tolerance_percent == 5 and not one.exceeds for one in judged)
    line = load("ti-j7200-sa2ul").operations
    for one in judged:  # on the line from 64 B to 16 KiB, computed apart
        small, large = (
            cycle_ns(row)
            for row in rows_of("ti-j7200-sa2ul")
            if row.use == FIT and row.simulated_operation == one.simulated_operation
        )
        on_line = small + (large - small) * (one.bytes - 64) / (16384 - 64)
        assert 1e9 / one.simulated == pytest.approx(float(on_line), rel=1e-4)
        assert one.simulated_operation in line


def test_the_clients_of_cloudhsm(compared: dict[str, list[Comparison]]) -> None:
    found = compared["aws-cloudhsm-classic"]
    assert [(one.clients, one.use) for one in found] == [
        *((clients, FIT) for clients in (2, 16)),
        *((clients, PREDICTED) for clients in (4, 8, 32, 64)),
    ]
    few, many = (one.error_percent for one in found[:2])
    assert few is not None
    assert many is not None
    assert few == pytest.approx(-many, abs=1e-5)
    assert f"{few:.1f} %" in NOTES["aws-cloudhsm-classic"]
    assert all(one.published is one.error_percent is None for one in found[2:])


def test_a_figure_that_the_ratings_do_not_explain(compared: dict[str, list[Comparison]]) -> None:
    (one,) = (one for one in compared["cex4c"] if one.use == JUDGE)
    assert one.simulated == pytest.approx(1e6 / 278, rel=1e-3)
    assert (one.published, one.tolerance_percent, one.exceeds) == (2250, None, False)


def test_a_row_off_by_more_than_its_tolerance_exceeds() -> None:
    (row,) = (
        row
        for row in rows_of("ti-j7200-sa2ul")
        if (row.simulated_operation, row.simulated_bytes) == ("aes-256-cbc", 1024)
    )
    (one,) = validate("ti-j7200-sa2ul", [row])
    (other,) = validate("ti-j7200-sa2ul", [row._replace(tolerance_percent=Fraction(4))])
    assert (one.exceeds, other.exceeds) == (False, True)
    (fitted,) = validate("ti-j7200-sa2ul", [row._replace(use=FIT, value=Fraction(1))])
    assert not fitted.exceeds


@pytest.mark.parametrize("operation", ["rsa2048-sign", "ecdsa-p256-verify"])
def test_a_serial_device_does_no_more_for_more_clients(operation: str) -> None:
    card = "tpm-st33ktpm2xspi"
    one, many = (simulate(card, operation, 32, clients) for clients in (1, 16))
    assert one.per_second == many.per_second == pytest.approx(1e9 / one.latency_ns, rel=1e-12)
    assert many.latency_ns == 16 * one.latency_ns


def test_costs_do_not_depend_on_the_scale(tmp_path: Path) -> None:
    mine = tmp_path / "slow.toml"
    mine.write_text(
        f'extends = "{FOLDER}/cex4a.toml"\n'
        'scale_us_per_unit = { value = 10, source = "measured on a card of mine" }\n'
    )
    measured = simulate(str(mine), "rsa2048-crt", 256, 64)
    assert measured.per_second == pytest.approx(1e6 / 2280, rel=1e-3)
    assert in_unit(measured, RATING, load(str(mine))) == pytest.approx(228, rel=1e-3)


def test_notes_are_said_once_and_where_they_matter(compared: dict[str, list[Comparison]]) -> None:
    said = notes(one for found in compared.values() for one in found)
    assert len(said) == len(set(said)) == 2 + len(NOTES)
    assert said[0] == "a device's fixed time includes its driver and bus"
    assert notes(compared["cex8p"])[1:] == [f"Crypto Express: {SCALE_NOTE}"]
    assert notes(compared["yubikey5-piv"]) == said[:1]


def test_the_same_again(compared: dict[str, list[Comparison]]) -> None:
    for name in ("intel-qat", "cex8c", "aws-cloudhsm-classic"):
        assert list(validate(name)) == compared[name]


def test_of_a_profile_without_rows_nothing_comes() -> None:
    assert "null" not in {row.profile for row in rows()}
    assert list(validate("null")) == []
