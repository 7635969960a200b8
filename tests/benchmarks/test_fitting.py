"""Fits: the figures that the profiles state, found again from the rows they are said to be from."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.fitting import METHODS, Figure, FitError, cycle_ns, fit
from ghostcard.benchmarks.published import (
    FIT,
    JUDGE,
    LATENCY,
    RATE,
    Row,
    published_profiles,
    rows,
    rows_of,
)
from ghostcard.emulator.extension import document
from ghostcard.emulator.profile import FOLDER, load


def row(operation: str, value: Fraction, clients: int = 1, size: int = 32, unit: str = RATE) -> Row:
    published = ("ti-j721e-sa2ul", "device", operation, str(size), str(clients))
    return Row(*published, value, unit, operation, size, clients, FIT, None, "test")


def renamed(profile: str, *some: Row) -> list[Row]:
    return [one._replace(profile=profile) for one in some]


def stated(profile: str, figure: Figure) -> tuple[object, str]:
    """Value and source of a figure as the profile's file has it."""
    root = document(f"{FOLDER}/{profile}.toml")
    if not figure.operation:
        found = root[figure.key]
    else:
        pool = root["engines"][load(profile).operations[figure.operation].engine]
        found = pool["count"] if figure.key == "count" else pool["operations"][figure.operation]
        found = found if figure.key == "count" else found[figure.key]
    return found["value"], found["source"]


@pytest.mark.parametrize("profile", published_profiles())
def test_a_profile_states_what_the_fit_gives(profile: str) -> None:
    figures = fit(profile, rows())
    assert figures
    for figure in figures:
        value, source = stated(profile, figure)
        assert value == figure.value, figure
        assert source.startswith(("fitted on ", "Linux zcrypt driver (a ratio;", "assumed: a rat"))


@pytest.mark.parametrize("profile", sorted(METHODS))
def test_every_service_time_of_a_device_is_fitted(profile: str) -> None:
    figures = {(one.operation, one.key) for one in fit(profile, rows())}
    for operation, price in load(profile).operations.items():
        assert (operation, "fixed_ns") in figures
        assert ((operation, "per_kib_ns") in figures) == (price.per_kib_ns > 0)


@pytest.mark.parametrize("profile", published_profiles())
def test_a_fit_does_not_depend_on_the_rows_that_judge(profile: str) -> None:
    others = [one._replace(value=Fraction(1)) if one.use == JUDGE else one for one in rows()]
    assert fit(profile, others) == fit(profile, rows())
    assert fit(profile, [one for one in rows() if one.use == FIT]) == fit(profile, rows())


@given(fixed=st.integers(0, 10**6), per_kib=st.integers(0, 10**6))
def test_a_line_through_two_sizes_is_found_again(fixed: int, per_kib: int) -> None:
    if not fixed:
        fixed = 1
    times = {size: fixed + Fraction(per_kib * size, 1024) for size in (64, 16384)}
    some = [row("aes-128-cbc", 10**9 / time, size=size) for size, time in times.items()]
    assert fit("ti-j721e-sa2ul", some) == [
        Figure("aes-128-cbc", "fixed_ns", fixed),
        Figure("aes-128-cbc", "per_kib_ns", per_kib),
    ]


@given(engines=st.integers(2, 100), service_ns=st.integers(1, 10**9))
def test_engines_and_service_time_are_found_again(engines: int, service_ns: int) -> None:
    alone = row("rsa2048-sign", Fraction(10**9, service_ns))
    many = row("rsa2048-sign", Fraction(engines * 10**9, service_ns), clients=2 * engines)
    assert fit("intel-qat", renamed("intel-qat", many, alone)) == [
        Figure("rsa2048-sign", "fixed_ns", service_ns),
        Figure("rsa2048-sign", "count", engines),
    ]


def test_latencies_and_capacities_by_hand() -> None:
    latency = row("rsa2048-sign", Fraction("163.2"), unit=LATENCY)
    assert fit("yubikey5-piv", renamed("yubikey5-piv", latency)) == [
        Figure("rsa2048-sign", "fixed_ns", 163_200_000)
    ]
    capacity = row("rsa2048-sign", Fraction(3400), clients=64)
    assert fit("azure-managed-hsm", renamed("azure-managed-hsm", capacity)) == [
        Figure("rsa2048-sign", "fixed_ns", 294_118)
    ]


def test_no_single_latency_does_better_on_the_worse_of_two_rates() -> None:
    both = rows_of("aws-cloudhsm-classic")
    (figure,) = fit("aws-cloudhsm-classic", both)

    def worst(latency_ns: int) -> float:
        errors = (one.clients * 10**9 / (latency_ns * one.value) - 1 for one in both)
        return float(max(map(abs, errors)))

    few, many = map(cycle_ns, both)
    assert worst(figure.value) == pytest.approx(float((few - many) / (few + many)), abs=1e-7)
    for off in (1_000, 100_000, 1_000_000):
        assert worst(figure.value) < min(worst(figure.value - off), worst(figure.value + off))


@pytest.mark.parametrize(
    ("profile", "some", "complaint"),
    [
        ("null", [], "profile null: no row to fit it on"),
        ("null", renamed("null", row("sha256", Fraction(1))), "profile null: there is no method"),
        ("ti-j721e-sa2ul", [row("sha256", Fraction(1))], "sha256: two different rows .* are 1"),
        ("ti-j721e-sa2ul", [row("sha256", Fraction(1))] * 2, "sha256: two different rows .* are 2"),
    ],
)
def test_what_cannot_be_fitted_is_refused(profile: str, some: list[Row], complaint: str) -> None:
    with pytest.raises(FitError, match=complaint):
        fit(profile, some)
