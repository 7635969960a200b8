"""The language of targets: what each word means, and one line for what is none."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.scenario import ScenarioError
from ghostcard.benchmarks.size.target import Bound, parse


@pytest.mark.parametrize(
    ("text", "operation", "rate", "bounds"),
    [
        ("rsa4096-sign 20000/s p99<5ms", "rsa4096-sign", 20000, [("p99", 5_000_000)]),
        ("20_000/s", "", 20000, []),
        ("20,000 /s p50 < 1.5 ms", "", 20000, [("p50", 1_500_000)]),
        ("1.5k/s max<=2s", "", 1500, [("max", 2_000_000_000)]),
        ("2M/s", "", 2_000_000, []),
        ("mean<12us p99.9<30µs", "", None, [("mean", 12_000), ("p99.9", 30_000)]),
        ("p90<250ns sha256", "sha256", None, [("p90", 250)]),
        ("0.5/s", "", Fraction(1, 2), []),
    ],
)
def test_words(text: str, operation: str, rate: int | None, bounds: list[tuple[str, int]]) -> None:
    found = parse(text)
    assert (found.operation, found.rate_per_s) == (operation, rate)
    assert list(found.bounds) == [Bound(*bound) for bound in bounds]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "got '', takes such as"),
        ("rsa4096-sign", "got 'rsa4096-sign', takes such as \"rsa4096-sign 20000/s p99<5ms\""),
        ("0/s", "got '0/s', takes a rate above 0"),
        ("5/s 6/s", "got '6/s', takes one rate"),
        ("p95<5ms", "got 'p95<5ms', takes one of mean, p50, p90, p99, p99.9, max and a time"),
        ("p99<5", "got 'p99<5', takes one of mean"),
        ("p99<5h", "got 'p99<5h', takes one of mean"),
        ("p99<0.5ns", "got 'p99<0.5ns', takes a time of 1 ns or more"),
        ("p99>5ms", "got 'p99>5ms', takes such as"),
        ("p99<1ms p99<2ms", "takes each metric once"),
        ("sha256 sha512 5/s", "got 'sha512', takes such as"),
        ("20000/min", "got '20000/min', takes such as"),
    ],
)
def test_what_is_no_target(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text)
    assert str(caught.value).startswith("--target: ")
    assert message in str(caught.value)


@given(st.text(st.sampled_from("p9.<5mskM/ 0a=_,"), max_size=20))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except ScenarioError:
        return
    assert found.rate_per_s or found.bounds
