"""`ghostcard simulate`: the examples, the options, and one line for everything that is wrong."""

import errno
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ghostcard.benchmarks import workload_traffic
from ghostcard.cli import main
from ghostcard.driver.triage import DRIVER_OUTCOME
from ghostcard.emulator.record import Recorder

EXAMPLES = sorted((Path(__file__).parents[2] / "benchmarks" / "scenarios").glob("*.toml"))
SMALL = """
requests = 400
[machine]
profile = "cex8p"
[[tenants]]
clients = 4
operation = "rsa2048-sign"
payload_bytes = 51
"""


def simulate(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["simulate", *map(str, arguments)])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5
    assert all(path.read_text().startswith("# ") for path in EXAMPLES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs(path: Path) -> None:
    # smaller than it is, the rest as it stands
    bound = [] if path.stem == "trace" else ["--set", "requests=3000"]
    done = simulate(path, *bound)
    assert done.exit_code == 0, done.output
    for part in ("Simulated, with 95% confidence", "Stations", "under way", "Theory", "Warm-up"):
        assert part in done.stdout


def test_json_says_it_all(small: Path) -> None:
    done = simulate(small, "--json", "--seed", 5, "--replications", 3)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["seed"] == 5
    assert said["engine"] == "recursion"
    result = said["result"]
    assert result["replications"] == 3
    assert result["submitted"] == 1200
    everything = result["rows"][0]
    assert everything["title"] == "all"
    assert everything["percentiles_ns"][0]["mean"] >= everything["mean_ns"]["mean"] * 0.9
    assert {one["station"] for one in result["stations"]} >= {"rsa", "cores", "link in"}
    bounds, mva = said["theory"]
    assert bounds["formula"].startswith("asymptotic bounds, knee at ")
    assert mva["throughput_per_s"] <= bounds["throughput_per_s"]
    assert everything["throughput_per_s"]["mean"] == pytest.approx(
        bounds["throughput_per_s"], rel=0.02
    )


def test_records_are_those_of_the_run_with_either_engine(small: Path, tmp_path: Path) -> None:
    written = []
    for engine in ("simpy", "simpy", "recursion"):
        file = tmp_path / "run.gcr"
        done = simulate(small, "--records", file, "--engine", engine)
        assert done.exit_code == 0, done.output
        assert f"engine {engine})" in done.stdout
        assert len(Recorder.load(file)) == 400
        written.append(file.read_bytes())
    assert written[0] == written[1] == written[2]


def test_set_changes_any_key(small: Path) -> None:
    changes = ("tenants[0].clients=9", "machine.cards=2", "tenants[0].think.mean_ns=7")
    done = simulate(small, "--json", *(part for c in changes for part in ("--set", c)))
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["result"]["in_system"]["greatest"] == 9


def test_an_unstable_stream_is_said_before_and_after(small: Path) -> None:
    small.write_text(SMALL.replace("clients = 4\n", ""))
    changes = ("tenants[0].arrivals=poisson", "tenants[0].rate_per_s=30000", "requests=3000")
    done = simulate(small, *(part for c in changes for part in ("--set", c)))
    assert done.exit_code == 0, done.output
    assert "warning: the load on rsa of card 0 is 1.92 of what it can serve" in done.stderr
    assert "Unstable: the requests under way grew" in done.stdout
    assert "no steady state: load is 1.9" in done.stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("tenants[0].operation=rsa2049-sign", "tenants[0].operation: got 'rsa2049-sign', takes"),
        ("tenants[0].clinets=3", "tenants[0].clinets: got an unknown key (did you mean clients?)"),
        ("tenants[0].clients=0", "tenants[0].clients: got 0, takes a whole number from 1"),
        ("tenants[0].think.mean_ns=-1", "tenants[0].think.mean_ns: got -1, takes a whole number"),
        ("machine.cards=0", "machine.cards: got 0, takes a whole number from 1 to 256"),
        ("machine.domains=200", "machine.domains: got 200, takes 1 to 85, the domains of profile"),
        ("duration_ns=1.5", "duration_ns: got 1.5, takes a whole number from 1"),
        ("seed=-1", "seed: got -1, takes a whole number from 0"),
        ("tenants[3].clients=1", "--set tenants[3].clients: got [3], takes a place from 0 to 0"),
        ("clients", "--set clients: got no KEY=VALUE"),
        ("machine.profile=cex9", "machine.profile: got 'cex9', takes a TOML file or a name"),
    ],
)
def test_nonsense_is_one_line_that_names_the_key(small: Path, change: str, message: str) -> None:
    done = simulate(small, "--set", change)
    assert done.exit_code == 2
    assert not done.stdout
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_files_that_are_none(tmp_path: Path) -> None:
    missing = simulate(tmp_path / "missing.toml")
    assert missing.exit_code == 2
    assert "No such file" in missing.stderr
    broken = tmp_path / "broken.toml"
    broken.write_text("seed = ")
    assert "not TOML" in simulate(broken).stderr


