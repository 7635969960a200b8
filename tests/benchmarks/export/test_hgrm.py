"""The distribution against NumPy's exact percentiles and against HdrHistogram itself."""

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram

from ghostcard.benchmarks.export import hgrm
from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.requests import Requests

Write = Callable[[Sequence[Sequence[int]]], Requests]
LINE = re.compile(r" *(\d+\.\d{3}) (\d\.\d{12}) +(\d+)(?: +(\d+\.\d{2}))?")


def lasting(written: Write, latencies: Sequence[int]) -> Requests:
    """Requests of these latencies."""
    return written([(0, *(latency,) * 11) for latency in latencies])


def text_of(requests: Requests, folder: Path) -> str:
    hgrm.write(requests, folder / "x.hgrm")
    return (folder / "x.hgrm").read_text(encoding="ascii")


def rows_of(text: str) -> list[tuple[float, float, int, float | None]]:
    lines = [LINE.fullmatch(line) for line in text.splitlines()[2:-3]]
    return [
        (float(m[1]), float(m[2]), int(m[3]), float(m[4]) if m[4] else None) for m in lines if m
    ]


def test_the_layout_to_the_character(written: Write, tmp_path: Path) -> None:
    """By hand after the Java library's algorithm: ten values of 1 to 10 us, five ticks a half."""
    assert text_of(lasting(written, [1000 * n for n in range(1, 11)]), tmp_path) == (
        "       Value     Percentile TotalCount 1/(1-Percentile)\n"
        "\n"
        "       1.000 0.000000000000          1           1.00\n"
        "       1.000 0.100000000000          1           1.11\n"
        "       2.000 0.200000000000          2           1.25\n"
        "       3.000 0.300000000000          3           1.43\n"
        "       4.000 0.400000000000          4           1.67\n"
        "       5.000 0.500000000000          5           2.00\n"
        "       6.000 0.550000000000          6           2.22\n"
        "       6.000 0.600000000000          6           2.50\n"
        "       7.000 0.650000000000          7           2.86\n"
        "       7.000 0.700000000000          7           3.33\n"
        "       8.000 0.750000000000          8           4.00\n"
        "       8.000 0.775000000000          8           4.44\n"
        "       8.000 0.800000000000          8           5.00\n"
        "       9.000 0.825000000000          9           5.71\n"
        "       9.000 0.850000000000          9           6.67\n"
        "       9.000 0.875000000000          9           8.00\n"
        "       9.000 0.887500000000          9           8.89\n"
        "       9.000 0.900000000000          9          10.00\n"
        "      10.000 0.912500000000         10          11.43\n"
        "      10.000 1.000000000000         10\n"
        "#[Mean    =        5.500, StdDeviation   =        2.872]\n"
        "#[Max     =       10.000, Total count    =           10]\n"
        "#[Buckets =            1, SubBuckets     =        16384]\n"
    )


def test_every_line_is_an_exact_percentile(requests: Requests, tmp_path: Path) -> None:
    answered = requests.array[requests.array["outcome"] == 0]
    latencies = np.sort(answered["done"] - answered["submitted"])
    rows = rows_of(text_of(requests, tmp_path))
    assert len(rows) > 40
    for value, level, count, inverse in rows:
        exact = np.percentile(latencies, level * 100, method="inverted_cdf")
        assert round(value * 1000) == exact
        assert count == np.searchsorted(latencies, exact, side="right")
        if inverse is not None:
            assert inverse == pytest.approx(1 / (1 - level), abs=0.005)
    assert rows[-1] == (latencies[-1] / 1000, 1.0, 1200, None)


def test_the_footer(requests: Requests, tmp_path: Path) -> None:
    answered = requests.array[requests.array["outcome"] == 0]
    latencies = (answered["done"] - answered["submitted"]) / 1000
    mean, largest, _ = text_of(requests, tmp_path).splitlines()[-3:]
    numbers = re.fullmatch(r"#\[Mean    = +(\S+), StdDeviation   = +(\S+)\]", mean)
    assert numbers is not None
    assert float(numbers[1]) == pytest.approx(latencies.mean(), abs=0.0006)
    assert float(numbers[2]) == pytest.approx(latencies.std(), abs=0.0006)
    assert largest == f"#[Max     = {latencies.max():12.3f}, Total count    = {1200:12d}]"


def test_hdrhistogram_has_the_same_values_and_counts(written: Write, tmp_path: Path) -> None:
    """Five digits keep every nanosecond below 2^18 apart, so that its values are exact too."""
    generator = np.random.default_rng(5)
    latencies = generator.gamma(2.0, 20_000.0, 3000).astype(int).clip(1, (1 << 18) - 1).tolist()
    oracle = HdrHistogram(1, 1 << 18, 5)
    for latency in latencies:
        oracle.record_value(latency)
    text = text_of(lasting(written, latencies), tmp_path)
    reached = {
        each.value_iterated_to: each.total_count_to_this_value
        for each in oracle.get_recorded_iterator()
    }
    rows = rows_of(text)
    assert len(rows) > 40
    assert all(reached[round(value * 1000)] == count for value, _, count, _ in rows)
    # where the rank is whole; elsewhere this library rounds it, and Java's does not
    values = {level: round(value * 1000) for value, level, _, _ in rows}
    for level in (0.1, 0.5, 0.75, 0.8, 0.9, 1.0):
        assert oracle.get_value_at_percentile(level * 100) == values[level]
    theirs = io.BytesIO()
    oracle.output_percentile_distribution(theirs, 1000.0)
    head, last = theirs.getvalue().decode().split("\n\n")[0], theirs.getvalue().splitlines()[-4]
    assert text.startswith(head + "\n\n")
    # it prints as many decimals as it has digits
    assert last.decode().replace("00 1.0", " 1.0").split() == text.splitlines()[-4].split()


def test_chunks_add_up(written: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = lasting(written, [5, 3, 5, 9, 3, 3, 1, 9])
    monkeypatch.setattr("ghostcard.benchmarks.export.requests.CHUNK", 3)
    found = hgrm.distribution(requests)
    assert found.values_ns.tolist() == [1, 3, 5, 9]
    assert found.cumulative.tolist() == [1, 4, 6, 8]
    assert (found.mean_ns(), found.total) == (4.75, 8)


def test_one_latency_and_none(written: Write, requests: Requests, tmp_path: Path) -> None:
    assert [row[:3] for row in rows_of(text_of(lasting(written, [1500]), tmp_path))] == [
        (1.5, 0.0, 1),
        (1.5, 1.0, 1),
    ]
    with pytest.raises(ExportError, match=r"^no request was answered without an error"):
        hgrm.write(requests.select(1200, 1201), tmp_path / "x.hgrm")
