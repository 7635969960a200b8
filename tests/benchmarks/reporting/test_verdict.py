"""The plain words of a report: each of its cases, once."""

from typing import Any

import pytest

from ghostcard.benchmarks.reporting.verdict import Ceiling, Facts, ceilings, verdict
from ghostcard.benchmarks.scenario_stations import Busy

RSA, LINK = Ceiling("rsa engines", 1000.0, 0.97), Ceiling("link in", 5000.0, 0.2)
FACTS = Facts(970.0, 5e5, 2e6, 0, 12.0, 6.0, "clients", False, (RSA, LINK))


def said(**changes: Any) -> str:
    return "\n".join(verdict(FACTS._replace(**changes)))


def test_saturated_and_beyond_the_knee() -> None:
    assert verdict(FACTS) == (
        "The cards serve 970 requests per second; half of them take at most 500 µs, 99 % at most "
        "2.00 ms.",
        "What limits it: the rsa engines, busy 97.0% of the time.",
        "To the knee: requests begin to wait at about 6.0 clients, and here are 12, 2.0 times as "
        "many: they wait longer and get no more done.",
        "What to change: another card, or more or faster rsa engines: up to 5,000 per second, "
        "where the next limit of a card is its link in.",
    )


@pytest.mark.parametrize(
    ("clients", "words"),
    [(3.0, "room for 2.0 times as many"), (6.0, "this is the knee"), (12.0, "get no more done")],
)
def test_distance(clients: float, words: str) -> None:
    assert words in said(clients=clients)


def test_nothing_is_saturated() -> None:
    idle = (RSA._replace(utilisation=0.5, per_second=1940.0), LINK)
    text = said(ceilings=idle, clients=3.0)
    assert "What limits it: only the load." in text
    assert "What to change: more requests in flight" in text
    assert "another card, before there are more" in said(ceilings=idle, clients=5.9)
    open_text = said(ceilings=idle, clients=None, knee=None)
    assert (
        "the rsa engines can serve 1,940 requests per second of this mix, 2.00 times" in open_text
    )
    assert "What to change: nothing" in open_text


def test_the_host_is_the_limit() -> None:
    text = said(ceilings=(RSA._replace(utilisation=0.3),), workers=4)
    assert "What limits it: the 4 workers of the host" in text
    assert "What to change: more workers" in text


def test_a_mix_that_is_saturated() -> None:
    assert "it is passed; of this mix, 1,000 per second is the most." in said(clients=None)


def test_full_queues() -> None:
    idle = (RSA._replace(utilisation=0.5), LINK)
    text = said(ceilings=idle, places_full=True)
    assert "What limits it: the places of the queues" in text
    assert "deeper queues" in text


def test_a_next_limit_that_is_close() -> None:
    text = said(ceilings=(RSA, LINK._replace(per_second=1050.0, utilisation=0.92)))
    assert "Faster rsa engines alone would not help" in text


def test_failures_and_cards_without_time() -> None:
    assert "7 requests failed" in said(failed=7)
    assert "Nothing takes time" in said(ceilings=())


def test_ceilings_are_by_the_utilisation_law() -> None:
    stations = [Busy(0, "rsa", 5, 0.8), Busy(1, "rsa", 5, 0.6), Busy(0, "link in", 1, 0.1),
                Busy(0, "ec", 4, 0.0)]  # fmt: skip
    rsa, link = ceilings(stations, 700.0)
    assert (rsa.title, link.title) == ("rsa engines", "link in")
    assert rsa.per_second == pytest.approx(1000)
    assert rsa.utilisation == pytest.approx(0.7)
    assert link.per_second == pytest.approx(7000)


def test_one_of_something() -> None:
    link = Ceiling("link in", 5000.0, 0.2)
    text = said(ceilings=(link,), clients=1.0, knee=5.0, failed=1)
    assert "the busiest is the link in, at 20.0%" in text
    assert "and here is 1, so there is room for 5.0 times as many" in text
    assert "1 request failed, and is in none of the rates" in text


def test_too_few_requests_for_a_rate() -> None:
    assert verdict(FACTS._replace(per_second=0.0)) == (
        "Half of the requests take at most 500 µs, 99 % at most 2.00 ms.",
        "There are too few requests for a rate, and so for what limits it.",
    )
    shares = [("link in", 0.1), ("rsa engines", 0.2)]
    busy = [Busy(0, name.partition(" ")[0], 1, share) for name, share in shares]
    assert [one.utilisation for one in ceilings(busy, 0.0)] == [0.2, 0.1]
