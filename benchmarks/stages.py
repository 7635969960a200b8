"""Where the host time of one call goes between the C entry and the cryptography, by stage.

    python -m ghostcard.benchmarks.stages [--rounds 20] [--json FILE]

First messages of one request each, then messages that are longer (`long_stages.py`).

The C client measures the whole call, with the `real` function track and with `null`, on which a
card does all but the cryptography: the difference is the cryptography. The rest is cut at every
layer: in this process each layer's own call is timed with all that is below it, in turns, and what
it takes beyond the layer below is the stage's. A bare crossing is the C client's again, and what is
then left of a call is Cryptoki's in Python. All are least times: what the code costs while nothing
disturbs it. Ends with 2 when it cannot run.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import NamedTuple

import click

from ghostcard.benchmarks import long_stages
from ghostcard.benchmarks.against import Contestant, ghostcard
from ghostcard.benchmarks.client import ClientError, Measurement, build, measure
from ghostcard.benchmarks.provenance import provenance
from ghostcard.driver.native import NativePort
from ghostcard.driver.shapes import asker, renderer
from ghostcard.emulator.record import Recorder
from ghostcard.library import LibraryError
from ghostcard.machine import Machine

# operation of the C client and of the driver's exercises, bytes of the message
CASES = (
    ("rsa2048-sign", 51),
    ("ecdsa-p256-sign", 32),
    ("aes-256-gcm", 1024),
    ("hmac-sha256", 1024),
    ("sha256", 1024),
)
CROSSING = "cancel"  # of the C client: C_SignInit that ends what is not there, a bare crossing
CROSSINGS = 2  # in a call: C_*Init, and the function itself
CALLS = 20  # between two looks at the clock
BATCH_NS = 2_000_000  # a layer is called for so long at a time
ROUND_S = 0.1  # so long is each run of the C client

STAGES = (
    "C entry and crossing, twice",
    "Cryptoki: session, key, mechanism",
    "request block",
    "port",
    "bus",
    "firmware: block, key, reply block",
    "reply",
    "cryptography",
)
CALL = "the whole call"
RUN = "timing, only in a run"

Layers = dict[str, Callable[[], object]]


class Case(NamedTuple):
    """Microseconds of the stages of one operation's call, of the call, and of its timing."""

    operation: str
    message_bytes: int
    us: Mapping[str, float]


def layers(operation: str, payload: int) -> Layers:
    """One request, without cryptography, asked for at each layer from the host library down."""
    machine = Machine.simulation(function="null")
    targets = machine.targets(0)
    (qid,) = targets
    domain = qid & 0xFF
    silent = NativePort(machine.bus, Recorder(capacity=0))
    noting = NativePort(machine.bus, Recorder(capacity=1))  # all but one are made and not kept
    function, render = renderer(operation, payload, silent, targets)
    block = render(domain)
    perform, image = machine.bus.perform, machine.bus.cards[qid >> 8].image.perform
    return {
        "host": asker(operation, payload, silent, targets),
        "noted": lambda: noting.call(function, render, targets),
        "port": lambda: silent.call(function, render, targets),
        "render": lambda: render(domain),
        "bus": lambda: perform(qid, block),
        "image": lambda: image(domain, block),
    }


def least_us(called: Layers, rounds: int) -> dict[str, float]:
    """The least time of each, in turns."""
    least = dict.fromkeys(called, float("inf"))
    for _ in range(rounds):
        for name, call in called.items():
            least[name] = min(least[name], _time(call))
    return least


def _time(call: Callable[[], object]) -> float:
    began = now = perf_counter_ns()
    count = 0
    while now - began < BATCH_NS:
        for _ in range(CALLS):
            call()
        count += CALLS
        now = perf_counter_ns()
    return (now - began) / count / 1e3


def stages(
    least: Mapping[str, float], crossing: float, null: float, real: float
) -> Mapping[str, float]:
    """From the layers' times, and the C client's of a crossing, of the call on a card without
    cryptography and on a real one, to the stages'. Microseconds.
    """
    times = (
        CROSSINGS * crossing,
        null - CROSSINGS * crossing - least["host"],
        least["render"],
        least["port"] - least["render"] - least["bus"],
        least["bus"] - least["image"],
        least["image"],
        least["host"] - least["port"],
        real - null,
    )
    extra = {CALL: real, RUN: least["noted"] - least["port"]}
    return {**dict(zip(STAGES, times, strict=True)), **extra}


def client_us(
    program: Path, libraries: Sequence[Contestant], rounds: int
) -> list[dict[str, float]]:
    """The C client's least median of each operation and of a bare crossing, in turns."""
    cases = {f"{operation}:{size}" for operation, size in (*CASES, *long_stages.CASES)}
    names = [CROSSING, *sorted(cases)]
    least: list[dict[str, float]] = [{} for _ in libraries]
    for _ in range(rounds):
        for known, ours in zip(least, libraries, strict=True):
            for line in measure(program, ours.module, names, (1,), ROUND_S, ours.environment):
                if isinstance(line, Measurement):
                    name = line.operation
                    known[name] = min(known.get(name, line.p50_us), line.p50_us)
    return least


def without_cryptography(folder: Path) -> Contestant:
    """Our library with a card on the `null` function track."""
    configuration = folder / "null.toml"
    configuration.write_text('function = "null"\n[[cards]]\nadapter = 0\n')
    state = {"GHOSTCARD_HOME": str(folder / "null"), "GHOSTCARD_CONFIG": str(configuration)}
    return ghostcard(folder)._replace(environment=state)


@click.command()
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(1), help="Turns each.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the figures there.")
def main(rounds: int, output: Path | None) -> None:
    """Show what is spent per call between the C entry and the cryptography: host time."""
    try:
        with TemporaryDirectory() as folder:
            libraries = ghostcard(Path(folder)), without_cryptography(Path(folder))
            real, null = client_us(build(Path(folder)), libraries, max(1, rounds // 4))
    except (ClientError, LibraryError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    measured = partial(_case, real=real, null=null, rounds=rounds)
    short = [measured(name, size, layers(name, size)) for name, size in CASES]
    long = [
        measured(name, size, long_stages.layers(name, size)) for name, size in long_stages.CASES
    ]
    _show(short)
    print()
    _show(long)
    if output:
        figures = [case._asdict() for case in (*short, *long)]
        record = provenance(rounds=rounds, stages_us=figures)
        output.write_text(json.dumps(record, indent=2) + "\n")


def _case(
    operation: str,
    size: int,
    called: Layers,
    *,
    real: Mapping[str, float],
    null: Mapping[str, float],
    rounds: int,
) -> Case:
    name = f"{operation}:{size}"
    least = least_us(called, rounds)
    return Case(operation, size, stages(least, real[CROSSING], null[name], real[name]))


def _show(cases: Sequence[Case]) -> None:
    print("host time, us".ljust(34) + "".join(f"{case.operation:>17}" for case in cases))
    print("message, bytes".ljust(34) + "".join(f"{case.message_bytes:17}" for case in cases))
    for stage in cases[0].us:
        print(stage.ljust(34) + "".join(f"{case.us[stage]:17.2f}" for case in cases))


if __name__ == "__main__":
    main()
