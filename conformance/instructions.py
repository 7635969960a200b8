"""Every response code as the answer to each instruction that a driver executes (AP sheet 1.3, 1.6).

A code in the place of an instruction, once, or for a time. What follows is the sheet's table of
actions; from outside it looks like the four plays below.
"""

import errno
from collections.abc import Callable, Iterator

from ghostcard.conformance.case import SCAN_NS, SOON_NS, Case, Trial
from ghostcard.conformance.stand import MS, WrongError
from ghostcard.emulator.status import (
    BUSY,
    INVALID_DOMAIN,
    MESSAGE_TOO_BIG,
    NO_PENDING_REPLY,
    NORMAL,
    OTHERWISE_CHANGED,
    Q_FULL,
    REQ_FAC_NOT_INST,
    RESET_IN_PROGRESS,
    RESPONSE_NAMES,
)

GROUP = "response codes"
_AWHILE_NS = 200 * MS  # five periods of the slow poll timer
_POLLS_MOST = 8  # in that time
_NQAP_ERRORS = (MESSAGE_TOO_BIG, REQ_FAC_NOT_INST, INVALID_DOMAIN)
_MANY = 20  # requests, more than a queue is deep

_BROKEN = "queue in error; after the next scan it is reset, and the request served"
_WAITS = "waits at the slow poll timer, then goes on"


def cases() -> Iterator[Case]:
    """All of them, by instruction and code."""
    for code in RESPONSE_NAMES:
        yield _nqap(code)
    for code in RESPONSE_NAMES:
        yield _dqap(code)
    for code in RESPONSE_NAMES:
        yield _in_reset("tapq", code, waiting=(RESET_IN_PROGRESS, BUSY))
    for code in RESPONSE_NAMES:
        yield _in_reset("rapq", code, waiting=(RESET_IN_PROGRESS,))
    for code in RESPONSE_NAMES:
        yield _aqic(code)


def _case(instruction: str, code: int, should: str, play: Callable[[Trial], str]) -> Case:
    names = RESPONSE_NAMES[code].split(" / ")  # 10 is two: of NQAP, of any other
    word = names[0] if instruction == "nqap" else names[-1]
    return Case(GROUP, f"{instruction} {code:02x} {word}", should, play)


def _nqap(code: int) -> Case:
    name = f"nqap {code:02x}"

    def once(trial: Trial) -> None:
        trial.inject(kind="response", instruction="nqap", code=code, nth=1, name=name)

    def normal(trial: Trial) -> str:
        return trial.served(trial.ask(0), SOON_NS, by=0, times=1)

    def full(trial: Trial) -> str:
        """The queue says that it is full while the first is on its way; and it is, with many."""
        trial.inject(kind="queue-full", nth=2, name=name)
        tags = [trial.ask(0) for _ in range(_MANY)]
        told = [trial.served(tag, SOON_NS, by=0, times=1) for tag in tags]
        trial.met(name)
        return f"{len(tags)} requests, the last {told[-1]}"

    def waits(trial: Trial) -> str:
        window = {"until_ns": trial.now + _AWHILE_NS}
        for instruction in ("nqap", "tapq"):
            words = {"instruction": instruction, "name": f"{instruction} {code:02x}"}
            trial.inject(kind="response", code=code, **words, **window)
        tag = trial.ask(0)
        told = trial.served(tag, _AWHILE_NS + SOON_NS, by=0, times=1, after_ns=_AWHILE_NS)
        trial.met(name, most=1)
        trial.met(f"tapq {code:02x}", most=_POLLS_MOST)
        return told

    def refused(trial: Trial) -> str:
        once(trial)
        tags = trial.ask(0), trial.ask(0)
        told = trial.fails(tags[0], errno.EINVAL, SOON_NS, times=0)
        trial.met(name, most=1)
        return f"{told}; the next {trial.served(tags[1], SOON_NS, by=0, times=1)}"

    def broken(trial: Trial) -> str:
        once(trial)
        return _comes_back(trial, name)

    if code == NORMAL:
        return _case("nqap", code, "the request is served", normal)
    if code == Q_FULL:
        return _case("nqap", code, "waits for a reply, then sends on; all are served", full)
    if code == RESET_IN_PROGRESS:
        return _case("nqap", code, f"{_WAITS}; one NQAP meanwhile", waits)
    if code in _NQAP_ERRORS:
        return _case("nqap", code, "EINVAL at once, one NQAP; the next is served", refused)
    return _case("nqap", code, f"{_BROKEN}; while it lasts, by another card", broken)


