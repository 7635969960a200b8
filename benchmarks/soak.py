"""Clients on cards of which everything fails now and then: each request is answered once, honestly.

    python -m ghostcard.benchmarks.soak [--requests 1000000] [--seed 1] [--json FILE]

Each client has SHA-256 computed of bytes that nobody else sends, on the cards' firmware, and in
between sends requests without bytes; the faults are those of `soak.plan.toml`. Checked are

- that every request ends once, with its own digest or with an error;
- at every instant at which one begins or ends, that as many have begun as have been answered, have
  failed and are under way;
- at the end of every instruction on the bus and of every removal of a card, the books of queues and
  driver (`ghostcard.benchmarks.ledger`);
- that whoever failed was told why: a fault of his own that no other card mends, ten attempts in
  vain, or ENODEV while no queue is in service.

Ends with 1 when something is not so. The digest of all records depends on the seed alone.
"""

import errno
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click

from ghostcard import faults
from ghostcard.benchmarks.ledger import Dishonest, Ledger
from ghostcard.benchmarks.provenance import provenance
from ghostcard.benchmarks.workload_traffic import Stalled, run_while_requests_end
from ghostcard.driver.dispatcher import ATTEMPTS
from ghostcard.driver.errors import DriverError
from ghostcard.driver.exchange import Exchange, head_of, unpack
from ghostcard.driver.shapes import shape
from ghostcard.driver.triage import DRIVER_OUTCOME
from ghostcard.emulator.agenda import LightEvent
from ghostcard.emulator.faultplan import FaultPlan
from ghostcard.emulator.faultybus import FaultyBus
from ghostcard.emulator.job import Job
from ghostcard.machine import Machine
from ghostcard.pkcs11 import CKM_SHA256

PLAN = Path(__file__).with_name("soak.plan.toml")
CLIENTS, CARDS = 64, 4
DATA_BYTES = 32
MAX_MESSAGE = 4096
_DATA_EVERY = 4  # one request of so many carries bytes
_REFUSED_NS = 1_000_000  # that a client waits after it was told that there is no card
_ONLINE_EVERY = 256  # requests after which somebody looks for queues that are offline
_TAKE_EVERY = 1 << 14  # requests after which records are digested and forgotten
_DIGEST, *_ = shape("sha256", DATA_BYTES)
_HOLES = (CKM_SHA256.to_bytes(4, "big"), DATA_BYTES)  # mechanism, and room for the data
_NOT_MENDED = {  # by another card: what the caller is told -> faults of the plan that make it true
    "EINVAL": ("nqap invalid domain",),
    "EMSGSIZE": ("a bit short", "another length"),
    "reply code 82": ("operand invalid",),
}
_SIZED = ("rsa2048-sign", 51), ("aes-256-gcm", 1024)


class Outcome(NamedTuple):
    """What came of it."""

    requests: int
    answered: int
    failed: int
    checked: int  # digests compared
    faults: dict[str, int]
    errors: dict[str, int]  # what the caller was told, and the last fault that his request met
    instructions: dict[str, int]  # at whose end the books were right
    simulated_ns: int
    digest: str  # SHA-256 of all records and notes


