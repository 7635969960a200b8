"""Which call follows which, where nothing is known but when they were on the host's clock.

A thread is born where of the threads alive the one is that has done nothing for the longest: it
started the others, and waits for them. A thread that calls again when all those that it has started
since its last call have ended has waited for them. `ghostcard.driver.timingtrack` has it so, too.
"""

from __future__ import annotations


class _Thread:
    def __init__(self, number: int, parent: _Thread | None) -> None:
        self.number = number
        self.parent = parent  # who is taken to have started it
        self.seen = 0  # threads known at its last call
        self.left_ns = 0  # the end of its last call
        self.asked_ns = 0  # the end of its last call that a card had to do with
        self.request = -1  # the last request it made; before that, what its birth followed
        self.pending = 0  # what its next request follows
        self.ended_ns: int | None = None
        self.has_asked = False
        self.think_ns = 0  # since its last request


class Threads:
    """The threads of a process, told of their calls in order of time. `first` is the number of its
    first request; `number` that of the client that has called last.
    """

    def __init__(self, first: int) -> None:
        self.number = 0
        self._made = first
        self._threads: dict[int, _Thread] = {}
        self._order: list[_Thread] = []

    def end(self, thread: int, at_ns: int) -> None:
        """A thread has ended; another may get its number."""
        known = self._threads.pop(thread, None)
        if known is not None:
            known.ended_ns = at_ns

    def call(
        self, thread: int, at_ns: int, inside_ns: int, cpu_ns: int, requests: int
    ) -> tuple[int, int, int, int]:
        """A call that makes so many requests: its client, what the first of them follows (0: its
        own last; else 1 + a request's number), and the thread's time before it, CPU and wall, ns.
        """
        known = self._threads.get(thread)
        if known is None:
            known = _Thread(len(self._order), self._idlest(at_ns))
            known.pending = self._born(known)
            known.request = known.pending - 1
            self._threads[thread] = known
            self._order.append(known)
        elif known.seen < len(self._order):
            known.pending = self._joined(known, at_ns) or known.pending
        known.seen = len(self._order)
        known.left_ns = at_ns + inside_ns
        known.think_ns += cpu_ns
        self.number = known.number
        if not requests:
            return known.number, 0, 0, 0
        follows, think_ns = known.pending, known.think_ns
        wall_ns = max(0, at_ns - known.asked_ns) if known.has_asked and not follows else 0
        known.has_asked, known.asked_ns = True, known.left_ns
        known.pending = known.think_ns = 0
        self._made += requests
        known.request = self._made - 1
        return known.number, follows, think_ns, wall_ns

    def _idlest(self, at_ns: int) -> _Thread | None:
        alive = [each for each in self._threads.values() if each.left_ns <= at_ns]
        return min(alive, key=lambda each: each.left_ns, default=None)

    def _born(self, known: _Thread) -> int:
        """What a thread that calls for the first time follows."""
        if known.parent is not None:
            return known.parent.request + 1
        return max((each.request for each in self._order), default=-1) + 1

    def _joined(self, known: _Thread, at_ns: int) -> int:
        """What a thread that may have waited for those it started follows; 0: its own last."""
        born = [each for each in self._order[known.seen :] if each.parent is known]
        if any(each.ended_ns is None or each.ended_ns > at_ns for each in born):
            return 0
        last = max(born, key=lambda each: each.asked_ns, default=known)
        return last.request + 1 if last.has_asked and last is not known else 0
