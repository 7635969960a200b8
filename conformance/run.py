"""All cases against a driver, one after the other, each on a machine of its own."""

import traceback
from collections.abc import Iterator
from typing import NamedTuple

from ghostcard.conformance import instructions, replies, troubles
from ghostcard.conformance.case import Case, Trial
from ghostcard.conformance.driver import MakeDriver
from ghostcard.conformance.stand import WrongError


class Verdict(NamedTuple):
    """What became of a case."""

    group: str
    name: str
    should: str
    did: str
    passed: bool


def cases(only: str = "") -> list[Case]:
    """Those whose group or name contains `only`, in upper or lower case."""
    every = (*instructions.cases(), *replies.cases(), *troubles.cases())
    wanted = only.lower()
    return [case for case in every if wanted in f"{case.group}: {case.name}".lower()]


def run(make: MakeDriver, chosen: list[Case]) -> Iterator[Verdict]:
    """The verdict on each, when it is there. What the driver raises is its fault too."""
    for case in chosen:
        passed, did = True, ""
        try:
            did = case.play(Trial(make, case.profile))
        except WrongError as error:
            passed, did = False, str(error)
        except Exception as error:
            passed, did = False, f"raises {type(error).__name__}: {error}{_where(error)}"
        yield Verdict(case.group, case.name, case.should, did, passed)


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].name}, line {frames[-1].lineno})" if frames else ""
