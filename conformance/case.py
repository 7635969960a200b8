"""One case: what is done to the driver, what it should do, and how its deeds are looked at."""

import errno
from collections.abc import Callable
from typing import Final, NamedTuple

from ghostcard.conformance.driver import MakeDriver
from ghostcard.conformance.requests import KINDS, Asked
from ghostcard.conformance.stand import MS, SECOND, End, Stand, WrongError

SCAN_NS: Final = 31 * SECOND  # within which a driver has looked at the configuration (1.9)
SOON_NS: Final = 100 * MS  # two periods of the slow poll timer, and some time to work


class Case(NamedTuple):
    """`play` raises WrongError, or returns what the driver did."""

    group: str
    name: str
    should: str
    play: Callable[["Trial"], str]
    profile: str = "cex8a"


class Trial(Stand):
    """A stand with requests that are checked."""

    def __init__(self, make: MakeDriver, profile: str = "cex8a") -> None:
        super().__init__(make, profile)
        self._profile = profile
        self._asked: dict[int, Asked] = {}
        self._began: dict[int, int] = {}
        for adapter in (0, 1):
            self.served(self.ask(adapter), SOON_NS, by=adapter)

    def ask(self, *adapters: int) -> int:
        """A new request, for any of these cards; its tag."""
        asked = KINDS[self._profile](len(self._asked) + 1)
        tag = len(self._asked) + 1
        self._asked[tag], self._began[tag] = asked, self.now
        submitted = self.submit(asked.block, asked.mark, *adapters)
        assert submitted == tag
        return tag

    def unended(self) -> list[int]:
        """The requests under way."""
        return [tag for tag in self._asked if tag not in self.ends]

    def end(self, tag: int, within_ns: int) -> End:
        """How a request ends, which it has to within that time."""
        self.run(within_ns, until_ended=True)
        if self.fault is not None:
            raise WrongError(self.fault)
        if tag not in self.ends:
            where = ", ".join(f"{one.qid:#06x}" for one in self.executions_of(tag))
            seen = f"executed by {where}" if where else "never sent to a card"
            raise WrongError(f"has not ended request {tag} after {took(within_ns)}; it was {seen}")
        return self.ends[tag]

    def served(
        self,
        tag: int,
        within_ns: int,
        by: int | None = None,
        times: int | None = None,
        after_ns: int = 0,
    ) -> str:
        """The request is answered with its own answer, by that card, executed so often in all, and
        not sent before `after_ns` from its beginning."""
        end = self.end(tag, within_ns)
        if end.error:
            raise WrongError(f"ends with {name_of(end.error)}, though a card can serve")
        if self._asked[tag].answer not in end.reply:
            raise WrongError("gives a request the reply of another, or none")
        executions = self.executions_of(tag)
        if by is not None and executions[-1].qid >> 8 != by:
            raise WrongError(f"has it served by card {executions[-1].qid >> 8:02x}")
        if times is not None and len(executions) != times:
            raise WrongError(f"sends it {len(executions)} times, not {times}")
        early = [one for one in executions if one.at_ns < self._began[tag] + after_ns]
        if early:
            raise WrongError(f"sends it after {took(early[0].at_ns - self._began[tag])} already")
        card, after = executions[-1].qid >> 8, end.at_ns - self._began[tag]
        return f"served by card {card:02x} after {took(after)}"

    def fails(self, tag: int, error: int, within_ns: int, times: int | None = None) -> str:
        """The request ends with that errno, executed so often."""
        end = self.end(tag, within_ns)
        if end.error != error:
            raise WrongError(f"ends with {name_of(end.error)}, not {name_of(error)}")
        executions = self.executions_of(tag)
        if times is not None and len(executions) != times:
            raise WrongError(f"sends it {len(executions)} times, not {times}")
        return f"{name_of(error)} after {took(end.at_ns - self._began[tag])}"

    def met(self, name: str, most: int | None = None) -> int:
        """How often the fault of that name has happened, which is at least once."""
        times = len(self.struck.get(name, []))
        if not times:
            raise WrongError(f"executes no {name.partition(' ')[0].upper()}")
        if most is not None and times > most:
            raise WrongError(f"executes {name.partition(' ')[0].upper()} {times} times meanwhile")
        return times

    def interrupts(self, adapter: int = 0) -> None:
        """The driver has its queue interrupt."""
        if not self.queue(adapter).interrupts_enabled(self.now):
            raise WrongError("leaves the interrupts of the queue off")

    def quiet(self, for_ns: int = SOON_NS) -> None:
        """Let time pass, and let it end nothing twice."""
        self.run(for_ns)
        if self.fault is not None:
            raise WrongError(self.fault)


def name_of(error: int) -> str:
    """An errno in words."""
    return errno.errorcode.get(error, f"errno {error}") if error else "a reply"


def took(ns: int) -> str:
    """A time for people."""
    for size, unit in ((SECOND, "s"), (MS, "ms"), (1000, "us")):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 1000 * size else f"{ns / size:.0f} {unit}"
    return f"{ns} ns"
