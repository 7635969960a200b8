"""Chrome trace JSON, as ui.perfetto.dev and chrome://tracing open it.

A process per card. Its tracks are the places of each command queue, the firmware cores and the
engines, one each, so that what lies on a track nests and nothing is lost. Doorbell (link in) and
completion (the reply in host memory, up to DQAP) lie inside the stay in the queue; a flow goes from
the doorbell over the engine to the completion. The life of a request, with its waits, is an async
slice with the request's number as id and an instant per stage. Counters show the depth of each
queue and the line before each engine pool.

`ts` and `dur` are microseconds with three decimals; `args` have the exact nanoseconds.
"""

import json
from collections.abc import Iterator
from os import PathLike
from typing import NamedTuple

from ghostcard import __version__
from ghostcard.benchmarks.export import levels
from ghostcard.benchmarks.export.lanes import Lanes, assign
from ghostcard.benchmarks.export.levels import Level, Levels
from ghostcard.benchmarks.export.requests import Chunk, Requests, in_order
from ghostcard.emulator.record import STAGES

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
    """Write the whole trace, an event per line; about 2.5 kB a request."""
    head = {"displayTimeUnit": "ns", "otherData": {"version": f"Ghostcard {__version__}"}}
    names = [json.dumps(name or "unknown operation") for name in requests.names]
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(head)[:-1] + ',"traceEvents":[\n')
        separator = ""
        for events in _everything(requests, names):
            if events:
                file.write(separator + ",\n".join(events))
                separator = ",\n"
        file.write("\n]}\n")


def _everything(requests: Requests, names: list[str]) -> Iterator[list[str]]:
    yield _processes(requests)
    threads: dict[Lane, int] = {}
    for track in (QUEUES, CORES, ENGINES):
        yield from _tracks(requests, names, track, threads)
    for chunk in requests.chunks():
        yield _lives(chunk, names)
    yield from _counters(requests)


def _us(ns: int) -> str:
    """Nanoseconds as microseconds, exactly."""
    return f"{ns // 1000}.{ns % 1000:03d}"


def _pid(adapter: int) -> int:
    """Process 0 is the idle process to a viewer."""
    return adapter + 1


def _processes(requests: Requests) -> list[str]:
    adapters = sorted(
        {int(a) for chunk in requests.chunks() for a in set(chunk.adapters().tolist())}
    )
    return [_meta("process_name", _pid(a), 0, {"name": f"card {a:02x}"}) for a in adapters]


def _meta(what: str, pid: int, tid: int, args: dict[str, object]) -> str:
    return json.dumps({"ph": "M", "name": what, "pid": pid, "tid": tid, "args": args})


# -- tracks: what each server did ---------------------------------------------------------------


def _tracks(
    requests: Requests, names: list[str], track: Track, threads: dict[Lane, int]
) -> Iterator[list[str]]:
    """The slices of one kind of track; `threads` grows by those that are new, which are named."""
    lanes: dict[int, Lanes] = {}
    for chunk in in_order(requests, track.start):
        chunk = _passing(chunk, track, requests.names)
        keys = _keys(chunk, track)
        starts, ends = chunk.times(track.start).tolist(), chunk.times(track.end).tolist()
        assigned = assign(lanes, keys, starts, ends)
        used = [(track.rank, key, lane) for key, lane in zip(keys, assigned, strict=True)]
        events = []
        for lane in dict.fromkeys(used):  # in order of use, however the run is cut
            if lane in threads:
                continue
            threads[lane] = len(threads) + 1
            events += _name_track(lane, threads[lane], requests.names)
        places = [(_pid(lane[1] >> 16), threads[lane]) for lane in used]
        if track is QUEUES:
            events += _stays(chunk, places, starts, ends, names)
        else:
            events += _services(chunk, places, starts, ends, names, flows=track is ENGINES)
        yield events


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


def _slice(name: str, place: tuple[int, int], start: int, end: int, number: int) -> str:
    return (
        f'{{"ph":"X","name":{name},"pid":{place[0]},"tid":{place[1]},"ts":{_us(start)},'
        f'"dur":{_us(end - start)},"args":{{"request":{number},"start_ns":{start},'
        f'"end_ns":{end}}}}}'
    )


