"""Random machines and clients, and how the SimPy engine runs them."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from hypothesis import strategies as st

from ghostcard.benchmarks.closed_loop import Work
from ghostcard.benchmarks.recursion.sources import Constant, Source
from ghostcard.driver.dispatcher import Dispatcher, dispatch_queues
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.emulator.bus import Bus
from ghostcard.emulator.card import Card
from ghostcard.emulator.image import Plan, Services
from ghostcard.emulator.job import Job
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.profile import (
    CONSTANT,
    Distribution,
    EngineProfile,
    LinkProfile,
    Operation,
    Profile,
    load,
)
from ghostcard.emulator.randomness import RandomSource
from ghostcard.emulator.record import Recorder
from ghostcard.emulator.timeline import Timeline
from ghostcard.emulator.variates import exponential, stream_key, uniform, word

OPERATIONS = ("rsa2048-sign", "aes-256-gcm", "sha256", "query")
FUNCTIONS = {"rsa2048-sign": 31, "aes-256-gcm": 19, "sha256": 10, "query": 38}  # of four weights
ADMIN = 41
NULL = load("null")._replace(sources={})


CHANGE = Work("query", 0, ADMIN, 8, 100)
LENGTHS = bytes((0, 0, 0, 52, 0, 0, 0, 48))  # of 100 bytes: count1 and offset1, at 16
DONE = bytes((0, 0x86, 2)).ljust(16, b"\0") + LENGTHS.ljust(34, b"\0") + b"\4".ljust(50, b"\0")


class Priced:
    """An image whose plans are given: by operation, with the payload added to the engine's time.

    A block is the new time of every decoding, of every unwrapping and of every engine.
    """

    mode = "ep11"
    facilities = 0x06800000

    def __init__(self, plans: dict[str, Plan]) -> None:
        self.plans = plans

    def boot(self, services: Services) -> None:
        self.services = services

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        time_ns = int.from_bytes(block, "big")
        self.services.change("firmware.decode_ns", time_ns)
        for name, plan in self.plans.items():
            self.plans[name] = Plan(time_ns, time_ns, plan.engine, time_ns, plan.build_ns)
        return DONE, "query", 0

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        plan = self.plans[operation]
        return plan._replace(engine_ns=plan.engine_ns + payload_bytes) if plan.engine else plan

    def zeroize(self, domain: int) -> None: ...


class CardFigures(NamedTuple):
    profile: Profile
    plans: dict[str, Plan]
    domains: tuple[int, ...]


# Few different times, so that many things happen at one instant.
times = st.one_of(st.sampled_from([0, 1, 10, 100, 1000]), st.integers(0, 3000))
works = st.builds(
    lambda operation, payload, request, reply: Work(
        operation, payload, FUNCTIONS[operation], request, reply
    ),
    st.sampled_from(OPERATIONS),
    st.sampled_from([0, 1, 64]),
    st.sampled_from([100, 5000]),
    st.sampled_from([100, 7000]),
)


links = st.builds(
    LinkProfile,
    times,
    st.sampled_from([1000, 10**12]),
    st.sampled_from([256, 65536]),
    st.sampled_from([0, 7]),
)
distributions = st.one_of(
    st.just(CONSTANT),
    st.just(Distribution("exponential")),
    st.integers(0, 1000).map(lambda spread: Distribution("uniform", spread)),
    st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 9)), min_size=1, max_size=3).map(
        lambda points: Distribution("empirical", 0, *map(tuple, zip(*points, strict=True)))
    ),
)


@st.composite
def cards(draw: st.DrawFn) -> CardFigures:
    beyond_fifo = draw(st.booleans())
    pools = {f"pool{n}": draw(st.integers(1, 3)) for n in range(draw(st.integers(1, 2)))}
    plans = {}
    for operation in OPERATIONS:
        engine = draw(st.sampled_from(["", *pools]))
        engine_ns = draw(times) if engine else 0
        plans[operation] = Plan(draw(times), draw(times), engine, engine_ns, draw(times))
    profile = NULL._replace(
        engines=tuple(EngineProfile(*pool) for pool in pools.items()),
        operations={
            name: Operation(plan.engine, 0, 0, draw(distributions) if beyond_fifo else CONSTANT)
            for name, plan in plans.items()
        },
        hardware_type=draw(st.integers(11, 14)),
        link=draw(links),
        link_out=draw(st.none() | links),
        queue=NULL.queue._replace(depth=draw(st.integers(1, 8)), domains=3),
        firmware=NULL.firmware._replace(
            cores=draw(st.integers(1, 3)), reply_builders=draw(st.integers(1, 3))
        ),
        host=NULL.host._replace(
            submit_ns=draw(times),
            dequeue_ns=draw(times),
            interrupt_ns=draw(times),
            poll_ns=draw(st.sampled_from([50, 1000, 2500])),
            coalesce_count=draw(st.integers(1, 4)) if beyond_fifo else 1,
            coalesce_ns=draw(times),
        ),
    )
    domains = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True))
    return CardFigures(profile, plans, tuple(domains))


def drawn(seed: int, client: int, mean_ns: int, works: int, is_open: bool) -> Any:
    """Exponential and uniform gaps and works by turns, from counted streams."""
    key, mixed = stream_key(seed, client), stream_key(seed, 1000 + client)
    sample = exponential if client % 2 else uniform(1000)

    def supply(first: int, count: int) -> tuple[list[int], list[int]]:
        numbers = range(first, first + count)
        gaps = [sample(mean_ns, word(key, number)) for number in numbers]
        if is_open:
            gaps = [sum(sample(mean_ns, word(key, n)) for n in range(m + 1)) for m in numbers]
        return gaps, [word(mixed, number) % works for number in numbers]

    return supply


@st.composite
def clients(draw: st.DrawFn, qids: Sequence[int]) -> list[Source]:
    """1 to 64 clients in up to three groups, closed or open, each with targets of its own."""
    sources: list[Source] = []
    for _ in range(draw(st.integers(1, 3))):
        targets = tuple(draw(st.lists(st.sampled_from(qids), min_size=1, unique=True)))
        kinds = tuple(draw(st.lists(works, min_size=1, max_size=4, unique=True)))
        is_open, mean_ns = draw(st.booleans()), draw(times)
        is_drawn = is_open or draw(st.booleans())
        seed = draw(st.integers(0, 1 << 64))
        for _ in range(draw(st.integers(1, 2 if is_open else 21))):
            number = len(sources)
            supply = drawn(seed, number, mean_ns, len(kinds), is_open)
            sources.append(
                Source(
                    number,
                    targets,
                    kinds,
                    supply if is_drawn else Constant(mean_ns, draw(st.integers(0, len(kinds) - 1))),
                    is_open,
                    None if is_open else draw(st.none() | times),
                    draw(st.integers(0, 8)),
                )
            )
    return sources


@st.composite
def changes(draw: st.DrawFn, qids: Sequence[int], clients: int) -> list[Source]:
    """Up to three requests that change a card's figures, each by the card's first queue."""
    firsts = sorted({qid >> 8: qid for qid in reversed(qids)}.values())
    found = draw(st.lists(st.tuples(times, st.sampled_from(firsts), times), max_size=3))
    return [
        Source(
            clients + n, (qid,), (CHANGE,), Constant(at_ns), True, None, 1, value.to_bytes(8, "big")
        )
        for n, (at_ns, qid, value) in enumerate(found)
    ]


class Case(NamedTuple):
    """All of a run."""

    cards: tuple[CardFigures, ...]
    sources: list[Source]
    requests: int | None
    end_ns: int | None
    interrupts: bool
    seed: int = 0

    def bus(self) -> Bus:
        """The machine, anew."""
        bus = Bus()
        for adapter, (profile, plans, domains) in enumerate(self.cards):
            image, nvram, random = Priced(dict(plans)), Nvram(), RandomSource(1)
            bus.plug(Card(adapter, profile, image, nvram, random, domains, seed=self.seed))
        return bus


@st.composite
def cases(draw: st.DrawFn) -> Case:
    machine = tuple(draw(st.lists(cards(), min_size=1, max_size=4)))
    qids = [
        adapter << 8 | domain for adapter, card in enumerate(machine) for domain in card.domains
    ]
    load = draw(clients(qids))
    return Case(
        machine,
        [*draw(changes(qids, len(load))), *load],
        draw(st.none() | st.integers(0, 100)),
        draw(st.none() | st.integers(1, 20_000)),
        draw(st.booleans()),
        draw(st.integers(0, 1 << 64)),
    )


class Player:
    """Sources on a simulated port: what `Source` says, in Python."""

    def __init__(self, case: Case) -> None:
        self.recorder = Recorder()
        bus = case.bus()
        dispatcher = Dispatcher(dispatch_queues(bus))
        self.timeline = Timeline()
        self.port = SimulatedPort(self.timeline, bus, dispatcher, self.recorder, case.interrupts)
        self.case = case
        self.submitted = 0
        self.clients = {source.client: _Client(self, source) for source in case.sources}

    def run(self) -> bytes:
        for client in self.clients.values():
            client.start()
        self.timeline.run()
        return self.recorder.to_bytes()


class _Client:
    def __init__(self, player: Player, source: Source) -> None:
        self.player = player
        self.source = source
        self.sent = 0
        if isinstance(source.supply, Constant):
            most = source.requests or 0
            self.gaps = [source.supply.gap_ns] * (most + 1)
            self.works = [source.supply.work] * (most + 1)
        else:
            pieces = [source.supply(0, 3), source.supply(3, (source.requests or 0) + 1)]
            self.gaps = list(chain.from_iterable(piece[0] for piece in pieces))
            self.works = list(chain.from_iterable(piece[1] for piece in pieces))

    def start(self) -> None:
        job = Job(client=self.source.client)
        if self.source.block is not None:
            self.at(self.gaps[0], job, self.change)
        elif self.source.is_open:
            self.at(self.gaps[0], job, self.arrive)
        elif self.source.begin_ns is None:
            self.submit(job)
        else:
            self.at(self.source.begin_ns, job, self.submit)

    def at(self, time_ns: int, job: Job, callback: Any) -> None:
        job.callbacks = (callback,)
        self.player.timeline.at(time_ns, job)

    def arrive(self, _event: Job) -> None:
        if self.submit(Job(client=self.source.client)):
            self.at(self.gaps[self.sent], Job(client=self.source.client), self.arrive)

    def change(self, job: Job) -> None:
        """The request that changes the card, unless the run has ended."""
        if self.may_submit():
            job.function, block = ADMIN, self.source.block
            assert block is not None
            self.player.port.submit(job, self.source.targets, lambda _: None, lambda _: block)

    def may_submit(self) -> bool:
        player, case = self.player, self.player.case
        if self.source.requests is not None and self.sent >= self.source.requests:
            return False
        if case.requests is not None and player.submitted >= case.requests:
            return False
        return case.end_ns is None or player.timeline.now < case.end_ns

    def submit(self, job: Job) -> bool:
        player = self.player
        if not self.may_submit():
            return False
        work = self.source.works[self.works[self.sent]]
        job.operation, job.payload_bytes, job.function, job.request_bytes, job.reply_bytes, _ = work
        self.sent += 1
        player.submitted += 1
        player.port.submit(job, self.source.targets, self.follow)
        return True

    def follow(self, job: Job) -> None:
        if self.source.is_open:
            return
        gap_ns = self.gaps[self.sent]
        if gap_ns:
            self.at(self.player.timeline.now + gap_ns, job, self.submit)
        else:
            self.submit(job)
