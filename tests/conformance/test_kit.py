"""The kit: our driver and that of docs/examples do everything right; broken ones fail where they
should, and nowhere else."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest

from ghostcard.conformance import instructions, replies
from ghostcard.conformance.driver import DriverNotFoundError, find
from ghostcard.conformance.run import Verdict, cases, run
from ghostcard.driver.triage import INVALID
from ghostcard.emulator.status import RESPONSE_NAMES
from ghostcard.firmware.abi.errorreply import ReplyCode
from tests.conformance import broken

ALL = cases()
INSTRUCTIONS = ("nqap", "dqap", "tapq", "rapq", "aqic")
OURS = "ghostcard.conformance.ours:make_driver"


def name(verdict: Verdict) -> str:
    return f"{verdict.group}: {verdict.name}"


@pytest.mark.parametrize("driver", [OURS, f"{broken.EXAMPLE}:make_driver"])
def test_a_driver_that_is_right_passes_everything(driver: str) -> None:
    verdicts = list(run(find(driver), ALL))
    assert [verdict for verdict in verdicts if not verdict.passed] == []
    assert len(verdicts) == len(ALL) == len(set(map(name, verdicts)))
    assert all(verdict.did for verdict in verdicts)


def test_every_row_of_both_tables_has_its_cases() -> None:
    names = {case.name for case in ALL}
    for instruction in INSTRUCTIONS:
        codes = {one.split()[1] for one in names if one.startswith(f"{instruction} ")}
        assert codes == {f"{code:02x}" for code in RESPONSE_NAMES}
    words = {one.split()[2] for one in names if one.startswith(INSTRUCTIONS)}
    assert {"Q_FULL", "NO_PENDING_REPLY"} < words
    assert len(words) == 27  # AP sheet 1.3, where 10 is two
    for kind in ("82", "86", "87", "88"):
        codes = {one.split()[1] for one in names if one.startswith(f"{kind} ") and "_" in one}
        assert codes >= {f"{code:02x}" for code in ReplyCode if "_" in code.name}
    assert len(list(instructions.cases())) == 5 * len(RESPONSE_NAMES)
    assert len(list(replies.cases())) > 4 * len(ReplyCode)


_CALLERS_FAULT = [f"reply codes: 8? {code:02x} *" for code in INVALID]
_ELSEWHERE = [f"reply codes: 8? {code:02x} *" for code in {*ReplyCode} - INVALID]
_NQAP_ERRORS = ["15 *", "16 *", "42 *"]
_BROKEN_QUEUES = [
    f"response codes: {instruction} {code:02x} *"
    for instruction, known in (
        ("nqap", (0x00, 0x02, 0x10, 0x15, 0x16, 0x42)),
        ("dqap", (0x00, 0x10)),
        ("tapq", (0x00, 0x02, 0x05)),
        ("rapq", (0x00, 0x02)),
    )
    for code in RESPONSE_NAMES
    if code not in known
]
_UNUSABLE = [
    "reply codes: 86 return code 12/1",
    "reply codes: 80 cut short",
    "reply codes: type 99 *",
    "reply codes: 86 CPRB version *",
    "reply codes: a reply of no byte",
]
BROKEN: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "takes a reset for a full queue": (
        broken.misreading("nqap", 0x02, 0x10),
        ["response codes: nqap 02 *", "reset by the card: IDLE"],
    ),
    "takes a reset for success": (
        broken.misreading("nqap", 0x02, 0x00),
        ["response codes: nqap 02 *"],
    ),
    "takes a queue for ready that is being reset": (
        broken.misreading("tapq", 0x02, 0x00),
        ["response codes: nqap 02 *"],
    ),
    "sends again what is too big": (
        broken.misreading("nqap", 0x15, 0x10),
        ["response codes: nqap 15 *"],
    ),
    "overlooks a checkstop at DQAP": (
        broken.misreading("dqap", 0x04, 0x10),
        ["response codes: dqap 04 *"],
    ),
    "retries what is the caller's fault": (
        broken.RetriesWhatIsTheCallersFault,
        [*_CALLERS_FAULT, "reply codes: 86 return code 8/*", "reply codes: 86 return code 12/769"],
    ),
    "never tries another card": (
        broken.NeverTriesAnother,
        [*_ELSEWHERE, "reply codes: 82 10 for ever"],
    ),
    "tries for ever": (broken.TriesForEver, ["reply codes: 82 10 for ever"]),
    "forgets what the card has lost": (
        broken.ForgetsToSendAgain,
        [
            "lost messages: *never answered",
            "lost messages: interrupt lost",
            "lost messages: requests lost in the card",
        ],
    ),
    "leaves interrupts off": (
        broken.LeavesInterruptsOff,
        [
            *(f"response codes: aqic {code:02x} *" for code in RESPONSE_NAMES if code != 0x07),
            "reset by *",
            "cards that go and come: *",
        ],
    ),
    "has no timer": (
        broken.HasNoTimer,
        ["lost messages: *never answered", "lost messages: interrupt lost"],
    ),
    "looks once at what there is": (
        broken.LooksOnceOnly,
        [
            *_BROKEN_QUEUES,
            "reset by the card: WORKING",
            "reset by the card: QUEUE_FULL",
            "cards that go and come: *",
        ],
    ),
    "keeps bad queues online": (broken.KeepsBadQueuesOnline, _UNUSABLE),
    "believes that replies come in order": (
        broken.AnswersInOrder,
        ["lost messages: replies in another order"],
    ),
    "ends requests twice": (
        broken.EndsTwice,
        [
            *(f"response codes: nqap {code}" for code in _NQAP_ERRORS),
            *_CALLERS_FAULT,
            "reply codes: 86 return code 8/*",
            "reply codes: 86 return code 12/769",
        ],
    ),
    "never waits": (broken.NeverWaits, ["*"]),
    "crashes at a reset": (
        broken.Crashes,
        [
            "response codes: tapq *",
            "response codes: rapq *",
            "response codes: aqic *",
            "reset by the operator: *",
        ],
    ),
}


# All cases but those that are another's twins: codes of Secure Execution, older types of replies.
TWINS = ("8[78] *", "?*q* 0[689ab] *", "?*q* 3[3-6] *")
DIFFERENT = [case for case in ALL if not any(fnmatchcase(case.name, twin) for twin in TWINS)]


@pytest.mark.parametrize("mistake", BROKEN)
def test_a_broken_driver_fails_where_it_should(mistake: str) -> None:
    make, patterns = BROKEN[mistake]
    # 900 s at the quick poll timer are millions of polls
    passed_over = "lost messages" if mistake == "leaves interrupts off" else ""
    tried = [case for case in DIFFERENT if case.group != passed_over]
    failed = {name(verdict) for verdict in run(make, tried) if not verdict.passed}
    assert failed
    expected = {
        f"{case.group}: {case.name}"
        for case in tried
        if any(fnmatchcase(f"{case.group}: {case.name}", pattern) for pattern in patterns)
    }
    assert failed == expected


def test_what_a_driver_raises_is_told_with_its_place() -> None:
    (verdict,) = run(broken.Crashes, cases("reset by the operator: IDLE"))
    assert not verdict.passed
    assert verdict.did.startswith("raises KeyError: 'nothing here' (reset, line ")


@pytest.mark.parametrize(
    ("driver", "words"),
    [
        ("json", "takes MODULE:FUNCTION"),
        ("json:", "takes MODULE:FUNCTION"),
        ("json:nothing", "json has no function nothing"),
        ("nowhere.py:make", "there is no such file"),
    ],
)
def test_a_driver_that_is_not_there(driver: str, words: str) -> None:
    with pytest.raises(DriverNotFoundError, match=words):
        find(driver)
