"""Runs clients on a machine by the kernel, in place of a `SimulatedPort` on a SimPy timeline.

It covers hosts and cards as they are when nothing fails: first come first served at every station,
service times that vary, interrupts (coalesced too) or polling, figures changed on the way; no other
blocks (function track off), no batches, no bounded memory, no resets, no time-outs. `obstacle` says
what stands against it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ghostcard.benchmarks.recursion.sources import Constant, Source
from ghostcard.benchmarks.recursion.tables import DRAWS, NEVER, Tables
from ghostcard.driver.dispatcher import dispatch_queues
from ghostcard.emulator.errors import EmulatorError
from ghostcard.emulator.profile import (
    CONSTANT,
    Distribution,
    EngineProfile,
    FirmwareProfile,
    HostProfile,
    LinkProfile,
    Operation,
    Profile,
    QueueProfile,
)
from ghostcard.emulator.record import RECORD_BYTES, Recorder

if TYPE_CHECKING:
    from ghostcard.benchmarks.closed_loop import Work
    from ghostcard.driver.dispatcher import DispatchCard
    from ghostcard.emulator.bus import Bus

CHUNK_RECORDS = 1 << 14  # handed over at a time: 2 MiB
_SUPPLY_LEAST = 32  # requests of a client asked for first, then twice as many each time
_SUPPLY = 4096  # and at most
_SUPPLY_IN_ALL = 1 << 20  # of all clients

# What the kernel models; a profile with further figures is for the other engine.
_FIGURES: dict[type, tuple[str, ...]] = {
    Profile: (*Profile._fields[:12], "link_out"),
    LinkProfile: ("latency_ns", "bytes_per_us", "packet_bytes", "packet_overhead_ns"),
    QueueProfile: ("depth", "domains", "max_message_bytes", "reset_ns", "interrupt_enable_ns"),
    FirmwareProfile: (
        "cores", "decode_ns", "decode_per_kib_ns", "unwrap_ns", "build_ns", "reply_builders",
    ),
    HostProfile: (
        "submit_ns", "dequeue_ns", "interrupt_ns", "poll_ns", "coalesce_count", "coalesce_ns",
    ),
    EngineProfile: ("name", "size"),
    Operation: ("engine", "fixed_ns", "per_kib_ns", "distribution"),
    Distribution: ("kind", "spread_permille", "permille", "weights"),
}  # fmt: skip
_NO_DEFAULT = object()

Sink = Callable[[bytes, tuple[str, ...]], None]
"""Called with packed records, as in a file of records, and the names that they refer to."""


class BeyondKernel(EmulatorError):
    """The run went where only the other engine can follow; nothing of it was recorded."""


def obstacle(bus: Bus, recorder: Recorder, sources: Sequence[Source]) -> str | None:
    """Why the kernel cannot run this, in a few words; None if it can."""
    if _load() is None:
        return "the kernel is not compiled"
    if type(recorder) is not Recorder:
        return "the records go to a journal"
    if bus.has_faults:
        return "the bus has faults"
    for card in bus.cards.values():
        if not card.configured or card.checkstopped:
            return f"card {card.adapter:02x} is out of service"
        if any(queue.available_from for queue in card.queues.values()):
            return f"a queue of card {card.adapter:02x} is being reset"
        unknown = unknown_figure(card.profile)
        if unknown:
            return f"{unknown} of profile {card.profile.name}"
        scheduler = getattr(card.image, "scheduler", None)
        if scheduler is not None and scheduler() is not None:
            return f"the image of card {card.adapter:02x} schedules requests itself"
    return _misfit(bus, sources)


def unknown_figure(profile: Profile) -> str | None:
    """A figure that the kernel does not know of and that is not at its default, by dotted name."""
    for section, figures in _sections(profile):
        known = _FIGURES.get(type(figures), ())
        for figure in figures._fields:
            usual = figures._field_defaults.get(figure, _NO_DEFAULT)
            if figure not in known and getattr(figures, figure) != usual:
                return f"{section}{figure}"
        if isinstance(figures, Distribution) and figures.kind not in (CONSTANT.kind, *DRAWS):
            return f"{section}kind {figures.kind}"
    return None


def _sections(profile: Profile) -> Iterator[tuple[str, Any]]:
    yield "", profile
    if profile.link_out is not None:
        yield "link_out.", profile.link_out
    for section in ("link", "queue", "firmware", "host"):
        yield f"{section}.", getattr(profile, section)
    for pool in profile.engines:
        yield f"engines.{pool.name}.", pool
    for name, operation in profile.operations.items():
        yield f"operations.{name}.", operation
        yield f"operations.{name}.distribution.", operation.distribution


def _misfit(bus: Bus, sources: Sequence[Source]) -> str | None:
    served = {queue.qid: queue.card for queue in dispatch_queues(bus)}
    for targets, works in {(source.targets, source.works) for source in sources}:
        if not set(targets) <= served.keys():
            return "a target that no card serves"
        for work in works:
            if work.render is not None:
                return "requests are blocks that the cards execute"
            if any(work.operation not in _operations(bus, qid) for qid in targets):
                return f"a target has no {work.operation}"
            if not any(_takes(served[qid], work) for qid in targets):
                return f"no target takes {work.operation}"
    return None


def _operations(bus: Bus, qid: int) -> Container[str]:
    return bus.cards[qid >> 8].profile.operations


def _takes(card: DispatchCard, work: Work) -> bool:
    fits = work.request_bytes <= card.max_message_bytes
    return fits and card.weights[work.function] is not None


def run(
    bus: Bus,
    recorder: Recorder,
    sources: Sequence[Source],
    requests: int | None = None,
    end_ns: int | None = None,
    interrupts: bool = True,
    sink: Sink | None = None,
) -> int:
    """Run all clients from time 0 until everything has ended; how many events that took.

    `requests` bounds those of all clients together; none is submitted at `end_ns` or later. The
    records go to `recorder` at the end, or to `sink` as they come, in bounded memory.
    `BeyondKernel` when time runs beyond what the kernel can count or a request times out. Then, and
    after an exception of a supply or the sink, which is raised here, `recorder` is as it was.
    """
    kernel = _load()
    if kernel is None:
        raise BeyondKernel("the kernel is not compiled")
    return _Run(kernel, bus, recorder, sources, requests, end_ns, interrupts).to_the_end(sink)


@cache
def _load() -> Any:
    """The compiled module, or None."""
    try:
        from ghostcard.benchmarks.recursion import _kernel  # type: ignore[attr-defined]
    except ImportError:
        return None
    _kernel.ffi.def_extern("kernel_refill", error=1)(_refill(_kernel.ffi))
    return _kernel


def _refill(ffi: Any) -> Callable[[Any, int], int]:
    return lambda context, client: int(ffi.from_handle(context).refill(client))


class _Run:
    """One run and what its callback needs."""

    def __init__(
        self,
        kernel: Any,
        bus: Bus,
        recorder: Recorder,
        sources: Sequence[Source],
        requests: int | None,
        end_ns: int | None,
        interrupts: bool,
    ) -> None:
        self._ffi, self._lib = kernel.ffi, kernel.lib
        self._recorder = recorder
        self._tables = Tables(self._ffi, bus, recorder, sources)
        self._supplies = _Supplies(self._ffi, self._tables, sources)
        figures = self._tables.figures
        figures.requests = NEVER if requests is None else requests
        figures.end_ns = NEVER if end_ns is None else end_ns
        figures.interrupts = interrupts
        figures.refill = self._lib.kernel_refill
        self._handle = figures.context = self._ffi.new_handle(self._supplies)

    def to_the_end(self, sink: Sink | None) -> int:
        kernel = self._lib.kernel_new(self._tables.figures)
        if kernel == self._ffi.NULL:
            raise MemoryError
        try:
            if sink is None:
                self._keep(kernel)
            else:
                self._hand_over(kernel, sink)
            return int(self._lib.kernel_events(kernel))
        finally:
            self._lib.kernel_free(kernel)

    def _keep(self, kernel: Any) -> None:
        """All records to the recorder; none if the run fails."""
        chunks: list[bytes] = []
        self._hand_over(kernel, lambda records, _names: chunks.append(records))
        recorder = self._recorder
        recorder.learn(*self._names()[len(recorder.names) :])
        chunks.reverse()
        while chunks:
            recorder.extend(chunks.pop())

    def _hand_over(self, kernel: Any, sink: Sink) -> None:
        lib, count = self._lib, self._ffi.new("size_t *")
        status = lib.KERNEL_RUNNING
        while status == lib.KERNEL_RUNNING:
            status = lib.kernel_run(kernel, CHUNK_RECORDS)
            if status not in (lib.KERNEL_RUNNING, lib.KERNEL_ENDED):
                self._fail(status)
            records = lib.kernel_records(kernel, count)
            if count[0]:
                sink(self._ffi.buffer(records, count[0] * RECORD_BYTES)[:], self._names())

    def _names(self) -> tuple[str, ...]:
        """The recorder's names, and those met since, by index."""
        tables = self._tables
        names = dict(enumerate(self._recorder.names))
        names |= {tables.figures.name[n]: name for n, name in enumerate(tables.names)}
        return tuple(names[index] for index in range(tables.figures.named))

    def _fail(self, status: int) -> None:
        lib = self._lib
        if status == lib.KERNEL_NO_MEMORY:
            raise MemoryError
        if self._supplies.error is not None:
            raise self._supplies.error
        reasons = {
            lib.KERNEL_OVERFLOW: "a time lies beyond 2^62 ns, 146 years",
            lib.KERNEL_TIMEOUT: "a request timed out",
            lib.KERNEL_REFUSED: "a request that no queue takes",
        }
        raise BeyondKernel(reasons[status])


