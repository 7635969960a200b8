"""An engine pool: identical engines behind one line, a `deque` (FIFO) or a policy's."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghostcard.emulator.image import Line


class EnginePool:
    """`idle` engines are free; jobs that found none free stand in `waiting`, in order.

    The stations move jobs in and out; this is the state of one pool and no more.
    """

    __slots__ = ("idle", "waiting")

    def __init__(self, size: int, waiting: Line | None = None) -> None:
        self.idle = size
        self.waiting: Line = deque() if waiting is None else waiting
