"""What goes wrong without a code: lost messages and interrupts, resets, cards that come and go.

AP sheet 1.6, 1.7 and 1.9. States are reached by time: 40 ms after a reset the driver tests it, 40
ms later it looks for the I bit.
"""

import errno
from collections.abc import Callable, Iterator

from ghostcard.conformance.case import SCAN_NS, SOON_NS, Case, Trial, name_of
from ghostcard.conformance.stand import MS, SECOND, WrongError

_TIMEOUT_NS = 900 * SECOND
_MANY = 20  # requests, more than a queue is deep
_AWHILE_NS = 5 * SECOND


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _lost()
    yield from _resets()
    yield from _card_resets()
    yield from _withdrawals()


def _lost() -> Iterator[Case]:
    group = "lost messages"
    sent_again = "after 900 s the queue is reset, the request sent again and served"
    yield Case(group, "request never answered", sent_again, _time_out)
    yield Case(group, "queue full, never answered", sent_again, _time_out_when_full)
    served = "served within 900 s; nothing is answered twice"
    yield Case(group, "interrupt lost", served, _interrupt_lost)
    soon = "served with the next interrupt"
    yield Case(group, "one of two interrupts lost", soon, _one_interrupt_lost)
    empty = "the empty queue tells: sent again at once, before later ones"
    yield Case(group, "requests lost in the card", empty, _forgotten)
    order = "each request has its own answer"
    yield Case(group, "replies in another order", order, _overtaken)
    once = "the second reply is dropped; every request ends once"
    yield Case(group, "reply comes twice", once, _twice)


def _time_out(trial: Trial) -> str:
    trial.inject(kind="drop", nth=1, name="drop")
    tag = trial.ask(0)
    return trial.served(tag, _TIMEOUT_NS + SECOND, by=0, times=1, after_ns=_TIMEOUT_NS)


def _time_out_when_full(trial: Trial) -> str:
    trial.inject(kind="drop", until_ns=trial.now + SECOND, name="drop")
    tags = [trial.ask(0) for _ in range(_MANY)]
    within = _TIMEOUT_NS + SECOND
    told = [trial.served(tag, within, by=0, times=1, after_ns=_TIMEOUT_NS) for tag in tags]
    return f"{len(tags)} requests, the last {told[-1]}"


def _interrupt_lost(trial: Trial) -> str:
    trial.inject(kind="lost-interrupt", nth=1, name="lost")
    told = trial.served(trial.ask(0), _TIMEOUT_NS + SECOND, by=0)
    trial.quiet()
    return told


def _one_interrupt_lost(trial: Trial) -> str:
    trial.inject(kind="lost-interrupt", nth=1, name="lost")
    first = trial.ask(0)
    trial.run(MS)
    trial.served(trial.ask(0), SOON_NS, by=0, times=1)
    return trial.served(first, SOON_NS, by=0, times=1)


def _forgotten(trial: Trial) -> str:
    trial.inject(kind="lose", times=3, name="lose")
    tags = [trial.ask(0) for _ in range(5)]
    told = [trial.served(tag, SOON_NS, by=0, times=1) for tag in tags]
    trial.met("lose")
    return told[0]


def _overtaken(trial: Trial) -> str:
    trial.inject(kind="delay", delay_ns=MS, nth=1, name="delay")
    tags = [trial.ask(0) for _ in range(3)]
    trial.run(MS)
    if not set(tags[1:]) <= set(trial.ends) or tags[0] in trial.ends:
        raise WrongError("does not end the requests whose replies have come")
    told = [trial.served(tag, SOON_NS, by=0, times=1) for tag in tags]
    return f"the first {told[0]}, the others before"


def _twice(trial: Trial) -> str:
    trial.inject(kind="duplicate", name="twice")
    tags = [trial.ask(0) for _ in range(_MANY)]
    told = [trial.served(tag, SOON_NS, by=0, times=1) for tag in tags]
    trial.met("twice")
    trial.calm()
    trial.quiet()
    trial.served(trial.ask(0), SOON_NS, by=0, times=1)
    return f"{len(tags)} requests, the last {told[-1]}"


def _resets() -> Iterator[Case]:
    """By the operator, in each state that a queue can be in."""
    group = "reset by the operator"
    should = "what it held is tried again, and served; interrupts are on again"
    for state, reach in _STATES.items():
        yield Case(group, state, should, _reset_in(reach))


def _reset_in(reach: Callable[[Trial], None]) -> Callable[[Trial], str]:
    def play(trial: Trial) -> str:
        resets = trial.queue().resets
        reach(trial)
        trial.driver.reset(0)
        tags = [*trial.unended(), trial.ask(0)]
        told = [trial.served(tag, _AWHILE_NS, by=0) for tag in tags]
        if trial.queue().resets == resets:
            raise WrongError("executes no RAPQ")
        trial.quiet()
        trial.interrupts()
        return f"{len(tags)} requests, the last {told[-1]}"

    return play


