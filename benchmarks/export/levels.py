"""How many requests are somewhere, over time: queue depths, engines busy, lines before them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.export.requests import Array, Chunk, Requests, floors

QUEUE, CARD, POOL = "queue", "card", "pool"


class Span(NamedTuple):
    """A request counts from one stage of its record to another, at its queue, card or pool.

    The level of a line is 1 while any request counts.
    """

    name: str
    start: str
    end: str
    of: str
    is_line: bool = False


DEPTH = Span("depth", "enqueued", "done", QUEUE)  # in hardware
INTERRUPT = Span("interrupt", "replied", "notified", QUEUE, is_line=True)  # an unnoticed reply
CORES_WAITING = Span("cores_waiting", "arrived", "fetched", CARD)
CORES_BUSY = Span("cores_busy", "fetched", "unwrapped", CARD)
WAITING = Span("waiting", "unwrapped", "started", POOL)
BUSY = Span("busy", "started", "finished", POOL)


class Level(NamedTuple):
    """One quantity: `domain` or `engine` is None where the span is not of a queue or a pool."""

    span: Span
    adapter: int
    domain: int | None = None
    engine: str | None = None


class Changes(NamedTuple):
    """Levels that changed: the time, which level (its index) and its value from then on.

    In order of time; a level changes at most once at an instant.
    """

    times: Array
    levels: Array
    values: Array


class Levels:
    """The levels of some spans over a run; `of` lists them, `changes` streams what they do."""

    def __init__(self, requests: Requests, spans: Sequence[Span]) -> None:
        self._requests = requests
        self._spans = tuple(spans)
        self._keys = {span: self._known(span) for span in self._spans}
        self.of: list[Level] = [
            self._level(span, int(key)) for span in self._spans for key in self._keys[span]
        ]

    def changes(self) -> Iterator[Changes]:
        """Every change of a level, from the first to the last; each begins and ends at 0."""
        current = [0] * len(self.of)
        is_line = np.array([level.span.is_line for level in self.of], bool)
        held = (np.empty(0, np.int64),) * 3
        horizons = floors(self._requests, "submitted")  # no later chunk has an event before it
        for chunk, horizon in zip(self._requests.chunks(), horizons, strict=True):
            times, levels, steps = map(np.concatenate, zip(held, *self._events(chunk), strict=True))
            order = np.lexsort((levels, times))
            times, levels, steps = times[order], levels[order], steps[order]
            ready = len(times)
            if horizon is not None:
                ready = int(np.searchsorted(times, horizon, side="left"))
            if ready:
                yield _values(times[:ready], levels[:ready], steps[:ready], current, is_line)
            held = (times[ready:], levels[ready:], steps[ready:])

    def _known(self, span: Span) -> Array:
        keys = [np.unique(_keys(span, chunk, self._mask(span, chunk))) for chunk in self._chunks()]
        return np.unique(np.concatenate(keys)) if keys else np.empty(0, np.int64)

    def _chunks(self) -> Iterator[Chunk]:
        return self._requests.chunks()

    def _mask(self, span: Span, chunk: Chunk) -> Array:
        """Those that come by: a request given up passes nothing, one without engine no pool."""
        mask: Array = ~chunk.given_up()
        if span.of == POOL and "" in self._requests.names:
            mask &= chunk.array["engine"] != self._requests.names.index("")
        return mask

    def _level(self, span: Span, key: int) -> Level:
        if span.of == QUEUE:
            return Level(span, key >> 8, domain=key & 0xFF)
        if span.of == CARD:
            return Level(span, key)
        return Level(span, key >> 16, engine=self._requests.names[key & 0xFFFF])

    def _events(self, chunk: Chunk) -> Iterator[tuple[Array, Array, Array]]:
        """For each span a step up at its start and one down at its end."""
        first = 0
        for span in self._spans:
            mask = self._mask(span, chunk)
            known = self._keys[span]
            levels = first + np.searchsorted(known, _keys(span, chunk, mask))
            ups = np.ones(len(levels), np.int64)
            yield chunk.times(span.start)[mask], levels, ups
            yield chunk.times(span.end)[mask], levels, -ups
            first += len(known)


def _keys(span: Span, chunk: Chunk, mask: Array) -> Array:
    qids = chunk.array["qid"][mask].astype(np.int64)
    if span.of == QUEUE:
        return qids
    adapters: Array = qids >> 8
    return adapters if span.of == CARD else adapters << 16 | chunk.array["engine"][mask]


def _values(
    times: Array, levels: Array, steps: Array, current: list[int], is_line: Array
) -> Changes:
    """Sum the steps of a level at an instant and run them up; `current` is carried on."""
    begins = np.empty(len(times), bool)
    begins[0] = True
    begins[1:] = (times[1:] != times[:-1]) | (levels[1:] != levels[:-1])
    places = np.flatnonzero(begins)
    net = np.add.reduceat(steps, places)
    times, levels = times[places], levels[places]
    changed, values = np.zeros(len(net), bool), np.empty(len(net), np.int64)
    for level in np.unique(levels).tolist():
        mask = levels == level
        counts = current[level] + np.concatenate(((0,), np.cumsum(net[mask])))
        current[level] = int(counts[-1])
        shown = np.minimum(counts, 1) if is_line[level] else counts
        values[mask], changed[mask] = shown[1:], np.diff(shown) != 0
    return Changes(times[changed], levels[changed], values[changed])
