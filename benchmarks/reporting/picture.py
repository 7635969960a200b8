"""A plot of a report as a picture, SVG or PNG by the ending of its name."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from ghostcard.benchmarks.reporting.cells import shown
from ghostcard.benchmarks.reporting.document import (
    DASHED,
    LINE_POINTS,
    POINTS,
    SHARE,
    STEP,
    Axis,
    Plot,
    Series,
)

# the page's, on white
COLOURS = ("#0063a8", "#c4500a", "#00775a", "#a03e99", "#8a6d00", "#4a5568")
_INK, _GREY, _GRID = "#1b1f24", "#59636e", "#e6e9ed"
_DASHES = ((0, (5, 3)), (0, (1.5, 2)), (0, (6, 2, 1.5, 2)))


def draw(plot: Plot, path: Path) -> None:
    """Writes the picture; the same plot gives the same bytes."""
    with rc_context({"font.size": 9, "svg.hashsalt": "ghostcard", "svg.fonttype": "none"}):
        figure = Figure(figsize=(7.2, 4.2), layout="constrained")
        axes = figure.subplots()
        dashes, place = cycle(_DASHES), 0
        for one in plot.series:
            colour = COLOURS[(place if one.colour is None else one.colour) % len(COLOURS)]
            place += one.colour is None
            _line(axes, one, colour, next(dashes) if one.style == DASHED else (0, ()))
        _marks(axes, plot)
        _frame(axes, plot)
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, dpi=150, metadata=metadata)


def _line(axes: Axes, one: Series, colour: str, dash: tuple[float, tuple[float, ...]]) -> None:
    known = [(x, y) for x, y in zip(one.x, one.y, strict=True) if y is not None]
    x, y = [x for x, _ in known], [y for _, y in known]
    if one.style == POINTS:
        axes.plot(x, y, "o", color=colour, alpha=0.6, markersize=4, label=one.name)
        return
    if one.style == STEP:
        axes.step(x, y, where="post", color=colour, linewidth=1.8, label=one.name)
    else:
        marker = "o" if one.style == LINE_POINTS else ""
        axes.plot(x, y, color=colour, marker=marker, markersize=4, linestyle=dash,
                  linewidth=1.4 if one.style == DASHED else 1.8, label=one.name)  # fmt: skip
    if one.low:
        axes.fill_between(one.x, one.low, one.high, color=colour, alpha=0.2, linewidth=0)


def _marks(axes: Axes, plot: Plot) -> None:
    for number, mark in enumerate(plot.marks):
        axes.axvline(mark.x, color=_GREY, linewidth=1, linestyle=":")
        axes.annotate(
            mark.text,
            (mark.x, 1),
            xycoords=("data", "axes fraction"),
            xytext=(4, -10 - 11 * number),
            textcoords="offset points",
            color=_GREY,
            fontsize=8,
        )


def _frame(axes: Axes, plot: Plot) -> None:
    _scale(axes, plot.x, "x")
    _scale(axes, plot.y, "y")
    if not plot.y.log:
        axes.set_ylim(bottom=0, top=1.02 if plot.y.unit == SHARE else None)
    axes.set_title(plot.title, loc="left", color=_INK, fontsize=10, fontweight="bold")
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, which="both", colors=_INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GREY)
    if len(plot.series) > 1:
        axes.legend(frameon=False, fontsize=8)


def _scale(axes: Axes, axis: Axis, which: str) -> None:
    drawn = axes.xaxis if which == "x" else axes.yaxis
    set_scale, set_label = (
        (axes.set_xscale, axes.set_xlabel) if which == "x" else (axes.set_yscale, axes.set_ylabel)
    )
    if axis.log:
        set_scale("log", base=axis.log)
        drawn.set_minor_formatter(NullFormatter())
    drawn.set_major_formatter(FuncFormatter(lambda value, _: shown(value, axis.unit)))
    set_label(axis.title, color=_GREY)
