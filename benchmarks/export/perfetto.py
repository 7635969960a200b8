"""Chrome trace JSON, as ui.perfetto.dev and chrome://tracing open it.

A process per card. Its tracks are the places of each command queue, the firmware cores and the
engines, one each, so that what lies on a track nests and nothing is lost. Doorbell (link in) and
completion (the reply in host memory, up to DQAP) lie inside the stay in the queue; a flow goes from
the doorbell over the engine to the completion. The life of a request, with its waits, is an async
slice with the request's number as id and an instant per stage. A fault is an instant of its card,
and an async slice too where it lasts; a request says which fault it met. Counters show the depth of
each queue and the line before each engine pool.

`ts` and `dur` are microseconds with three decimals; `args` have the exact nanoseconds.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from gzip import GzipFile
from os import PathLike, fspath
from typing import NamedTuple, Protocol

import numpy as np

from ghostcard import __version__
from ghostcard.benchmarks.export import levels
from ghostcard.benchmarks.export.lanes import Lanes, assign
from ghostcard.benchmarks.export.levels import Level, Levels
from ghostcard.benchmarks.export.lines import (
    Text,
    chosen,
    hexadecimal,
    lines,
    micros,
    whole,
)
from ghostcard.benchmarks.export.requests import Array, Chunk, Requests, in_order
from ghostcard.emulator.record import STAGES

_NEXT = b",\n"  # between two events
_LANE_BITS = 24
_LEVEL = 2  # of compression: a fifth more bytes than with 6, in a quarter of the time

Lane = tuple[int, int, int]  # rank of the track, resource as in `_keys`, number of the server


class Track(NamedTuple):
    """A resource of a card whose servers are tracks: requests hold one from `start` to `end`."""

    rank: int  # order among the kinds of track
    start: str
    end: str


QUEUES = Track(1, "enqueued", "done")
CORES = Track(2, "fetched", "unwrapped")
ENGINES = Track(3, "started", "finished")


def write(requests: Requests, path: str | PathLike[str]) -> None:
    """Write the whole trace, an event per line; about 2.5 kB a request.

    A file whose name ends in `.gz` is compressed, to a tenth of that; viewers open it as it is.
    """
    with open(path, "wb") as file:
        if not fspath(path).lower().endswith(".gz"):
            _write(requests, file)
            return
        with GzipFile("", "wb", _LEVEL, file, mtime=0) as packed:  # no name and date: same bytes
            _write(requests, packed)


class _Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


def _write(requests: Requests, file: _Sink) -> None:
    head = {"displayTimeUnit": "ns", "otherData": {"version": f"Ghostcard {__version__}"}}
    file.write(json.dumps(head).encode()[:-1] + b',"traceEvents":[\n')
    separator = b""
    for events in _everything(requests):
        if events:
            file.write(separator)
            file.write(events.removesuffix(_NEXT))
            separator = _NEXT
    file.write(b"\n]}\n")


def _everything(requests: Requests) -> Iterator[bytes]:
    """The events, a comma and the end of the line after each."""
    names = [json.dumps(name or "unknown operation") for name in requests.names]
    yield _joined(_processes(requests))
    threads: dict[Lane, int] = {}
    for track in (QUEUES, CORES, ENGINES):
        yield from _tracks(requests, names, track, threads)
    faults = ["", *(f',"fault":{json.dumps(name)}' for name in requests.names)]
    for chunk in requests.chunks():
        yield from _lives(chunk, names, faults)
    yield _joined(_faults(requests))
    yield from _counters(requests)


def _joined(events: Iterable[str]) -> bytes:
    return b"".join(event.encode() + _NEXT for event in events)


class Moment(NamedTuple):
    """Times as text: `ns` for the arguments, `us` for the viewer."""

    ns: Text
    us: Text

    @classmethod
    def of(cls, times: Array) -> "Moment":
        """From nanoseconds."""
        return cls(whole(times), micros(times))


def _pid(adapter: int) -> int:
    """Process 0 is the idle process to a viewer."""
    return adapter + 1


def _processes(requests: Requests) -> list[str]:
    used = {int(a) for chunk in requests.chunks() for a in set(chunk.adapters().tolist())}
    adapters = sorted(used | {fault.qid >> 8 for fault in requests.faults()})
    return [_meta("process_name", _pid(a), 0, {"name": f"card {a:02x}"}) for a in adapters]


def _meta(what: str, pid: int, tid: int, args: dict[str, object]) -> str:
    return json.dumps({"ph": "M", "name": what, "pid": pid, "tid": tid, "args": args})


# -- tracks: what each server did ---------------------------------------------------------------


def _tracks(
    requests: Requests, names: list[str], track: Track, threads: dict[Lane, int]
) -> Iterator[bytes]:
    """The slices of one kind of track; `threads` grows by those that are new, which are named."""
    lanes: dict[int, Lanes] = {}
    for chunk in in_order(requests, track.start):
        chunk = _passing(chunk, track, requests.names)
        keys = _keys(chunk, track)
        starts, ends = chunk.times(track.start).tolist(), chunk.times(track.end).tolist()
        assigned = assign(lanes, keys, starts, ends)
        codes = np.array(keys, np.int64) << _LANE_BITS | np.array(assigned, np.int64)
        used, firsts, places = np.unique(codes, return_index=True, return_inverse=True)
        events = []
        for code in codes[np.sort(firsts)].tolist():  # in order of use, however the run is cut
            lane = (track.rank, code >> _LANE_BITS, code & (1 << _LANE_BITS) - 1)
            if lane not in threads:
                threads[lane] = len(threads) + 1
                events += _name_track(lane, threads[lane], requests.names)
        yield _joined(events)
        known = [threads[track.rank, c >> _LANE_BITS, c & (1 << _LANE_BITS) - 1] for c in used]
        tids = np.array(known, np.int64)[places]
        yield from lines(len(tids), _services(chunk, track, tids, names))


def _passing(chunk: Chunk, track: Track, names: tuple[str, ...]) -> Chunk:
    """Without requests that were given up and, at the engines, those that need none."""
    mask = ~chunk.given_up()
    if track is ENGINES and "" in names:
        mask &= chunk.array["engine"] != names.index("")
    return chunk.take(mask)


def _keys(chunk: Chunk, track: Track) -> list[int]:
    """Adapter, and domain or engine below it: which resource a request holds."""
    adapters = chunk.adapters().astype("int64") << 16
    if track is QUEUES:
        adapters |= chunk.array["qid"] & 0xFF
    elif track is ENGINES:
        adapters |= chunk.array["engine"]
    keys: list[int] = adapters.tolist()
    return keys


def _name_track(of: Lane, tid: int, names: tuple[str, ...]) -> list[str]:
    rank, key, lane = of
    adapter, below = key >> 16, key & 0xFFFF
    if rank == QUEUES.rank:
        name = f"queue {adapter:02x}.{below:04x} place {lane}"
    elif rank == CORES.rank:
        name = f"core {lane}"
    else:
        name = f"{names[below]} engine {lane}"
    order = (rank << 16 | below) << 5 | min(lane, 31)  # by resource, then server
    return [
        _meta("thread_name", _pid(adapter), tid, {"name": name}),
        _meta("thread_sort_index", _pid(adapter), tid, {"sort_index": order}),
    ]


def _services(chunk: Chunk, track: Track, tids: Array, names: list[str]) -> list[str | Text]:
    """A slice for each service. In a place of a queue the doorbell and the completion lie in it."""
    place = whole(chunk.adapters() + _pid(0)), whole(tids)
    name, number = chosen(names, chunk.array["operation"]), chunk.numbers
    services = _slice(chunk, name, place, track.start, track.end)
    if track is QUEUES:
        services += _slice(chunk, '"doorbell"', place, "enqueued", "arrived")
        services += _flow("s", place, Moment.of(chunk.times("enqueued")), number)
        services += _slice(chunk, '"completion"', place, "replied", "done")
        services += _flow("f", place, Moment.of(chunk.times("replied")), number)
    elif track is ENGINES:
        services += _flow("t", place, Moment.of(chunk.times("started")), number)
    return services


def _slice(
    chunk: Chunk, name: str | Text, place: tuple[Text, Text], begin: str, end: str
) -> list[str | Text]:
    starts, ends = chunk.times(begin), chunk.times(end)
    start, length = Moment.of(starts), Moment.of(ends - starts)
    return [
        '{"ph":"X","name":', name, ',"pid":', place[0], ',"tid":', place[1], ',"ts":', start.us,
        ',"dur":', length.us, ',"args":{"request":', whole(chunk.numbers),
        ',"start_ns":', start.ns, ',"end_ns":', whole(ends), "}},\n",
    ]  # fmt: skip


def _flow(phase: str, place: tuple[Text, Text], at: Moment, numbers: Array) -> list[str | Text]:
    """A point of a request's flow, bound to the slice it lies in."""
    binding = ',"bp":"e"' if phase == "f" else ""
    return [
        f'{{"ph":"{phase}","name":"request","cat":"flow","id":"0x', hexadecimal(numbers),
        '","pid":', place[0], ',"tid":', place[1], ',"ts":', at.us, binding,
        ',"args":{"ns":', at.ns, "}},\n",
    ]  # fmt: skip


