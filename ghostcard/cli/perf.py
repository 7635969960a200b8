"""``ghostcard perf``: the modes and columns of crypto-perf tools, of a card or of this host."""

from collections.abc import Callable, Sequence

import click

from ghostcard.benchmarks.perf import figures
from ghostcard.benchmarks.perf.device import EP11, NULL, Device, device
from ghostcard.benchmarks.perf.independent import EXAMS, verify
from ghostcard.benchmarks.perf.sizes import IMIX, mixed, numbers
from ghostcard.benchmarks.provenance import caveat
from ghostcard.benchmarks.scenario import Kind, ScenarioError
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, table
from ghostcard.driver.ep11 import Ep11Host

THROUGHPUT, LATENCY, VERIFY, OFFLOAD = "throughput", "latency", "verify", "offload"
BUFFER_MAX = 61440
BURST_MAX = 512
OPERATIONS_MAX = 10_000_000


@click.command(
    "perf",
    epilog="""\b
Examples:
  ghostcard perf --operation aes-256-gcm --buffer-sz 64:16384:x4 --burst-sz 1,8,32
  ghostcard perf --devtype null --buffer-sz IMIX
  ghostcard perf --ptest latency --operation rsa2048-sign --buffer-sz 51 --csv-friendly
  ghostcard perf --ptest offload --devtype host --operation sha256
  ghostcard perf --ptest verify --operation ecdsa-p256-sign --total-ops 100
""",
)
@click.option(
    "--ptest",
    default=THROUGHPUT,
    show_default=True,
    type=click.Choice([THROUGHPUT, LATENCY, VERIFY, OFFLOAD]),
    help="What is measured.",
)
@click.option(
    "--devtype", default="cex8p", show_default=True, help="A profile or TOML file, null, or host."
)
@click.option(
    "--operation", "--optype", default="aes-256-gcm", show_default=True, help="Of the profile."
)
@click.option(
    "--buffer-sz",
    default="64:16384:x4",
    show_default=True,
    help="Bytes: a list, ranges 64:16384:x4 or 64:64:1024 (least:step:most), or IMIX.",
)
@click.option("--imix", help="Weights of the sizes of --buffer-sz, which are mixed by them.")
@click.option("--burst-sz", default="1,8,32", show_default=True, help="Operations; as sizes.")
@click.option(
    "--total-ops",
    default=10_000,
    show_default=True,
    type=click.IntRange(1, OPERATIONS_MAX),
    help="Of each line.",
)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, (1 << 48) - 1))
@click.option(
    "--clock-mhz",
    type=click.IntRange(1),
    help="Of Cycles.  [default: 1000 in simulated time, a cycle is 1 ns; the host's on host]",
)
@click.option("--csv-friendly", is_flag=True, help="CSV; of latency a line for each operation.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, not a table.")
def command(
    ptest: str,
    devtype: str,
    operation: str,
    buffer_sz: str,
    imix: str | None,
    burst_sz: str,
    total_ops: int,
    seed: int,
    clock_mhz: int | None,
    csv_friendly: bool,
    as_json: bool,
) -> None:
    """Measure a device by bursts on one polled queue, as a crypto-perf tool does (docs/perf.md)."""
    if csv_friendly and as_json:
        raise Failure("--csv-friendly: takes no --json beside it", 2)
    try:
        tested = device(devtype, clock_mhz)
        mixes = _mixes(tested, operation, buffer_sz, imix)
        bursts = numbers(burst_sz, "--burst-sz", 1, BURST_MAX)
    except ScenarioError as error:
        raise Failure(str(error), 2) from None
    if ptest == VERIFY:
        shown, wrong = _verified(tested, mixes, total_ops, seed)
    else:
        runs = _runs(tested, mixes, bursts, total_ops, seed)
        shown, wrong = _SHOWN[ptest](tested, runs), 0
        for warning in figures.warnings(tested, runs):
            click.echo(f"warning: {warning}", err=True)
    if csv_friendly:
        lines = figures.each(tested, runs) if ptest == LATENCY else shown.csv()
        click.echo("\n".join(lines))
    elif as_json:
        document(_about(tested, operation, ptest) | {"lines": shown.records()})
    else:
        time = "host time" if tested.is_host or ptest == VERIFY else "simulated time"
        title = f"{operation} on {devtype}, {ptest}, {time}"
        table(title, [f">{name}" for name in shown.columns], shown.formatted())
        if ptest != VERIFY:
            click.echo(_clock(tested))
        if not tested.is_host and devtype != NULL:
            click.echo(f"{caveat(tested.profile)}: ghostcard profiles {devtype}")
    if wrong:
        raise Failure(f"{wrong:,} answers are wrong")


