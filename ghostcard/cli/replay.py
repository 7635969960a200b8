"""``ghostcard replay``: a captured program on another machine, in simulated time."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ghostcard.benchmarks.capture import file
from ghostcard.benchmarks.capture.machine import on_machine
from ghostcard.benchmarks.capture.multiplied import multiplied
from ghostcard.benchmarks.capture.replay import THINKS, Replayed, replay
from ghostcard.benchmarks.capture.through import load_folder
from ghostcard.cli.account import account, show, show_left
from ghostcard.cli.aftermath import forecast, with_depth
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document
from ghostcard.guests import MOST


@click.command(
    "replay",
    epilog="""\b
Think time is what a thread does between two calls: as it was on the timeline of the
capture, none, or what passed on the host's clock (wall), each times --think-scale.

\b
Examples:
  ghostcard run --capture server.capture -- ./server
  ghostcard replay server.capture
  ghostcard replay server.capture --profile cex7p --cards 2 --depth 16
  ghostcard replay server.capture --threads-scale 4
  ghostcard replay server.capture --think wall --think-scale 0.5 --json
""",
)
@click.argument("capture", type=click.Path(path_type=Path))
@click.option("--profile", help="Cards of this profile (name or TOML file) in place of its own.")
@click.option("--cards", type=click.IntRange(1, MOST), help="So many of them, behind every slot.")
@click.option("--depth", type=click.IntRange(1, 16), help="Messages that a queue of theirs holds.")
@click.option(
    "--think",
    type=click.Choice(THINKS),
    default=THINKS[0],
    show_default=True,
    help="Which time between calls is the application's.",
)
@click.option(
    "--think-scale",
    "scale",
    type=click.FloatRange(0, 1e6),
    default=1.0,
    show_default=True,
    help="How many times as long it takes: 0.5 is an application twice as fast.",
)
@click.option(
    "--threads-scale",
    "threads",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many times each thread is there that another has started.",
)
@click.option("--no-forecast", is_flag=True, help="Do not compute what other machines would do.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not tables.")
@click.option(
    "--records",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that gets the request records, for `ghostcard export` and `explain`.",
)
def command(
    capture: Path,
    profile: str | None,
    cards: int | None,
    depth: int | None,
    think: str,
    scale: float,
    threads: int,
    no_forecast: bool,
    as_json: bool,
    records: Path | None,
) -> None:
    """Run the captured program of CAPTURE on a machine, in simulated time.

    CAPTURE is a file of `ghostcard run --capture`, or a folder of journals that the library of
    `ghostcard module --capture` has left.
    """
    began = time.monotonic_ns()
    loaded = load_folder(capture) if capture.is_dir() else file.load(capture)
    with TemporaryDirectory(prefix="ghostcard-") as folder:
        captured, config, unmapped = on_machine(loaded, profile, cards)
        captured = multiplied(captured, threads)
        if depth is not None:
            config = with_depth(config, depth, Path(folder))
        played = replay(captured, config, think, scale)
        if records is not None:
            _keep(played, records)
        host_ns = time.monotonic_ns() - began
        whole = account(played.runs, [], config, host_ns, played.think_ns)
        if not no_forecast:
            whole = forecast(whole, captured, config, Path(folder), think, scale)
        left = [*unmapped, *played.left]
        if as_json:
            plain = [each._asdict() for each in left]
            document({"program": captured.program, **whole.plain(), "left_out": plain})
            return
        show(whole, captured.program)
        show_left(left)


def _keep(played: Replayed, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.records")):
        raise Failure(f"{folder}: has records already; name a new folder", 2)
    for number, run in enumerate(played.runs, 1):
        run.save(folder / f"{number}.records")
