"""The figures of a page, in its data and as a browser shows them, against the records."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ghostcard.benchmarks.reporting.cells import shown
from ghostcard.benchmarks.reporting.document import NS, PER_S
from ghostcard.emulator.profile import load
from ghostcard.emulator.record import Recorder
from ghostcard.statistics import Statistics, summarise
from tests.benchmarks.reporting.browser import Browser

CELLS = """[...document.querySelectorAll("[data-table=%s] tbody tr")]
  .map((row) => [...row.children].map((cell) => [cell.textContent, cell.dataset.value]))"""


@pytest.fixture(scope="module")
def recorder(reports: Path) -> Recorder:
    return Recorder.load(reports / "run.gcr")


@pytest.fixture(scope="module")
def truth(recorder: Recorder) -> Statistics:
    """By other code than the report's."""
    return summarise([recorder], {0: load("cex8p")})


def embedded(page: Path) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', page.read_text("utf-8"))
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_rows_are_those_of_the_records(
    reports: Path, browser: Browser, truth: Statistics
) -> None:
    rows = embedded(reports / "records.html")["tables"]["figures"]["rows"]
    browser.show(reports / "records.html", 1280, dark=False)
    cells = browser.ask(CELLS % "figures")
    kinds = [truth.total, *sorted(truth.operations)]
    assert len(rows) == len(cells) == len(kinds) == 3
    for row, seen, kind in zip(rows, cells, kinds, strict=True):
        latency = kind.latency
        assert latency is not None
        exact = [kind.operation, kind.requests, kind.failed]
        assert row[:3] == exact
        assert row[3:5] == [pytest.approx(kind.per_second), pytest.approx(latency.mean_ns)]
        assert (row[5], row[7], row[9]) == (latency.p50_ns, latency.p99_ns, latency.greatest_ns)
        assert [float(value) for _, value in seen[1:]] == row[1:]
        assert seen[3][0] == shown(kind.per_second, PER_S)
        assert seen[7][0] == shown(latency.p99_ns, NS)


def test_the_stations_and_the_stages_are(reports: Path, truth: Statistics) -> None:
    data = embedded(reports / "records.html")
    busy = {row[1].removesuffix(" engines"): row[3] for row in data["tables"]["stations"]["rows"]}
    used = {one.name: one.utilisation for one in truth.resources if one.busy_ns}
    assert busy == {name: pytest.approx(share, rel=1e-9) for name, share in used.items()}
    means = {(row[0], row[1]): row[3] for row in data["tables"]["stages"]["rows"]}
    for kind in truth.operations:
        for name, mean_ns in kind.intervals_ns.items():
            assert means[kind.operation, name] == pytest.approx(mean_ns)


def test_the_distribution_and_the_depth_are(reports: Path, recorder: Recorder) -> None:
    data, array = embedded(reports / "records.html"), recorder.array()
    took = np.sort(array["done"] - array["submitted"])
    [every, *_] = (s for s in data["plots"]["latency-cdf"]["series"] if s["name"] == "all")
    for value, part in zip(every["x"], every["y"], strict=True):
        assert part == (took <= value).mean()
    under_way, in_hardware = data["plots"]["depth"]["series"]
    assert max(in_hardware["high"]) == array["depth"].max()
    span = int(array["done"].max() - array["submitted"].min())
    area = sum(under_way["y"]) * span / len(under_way["y"])
    assert area == pytest.approx(float(took.sum()))  # Little's law


def test_a_scenario_has_the_figures_that_simulate_prints(reports: Path) -> None:
    from tests.benchmarks.reporting.conftest import ghostcard

    said = json.loads(ghostcard("simulate", reports / "mine.toml", "--json"))["result"]
    figures = embedded(reports / "scenario.html")["tables"]["figures"]
    for row, halves, told in zip(
        figures["rows"], figures["half_widths"], said["rows"], strict=True
    ):
        estimates = [told["throughput_per_s"], told["mean_ns"], *told["percentiles_ns"]]
        assert row[:3] == [told["title"], told["requests"], told["failed"]]
        assert row[3:] == [one["mean"] for one in estimates]
        assert halves[3:] == [one["half_width"] for one in estimates]


def test_the_curve_is_between_the_bounds(reports: Path) -> None:
    """And its point at a load is what a simulation of that load gives."""
    from tests.benchmarks.reporting.conftest import ghostcard

    plots = embedded(reports / "scenario.html")["plots"]
    simulated, bound, mva = plots["throughput"]["series"]
    assert simulated["x"] == [1, 4, 16, 64]
    for served, most in zip(simulated["y"], bound["y"], strict=True):
        assert served <= most * 1.03  # a run is finite
    assert mva["name"] == "mean value analysis (MVA)"
    change = ("--set", "tenants[0].clients=16")
    again = json.loads(ghostcard("simulate", reports / "mine.toml", *change, "--json"))
    assert simulated["y"][2] == again["result"]["rows"][0]["throughput_per_s"]["mean"]


def test_markdown_has_the_same_cells(reports: Path) -> None:
    text = (reports / "scenario.md").read_text("utf-8")
    [row] = re.findall(r"^\| all \|.*$", text, re.MULTILINE)
    told = embedded(reports / "scenario.html")["tables"]["figures"]["rows"][0]
    assert shown(told[3], PER_S) in row
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert len(pictures) == 5
    assert all((reports / name).read_text().startswith("<?xml") for name in pictures)