class Soak:
    """`requests` requests in all; `Dishonest` from `run` if a promise is not kept."""

    def __init__(
        self,
        requests: int,
        seed: int,
        clients: int = CLIENTS,
        cards: int = CARDS,
        plan: FaultPlan | None = None,
    ) -> None:
        plan = faults.load(str(PLAN)) if plan is None else plan
        plan = plan._replace(seed=plan.seed + seed)
        self._machine = Machine.simulation("cex8p", cards, 1, "real", seed, plan)
        self._targets = self._machine.targets(0)
        self._port = self._machine.simulated()
        self._agenda = self._port.timeline.agenda
        self._left = requests
        host = Exchange(self._machine.native, self._targets, MAX_MESSAGE)
        self._clients = [_Client(number, host) for number in range(clients)]
        self._begun = self._answered = self._failed = self._checked = 0
        self._visits = 0
        self._faults: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._digest = hashlib.sha256()
        self._look: LightEvent | None = None
        bus = self._machine.bus
        assert isinstance(bus, FaultyBus)
        self._ledger = Ledger(bus, self._port.driver, plan)
        bus.injector.noted = self._note

    def run(self) -> Outcome:
        """From the first request to the last answer."""
        for client in self._clients:
            self._next(client.job)
        try:
            run_while_requests_end(self._port, lambda: self._answered + self._failed)
        except Stalled as error:
            raise Dishonest(str(error)) from None
        self._port.timeline.run()
        if self._begun != self._answered + self._failed or self._port.in_flight:
            raise Dishonest(f"{self._begun - self._answered - self._failed} requests never ended")
        self._forget()
        return Outcome(
            self._begun,
            self._answered,
            self._failed,
            self._checked,
            dict(sorted(self._faults.items())),
            dict(self._errors.most_common()),
            dict(sorted(self._ledger.instructions.items())),
            self._agenda.now,
            self._digest.hexdigest(),
        )

    def _next(self, job: Job) -> None:
        if not self._left:
            return
        self._left -= 1
        self._begun += 1
        client = self._clients[job.client]
        render = client.begin(job)
        before = self._changes()
        try:
            self._port.submit(job, self._targets, self._ended, render)
        except DriverError as error:
            self._require_none(error, before)
            self._bring_online()
            job.outcome, job.fault = DRIVER_OUTCOME + error.code, ""
            self._fail(client)
            job.callbacks = (self._next,)
            self._agenda.at(self._agenda.now + _REFUSED_NS, job)
        self._look_soon()

    def _ended(self, job: Job) -> None:
        client = self._clients[job.client]
        client.job = job
        try:
            checked = not job.outcome and client.check(job)
        except DriverError as error:  # the host library has refused the reply
            if not job.fault:
                raise Dishonest(f"client {job.client}: {error}, but nothing befell it") from None
            job.outcome, job.attempt = DRIVER_OUTCOME + errno.EIO, ATTEMPTS
        if job.outcome:
            self._fail(client)
        else:
            self._checked += checked
            self._answered += 1
            client.end()
        ended = self._answered + self._failed
        if not ended % _ONLINE_EVERY:
            self._bring_online()
        if not ended % _TAKE_EVERY:
            self._forget()
        self._look_soon()
        self._next(job)

    def _fail(self, client: "_Client") -> None:
        job = client.job
        error, fault = told(job.outcome), job.fault
        mended = error != "ENODEV" and job.attempt < ATTEMPTS
        if fault not in _NOT_MENDED[error] if error in _NOT_MENDED else mended:
            raise Dishonest(f"client {job.client} was told {error} after {fault or 'nothing'}")
        self._errors[f"{error}, last fault: {fault or 'of others'}"] += 1
        self._failed += 1
        client.end()

    # What must hold

    def _changes(self) -> tuple[int, int]:
        """How often somebody has looked what queues there are: operator and driver."""
        return self._visits, self._port.driver.scans

    def _require_none(self, error: DriverError, before: tuple[int, int]) -> None:
        """After the scan with which the driver made sure no queue is in service, unless others,
        who were told of their ends by that scan, have had a second look.
        """
        visits, scans = before
        is_usable = any(self._port.dispatched(qid).usable for qid in self._targets)
        if is_usable and self._changes() == (visits, scans + 1):
            raise Dishonest(f"{error}, but there is one")

    def _look_soon(self) -> None:
        """Look when all that happens at this very step is done."""
        if self._look is None:
            self._look = LightEvent()
            self._look.callbacks = (self._check,)
            self._agenda.at(self._agenda.now, self._look)

    def _check(self, _event: LightEvent) -> None:
        self._look = None
        under_way = sum(client.is_waiting for client in self._clients)
        if self._begun != self._answered + self._failed + under_way:
            raise Dishonest(
                f"{self._begun} begun, {self._answered} answered, {self._failed} failed, "
                f"{under_way} under way at {self._agenda.now} ns"
            )
        if under_way != self._port.in_flight:
            raise Dishonest(f"{under_way} under way, {self._port.in_flight} with the driver")

    # The rest

    def _bring_online(self) -> None:
        """What an operator does with queues that a reply of no known type has set offline."""
        self._visits += 1
        for qid in self._port.driver.qids:
            self._port.switch(qid, True)

    def _note(self, at_ns: int, qid: int, name: str, for_ns: int) -> None:
        self._faults[name] += 1
        self._ledger.note(qid, name)
        self._digest.update(f"{at_ns} {qid} {name} {for_ns}\n".encode())

    def _forget(self) -> None:
        self._digest.update(self._machine.recorder.take())


