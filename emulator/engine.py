"""An engine pool: identical engines behind one line, a `deque` (FIFO) or a policy's; and what a
request needs of it and of the other stations.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghostcard.emulator.image import Line, Plan


class EnginePool:
    """`idle` engines are free; jobs that found none free stand in `waiting`, in order.

    The stations move jobs in and out; this is the state of one pool and no more.
    """

    __slots__ = ("idle", "waiting")

    def __init__(self, size: int, waiting: Line | None = None) -> None:
        self.idle = size
        self.waiting: Line = deque() if waiting is None else waiting


class Demand:
    """What a request needs of the stations: the image's `Plan`, and the pool that it names."""

    __slots__ = ("build_ns", "decode_ns", "engine", "engine_ns", "pool", "unwrap_ns")

    def __init__(self, plan: Plan, pool: EnginePool | None) -> None:
        self.decode_ns = plan.decode_ns
        self.unwrap_ns = plan.unwrap_ns
        self.engine = plan.engine
        self.engine_ns = plan.engine_ns
        self.build_ns = plan.build_ns
        self.pool = pool