class _Supplies:
    """The buffers from which the kernel takes the clients' next requests."""

    def __init__(self, ffi: Any, tables: Tables, sources: Sequence[Source]) -> None:
        self.error: BaseException | None = None
        self._ffi = ffi
        self._client = tables.figures.client
        self._sources = sources
        self._asked: dict[int, int] = {}
        self._buffers: dict[int, Any] = {}
        self._size = max(16, min(_SUPPLY, _SUPPLY_IN_ALL // max(1, len(sources))))
        self._places = {
            works: [tables.places[work] for work in works]
            for works in {source.works for source in sources if source.block is None}
        }

    def refill(self, client: int) -> int:
        """Called by the kernel; 0, or 1 after an exception, which is kept."""
        try:
            self._refill(client)
        except BaseException as error:  # must not pass through C; an interrupt neither
            self.error = error
            return 1
        return 0

    def _refill(self, client: int) -> None:
        import numpy

        source, first = self._sources[client], self._asked.get(client, 0)
        supply = source.supply
        assert not isinstance(supply, Constant)
        gaps, works = supply(first, min(self._size, max(_SUPPLY_LEAST, first)))
        self._asked[client] = first + len(gaps)
        buffer = numpy.zeros(len(gaps), numpy.dtype(_REQUEST))
        buffer["gap_ns"] = gaps
        buffer["work"] = numpy.array(self._places[source.works])[numpy.asarray(works, "i8")]
        for number, (other, ended) in source.follows.items():
            if first <= number < first + len(gaps):
                buffer["after"][number - first] = other + 1
                buffer["after_ended"][number - first] = ended
        if len(buffer) and int(buffer["gap_ns"].min()) < 0:
            raise ValueError(f"client {source.client}: a negative time")
        self._buffers[client] = buffer
        self._client[client].supply = self._ffi.from_buffer("request_figures[]", buffer)
        self._client[client].supplied = len(buffer)


# request_figures, as NumPy lays it out
_REQUEST: Any = {
    "names": ["gap_ns", "work", "after", "after_ended"],
    "formats": ["i8", "i4", "i4", "i8"],
    "offsets": [0, 8, 12, 16],
    "itemsize": 24,
}
