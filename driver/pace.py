"""How punctual paced calls were: how many, how many late, by how much, and what would have helped.

A call is late that returns more than `LATE_NS` of the wall's time after its simulated completion
has come. Figures of a run with more than `TOLERABLE` of them late are not those of the cards.
"""

from collections import Counter
from math import ceil, floor, log2, log10
from typing import NamedTuple

LATE_NS = 20_000
TOLERABLE = 0.01
_STEPS = 8  # of a factor of two, to which the dilation that a call needed is rounded up


class Pace(NamedTuple):
    """``needed``: of the late calls those that were executed when their time had already come, by
    the dilation that they needed, as a number of steps: 2 ** (steps / 8). ``misjudged``: calls that
    were another request than they seemed when they came, so that their time was not theirs.
    """

    dilation: float
    calls: int = 0
    late: int = 0
    lateness_ns: int = 0  # of all calls together
    worst_ns: int = 0
    misjudged: int = 0
    needed: tuple[tuple[int, int], ...] = ()

    @property
    def wrong(self) -> float:
        """The share of calls that took another time than they should have."""
        return (self.late + self.misjudged) / self.calls if self.calls else 0.0

    @property
    def is_valid(self) -> bool:
        """Whether so few calls were late or misjudged that the figures are the cards'."""
        return self.wrong <= TOLERABLE

    @property
    def mean_ns(self) -> float:
        """The mean lateness."""
        return self.lateness_ns / self.calls if self.calls else 0.0

    @property
    def woken_late(self) -> int:
        """How many were ready in time, and were late because the machine was busy: no dilation
        helps.
        """
        return self.late - sum(calls for _, calls in self.needed)

    @property
    def would_do(self) -> float | None:
        """A dilation at which, for all that was measured, few enough would have been late but for
        those that were woken late; None if so few were, or if that is no remedy.
        """
        allowed = int(self.calls * TOLERABLE) - self.misjudged
        if self.late <= allowed:
            return None
        left = self.late
        for steps, calls in sorted(self.needed):
            left -= calls
            if left <= max(allowed, self.woken_late):
                return max(_rounded_up(2 ** (steps / _STEPS)), _above(self.dilation))
        return None

    def joined(self, other: "Pace") -> "Pace":
        """Of two processes."""
        needed = Counter(dict(self.needed))
        needed.update(dict(other.needed))
        return Pace(
            self.dilation,
            self.calls + other.calls,
            self.late + other.late,
            self.lateness_ns + other.lateness_ns,
            max(self.worst_ns, other.worst_ns),
            self.misjudged + other.misjudged,
            tuple(sorted(needed.items())),
        )

    def as_text(self) -> str:
        """For a file: a line for each field."""
        said = {**self._asdict(), "needed": " ".join(f"{at}:{n}" for at, n in self.needed)}
        return "".join(f"{name} {value}\n" for name, value in said.items())

    @classmethod
    def of_text(cls, text: str) -> "Pace":
        """The inverse; ValueError for anything else."""
        said = dict(line.split(" ", 1) for line in text.splitlines())
        if set(said) != set(cls._fields):
            raise ValueError("not the pace of a run")
        calls, late, lateness_ns, worst_ns, misjudged = (
            int(said[name]) for name in cls._fields[1:-1]
        )
        pairs = (each.split(":") for each in said["needed"].split())
        needed = tuple((int(at), int(calls)) for at, calls in pairs)
        counts = (calls, late, lateness_ns, worst_ns, misjudged)
        return cls(float(said["dilation"]), *counts, needed)


class Punctuality:
    """Counts the calls of a process; not for several threads at once."""

    def __init__(self, dilation: float) -> None:
        self.misjudged = 0
        self._dilation = dilation
        self._calls = self._late = self._lateness_ns = self._worst_ns = 0
        self._needed: Counter[int] = Counter()

    def count(self, simulated_ns: int, executed_ns: int, lateness_ns: int) -> None:
        """A call of so long on the cards was executed in so long on the wall's clock, and returned
        so much after its time there.
        """
        self._calls += 1
        self._lateness_ns += lateness_ns
        self._worst_ns = max(self._worst_ns, lateness_ns)
        if lateness_ns > LATE_NS:
            self._late += 1
            needed = executed_ns / max(simulated_ns, 1)
            if needed > self._dilation:
                self._needed[ceil(_STEPS * log2(needed))] += 1

    @property
    def pace(self) -> Pace:
        """What has been counted."""
        counts = (self._calls, self._late, self._lateness_ns, self._worst_ns, self.misjudged)
        return Pace(self._dilation, *counts, tuple(sorted(self._needed.items())))


def _rounded_up(number: float) -> float:
    """To two digits."""
    unit = 10.0 ** (floor(log10(number)) - 1)
    return float(f"{ceil(number / unit - 1e-9) * unit:.3g}")


def _above(number: float) -> float:
    """The next of two digits."""
    return _rounded_up(number * 1.01)