def _flow(phase: str, place: tuple[int, int], time: int, number: int) -> str:
    """A point of a request's flow, bound to the slice it lies in."""
    binding = ',"bp":"e"' if phase == "f" else ""
    return (
        f'{{"ph":"{phase}","name":"request","cat":"flow","id":"{number:#x}","pid":{place[0]},'
        f'"tid":{place[1]},"ts":{_us(time)}{binding},"args":{{"ns":{time}}}}}'
    )


def _stays(
    chunk: Chunk,
    places: list[tuple[int, int]],
    starts: list[int],
    ends: list[int],
    names: list[str],
) -> Iterator[str]:
    """A request in its place of the queue, its doorbell and its completion inside."""
    array = chunk.array
    stays = zip(
        array["operation"].tolist(), places, starts, ends, chunk.numbers.tolist(),
        array["arrived"].tolist(), array["replied"].tolist(),
        strict=True,
    )  # fmt: skip
    for operation, place, start, end, number, arrived, replied in stays:
        yield _slice(names[operation], place, start, end, number)
        yield _slice('"doorbell"', place, start, arrived, number)
        yield _flow("s", place, start, number)
        yield _slice('"completion"', place, replied, end, number)
        yield _flow("f", place, replied, number)


def _services(
    chunk: Chunk,
    places: list[tuple[int, int]],
    starts: list[int],
    ends: list[int],
    names: list[str],
    flows: bool,
) -> Iterator[str]:
    services = zip(
        chunk.array["operation"].tolist(), places, starts, ends, chunk.numbers.tolist(), strict=True
    )
    for operation, place, start, end, number in services:
        yield _slice(names[operation], place, start, end, number)
        if flows:
            yield _flow("t", place, start, number)


# -- lives and counters -------------------------------------------------------------------------


def _lives(chunk: Chunk, names: list[str]) -> list[str]:
    """The life of each request: begin, an instant per stage, end."""
    array = chunk.array
    operations, outcomes = array["operation"].tolist(), array["outcome"].tolist()
    clients, pids = array["client"].tolist(), (chunk.adapters() + _pid(0)).tolist()
    all_times = zip(*(array[stage].tolist() for stage in STAGES), strict=True)
    given_up = chunk.given_up().tolist()
    events = []
    for place, (number, times) in enumerate(zip(chunk.numbers.tolist(), all_times, strict=True)):
        name = names[operations[place]]
        whose = f'"cat":"request","id":"{number:#x}","pid":{pids[place]},"tid":0'
        events.append(
            f'{{"ph":"b","name":{name},{whose},"ts":{_us(times[0])},"args":{{"ns":{times[0]},'
            f'"client":{clients[place]},"outcome":{outcomes[place]}}}}}'
        )
        if not given_up[place]:
            for stage, time in zip(STAGES[1:-1], times[1:-1], strict=True):
                events.append(
                    f'{{"ph":"n","name":"{stage}",{whose},"ts":{_us(time)},"args":{{"ns":{time}}}}}'
                )
        end = times[-1]
        events.append(f'{{"ph":"e","name":{name},{whose},"ts":{_us(end)},"args":{{"ns":{end}}}}}')
    return events


def _counters(requests: Requests) -> Iterator[list[str]]:
    found = Levels(requests, (levels.DEPTH, levels.WAITING))
    heads = [_counter(level) for level in found.of]
    zero = [f'{head},"ts":0.000,"args":{{"value":0}}}}' for head in heads]
    yield zero
    for changes in found.changes():
        rows = zip(
            changes.times.tolist(), changes.levels.tolist(), changes.values.tolist(), strict=True
        )
        yield [
            f'{heads[level]},"ts":{_us(time)},"args":{{"value":{value}}}}}'
            for time, level, value in rows
        ]


def _counter(level: Level) -> str:
    if level.domain is not None:
        name = f"queue {level.adapter:02x}.{level.domain:04x} depth"
    else:
        name = f"waiting for {level.engine} engines"
    return f'{{"ph":"C","name":{json.dumps(name)},"pid":{_pid(level.adapter)}'
