"""Fields of lines against Python's own formatting."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.export.lines import Text, chosen, hexadecimal, lines, micros, whole

NUMBERS = st.lists(st.integers(0, 10**4) | st.integers(0, 2**63 - 1), min_size=1, max_size=30)


@given(NUMBERS)
def test_numbers(numbers: list[int]) -> None:
    values = np.array(numbers, np.int64)
    parts: list[str | Text] = [whole(values), " ", micros(values), " 0x", hexadecimal(values), "\n"]
    expected = [f"{n} {n // 1000}.{n % 1000:03d} {n:#x}\n" for n in numbers]
    assert b"".join(lines(len(values), parts)).decode() == "".join(expected)


@given(st.integers(1, 3000))
def test_pages_follow_one_another(rows: int) -> None:
    values = np.arange(rows)
    parts: list[str | Text] = ["<", chosen(["a", "", "long"], values % 3), whole(values), ">"]
    text = b"".join(lines(rows, parts)).decode()
    assert text == "".join(f"<{['a', '', 'long'][n % 3]}{n}>" for n in range(rows))


def test_no_rows_are_no_lines() -> None:
    nothing = np.array([], np.int64)
    assert list(lines(0, [whole(nothing), "x", hexadecimal(nothing)])) == []
