"""The answer meets the target and one card fewer does not: by simulations of our own."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ghostcard.benchmarks import scenario_reader
from ghostcard.benchmarks.scenario import ScenarioError
from ghostcard.benchmarks.scenario_result import evaluate
from ghostcard.benchmarks.scenario_rows import PERMILLE, Row
from ghostcard.benchmarks.scenario_run import replicate
from ghostcard.benchmarks.size.load import Varied
from ghostcard.benchmarks.size.measure import Measured
from ghostcard.benchmarks.size.search import Answer, Search
from ghostcard.benchmarks.size.target import Target, parse

REQUESTS = 3000
RUNS = 3
OPEN = """
[[tenants]]
arrivals = "poisson"
rate_per_s = 1_000
operation = "rsa2048-sign"
payload_bytes = 51
"""
DETERMINISTIC = OPEN.replace("poisson", "deterministic")
BURSTY = """
[[tenants]]
arrivals = "bursty"
phases = [{ rate_per_s = 1_000, mean_ns = 2_000_000 }, { rate_per_s = 100, mean_ns = 2_000_000 }]
operation = "sha256"
payload_bytes = 1024
"""
CLOSED = """
[[tenants]]
clients = 1
think = { mean_ns = 500_000, distribution = "exponential" }
operation = "ecdsa-p256-sign"
payload_bytes = 32
"""
MIX = """
[[tenants]]
clients = 1
mix = [
  { operation = "rsa2048-sign", payload_bytes = 51, weight = 3 },
  { operation = "aes-256-gcm", payload_bytes = 1024 },
]
"""
TENANTS = """
[[tenants]]
name = "bank"
clients = 6
operation = "rsa4096-sign"
payload_bytes = 51
[[tenants]]
name = "shop"
arrivals = "poisson"
rate_per_s = 10
operation = "rsa2048-sign"
payload_bytes = 51
"""


def sized(tmp_path: Path, text: str, target: str, tenant: str = "") -> Answer:
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    return Search(Varied(str(path), (), parse(target), tenant, REQUESTS)).answer()


def row(
    path: Path, one: Measured, target: Target, changes: Sequence[str], cards: int
) -> tuple[Row, bool]:
    """The figures of the target's operation, and whether the load was too much, as `ghostcard
    simulate` has them."""
    texts = [f"machine.cards={cards}", f"machine.depth={one.size.depth}", f"requests={REQUESTS}"]
    scenario = scenario_reader.load(str(path), [*texts, *changes])
    result = evaluate(scenario, [replicate(scenario, number) for number in range(RUNS)])
    named = [found for found in result.rows if found.title == target.operation]
    return (named or result.rows)[0], result.overloaded


def is_met(found: Row, is_overloaded: bool, target: Target) -> bool:
    if is_overloaded:
        return False
    figures = {"mean": found.mean_ns.mean}
    names = ("p50", "p90", "p99", "p99.9")
    figures |= {
        name: estimate.mean
        for name, estimate, _ in zip(names, found.percentiles_ns, PERMILLE, strict=True)
    }
    return all(figures[bound.metric] <= bound.limit_ns for bound in target.bounds)


@pytest.mark.parametrize(
    ("text", "asked", "key"),
    [
        (OPEN, "40000/s p99<1ms", "tenants[0].rate_per_s=40000"),
        (OPEN, "20000/s mean<350us", "tenants[0].rate_per_s=20000"),
        (DETERMINISTIC, "31000/s max<400us", "tenants[0].rate_per_s=31000"),
        ('machine.profile = "cex7p"\n' + OPEN, "33000/s p90<900us", "tenants[0].rate_per_s=33000"),
        (
            'machine.profile = "cex8a"\n' + OPEN.replace("rsa2048-sign", "rsa2048-crt"),
            "50000/s",
            "tenants[0].rate_per_s=50000",
        ),
        (TENANTS, "rsa2048-sign 30000/s p99<3ms", "tenants[1].rate_per_s=30000"),
    ],
    ids=["open", "mean", "deterministic", "cex7p", "accelerator", "tenants"],
)
def test_open_streams(tmp_path: Path, text: str, asked: str, key: str) -> None:
    target, path = parse(asked), tmp_path / "scenario.toml"
    if "crt" in text:
        text = text.replace("payload_bytes = 51", "payload_bytes = 256")
    answer = sized(tmp_path, text, asked)
    best = answer.best
    assert best is not None
    assert best.size.cards > 1
    assert best.meets
    judged = target._replace(bounds=tuple(b for b in target.bounds if b.metric != "max"))
    found, overloaded = row(path, best, target, [key], best.size.cards)
    assert is_met(found, overloaded, judged)
    assert found.throughput_per_s.mean == pytest.approx(float(target.rate_per_s or 0), rel=0.05)
    deepest = best._replace(size=best.size._replace(depth=8))
    found, overloaded = row(path, deepest, target, [key], best.size.cards - 1)
    assert not is_met(found, overloaded, target._replace(bounds=judged.bounds))
    by_cards = {one.size.cards: one.meets for one in answer.by_cards}
    assert by_cards[best.size.cards - 1] is False
    assert by_cards[best.size.cards] is by_cards[best.size.cards + 1] is True


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (CLOSED, "90000/s p99<1ms"),
        (CLOSED, "ecdsa-p256-sign 60000/s mean<300us"),
        (MIX, "rsa2048-sign 28000/s p50<800us"),
    ],
    ids=["think", "mean", "mix"],
)
def test_closed_loops(tmp_path: Path, text: str, asked: str) -> None:
    target, path = parse(asked), tmp_path / "scenario.toml"
    rate = float(target.rate_per_s or 0)
    answer = sized(tmp_path, text, asked)
    best = answer.best
    assert best is not None
    assert best.size.cards > 1
    key = "tenants[0].clients={}".format
    found, _ = row(path, best, target, [key(best.size.clients)], best.size.cards)
    assert is_met(found, False, target)
    assert found.throughput_per_s.mean >= rate * 0.995
    fewer, _ = row(path, best, target, [key(best.size.clients - 1)], best.size.cards)
    assert fewer.throughput_per_s.mean < rate * 1.005
    deepest = best._replace(size=best.size._replace(depth=8))
    for clients in range(16, 241, 32):  # one card fewer: no number of clients will do
        found, _ = row(path, deepest, target, [key(clients)], best.size.cards - 1)
        assert found.throughput_per_s.mean < rate or not is_met(found, False, target)


def test_the_depth_is_the_least_that_meets_it(tmp_path: Path) -> None:
    answer = sized(tmp_path, OPEN, "40000/s p99<1ms")
    assert answer.best is not None
    meets = {one.size.depth: one.meets for one in answer.by_depth}
    best = answer.best.size.depth
    assert 1 < best < 8
    assert (meets[best - 1], meets[best]) == (False, True)


def test_bursts_keep_their_shape_at_the_rate(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text(BURSTY)
    varied = Varied(str(path), (), parse("110000/s"), "", REQUESTS)
    answer = Search(varied).answer()
    assert answer.best is not None
    phases = varied.at(answer.best.size).tenants[0].phases
    assert [float(phase.rate_per_s) for phase in phases] == [200_000, 20_000]


def test_without_a_rate_the_load_is_that_of_the_file(tmp_path: Path) -> None:
    answer = sized(tmp_path, TENANTS, "rsa4096-sign p99<2ms")
    assert answer.best is not None
    assert (answer.best.size.clients, answer.best.size.cards) == (6, 2)


@pytest.mark.parametrize(
    ("text", "asked", "reason"),
    [
        (OPEN, "100/s p99<300us", "one rsa2048-sign alone takes 336,595 ns on an idle card, more"),
        (MIX, "5000/s mean<200us", "one rsa2048-sign alone takes"),
        (OPEN, "9M/s", "256 cards do not meet it: a station would have more than all it can do"),
        (OPEN, "3.99M/s p99<337us", "256 cards do not meet it: p99 is "),
    ],
)
def test_what_no_number_of_cards_meets_says_why(
    tmp_path: Path, text: str, asked: str, reason: str
) -> None:
    answer = sized(tmp_path, text, asked)
    assert answer.best is None
    assert answer.reason.startswith(reason)


@pytest.mark.parametrize(
    ("text", "asked", "tenant", "message"),
    [
        (OPEN, "sha256 5/s", "", "--target: got 'sha256', takes an operation of the scenario: rsa"),
        (TENANTS, "5/s", "", "--target: is about closed and open tenants (bank, shop), takes one"),
        (TENANTS, "5/s", "pub", "--tenant: got 'pub', takes one of bank, shop"),
        (TENANTS.replace("= 6", "= 6\ncards = [0]"), "5/s", "bank", "tenants[0].cards: takes all"),
        ('machine.profiles = ["cex8p"]\n' + OPEN, "5/s", "", "machine.profiles: takes `profile`"),
        ('percentiles = "histogram"\n' + OPEN, "5/s", "", 'percentiles: got "histogram", takes'),
        (OPEN + "ramp_to_per_s = 5\nramp_ns = 9\n", "5/s", "", "tenants[0].ramp_to_per_s: takes"),
    ],
)
def test_what_cannot_be_sized(
    tmp_path: Path, text: str, asked: str, tenant: str, message: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        sized(tmp_path, text, asked, tenant)
    assert str(caught.value).startswith(message)
