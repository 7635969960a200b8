"""What an operation costs more on a shared card than on a card in the process, by stage.

    python -m ghostcard.benchmarks.sharing [--rounds 20] [--json FILE]

Host time, least of the rounds, all in turns. The stages of the way are measured alone: a request
written into shared memory, taken out of it, the reply written and read, and a hand-over there and
back between two processes that do nothing else. The rest is the Python of both ends, the server's
interpreter lock, and waking later than that.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import Final

import click

from ghostcard.benchmarks.provenance import provenance
from ghostcard.config import load
from ghostcard.driver.native import NativePort
from ghostcard.driver.shapes import asker
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine, machine_of
from ghostcard.shared import wire

CASES: Final = (
    ("sha256", 1024),
    ("aes-256-gcm", 1024),
    ("ecdsa-p256-sign", 32),
    ("sha256", 60_000),
)
STAGES: Final = (
    "request into memory",
    "hand-over, there and back",
    "request out of memory",
    "reply into memory",
    "reply out of memory",
)
OWN, SHARED, REST = (
    "a card in the process",
    "a shared card",
    "waking later than at best, and the rest",
)
_CALLS: Final = 50
_BATCH_NS: Final = 5_000_000


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A server of one card without cryptography: its socket."""
    socket, config = str(folder / "cards.sock"), folder / "machine.toml"
    config.write_text('function = "null"\n[[cards]]\nadapter = 0\n')
    command = [sys.executable, "-m", "ghostcard", "serve", "--socket", socket]
    environment = {**os.environ, "GHOSTCARD_HOME": str(folder / "home")}
    with subprocess.Popen(
        [*command, "--config", str(config)], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield socket
        finally:
            process.send_signal(signal.SIGTERM)


def time_of(call: Callable[[], object]) -> float:
    """Microseconds of a call, for a while."""
    began = now = perf_counter_ns()
    count = 0
    while now - began < _BATCH_NS:
        for _ in range(_CALLS):
            call()
        count += _CALLS
        now = perf_counter_ns()
    return (now - began) / count / 1e3


@contextmanager
def hand_over() -> Iterator[Callable[[], object]]:
    """Another process that answers at once: a call there and back, by eventfd."""
    there, back = os.eventfd(0), os.eventfd(0)
    child = os.fork()
    if not child:
        while os.eventfd_read(there) < 1 << 32:
            os.eventfd_write(back, 1)
        os._exit(0)

    def call() -> int:
        os.eventfd_write(there, 1)
        return os.eventfd_read(back)

    try:
        yield call
    finally:
        os.eventfd_write(there, 1 << 32)
        os.waitpid(child, 0)
        os.close(there)
        os.close(back)


def stages(request_bytes: int, reply_bytes: int) -> dict[str, Callable[[], object]]:
    """The copies, of these sizes."""
    area = memoryview(bytearray(wire.AREA))
    targets, request, reply = wire.pack_targets((0,)), bytes(request_bytes), bytes(reply_bytes)
    wire.write_request(area, 1, wire.Kind.CALL, 10, 0, targets, request)
    wire.write_reply(area, 1, 0, b"sha256", 0, reply)
    return {
        STAGES[0]: lambda: wire.write_request(area, 1, 1, 10, 0, targets, request),
        STAGES[2]: lambda: wire.take_request(area),
        STAGES[3]: lambda: wire.write_reply(area, 1, 0, b"sha256", 0, reply),
        STAGES[4]: lambda: wire.read_reply(area),
    }


def measured(socket: str, operation: str, size: int, rounds: int) -> dict[str, float]:
    """Microseconds of an operation on either card, and of each stage between them."""
    from ghostcard.driver.shapes import shape

    own = Machine.simulation(function="null")
    noting = NativePort(own.bus, Recorder(capacity=1))  # accounts as a server does, keeps nothing
    os.environ["GHOSTCARD_SERVER"] = socket
    shared = machine_of(load())
    del os.environ["GHOSTCARD_SERVER"]
    _, request_bytes, reply_bytes = shape(operation, size)
    with hand_over() as over:
        calls: dict[str, Callable[[], object]] = {
            OWN: asker(operation, size, noting, own.targets(0)),
            SHARED: asker(operation, size, shared.native, shared.targets(0)),
            STAGES[1]: over,
            **stages(request_bytes, reply_bytes),
        }
        least = dict.fromkeys(calls, float("inf"))
        for _ in range(rounds):
            for name, call in calls.items():
                least[name] = min(least[name], time_of(call))
    shared.close()
    return told(least)


def told(least: Mapping[str, float]) -> dict[str, float]:
    """In the order of a table; what no stage explains is the rest."""
    between = {stage: least[stage] for stage in STAGES}
    rest = least[SHARED] - least[OWN] - sum(between.values())
    return {OWN: least[OWN], **between, REST: rest, SHARED: least[SHARED]}


@click.command()
@click.option("--rounds", default=20, show_default=True, type=click.IntRange(1), help="Turns each.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the figures there.")
def main(rounds: int, output: Path | None) -> None:
    """Show what a shared card costs per operation: host time, without cryptography."""
    with TemporaryDirectory() as folder, server(Path(folder)) as socket:
        figures = [measured(socket, *case, rounds) for case in CASES]
    print("host time, us".ljust(42) + "".join(f"{name}:{size}".rjust(20) for name, size in CASES))
    for line in figures[0]:
        print(line.ljust(42) + "".join(f"{one[line]:20.2f}" for one in figures))
    if output:
        names = [f"{name}:{size}" for name, size in CASES]
        record = provenance(rounds=rounds, us=dict(zip(names, figures, strict=True)))
        output.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
