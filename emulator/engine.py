"""An engine pool: identical engines behind one first-come first-served line."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghostcard.emulator.job import Job


class EnginePool:
    """`idle` engines are free; jobs that found none free stand in `waiting`, in order.

    The stations move jobs in and out; this is the state of one pool and no more.
    """

    __slots__ = ("idle", "waiting")

    def __init__(self, size: int) -> None:
        self.idle = size
        self.waiting: deque[Job] = deque()
