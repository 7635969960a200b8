"""The curve of a size: throughput and latencies over the number of cards, and the target."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ghostcard.benchmarks.size.measure import Measured
from ghostcard.benchmarks.size.target import Target

_MEETS, _MISSES, _LIMIT = "#00805C", "#D55E00", "#222222"
_COLOURS = ("#0072B2", "#A03E99", "#B8860B", "#56B4E9", "#6B6B6B", "#D55E00")


def draw(target: Target, curve: Sequence[Measured], title: str, folder: Path) -> list[Path]:
    """Writes size.svg and size.png into `folder`; their paths. No date: the same bytes again."""
    with rc_context({"font.size": 9, "svg.hashsalt": "ghostcard", "svg.fonttype": "none"}):
        figure = Figure(figsize=(10, 4.6), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        throughput, latency = figure.subplots(1, 2)
        _throughput(throughput, target, curve)
        _latencies(latency, target, curve)
        written = [folder / "size.svg", folder / "size.png"]
        figure.savefig(written[0], metadata={"Date": None})
        figure.savefig(written[1], dpi=150, metadata={"Software": None})
    return written


def _throughput(axes: Axes, target: Target, curve: Sequence[Measured]) -> None:
    cards = [one.size.cards for one in curve]
    axes.plot(cards, [one.per_second.mean for one in curve], color=_COLOURS[0])
    for meets, colour, marker in ((True, _MEETS, "o"), (False, _MISSES, "X")):
        own = [one for one in curve if one.meets == meets]
        axes.scatter(
            [one.size.cards for one in own],
            [one.per_second.mean for one in own],
            color=colour, marker=marker, zorder=3, label="meets it" if meets else "misses it",
        )  # fmt: skip
    if target.rate_per_s is not None:
        axes.axhline(float(target.rate_per_s), color=_LIMIT, linestyle="--", linewidth=1)
    axes.set_title("Throughput", loc="left")
    axes.set_ylabel("requests per simulated second")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    _frame(axes, cards)


def _latencies(axes: Axes, target: Target, curve: Sequence[Measured]) -> None:
    cards = [one.size.cards for one in curve]
    for place, bound in enumerate(target.bounds):
        colour = _COLOURS[place]
        times = [one.latencies_ns[place].mean / 1e6 for one in curve]
        axes.plot(cards, times, color=colour, marker="o", label=bound.metric)
        axes.axhline(bound.limit_ns / 1e6, color=colour, linestyle="--", linewidth=1)
    axes.set_title("Latency (dashed: the target)", loc="left")
    axes.set_ylabel("milliseconds")
    if target.bounds:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(_number))
        axes.yaxis.set_minor_formatter(FuncFormatter(_number))
    _frame(axes, cards)


def _number(value: float, _position: int) -> str:
    return f"{value:g}"


def _frame(axes: Axes, cards: Sequence[int]) -> None:
    axes.set_xlabel("cards")
    axes.set_xticks(cards)
    axes.grid(color="#E3E3E3", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