def _mixes(
    tested: Device, operation: str, buffer_sz: str, imix: str | None
) -> list[tuple[Kind, ...]]:
    """What each line measures: one size, or one mix of all."""
    if buffer_sz.strip().upper() == "IMIX":
        if imix is not None:
            raise ScenarioError("--imix: is for sizes of your own, IMIX has its weights")
        sizes, weights = tuple(IMIX), tuple(IMIX.values())
    else:
        sizes = numbers(buffer_sz, "--buffer-sz", 0, BUFFER_MAX)
        weights = () if imix is None else _weights(imix)
    kinds = tested.kinds(operation, sizes)
    if weights:
        return [mixed(operation, sizes, weights)]
    return [(kind,) for kind in kinds]


def _weights(text: str) -> tuple[int, ...]:
    """Weights, equal ones too."""
    return tuple(numbers(part, "--imix", 1, 1_000_000)[0] for part in text.split(","))


def _runs(
    tested: Device, mixes: Sequence[tuple[Kind, ...]], bursts: Sequence[int], total: int, seed: int
) -> list[figures.Run]:
    return [
        figures.Run(_mean(kinds), burst, tested.run(kinds, total, burst, seed))
        for kinds in mixes
        for burst in bursts
    ]


def _mean(kinds: Sequence[Kind]) -> float:
    total = sum(kind.weight for kind in kinds)
    return sum(kind.payload_bytes * kind.weight for kind in kinds) / total


_SHOWN: dict[str, Callable[[Device, Sequence[figures.Run]], figures.Shown]] = {
    THROUGHPUT: figures.throughput,
    LATENCY: figures.latency,
    OFFLOAD: figures.offload,
}


def _verified(
    tested: Device, mixes: Sequence[tuple[Kind, ...]], total: int, seed: int
) -> tuple[figures.Shown, int]:
    """Operations one after the other on a card that computes; how many answers were wrong."""
    operation = mixes[0][0].operation
    if tested.profile.mode != EP11 or tested.name == NULL:
        takes = f"takes a device of mode {EP11} that computes"
        raise Failure(f"--ptest verify: {takes}, {tested.name} is none", 2)
    if operation not in EXAMS:
        raise Failure(f"--operation: got {operation!r}, verify takes {', '.join(EXAMS)}", 2)
    machine = tested.machine("real", seed)
    host = Ep11Host(machine.native, machine.targets(0))
    lines, wrong = [], 0
    for size in sorted({kind.payload_bytes for kinds in mixes for kind in kinds}):
        found = verify(host, operation, size, total, seed)
        lines.append((size, 1, found.operations, found.operations, 0, 0, found.wrong))
        wrong += found.wrong
    columns = (
        "Buf Size", "Burst Size", "Enqueued", "Dequeued", "Failed Enq", "Failed Deq", "Failed Ops",
    )  # fmt: skip
    heading = (
        "#lcore id,Buffer Size(B),Burst Size,Enqueued,Dequeued,Failed Enq,Failed Deq,Failed Ops"
    )
    return figures.Shown(columns, heading, lines, (0,) * 7), wrong


def _clock(tested: Device) -> str:
    if tested.is_host:
        return f"Cycles: of a host clock of {tested.clock_mhz:,} MHz, counted by its time"
    return f"Cycles: of a simulated clock of {tested.clock_mhz:,} MHz"


def _about(tested: Device, operation: str, ptest: str) -> dict[str, object]:
    is_simulated = not tested.is_host and ptest != VERIFY
    return {
        "device": tested.name,
        "operation": operation,
        "ptest": ptest,
        "time": "simulated" if is_simulated else "host",
        "clock_mhz": tested.clock_mhz,
        "caveat": "" if tested.is_host else caveat(tested.profile),
    }
