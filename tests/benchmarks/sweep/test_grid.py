"""The cases of a sweep: their order, what identifies them, and what is refused before any runs."""

from pathlib import Path

import pytest

from ghostcard.benchmarks import scenario_reader
from ghostcard.benchmarks.scenario import ScenarioError
from ghostcard.benchmarks.scenario_result import evaluate
from ghostcard.benchmarks.scenario_run import replicate
from ghostcard.benchmarks.sweep import case
from ghostcard.benchmarks.sweep.grid import grid


def keys(path: Path, *vary: str, replications: int = 1) -> list[str]:
    return [one.key for one in grid(str(path), vary, replications=replications).cases]


def test_the_last_key_varies_first_and_replications_before_it(small: Path) -> None:
    found = grid(str(small), ["cards=1,2", "payload=16:64:x4"], replications=2)
    assert [(*one.values, one.replication) for one in found.cases] == [
        (1, 16, 0), (1, 16, 1), (1, 64, 0), (1, 64, 1),
        (2, 16, 0), (2, 16, 1), (2, 64, 0), (2, 64, 1),
    ]  # fmt: skip
    assert [axis.key for axis in found.axes] == ["machine.cards", "tenants[0].payload_bytes"]
    scenario = found.cases[-1].scenario
    assert len(scenario.machine.profiles) == 2
    assert scenario.tenants[0].mix[0].payload_bytes == 64
    assert found.requests == 400
    assert len({one.key for one in found.cases}) == 8


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("clients=1", "tenants[0].clients"),
        ("think=1", "tenants[0].think.mean_ns"),
        ("operation=sha256", "tenants[0].operation"),
        ("depth=4", "machine.depth"),
        ("domains=2", "machine.domains"),
        ("profile=cex7p", "machine.profile"),
        ("tenants[0].ramp_ns=5", "tenants[0].ramp_ns"),
    ],
)
def test_short_names(small: Path, name: str, key: str) -> None:
    assert grid(str(small), [name]).axes[0].key == key


def test_a_key_is_of_what_is_simulated_and_of_nothing_else(small: Path, tmp_path: Path) -> None:
    first = keys(small, "clients=1..3")
    small.write_text(f'# a comment\ndescription = "other words"\n{small.read_text()}')
    assert keys(small, "tenants[0].clients=3,1,2") == [first[2], first[0], first[1]]
    (tmp_path / "elsewhere").mkdir()
    moved = small.rename(tmp_path / "elsewhere" / "renamed.toml")
    assert keys(moved, "clients=1..3", replications=2)[::2] == first
    assert keys(moved, "clients=1..3", "seed=8") != first


def test_a_key_is_of_a_profiles_figures_wherever_its_file_is(small: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    text = 'extends = "cex8p"\n[firmware]\ncores = {{ value = {}, source = "x" }}\n'
    mine.write_text(text.format(2))
    first = keys(small, "profile=./mine.toml")
    mine.write_text(text.format(2) + "# a comment\n")
    assert keys(small, "profile=./mine.toml") == first
    mine.write_text(text.format(3))
    assert keys(small, "profile=./mine.toml") != first


def test_a_new_version_does_everything_again(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = keys(small, "clients=1")
    monkeypatch.setattr(case, "__version__", "99")
    assert keys(small, "clients=1") != first


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ("cards=1,2,300", "cards=300: machine.cards: got 300, takes a whole number from 1 to 256"),
        ("clients=3..0", "--vary clients=3..0: got '3..0', takes a range that goes up"),
        ("clients=0..3", "clients=0: tenants[0].clients: got 0, takes a whole number from 1"),
        ("depth=8..9", "depth=9: machine.depth: got 9, takes 1 to 8, the places of a queue of"),
        ("depth=0", "depth=0: machine.depth: got 0, takes a whole number from 1 to 16"),
        ("profile=cex9", "profile=cex9: machine.profile: got 'cex9', takes a TOML file or"),
        ("payload=51,61441", "payload=61441: tenants[0].payload_bytes: got 61441, takes"),
        ("rate=5", "--vary rate: got 0 tenants with a rate, takes the key itself"),
        ("tenants[3].clients=5", "tenants[3].clients=5: --set tenants[3].clients: got [3], takes"),
        ("replications=5", "--vary replications: takes --replications N in its place"),
        ("nonsense=5", "nonsense=5: nonsense: got an unknown key, takes description, seed"),
    ],
)
def test_impossible_values_are_named(small: Path, vary: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        grid(str(small), [vary])
    assert str(caught.value).startswith(message)


def test_a_key_once_and_not_too_many_cases(small: Path) -> None:
    with pytest.raises(ScenarioError, match=r"got tenants\[0\].clients twice"):
        grid(str(small), ["clients=1", "tenants[0].clients=2"])
    with pytest.raises(ScenarioError, match="got 300,000 cases, takes at most 200,000"):
        grid(str(small), ["clients=1..300"], replications=1000)


def test_the_figures_are_those_of_simulate(small: Path) -> None:
    found = grid(str(small), ["clients=4,9"], replications=2).cases[3]
    scenario = scenario_reader.load(str(small), ["tenants[0].clients=9"])
    result = evaluate(scenario, [replicate(scenario, 1)])
    figures = case.run(found)
    assert figures["status"] == "done"
    assert figures["answered_requests"] == result.rows[0].requests
    assert figures["per_second"] == result.rows[0].throughput_per_s.mean
    assert figures["p99_ns"] == result.rows[0].percentiles_ns[2].mean
    assert figures["span_ns"] == result.span_ns


def test_a_shallower_queue_holds_less(small: Path) -> None:
    by_depth = [case.run(one) for one in grid(str(small), ["depth=1,8", "think=0"]).cases]
    assert [one["places"] for one in by_depth] == [1, 8]
    rates = [float(str(one["per_second"])) for one in by_depth]
    assert rates[1] > 3 * rates[0]


def test_a_case_without_an_answer_has_failed_with_its_reason(small: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('[[faults]]\nkind = "reply-code"\ncode = 0x90\nevery = 1\n')
    small.write_text(f'faults = "plan.toml"\n{small.read_text()}')
    figures = case.run(grid(str(small), ["clients=1"]).cases[0])
    assert (figures["status"], figures["reason"]) == ("failed", "no request was answered")