# -- lives and counters -------------------------------------------------------------------------


def _lives(chunk: Chunk, names: list[str], faults: list[str]) -> Iterator[bytes]:
    """The life of each request: begin, an instant per stage unless it was given up, end."""
    given_up = chunk.given_up()
    for some, stages in ((chunk.take(~given_up), STAGES[1:-1]), (chunk.take(given_up), ())):
        yield from lines(len(some.numbers), _life(some, stages, names, faults))


def _life(
    chunk: Chunk, stages: Sequence[str], names: list[str], faults: list[str]
) -> list[str | Text]:
    array, name = chunk.array, chosen(names, chunk.array["operation"])
    pid = whole(chunk.adapters() + _pid(0))
    whose: list[str | Text] = [
        ',"cat":"request","id":"0x', hexadecimal(chunk.numbers), '","pid":', pid, ',"tid":0,"ts":',
    ]  # fmt: skip
    begin, end = Moment.of(chunk.times("submitted")), Moment.of(chunk.times("done"))
    client, outcome = whole(array["client"]), whole(array["outcome"])
    life: list[str | Text] = [
        '{"ph":"b","name":',
        name,
        *whose,
        begin.us,
        ',"args":{"ns":',
        begin.ns,
    ]
    life += [',"client":', client, ',"outcome":', outcome]
    life += [chosen(faults, array["fault"]), "}},\n"]
    for stage in stages:
        at = Moment.of(chunk.times(stage))
        life += [f'{{"ph":"n","name":"{stage}"', *whose, at.us, ',"args":{"ns":', at.ns, "}},\n"]
    return [*life, '{"ph":"e","name":', name, *whose, end.us, ',"args":{"ns":', end.ns, "}},\n"]


