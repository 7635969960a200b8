"""A million requests while everything fails now and then, and that the soak would notice."""

import pytest

from ghostcard import faults
from ghostcard.benchmarks import soak
from ghostcard.benchmarks.ledger import Dishonest
from ghostcard.benchmarks.soak import PLAN, Soak
from ghostcard.emulator.faultkinds import KINDS
from ghostcard.emulator.faultplan import FaultPlan, Rule

REQUESTS = 1_000_000


def test_the_plan_has_every_kind_at_one_percent() -> None:
    rules = faults.load(str(PLAN)).rules
    assert {rule.kind for rule in rules} == set(KINDS)
    assert {rule.rate_ppm for rule in rules} == {10_000}


@pytest.mark.timeout(1200)  # a minute of CPU time, on a machine that may be busy
def test_a_million_requests_are_answered_once_and_honestly() -> None:
    outcome = Soak(REQUESTS, 1).run()
    assert outcome.requests == outcome.answered + outcome.failed == REQUESTS
    assert set(outcome.faults) == {rule.name for rule in faults.load(str(PLAN)).rules}
    assert min(outcome.faults.values()) > 50
    assert outcome.answered > REQUESTS * 3 // 4
    assert outcome.checked > REQUESTS // 6
    assert sum(outcome.errors.values()) == outcome.failed
    assert min(outcome.instructions[one] for one in ("nqap", "dqap", "rapq", "unplug")) > 10_000


def test_an_error_that_nothing_explains_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(soak._NOT_MENDED, "EINVAL", ())
    with pytest.raises(Dishonest, match=r"^client \d+ was told EINVAL after nqap invalid domain$"):
        Soak(2_000, 1).run()


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, again, other = (Soak(20_000, seed).run() for seed in (7, 7, 8))
    assert first == again
    assert first.digest != other.digest


def test_another_digest_would_be_noticed() -> None:
    """A reply whose digest itself is changed, which no driver can see."""
    in_the_digest = Rule("corrupt", "corrupt", "reply", offset=110, flip=1, nth=1)
    with pytest.raises(Dishonest, match=r"client 3 got another digest for b'3 4"):
        Soak(4 * 64, 1, plan=FaultPlan((in_the_digest._replace(client=3),))).run()


@pytest.mark.parametrize(
    "silent",
    [
        Rule("response", "a", "instruction", instruction="nqap", code=4, asynchronous=True),
        Rule("drop", "drop", "request"),
    ],
    ids=["waits for nothing", "sent again for ever"],
)
def test_a_request_that_never_ends_is_noticed(silent: Rule) -> None:
    with pytest.raises(Dishonest, match=r"^no request has ended for a day .* and 1 are under way"):
        Soak(1, 1, clients=1, plan=FaultPlan((silent,))).run()


def test_queues_that_fail_and_cannot_be_reset_do_no_harm() -> None:
    """Messages stay in hardware while their requests are served elsewhere; most are."""

    def refuse(instruction: str, code: int, rate_ppm: int) -> Rule:
        asked = {"instruction": instruction, "code": code, "rate_ppm": rate_ppm}
        return Rule("response", instruction, "instruction", **asked)  # type: ignore[arg-type]

    rules = (
        refuse("dqap", 4, 20_000),
        refuse("rapq", 3, 300_000),
        refuse("zapq", 2, 500_000),
        refuse("tapq", 1, 50_000),
    )
    outcome = Soak(10_000, 1, plan=FaultPlan(rules)).run()
    assert outcome.answered + outcome.failed == 10_000
    assert outcome.answered > 5_000
