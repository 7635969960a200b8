"""The plot of the main job: throughput and latency over the number of simulated clients."""

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from ghostcard.benchmarks.cases import CASES
from ghostcard.benchmarks.point import Point

# Okabe and Ito's palette, told apart by the colour-blind too; markers tell in black and white
_STYLES = (("#D55E00", "o"), ("#A03E99", "s"), ("#0072B2", "^"), ("#00805C", "D"), ("#B8860B", "v"))
_INK, _GREY, _GRID = "#222222", "#6B6B6B", "#E3E3E3"


def draw(points: Sequence[Point], subtitle: str, folder: Path) -> list[Path]:
    """Writes bench.svg and bench.png into `folder`; their paths."""
    # no random ids in the SVG, so that the same figures give the same file; and text stays text
    with rc_context({"font.size": 9, "svg.hashsalt": "ghostcard", "svg.fonttype": "none"}):
        figure = Figure(figsize=(11, 5.4))
        figure.subplots_adjust(left=0.065, right=0.985, top=0.80, bottom=0.18, wspace=0.16)
        throughput, latency = figure.subplots(1, 2)
        for (colour, marker), case in zip(_STYLES, CASES, strict=True):
            line = sorted(
                (p for p in points if p.operation == case.operation), key=lambda p: p.clients
            )
            _lines(throughput, latency, line, colour, marker, case.title)
        clients = sorted({point.clients for point in points})
        _frame(throughput, clients, "Throughput", "operations per simulated second", _count)
        _frame(latency, clients, "Latency: median, and dotted the 99th percentile", "", _duration)
        _heading(figure, subtitle)
        handles, labels = throughput.get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower center", ncols=len(CASES), frameon=False)
        return [_save(figure, folder / name) for name in ("bench.svg", "bench.png")]


def _lines(
    throughput: Axes, latency: Axes, line: Sequence[Point], colour: str, marker: str, title: str
) -> None:
    clients = [point.clients for point in line]
    rate = throughput.plot(clients, [p.throughput_per_s for p in line], label=title)
    median = latency.plot(clients, [p.p50_ns for p in line])
    for drawn in (*rate, *median):
        drawn.set(color=colour, marker=marker, markersize=5, linewidth=1.8)
    latency.plot(clients, [p.p99_ns for p in line], color=colour, linestyle=":", linewidth=1.4)


def _frame(
    axes: Axes, clients: Sequence[int], title: str, unit: str, text: Callable[[float, int], str]
) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(clients, [str(n) for n in clients])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(text))
    axes.set_xlabel("simulated clients, each with one request in flight", color=_GREY)
    axes.set_title(title, loc="left", color=_INK, fontsize=11, fontweight="bold", pad=8)
    if unit:
        axes.set_ylabel(unit, color=_GREY)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=_INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GREY)


def _heading(figure: Figure, subtitle: str) -> None:
    figure.text(0.014, 0.945, "What the card would do", fontsize=14, fontweight="bold", color=_INK)
    figure.text(0.014, 0.93, subtitle, fontsize=9, color=_GREY, va="top", linespacing=1.5)


def _count(value: float, _position: int) -> str:
    for size, suffix in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {suffix}"
    return f"{value:g}"


def _duration(ns: float, _position: int) -> str:
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if ns >= size:
            return f"{ns / size:g} {unit}"
    return f"{ns:g} ns"


def _save(figure: Figure, path: Path) -> Path:
    # no date in the file: the same figures give the same bytes
    metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
    figure.savefig(path, dpi=150, metadata=metadata)
    return path
