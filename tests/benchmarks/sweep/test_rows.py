"""The table of a sweep: sorted, typed, the same bytes whatever was finished first."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from ghostcard.benchmarks.estimation import interval
from ghostcard.benchmarks.sweep import columns
from ghostcard.benchmarks.sweep.case import Figures, failed, run
from ghostcard.benchmarks.sweep.grid import Grid, grid
from ghostcard.benchmarks.sweep.rows import METADATA, as_csv, rows, write_parquet
from ghostcard.benchmarks.sweep.summary import combinations


@pytest.fixture
def planned(small: Path) -> Grid:
    return grid(str(small), ["clients=2,1", "payload=51,{ 20 = 1, 51 = 2 }"], replications=2)


@pytest.fixture
def finished(planned: Grid) -> dict[str, Figures]:
    return {case.key: run(case) for case in planned.cases}


def test_parquet_has_every_case_with_its_types(
    planned: Grid, finished: dict[str, Figures], tmp_path: Path
) -> None:
    write_parquet(planned, rows(planned, finished), tmp_path / "one.parquet")
    reverse = dict(reversed(finished.items()))
    write_parquet(planned, rows(planned, reverse), tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    read = parquet.read_table(tmp_path / "one.parquet")
    found: list[dict[str, Any]] = read.to_pylist()
    assert [(row["clients"], row["payload"], row["replication"]) for row in found] == [
        (clients, payload, replication)
        for clients in (2, 1)
        for payload in ("51", '{"20": 1, "51": 2}')
        for replication in (0, 1)
    ]
    for row, case in zip(found, planned.cases, strict=True):
        figures = finished[case.key]
        assert {name: row[name] for name in figures} == figures
    assert [str(read.schema.field(name).type) for name in ("clients", "payload", "p99_ns")] == [
        "int64", "string", "double",
    ]  # fmt: skip
    about = json.loads(read.schema.metadata[METADATA])
    assert about["vary"] == {"clients": [2, 1], "payload": [51, {"20": 1, "51": 2}]}
    assert (about["replications"], about["scenario"]) == (2, "small")


def test_csv_has_every_column_but_the_lists(planned: Grid, finished: dict[str, Figures]) -> None:
    heading, *lines = as_csv(planned, rows(planned, finished)).splitlines()
    names = heading.split(",")
    assert names[:4] == ["clients", "payload", columns.REPLICATION, columns.CASE]
    assert names[4:] == list(columns.FIGURES)
    assert len(lines) == 8
    assert lines[2].startswith('2,"{""20"": 1, ""51"": 2}",0,')


def test_replications_are_put_together_with_their_interval(
    planned: Grid, finished: dict[str, Figures]
) -> None:
    found = rows(planned, finished)
    lines = list(combinations(planned, found))
    assert [(line.values[0], line.done, line.failed) for line in lines] == [
        (2, 2, 0), (2, 2, 0), (1, 2, 0), (1, 2, 0),
    ]  # fmt: skip
    both: list[Any] = [row["per_second"] for row in found[:2]]
    assert lines[0].figures["per_second"] == interval(both, 0.95)


def test_what_failed_is_in_the_table_without_figures(
    planned: Grid, finished: dict[str, Figures], tmp_path: Path
) -> None:
    finished |= {case.key: failed(3, "of the test") for case in planned.cases[:2]}
    finished.pop(planned.cases[2].key)
    found = rows(planned, finished)
    write_parquet(planned, found, tmp_path / "one.parquet")
    read = parquet.read_table(tmp_path / "one.parquet").to_pylist()
    assert len(read) == 7
    assert (read[0]["status"], read[0]["reason"], read[0]["p99_ns"]) == (
        "failed", "of the test", None,
    )  # fmt: skip
    first, second, *_ = combinations(planned, found)
    assert (first.done, first.failed, first.reason, first.figures) == (0, 2, "of the test", {})
    assert (second.done, second.failed) == (1, 0)
    assert second.figures["p99_ns"].half_width is None
