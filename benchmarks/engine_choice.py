"""Which of the two engines computes a run. Their records are equal to the byte."""

from typing import NamedTuple

AUTO, SIMPY, RECURSION = "auto", "simpy", "recursion"
ENGINES = (AUTO, SIMPY, RECURSION)
ASKED_FOR = "asked for"


class EngineError(Exception):
    """The engine that was asked for cannot run this; the message says why."""


class Choice(NamedTuple):
    """The engine, and in a few words why it is this one."""

    engine: str
    reason: str


def choose(asked: str, obstacle: str | None) -> Choice:
    """The engine for a run that has this `obstacle` to the recursion, or none.

    EngineError when the recursion was asked for and does not apply, or for an unknown engine.
    """
    if asked not in ENGINES:
        raise EngineError(f"engine {asked!r}: one of {', '.join(ENGINES)} was expected")
    if asked == RECURSION and obstacle:
        raise EngineError(f"engine recursion does not apply: {obstacle}")
    if asked == AUTO and obstacle:
        return Choice(SIMPY, f"the recursion does not apply: {obstacle}")
    if asked == AUTO:
        return Choice(RECURSION, "nothing in the run needs SimPy")
    return Choice(asked, ASKED_FOR)
