"""Scheduling policies: as lines by themselves, and their oracles on a card."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.image import Line
from ghostcard.emulator.profile import load
from ghostcard.firmware.scheduling import Priority, RoundRobin, Shares, scheduler


def job(domain: int, cost_ns: int = 10, name: str = "") -> Any:
    return SimpleNamespace(queue=SimpleNamespace(domain=domain), cost_ns=cost_ns, name=name)


def served(line: Line, count: int | None = None) -> list[Any]:
    return [line.popleft() for _ in range(len(line) if count is None else count)]


def test_round_robin_is_exactly_fair() -> None:
    line = RoundRobin()
    for domain, jobs in ((0, 4), (1, 1), (2, 2)):
        for _ in range(jobs):
            line.append(job(domain))
    assert [one.queue.domain for one in served(line)] == [0, 1, 2, 0, 2, 0, 0]


def test_round_robin_newcomers_wait_their_turn() -> None:
    line = RoundRobin()
    for domain in (0, 0, 1):
        line.append(job(domain))
    assert line.popleft().queue.domain == 0
    line.append(job(2))
    assert [one.queue.domain for one in served(line)] == [1, 0, 2]


def test_priority_by_class_then_by_arrival() -> None:
    line = Priority({1: 5, 2: 1})
    for domain, name in ((1, "a"), (2, "b"), (0, "c"), (2, "d"), (0, "e")):
        line.append(job(domain, name=name))
    assert "".join(one.name for one in served(line)) == "cebda"


@pytest.mark.parametrize("weights", [{0: 3, 1: 1}, {0: 1, 1: 2, 2: 5}])
def test_shares_are_the_weights_under_saturation(weights: dict[int, int]) -> None:
    """Costs differ by domain; what is shared is the cost, and no domain is off by two jobs."""
    line = Shares(weights)
    costs = {domain: 70 + 30 * domain for domain in weights}
    for domain in weights:
        for _ in range(2000):
            line.append(job(domain, costs[domain]))
    had: Counter[int] = Counter()
    for one in served(line, 1000):
        had[one.queue.domain] += one.cost_ns
    total = sum(had.values())
    for domain, weight in weights.items():
        assert abs(had[domain] - total * weight / sum(weights.values())) < 2 * max(costs.values())


def test_an_unused_share_is_not_owed() -> None:
    line = Shares({})
    for _ in range(10):
        line.append(job(0))
    served(line, 8)
    for _ in range(4):
        line.append(job(1))
    assert [one.queue.domain for one in served(line)] == [0, 1, 0, 1, 1, 1]


@given(
    policy=st.sampled_from(["fifo", "round-robin", "priority", "shares"]),
    domains=st.lists(st.integers(0, 3), max_size=30),
    taken=st.sets(st.integers(0, 29)),
)
def test_every_policy_is_a_line(policy: str, domains: list[int], taken: set[int]) -> None:
    """Whoever joins and is not taken away is served once; first come, first served in a domain."""
    firmware = load("null").firmware._replace(
        scheduler=policy, priorities=((1, 2), (2, 1)), weights=((1, 3),)
    )
    line = scheduler(firmware)("cores")
    jobs = [job(domain, name=str(n)) for n, domain in enumerate(domains)]
    for one in jobs:
        line.append(one)
    for n in sorted(taken):
        if n < len(jobs):
            line.remove(jobs[n])
    left = [one for n, one in enumerate(jobs) if n not in taken]
    assert len(line) == len(left)
    assert {id(one) for one in line} == {id(one) for one in left}
    order = served(line)
    for domain in range(4):
        mine = [one.name for one in left if one.queue.domain == domain]
        assert [one.name for one in order if one.queue.domain == domain] == mine
    with pytest.raises(ValueError, match=r"not in (this line|deque)"):
        line.remove(job(0))