def _faults(requests: Requests) -> Iterator[str]:
    """An instant of the card for each fault, and an async slice if it lasts."""
    for number, fault in enumerate(requests.faults()):
        queue = f"{fault.qid >> 8:02x}.{fault.qid & 0xFF:04x}"
        common = {"name": fault.name, "cat": "fault", "pid": _pid(fault.qid >> 8), "tid": 0}
        args = {"ns": fault.at_ns, "queue": queue, "for_ns": fault.for_ns}
        yield _timed({"ph": "i", "s": "p", **common, "args": args}, fault.at_ns)
        if fault.for_ns:
            end = fault.at_ns + fault.for_ns
            for phase, at_ns in (("b", fault.at_ns), ("e", end)):
                slice_ = {"ph": phase, **common, "id": f"fault {number}", "args": {"ns": at_ns}}
                yield _timed(slice_, at_ns)


def _timed(event: dict[str, object], at_ns: int) -> str:
    return f'{json.dumps(event)[:-1]}, "ts": {at_ns // 1000}.{at_ns % 1000:03}}}'


def _counters(requests: Requests) -> Iterator[bytes]:
    found = Levels(requests, (levels.DEPTH, levels.WAITING))
    heads = [_counter(level) for level in found.of]
    yield _joined(f'{head},"ts":0.000,"args":{{"value":0}}}}' for head in heads)
    for changes in found.changes():
        times, values = micros(changes.times), whole(changes.values)
        parts: list[str | Text] = [
            chosen(heads, changes.levels),
            ',"ts":',
            times,
            ',"args":{"value":',
            values,
        ]
        yield from lines(len(times), [*parts, "}},\n"])


def _counter(level: Level) -> str:
    if level.domain is not None:
        name = f"queue {level.adapter:02x}.{level.domain:04x} depth"
    else:
        name = f"waiting for {level.engine} engines"
    return f'{{"ph":"C","name":{json.dumps(name)},"pid":{_pid(level.adapter)}'