class _Client:
    """Sends one request after the other; every fourth with bytes that are its own."""

    def __init__(self, number: int, host: Exchange) -> None:
        self.job = Job(client=number)
        self._host = host
        self.is_waiting = False
        self._number = number
        self._sent = 0
        self._data = b""
        self._frames: dict[int, tuple[bytes, ...]] = {}

    def begin(self, job: Job) -> Callable[[int], bytes] | None:
        """Have the job be the next request; how its block is made, if it has one."""
        if self.is_waiting:
            raise Dishonest(f"client {self._number} was told twice")
        self.is_waiting = True
        self._sent += 1
        self.job = job
        job.outcome, job.reply = 0, None
        if self._sent % _DATA_EVERY == 0:
            self._data = f"{self._number} {self._sent}".encode().ljust(DATA_BYTES, b".")
            job.function = _DIGEST
            return self._render
        job.block = None
        job.operation, job.payload_bytes = _SIZED[self._sent % len(_SIZED)]
        job.function, job.request_bytes, job.reply_bytes = shape(job.operation, job.payload_bytes)
        return None

    def _render(self, domain: int) -> bytes:
        parts = self._frames.get(domain)
        if parts is None:
            parts = self._frames[domain] = self._host.frame(_DIGEST, domain, _HOLES)
        return self._data.join(parts)

    def check(self, job: Job) -> bool:
        """Whether there is something to check; `Dishonest` if it is not the client's own digest.

        A reply that the host library would refuse is an error of which the caller learns.
        """
        if job.block is None:
            return False
        (digest,) = unpack(job.reply or b"", head_of(_DIGEST, job.qid & 0xFF))
        if digest != hashlib.sha256(self._data).digest():
            raise Dishonest(f"client {self._number} got another digest for {self._data!r}")
        return True

    def end(self) -> None:
        """The request has ended; `Dishonest` if it had already."""
        if not self.is_waiting:
            raise Dishonest(f"client {self._number} was told twice")
        self.is_waiting = False


def told(outcome: int) -> str:
    """What the caller learns: an errno, or the card's reply code."""
    if outcome < DRIVER_OUTCOME:
        return f"reply code {outcome:02x}"
    return errno.errorcode[outcome - DRIVER_OUTCOME]


@click.command()
@click.option("--requests", default=1_000_000, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0))
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write the figures there.")
def main(requests: int, seed: int, output: Path | None) -> None:
    """Run clients on cards of which everything fails now and then."""
    began = time.process_time()
    try:
        outcome = Soak(requests, seed).run()
    except Dishonest as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    took = time.process_time() - began
    for name, value in outcome._asdict().items():
        if isinstance(value, dict):
            print(name)
            for each, times in value.items():
                print(f"  {each:<42} {times:>12,}")
        else:
            print(f"{name:<14} {value:,}" if isinstance(value, int) else f"{name:<14} {value}")
    print(f"{took:.1f} s of CPU time")
    if output:
        figures = provenance(requests=requests, seed=seed, figures=outcome._asdict())
        output.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
