"""An engine pool: identical engines behind one first-come first-served line."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghostcard.emulator.job import Job


class EnginePool:
    """`count` engines, of which `idle` are free; jobs that found none free wait in `waiting`.

    The card moves jobs in and out; the pool is the state of one station and no more.
    """

    __slots__ = ("count", "idle", "name", "waiting")

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count
        self.idle = count
        self.waiting: deque[Job] = deque()
