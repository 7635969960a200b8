"""``ghostcard bench``: what the card would do, and what the library does on this host."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ghostcard.benchmarks import report
from ghostcard.benchmarks.cases import CLIENTS, THREADS, Case, case
from ghostcard.benchmarks.client import ClientError, Measurement, build, measure
from ghostcard.benchmarks.main_job import Pace, possible, sweep
from ghostcard.benchmarks.point import Point
from ghostcard.benchmarks.provenance import caveat, provenance
from ghostcard.benchmarks.report import Results
from ghostcard.cli import bench_against
from ghostcard.cli.bench_against import Asked
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, duration, rate, table
from ghostcard.cli.progress import progress
from ghostcard.emulator.profile import load as load_profile
from ghostcard.library import LibraryError, library

TOKENS = "ep11"  # the mode of cards that keep keys for libghostcard.so


@click.command(
    "bench",
    epilog="""\b
Examples:
  ghostcard bench
  ghostcard bench --profile ./mine.toml --output results/mine
  ghostcard bench --json > figures.json
  ghostcard bench --against softhsm2 --targets
  ghostcard bench --against /usr/lib/other.so --token mine --threads 1,4
""",
)
@click.option("--profile", default="cex8p", show_default=True, help="Card: a profile or TOML file.")
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0), help="Of the machine."
)
@click.option(
    "--seconds",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.01),
    help="Host time of each measurement of the second part.",
)
@click.option(
    "--output",
    default="results",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for CSV, JSON and the plot.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, not as tables.")
@click.option("--against", "rival", metavar="LIBRARY",
              help="Compare with another PKCS #11 library, or softhsm2.")  # fmt: skip
@click.option("--slot", type=click.IntRange(0), help="Of the other: place among slots with tokens.")
@click.option("--token", help="Of the other: the token's label, instead of --slot.")
@click.option("--pin", envvar="GHOSTCARD_PIN", help="Of the other: the user's PIN.")
@click.option("--operation", "operations", multiple=True, metavar="NAME[:SIZE]",
              help="What is compared, such as aes-256-gcm:4096; may be repeated.")  # fmt: skip
@click.option("--threads", default="1,2", show_default=True, help="Of the C program that compares.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1),
              help="How often the two take turns.")  # fmt: skip
@click.option("--targets", is_flag=True,
              help="Show the ratios we ask of ourselves; end with 1 if one is missed.")  # fmt: skip
def command(
    profile: str,
    seed: int,
    seconds: float,
    output: Path,
    as_json: bool,
    rival: str | None,
    slot: int | None,
    token: str | None,
    pin: str | None,
    operations: tuple[str, ...],
    threads: str,
    rounds: int,
    targets: bool,
) -> None:
    """Measure an emulated card, in two parts.

    First in simulated time: 1 to 64 simulated clients, each with one request in flight, for five
    operations; and which resource of the card limits each. Then in host time: the same operations
    through libghostcard.so by a C program, so real request blocks and real cryptography.
    Ctrl-C keeps what has been measured.

    With --against neither: our library and another one in turns, in host time, by operation, size
    and threads.
    """
    if rival is not None:
        asked = Asked(rival, slot, token, pin, operations, threads, rounds, seconds, targets)
        bench_against.run(asked, output, as_json)
        return
    if slot is not None or token is not None or operations or targets:
        raise click.UsageError("--slot, --token, --operation and --targets go with --against")
    card = load_profile(profile)
    cases = possible(card)
    if not cases:
        raise Failure(f"profile {profile} has none of the operations that are measured")
    output.mkdir(parents=True, exist_ok=True)
    results, pace = Results([], []), Pace()
    measured = THREADS if card.mode == TOKENS else ()
    failure = _measure(profile, cases, measured, seed, seconds, results, pace)
    origin = provenance(
        profile=profile,
        caveat=caveat(card),
        seed=seed,
        seconds=seconds,
        complete=failure is None,
        engines=sorted(pace.engines),
        simulated_requests=pace.requests,
        simulated_requests_per_host_s=round(pace.per_second),
    )
    subtitle = f"profile {profile}: one card, one queue, a closed loop without think time"
    written = report.write(results, origin, f"{subtitle}\n{caveat(card)}", output)
    if as_json:
        document(report.document(results, origin))
    else:
        _show(results, subtitle, pace)
        if not measured:
            click.echo(f"No host time: cards in mode {card.mode} have no token")
        click.echo(f"{caveat(card)}: ghostcard profiles {profile}")
        click.echo("\n".join(map(str, written)))
    if failure:
        raise failure


def _measure(
    profile: str,
    cases: list[Case],
    threads: Sequence[int],
    seed: int,
    seconds: float,
    results: Results,
    pace: Pace,
) -> Failure | None:
    """Both parts. What is done is in `results` whatever happens; the return value says what did."""
    try:
        with progress(len(cases) * (len(CLIENTS) + len(threads))) as done:
            for point in sweep(profile, cases, CLIENTS, seed, pace):
                results.points.append(point)
                done(f"simulated time: {point.operation}, {point.clients} clients")
            for line in _host_part(profile, cases, threads, seconds):
                results.measurements.append(line)
                done(f"host time: {line.operation}, {line.threads} threads")
    except (ClientError, LibraryError) as error:
        return Failure(str(error))
    except KeyboardInterrupt:
        return Failure("interrupted; kept what was measured until then", 130)
    return None


def _host_part(
    profile: str, cases: list[Case], threads: Sequence[int], seconds: float
) -> Iterator[Measurement]:
    """The C program's measurements, with a token and a card that exist for this run only.

    None without threads: of a card whose firmware answers no program.
    """
    if not threads:
        return
    card = os.path.abspath(profile) if profile.endswith(".toml") else profile
    with TemporaryDirectory() as folder:
        configuration = Path(folder) / "config.toml"
        configuration.write_text(f"[[cards]]\nadapter = 0\nprofile = {json.dumps(card)}\n")
        state = {"GHOSTCARD_HOME": folder, "GHOSTCARD_CONFIG": str(configuration)}
        names = [case.operation for case in cases]
        program = build(Path(folder))
        for line in measure(program, str(library()), names, threads, seconds, state):
            if isinstance(line, Measurement):
                yield line


_SIMULATED = (
    "operation", ">clients", ">per second", ">median", ">99 %", ">queue", "busiest", ">busy",
    "limited by",
)  # fmt: skip
_HOST = ("operation", ">threads", ">calls per second", ">median", ">99 %")


def _show(results: Results, subtitle: str, pace: Pace) -> None:
    if results.points:
        rows = map(_simulated, results.points)
        table(f"Simulated time, {subtitle}", _SIMULATED, rows, grouped=True)
        engines = " and ".join(sorted(pace.engines))
        speed = f"{pace.requests:,} requests, {rate(pace.per_second)} per second of host time"
        click.echo(f"Simulated by engine {engines}: {speed}")
    if results.measurements:
        title = "Host time, libghostcard.so called by a C program"
        table(title, _HOST, map(_host, results.measurements), grouped=True)


def _simulated(point: Point) -> tuple[str, ...]:
    busiest = max(point.utilisation, key=lambda name: point.utilisation[name])
    return (
        case(point.operation).title,
        str(point.clients),
        rate(point.throughput_per_s) if point.throughput_per_s else "-",
        duration(point.p50_ns),
        duration(point.p99_ns),
        f"{point.in_hardware:.0%}",
        busiest,
        f"{point.utilisation[busiest]:.0%}",
        point.limit(),
    )


def _host(line: Measurement) -> tuple[str, ...]:
    return (
        case(line.operation).title,
        str(line.threads),
        rate(line.rate),
        duration(line.p50_us * 1000),
        duration(line.p99_us * 1000),
    )