def _comes_back(trial: Trial, name: str) -> str:
    """A queue has an error: it is reset before it is used again. If that does not help, the other
    card serves."""
    resets = trial.queue().resets
    told = trial.served(trial.ask(0), SCAN_NS, by=0)
    trial.met(name, most=1)
    if trial.queue().resets == resets:
        raise WrongError(f"uses the queue again without a reset: {told}")
    trial.calm()
    instruction, code = name.split()
    words = {"instruction": instruction, "code": int(code, 16), "name": f"{name} again"}
    trial.inject(kind="response", **words)
    tags = [trial.ask(0, 1) for _ in range(4)]
    for tag in tags:
        trial.served(tag, 3 * SCAN_NS, by=1)
    trial.calm()
    trial.quiet(SCAN_NS)
    trial.served(trial.ask(0), SOON_NS, by=0, times=1)
    return told


def _dqap(code: int) -> Case:
    name = f"dqap {code:02x}"

    def normal(trial: Trial) -> str:
        return trial.served(trial.ask(0), SOON_NS, by=0, times=1)

    def nothing(trial: Trial) -> str:
        """With the next interrupt both replies are there."""
        trial.inject(kind="response", instruction="dqap", code=code, nth=1, name=name)
        tags = [trial.ask(0) for _ in range(_MANY)]
        told = [trial.served(tag, SOON_NS, by=0, times=1) for tag in tags]
        trial.met(name)
        return f"{len(tags)} requests, the last {told[-1]}"

    def broken(trial: Trial) -> str:
        trial.inject(kind="response", instruction="dqap", code=code, nth=1, name=name)
        return _comes_back(trial, name)

    if code == NORMAL:
        return _case("dqap", code, "the request is served", normal)
    if code == NO_PENDING_REPLY:
        return _case("dqap", code, "waits on; all are served, none is sent twice", nothing)
    return _case("dqap", code, f"{_BROKEN}; while it lasts, by another card", broken)


def _in_reset(instruction: str, code: int, waiting: tuple[int, ...]) -> Case:
    """The operator resets the queue, and the instruction gets that answer."""
    name = f"{instruction} {code:02x}"

    def begun(trial: Trial, **when: object) -> None:
        if code != NORMAL:
            said = {"instruction": instruction, "code": code, "name": name, **when}
            trial.inject(kind="response", **said)
        trial.driver.reset(0)

    def goes_on(trial: Trial) -> str:
        begun(trial, nth=1)
        told = trial.served(trial.ask(0), 2 * SOON_NS, by=0, times=1)
        if code != NORMAL:
            trial.met(name, most=1)
        return told

    def broken(trial: Trial) -> str:
        begun(trial, nth=1)
        trial.quiet()
        trial.met(name, most=1)
        tag = trial.ask(0, 1)
        told = trial.served(tag, SOON_NS, by=1, times=1)
        trial.quiet(SCAN_NS)
        return f"{told}; later {trial.served(trial.ask(0), SOON_NS, by=0, times=1)}"

    if code == NORMAL or code in waiting:
        should = "the request is served after the reset" if code == NORMAL else _WAITS
        return _case(instruction, code, should, goes_on)
    should = "queue in error: another card serves; after the next scan this one does"
    return _case(instruction, code, should, broken)


def _aqic(code: int) -> Case:
    name = f"aqic {code:02x}"

    def enabled(trial: Trial) -> str:
        trial.driver.reset(0)
        if code == OTHERWISE_CHANGED:  # and so it is: somebody was quicker
            trial.run(MS)
            trial.queue().request_interrupts(True, trial.now)
        told = trial.served(trial.ask(0), 2 * SOON_NS, by=0, times=1)
        trial.interrupts()
        return told

    def polls(trial: Trial) -> str:
        trial.inject(kind="response", instruction="aqic", code=code, name=name)
        trial.driver.reset(0)
        tag = trial.ask(0)
        trial.served(tag, 2 * SOON_NS, by=0, times=1)
        trial.met(name)
        return f"without interrupts {trial.served(trial.ask(0), 10 * MS, by=0, times=1)}"

    if code in (NORMAL, OTHERWISE_CHANGED):
        return _case("aqic", code, "interrupts are used", enabled)
    return _case("aqic", code, "polls at the quick timer", polls)
