"""Every reply code in every type of error reply; what is no reply (AP sheet 3.2, 3.5, 3.6)."""

import errno
from collections.abc import Iterator

from ghostcard.conformance.case import SCAN_NS, SOON_NS, Case, Trial
from ghostcard.conformance.stand import WrongError
from ghostcard.driver.dispatcher import ATTEMPTS
from ghostcard.driver.triage import INVALID
from ghostcard.firmware.abi.cca_function import CALLERS_FAULT
from ghostcard.firmware.abi.errorreply import ReplyCode

GROUP = "reply codes"
# type of reply -> a card that gives it
_GIVEN_BY = {0x82: "cex8a", 0x88: "cex8a", 0x87: "cex8p", 0x86: "cex8p"}
_VERSION = 0x32  # of the CPRB in a reply of type 86
_RETURN_CODES = 0x30 + 0x90  # of a CPRBX: return code u16, reason code u16
_TYPE = 1
_UNKNOWN_TYPE = 0x99
_LATER_NS = 2 * SCAN_NS


def cases() -> Iterator[Case]:
    """All of them, by type and code."""
    for kind, profile in _GIVEN_BY.items():
        for code in ReplyCode:
            name = f"{kind:02x} {code:02x} {code.name}"
            said = {"kind": "reply-code", "code": int(code), "type": kind}
            yield _refusal(name, profile, code in INVALID, **said)
    yield from _cca_codes()
    yield from _no_replies()
    yield Case(GROUP, "82 10 for ever", f"EIO after {ATTEMPTS} attempts", _for_ever)


def _refusal(name: str, profile: str, is_callers: bool, **fault: object) -> Case:
    """Card 0 refuses for some time: its caller's fault, or worth a try elsewhere."""

    def refused(trial: Trial) -> str:
        trial.inject(name=name, **fault)
        told = trial.fails(trial.ask(0, 1), errno.EINVAL, SOON_NS, times=1)
        trial.calm()
        trial.served(trial.ask(0), SOON_NS, by=0, times=1)
        return told

    def elsewhere(trial: Trial) -> str:
        trial.inject(name=name, **fault)
        told = _by_the_other(trial, name)
        trial.calm()
        trial.served(trial.ask(0), SOON_NS, by=0, times=1)
        return told

    if is_callers:
        should = "EINVAL at once, sent once; the queue stays in use"
        return Case(GROUP, name, should, refused, profile)
    should = "another card serves; the queue stays in use"
    return Case(GROUP, name, should, elsewhere, profile)


def _by_the_other(trial: Trial, name: str) -> str:
    """Of several requests some begin on card 0; the other serves them all."""
    tags = [trial.ask(0, 1) for _ in range(6)]
    told = [trial.served(tag, SOON_NS, by=1) for tag in tags]
    trial.met(name)
    return told[-1]


def _offline(name: str, profile: str, **fault: object) -> Case:
    """The queue that answers so is taken out of use."""

    def play(trial: Trial) -> str:
        trial.inject(name=name, nth=1, **fault)
        told = _by_the_other_or_it(trial, name)
        end = trial.end(trial.ask(0), _LATER_NS)
        if end.error != errno.ENODEV:
            raise WrongError("goes on using the queue")
        trial.served(trial.ask(0, 1), SOON_NS, by=1, times=1)
        return f"{told}; the queue is offline"

    should = "another card serves; the queue goes offline: ENODEV for who wants it alone"
    return Case(GROUP, name, should, play, profile)


def _by_the_other_or_it(trial: Trial, name: str) -> str:
    tag = trial.ask(0)  # which nobody else could serve
    trial.fails(tag, errno.ENODEV, SOON_NS, times=1)
    trial.met(name, most=1)
    return trial.served(trial.ask(0, 1), SOON_NS, by=1, times=1)


def _cca_codes() -> Iterator[Case]:
    for rtcode, rscode in sorted(CALLERS_FAULT):
        name = f"86 return code {rtcode}/{rscode}"
        yield _refusal(name, "cex8c", True, **_codes(rtcode, rscode))
    yield _refusal("86 return code 8/335 above 2048 bits", "cex8c", True, **_codes(8, 0x14F))
    yield _offline("86 return code 12/1", "cex8c", **_codes(12, 1))


def _codes(rtcode: int, rscode: int) -> dict[str, object]:
    value = rtcode << 16 | rscode
    return {"kind": "corrupt", "offset": _RETURN_CODES, "width": 4, "value": value}


def _no_replies() -> Iterator[Case]:
    yield _offline("80 cut short", "cex8a", kind="truncate", bytes=100)
    for profile in ("cex8a", "cex8p", "cex8c"):
        name = f"type {_UNKNOWN_TYPE:02x} from a {profile}"
        yield _offline(name, profile, kind="corrupt", offset=_TYPE, value=_UNKNOWN_TYPE)
    for profile in ("cex8p", "cex8c"):
        name = f"86 CPRB version 03 from a {profile}"
        yield _offline(name, profile, kind="corrupt", offset=_VERSION, value=3)
    yield _cut_short("cex8c")
    yield _offline("a reply of no byte", "cex8a", kind="truncate", bytes=0)


def _cut_short(profile: str) -> Case:
    def play(trial: Trial) -> str:
        trial.inject(kind="truncate", bytes=270, nth=1, name="cut")
        told = trial.fails(trial.ask(0), errno.EMSGSIZE, SOON_NS, times=1)
        trial.served(trial.ask(0), SOON_NS, by=0, times=1)
        return told

    name = f"86 cut short by a {profile}"
    return Case(GROUP, name, "EMSGSIZE; the queue stays in use", play, profile)


def _for_ever(trial: Trial) -> str:
    """Both cards fail, whatever is tried."""
    for card in (0, 1):
        trial.inject(kind="reply-code", code=0x10, card=card, name="failing")
    told = trial.fails(trial.ask(0, 1), errno.EIO, SOON_NS, times=ATTEMPTS)
    trial.calm()
    trial.served(trial.ask(0, 1), SOON_NS, times=1)
    return told
