"""Reports in a real browser: both themes, a desk and a telephone; what is drawn, zoomed, copied."""

import csv
import io
from pathlib import Path

import pytest

from tests.benchmarks.reporting.browser import Browser
from tests.benchmarks.reporting.conftest import ghostcard

PAGES = ("scenario.html", "records.html")
DESK, PHONE = 1280, 390

# of each plot the lines whose colour is not among the pixels
UNDRAWN = """[...ghostcard.charts].flatMap(([key, chart]) => {
  const { width, height } = chart.ctx.canvas;
  const pixels = chart.ctx.getImageData(0, 0, width, height).data;
  const near = (n, colour) => [1, 3, 5].every((at, part) =>
    Math.abs(pixels[n + part] - parseInt(colour.slice(at, at + 2), 16)) < 40);
  return chart.series.filter((one) => one.own).filter((one) => {
    let found = 0;
    for (let n = 0; n < pixels.length; n += 4)
      found += pixels[n + 3] > 100 && near(n, one.stroke());
    return found < 20;
  }).map((one) => `${key}: ${one.label}`);
})"""
OUTSIDE = """[...document.querySelectorAll("body *")]
  .filter((one) => !one.closest(".scroll, pre, details:not([open])") && one.getClientRects().length)
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
  .map((one) => one.tagName + "." + one.className)"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("name", PAGES)
def test_it_is_whole(reports: Path, browser: Browser, name: str, width: int, dark: bool) -> None:
    browser.show(reports / name, width, dark)
    assert browser.troubles() == []
    plots = ["throughput", "latency-load", "latency-cdf", "depth", "offload-plot"]
    assert browser.ask("[...ghostcard.charts.keys()]") == plots
    assert browser.ask(UNDRAWN) == []
    assert browser.ask("document.documentElement.scrollWidth") == width
    assert browser.ask(OUTSIDE) == []
    paper = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")


def test_the_theme_changes_with_the_button(reports: Path, browser: Browser) -> None:
    browser.show(reports / "scenario.html", DESK, dark=False)
    paper = "getComputedStyle(document.body).backgroundColor"
    line = "ghostcard.charts.get('throughput').series[1].stroke()"
    before = browser.ask(line)
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask(paper) == "rgb(20, 23, 27)"
    assert browser.ask(line) != before
    browser.show(reports / "scenario.html", DESK, dark=False)
    assert browser.ask(paper) == "rgb(20, 23, 27)"  # it is remembered
    browser.ask("document.getElementById('theme').click()")
    browser.ask("localStorage.clear()")
    assert (browser.ask(paper), browser.ask(line)) == ("rgb(255, 255, 255)", before)


def test_dragging_zooms_and_a_button_shows_all(reports: Path, browser: Browser) -> None:
    browser.show(reports / "scenario.html", DESK, dark=False)
    span = "(({ min, max }) => [min, max])(ghostcard.charts.get('depth').scales.x)"
    whole = browser.ask(span)
    over = "ghostcard.charts.get('depth').over"
    browser.ask(f"{over}.scrollIntoView({{ block: 'center', behavior: 'instant' }})")
    box = browser.ask(f"{over}.getBoundingClientRect().toJSON()")
    middle = box["y"] + box["height"] / 2
    browser.drag(box["x"] + box["width"] * 0.25, middle, box["x"] + box["width"] * 0.5, middle)
    browser.until(f"{span}[0] > {whole[0]}")
    low, high = browser.ask(span)
    quarter, half = (whole[0] + (whole[1] - whole[0]) * part for part in (0.25, 0.5))
    step = (whole[1] - whole[0]) / 100
    assert (low, high) == (pytest.approx(quarter, abs=step), pytest.approx(half, abs=step))
    buttons = "[...document.querySelectorAll('[data-plot=depth] .tools button')]"
    browser.ask(f"{buttons}[0].click()")
    browser.until(f"{span}[1] - {span}[0] < {0.7 * (high - low)}")
    browser.ask(f"{buttons}[2].click()")
    browser.until(f"{span}[0] === {whole[0]} && {span}[1] === {whole[1]}")


def test_under_the_cursor_are_the_values(reports: Path, browser: Browser) -> None:
    browser.show(reports / "scenario.html", DESK, dark=False)
    browser.ask("ghostcard.charts.get('throughput').setCursor({ left: 1, top: 50 })")
    said = browser.ask("document.querySelector('[data-plot=throughput] .keys').textContent")
    assert said.startswith("1:simulated ")
    assert "/s" in said


def test_a_table_is_copied_as_the_page_shows_it(reports: Path, browser: Browser) -> None:
    browser.show(reports / "scenario.html", DESK, dark=False)
    rows = list(csv.reader(io.StringIO(browser.ask("ghostcard.asCsv('figures')"))))
    assert rows[0][:4] == ["requests of", "number", "failed", "throughput per s"]
    assert rows[0][4] == "throughput per s ±"
    shown = browser.ask(
        "[...document.querySelectorAll('[data-table=figures] tbody tr')]"
        ".map((row) => [...row.children].map((cell) => cell.dataset.value ?? cell.textContent))"
    )
    assert [row[0] for row in shown] == ["all", "aes-256-gcm", "rsa2048-sign"]
    for copied, seen in zip(rows[1:], shown, strict=True):
        assert copied[0] == seen[0]
        assert [float(copied[n]) for n in (1, 2, 3)] == [float(seen[n]) for n in (1, 2, 3)]
    text = browser.ask("ghostcard.asText('figures')")
    assert [line.split("\t")[0] for line in text.splitlines()] == [row[0] for row in rows]


def test_print_is_on_white(reports: Path, browser: Browser) -> None:
    browser.show(reports / "scenario.html", DESK, dark=True)
    said = browser.send("Page.printToPDF", printBackground=True)
    assert len(said["data"]) > 50_000
    assert browser.troubles() == []
    browser.until("getComputedStyle(document.body).backgroundColor === 'rgb(20, 23, 27)'")


def test_a_title_is_text(reports: Path, browser: Browser) -> None:
    browser.show(reports / "scenario.html", DESK, dark=False)
    title = "Signers and <script>alert(1)</script> & friends"
    assert browser.ask("document.querySelector('h1').textContent") == title
    assert browser.ask("ghostcard.data.title") == title
    assert browser.ask("document.scripts.length") == 3


MANY = """
requests = 200_000
[[tenants]]
arrivals = "poisson"
rate_per_s = 100_000
operation = "sha256"
payload_bytes = 64
"""


def test_many_requests_make_a_small_page(tmp_path: Path, browser: Browser) -> None:
    """Ten million made 0.16 MB, and opened in 0.6 s: what is thinned does not grow."""
    (tmp_path / "many.toml").write_text(MANY)
    ghostcard("simulate", tmp_path / "many.toml", "--records", tmp_path / "many.gcr")
    page = tmp_path / "page.html"
    ghostcard("report", tmp_path / "many.gcr", "--profile", "cex8p", "--output", page)
    assert page.stat().st_size < 500_000
    browser.show(page, DESK, dark=False)
    assert browser.troubles() == []
    assert browser.ask("performance.now()") < 3000  # since its loading began