def _once(trial: Trial) -> None:
    trial.driver.reset(0)


def _after(ns: int) -> Callable[[Trial], None]:
    def reach(trial: Trial) -> None:
        trial.driver.reset(0)
        trial.ask(0)
        trial.run(ns)

    return reach


def _work(requests: int) -> Callable[[Trial], None]:
    def reach(trial: Trial) -> None:
        for _ in range(requests):
            trial.ask(0)
        trial.run(10_000)  # ns: they are in hardware, and none is done

    return reach


_STATES: dict[str, Callable[[Trial], None]] = {
    "RESET_START": _once,
    "RESET_WAIT": _after(MS),
    "SETIRQ_WAIT": _after(40 * MS + 1000),
    "IDLE": lambda trial: None,
    "WORKING": _work(3),
    "QUEUE_FULL": _work(_MANY),
}


def _card_resets() -> Iterator[Case]:
    """By the card itself: its messages are gone, and it answers 02 for a time."""
    group = "reset by the card"
    should = "what it held is sent again when the reset is over, and served"
    for state, requests in (("IDLE", 0), ("WORKING", 3), ("QUEUE_FULL", _MANY)):
        yield Case(group, state, should, _reset_under(requests))


def _reset_under(requests: int) -> Callable[[Trial], str]:
    def play(trial: Trial) -> str:
        _work(requests)(trial)
        at_ns = trial.now + 1_000
        trial.inject(kind="reset", at_ns=at_ns, for_ns=_AWHILE_NS, name="reset")
        trial.run(2_000)
        tags = [*trial.unended(), trial.ask(0)]
        told = [trial.served(tag, 3 * SCAN_NS, by=0) for tag in tags]
        trial.quiet(SCAN_NS)
        trial.interrupts()
        return f"{len(tags)} requests, the last {told[-1]}"

    return play


def _withdrawals() -> Iterator[Case]:
    group = "cards that go and come"
    for kind in ("deconfigure", "checkstop", "pull"):
        other = "the other card serves, also what was in the first; back, it serves again"
        yield Case(group, f"{kind}, another can serve", other, _with_another(kind))
        alone = "ENODEV within a scan, and as long as it is away; back, it serves again"
        yield Case(group, f"{kind}, none can serve", alone, _alone(kind))
        idle = "requests made while it is away end with ENODEV; back, it serves again"
        yield Case(group, f"{kind} of an idle card", idle, _idle(kind))
    every = "every request ends, served or ENODEV; then it serves again"
    yield Case(group, "pulled and put back at once", every, _at_once)


def _away(trial: Trial, kind: str, for_ns: int) -> None:
    trial.inject(kind=kind, at_ns=trial.now + 1_000, for_ns=for_ns, name=kind)
    trial.run(2_000)
    trial.met(kind)


def _serves_again(trial: Trial, until_ns: int) -> None:
    trial.run(until_ns - trial.now + SCAN_NS)
    trial.served(trial.ask(0), 2 * SOON_NS, by=0, times=1)
    trial.quiet()
    trial.interrupts()


def _with_another(kind: str) -> Callable[[Trial], str]:
    def play(trial: Trial) -> str:
        tags = [trial.ask(0, 1) for _ in range(_MANY)]
        trial.run(10_000)
        back = trial.now + 100 * SECOND
        _away(trial, kind, 100 * SECOND)
        tags.append(trial.ask(0, 1))
        told = [trial.served(tag, 2 * SCAN_NS) for tag in tags]
        trial.served(trial.ask(0, 1), SOON_NS, by=1, times=1)
        _serves_again(trial, back)
        return f"{len(tags)} requests, the last {told[-1]}"

    return play


def _alone(kind: str) -> Callable[[Trial], str]:
    def play(trial: Trial) -> str:
        tags = [trial.ask(0) for _ in range(3)]
        trial.run(10_000)
        back = trial.now + 100 * SECOND
        _away(trial, kind, 100 * SECOND)
        told = [trial.fails(tag, errno.ENODEV, 2 * SCAN_NS) for tag in tags]
        trial.fails(trial.ask(0), errno.ENODEV, SCAN_NS, times=0)
        _serves_again(trial, back)
        return told[-1]

    return play


def _idle(kind: str) -> Callable[[Trial], str]:
    def play(trial: Trial) -> str:
        back = trial.now + 100 * SECOND
        _away(trial, kind, 100 * SECOND)
        told = trial.fails(trial.ask(0), errno.ENODEV, SCAN_NS, times=0)
        _serves_again(trial, back)
        return told

    return play


def _at_once(trial: Trial) -> str:
    """What was in the card is gone, though nothing seems to have changed."""
    tags = [trial.ask(0) for _ in range(3)]
    trial.run(10_000)
    _away(trial, "pull", 1)
    for tag in tags:
        if trial.end(tag, 2 * SCAN_NS).error != errno.ENODEV:
            trial.served(tag, 0, by=0)
    _serves_again(trial, trial.now)
    return name_of(trial.ends[tags[-1]].error)