def test_an_interrupt_reports_what_was_done(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count_end = workload_traffic.Traffic.count_end

    def impatient(traffic: workload_traffic.Traffic) -> None:
        count_end(traffic)
        if traffic.ended == 200:
            raise KeyboardInterrupt

    monkeypatch.setattr(workload_traffic.Traffic, "count_end", impatient)
    done = simulate(small, "--engine", "simpy")
    assert done.exit_code == 130
    assert "Simulated, with 95% confidence" in done.stdout
    assert "error: interrupted; the figures are of what was done until then" in done.stderr


def test_an_interrupt_before_anything_was_done(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impatient(traffic: workload_traffic.Traffic) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workload_traffic.Traffic, "run", impatient)
    done = simulate(small, "--engine", "simpy")
    assert done.exit_code == 130
    assert done.stderr == "error: interrupted before the first request ended\n"


def test_a_place_for_records_is_looked_for_before_the_run(small: Path, tmp_path: Path) -> None:
    for place, why in (
        (tmp_path / "none" / "run.gcr", f"cannot be made in {tmp_path / 'none'}"),
        (tmp_path, "is a folder"),
    ):
        done = simulate(small, "--records", place)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr == f"error: --records: {place} {why}\n"


def test_a_change_is_said_and_an_engine_that_had_to_be_taken(small: Path, tmp_path: Path) -> None:
    with small.open("a") as file:
        file.write('[[changes]]\nat_ns = 1_000\nkey = "firmware.decode_ns"\nvalue = 7\n')
    done = simulate(small)
    assert re.search(r"^firmware\.decode_ns of card 0 is 7 from \S+ us on\.$", done.stdout, re.M)
    profile = tmp_path / "short.toml"
    memory = 'contexts = { value = 64, source = "x" }\nbytes = { value = 9999999, source = "x" }'
    profile.write_text(f'extends = "cex8p"\n[memory]\n{memory}\n')
    done = simulate(small, "--set", f"machine.profile={profile}")
    assert "Engine simpy: the recursion does not apply: memory of profile short." in done.stdout
    said = json.loads(simulate(small, "--set", f"machine.profile={profile}", "--json").stdout)
    assert said["engine_reason"] == "the recursion does not apply: memory of profile short"
    assert said["percentiles"] == [50.0, 90.0, 99.0, 99.9]
    assert len(said["result"]["in_system"]["means"]) == 48
    assert said["result"]["changes"][0]["change"]["key"] == "firmware.decode_ns"


PLAN = """
seed = 3
[[faults]]
kind = "delay"
name = "late"
delay_ns = 1_000_000
every = 100
[[faults]]
kind = "pull"
at_ns = 2_000_000
for_ns = 1_000_000
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    return path


def test_faults_are_counted_and_recorded(small: Path, plan: Path, tmp_path: Path) -> None:
    records = tmp_path / "run.gcr"
    done = simulate(small, "--faults", plan, "--records", records)
    assert done.exit_code == 0, done.output
    assert re.search(r"Faults\n.*late +\d+\n +pull +1\n", done.stdout, re.DOTALL)
    assert "Engine simpy: the recursion does not apply: the bus has faults." in done.stdout
    recorder = Recorder.load(records)
    late = [note for note in recorder.notes if note.name == "late"]
    pulled = [note for note in recorder.notes if note.name == "pull"]
    assert [(note.at_ns, note.for_ns) for note in pulled] == [(2_000_000, 1_000_000)]
    array = recorder.array()
    marked = array[array["fault"] == recorder.names.index("late") + 1]
    assert len(marked) == len(late) >= 3
    assert all(marked["arrived"] - marked["enqueued"] > 1_000_000)
    said = json.loads(simulate(small, "--faults", plan, "--json").stdout)
    assert said["faults"] == {"late": len(late), "pull": 1}


def test_the_same_faults_again(small: Path, plan: Path, tmp_path: Path) -> None:
    one, two, other = (tmp_path / name for name in ("1", "2", "3"))
    for path, seed in ((one, 5), (two, 5), (other, 6)):
        assert simulate(small, "--faults", plan, "--seed", seed, "--records", path).exit_code == 0
    assert one.read_bytes() == two.read_bytes()


def test_a_scenario_may_name_its_plan(small: Path, plan: Path) -> None:
    small.write_text(f'faults = "plan.toml"\n{SMALL}')
    assert json.loads(simulate(small, "--json").stdout)["faults"]["pull"] == 1


def test_without_a_plan_there_are_no_faults(small: Path) -> None:
    done = simulate(small)
    assert "Faults" not in done.stdout
    assert json.loads(simulate(small, "--json").stdout)["faults"] == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[[faults]]\nkind = "rust"', "faults[0].kind: got 'rust', takes one of response, "),
        ('[[faults]]\nkind = "drop"\ncard = 1', "faults[0].card: got 1, takes 0"),
        ('[[faults]]\nkind = "swap"', "faults[0].kind: got 'swap', takes a kind that changes no"),
        ("faults = 1 1", "not TOML: "),
    ],
)
def test_a_plan_that_cannot_be_is_one_line(
    small: Path, plan: Path, text: str, expected: str
) -> None:
    plan.write_text(text)
    done = simulate(small, "--faults", plan)
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.fullmatch(rf"error: \S*plan\.toml: {re.escape(expected)}.*\n", done.stderr)


def test_with_no_card_left_every_request_fails(small: Path, plan: Path, tmp_path: Path) -> None:
    plan.write_text('[[faults]]\nkind = "pull"\nat_ns = 0')
    done = simulate(small, "--faults", plan, "--records", tmp_path / "run.gcr")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "error: no request was answered, there is nothing to measure; faults: pull 1\n"
    )
    array = Recorder.load(tmp_path / "run.gcr").array()
    assert len(array) == 400
    assert set(array["outcome"].tolist()) == {DRIVER_OUTCOME + errno.ENODEV}


def test_a_run_that_would_never_end_is_given_up(small: Path, plan: Path) -> None:
    plan.write_text('[[faults]]\nkind = "drop"')
    done = simulate(small, "--faults", plan)
    assert (done.exit_code, done.stdout) == (1, "")
    assert re.fullmatch(
        r"error: no request has ended for a day of simulated time, and 4 are under way .*\n",
        done.stderr,
    )
