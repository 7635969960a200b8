"""Values of `--vary`: what each form means, and one line for what is none."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.scenario import ScenarioError
from ghostcard.benchmarks.sweep.axis import named, values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", (7,)),
        ("1..4", (1, 2, 3, 4)),
        ("4..17:4", (4, 8, 12, 16)),
        ("64:16384:x4", (64, 256, 1024, 4096, 16384)),
        ("100:1000:x3", (100, 300, 900)),
        ("0:1024:+256", (0, 256, 512, 768, 1024)),
        ("1_000..3_000:1_000", (1000, 2000, 3000)),
        ("1,2,4..8,2", (1, 2, 4, 5, 6, 7, 8)),
        ("sha256, aes-256-gcm", ("sha256", "aes-256-gcm")),
        ("cex8p,../mine/a.toml", ("cex8p", "../mine/a.toml")),
        ("{ 64 = 7, 1500 = 1 },64", ({"64": 7, "1500": 1}, 64)),
        ("[0, 1],[0]", ([0, 1], [0])),
        ('"a,b",c', ("a,b", "c")),
        ("1.5,2e3,true", (1.5, 2000.0, True)),
    ],
)
def test_forms(text: str, expected: tuple[object, ...]) -> None:
    found = values(text)
    assert found == expected
    assert list(map(type, found)) == list(map(type, expected))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clients", "--vary clients: got no KEY=VALUES"),
        ("=3", "--vary =3: got no KEY=VALUES"),
        ("clients=", "--vary clients=: got no KEY=VALUES"),
        ("clients=4..1", "got '4..1', takes a range that goes up"),
        ("clients=1..4:0", "got '1..4:0', takes a range that goes up"),
        ("clients=0:4:x2", "got '0:4:x2', takes a range from 1 or more that goes up by x2"),
        ("clients=1:4:x1", "got '1:4:x1', takes a range from 1 or more"),
        ("clients=1..", "got '1..', takes values such as 1,2,4 or 1..64"),
        ("clients=1,,2", "got a value of no length, takes values such as"),
        ("payload={ 64 = ", "got '{ 64 =', takes values such as"),
        ("clients=1..99999999999", "got more than 100,000 values"),
    ],
)
def test_what_is_no_range(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        named(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_values_or_refused(text: str) -> None:
    with suppress(ScenarioError):
        assert values(text)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(2, 9))
def test_geometric_ranges_are_all_powers_up_to_the_end(first: int, last: int, by: int) -> None:
    expected = [first * by**power for power in range(20) if first * by**power <= last]
    if expected:
        assert list(values(f"{first}:{last}:x{by}")) == expected
