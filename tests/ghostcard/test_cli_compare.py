"""`ghostcard compare`: profiles, configurations, scenarios and records; exit codes and refusals."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ghostcard.cli import main
from ghostcard.machine import Machine
from tests.benchmarks.capture.stand import Work, captured
from tests.benchmarks.reporting.conftest import ghostcard

SMALL = """
requests = 2000
[[tenants]]
clients = 32
think = { mean_ns = 10_000, distribution = "exponential" }
operation = "rsa2048-sign"
payload_bytes = 51
"""


def compare(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_two_profiles_under_the_main_job() -> None:
    done = compare("cex5p", "cex8p", "--replications", 2)
    assert done.exit_code == 0, done.output
    sentences = [line for line in done.stdout.splitlines() if "the limit" in line]
    assert [line.partition(":")[0] for line in sentences] == [
        "RSA-2048 sign",
        "RSA-4096 sign",
        "P-256 sign",
        "AES-256-GCM 1 KiB",
        "SHA-256 1 KiB",
    ]


def test_a_scenario_on_two_machines_pairs_its_replications(small: Path, tmp_path: Path) -> None:
    config = tmp_path / "two.toml"
    config.write_text("[[cards]]\nadapter = 0\n[[cards]]\nadapter = 1\n")
    done = compare("cex8p", config, "--scenario", small, "--replications", 4, "--json")
    assert done.exit_code == 0, done.output
    [found] = json.loads(done.stdout)["comparisons"]
    rate = found["changes"][0]
    assert (rate["figure"], rate["ratio"]["method"]) == ("throughput", "paired replications")
    assert rate["significant"] is True
    assert 1.5 < rate["ratio"]["low"] < rate["ratio"]["value"] < rate["ratio"]["high"] <= 2.1
    again = compare(small, config, "--replications", 4, "--json")  # the scenario is on a cex8p
    [other] = json.loads(again.stdout)["comparisons"]
    assert other["changes"] == found["changes"]


def test_the_ratio_is_that_of_two_simulations(small: Path) -> None:
    done = compare("cex5p", "cex8p", "--scenario", small, "--replications", 2, "--json")
    [found] = json.loads(done.stdout)["comparisons"]
    for side, profile in (("a", "cex5p"), ("b", "cex8p")):
        change = ("--set", f"machine.profile={profile}", "--replications", 2, "--json")
        alone = json.loads(ghostcard("simulate", small, *change))["result"]["rows"][0]
        for told in found["changes"][:1]:
            assert told[side]["mean"] == alone["throughput_per_s"]["mean"]


def test_records_by_batch_means(small: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        ghostcard("simulate", small, "--seed", seed, "--records", tmp_path / f"{name}.gcr")
    page = tmp_path / "compared.html"
    done = compare(tmp_path / "a.gcr", tmp_path / "b.gcr", "--profile", "cex8p", "--output", page,
                   "--fail-if-worse")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "the limit is the rsa engines in both" in done.stdout
    text = page.read_text("utf-8")
    assert "<h1>a.gcr against b.gcr</h1>" in text
    markdown = compare(small, small, "--replications", 2, "--output", tmp_path / "c.md")
    assert markdown.exit_code == 0, markdown.output
    assert "is the same" in (tmp_path / "c.md").read_text()


def test_worse_ends_with_3(small: Path) -> None:
    arguments = ("--scenario", small, "--replications", 3, "--fail-if-worse")
    assert compare("cex8p", "cex4p", *arguments).exit_code == 3
    assert compare("cex4p", "cex8p", *arguments).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("cex8p", "cex9p"), "cex9p: neither a profile (ghostcard profiles) nor a file"),
        (("{}", "{}/a.gcr"), "no request was recorded in"),
        (("{}/small.toml", "{}/a.gcr"), "is a scenario, and what is compared with records"),
        (("{}/small.toml", "cex8p", "--scenario", "{}/small.toml"), "--scenario: is for two"),
        (("cex8p", "cex7p", "--set", "seed=2"), "--set: there is no scenario to change"),
        (("cex8p", "cex7p", "--profile", "cex8p"), "--config and --profile: are of records"),
        (("{}/a.gcr", "{}/a.gcr", "--set", "seed=1"), "are for what is simulated"),
        (("{}/a.gcr", "{}/a.gcr", "--replications", "3"), "are for what is simulated"),
        (("cex8p", "yubikey5", "--scenario", "{}/small.toml"), "yubikey5"),
        (("cex8p", "cex7p", "--output", "{}/none/x.html"), "there is no folder"),
    ],
)
def test_what_is_wrong(small: Path, tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    (tmp_path / "empty").mkdir()
    ghostcard("simulate", small, "--records", tmp_path / "a.gcr")
    given = [one.format(tmp_path) if one != "{}" else tmp_path / "empty" for one in arguments]
    done = compare(*given)
    assert done.exit_code == 2, done.output
    assert line in done.output
    assert len(done.stderr.splitlines()) == 1


def test_two_captures(tmp_path: Path) -> None:
    for number in (1, 2):

        def body(machine: Machine, work: Work, size: int = number * 2048) -> None:
            work.hash(100, size)

        (tmp_path / f"{number}").mkdir()
        capture, _ = captured(tmp_path / f"{number}", body)
        capture.save(tmp_path / f"{number}.capture")
    done = compare(tmp_path / "1.capture", tmp_path / "2.capture", "--json")
    assert done.exit_code == 0, done.output
    [found] = json.loads(done.stdout)["comparisons"]
    rate, mean = found["changes"][:2]
    assert rate["ratio"]["value"] < 1 < mean["ratio"]["value"]
    assert (rate["significant"], mean["significant"]) == (True, True)
    worse = compare(tmp_path / "1.capture", tmp_path / "2.capture", "--fail-if-worse")
    assert worse.exit_code == 3


def test_a_rate_that_is_not_known(small: Path) -> None:
    done = compare(small, small, "--set", "requests=1", "--replications", 2)
    assert done.exit_code == 0, done.output
    [rates] = [line.split() for line in done.stdout.splitlines() if "throughput  " in line]
    assert rates == ["all", "throughput", "-", "-", "-", "-", "-"]
    assert "Throughput is not known of A (" in done.stdout


def test_files_that_hold_no_records(small: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no records")
    done = compare(tmp_path / "text", tmp_path / "text")
    assert (done.exit_code, done.stderr) == (
        2,
        f"error: {tmp_path / 'text'}: not a file of records\n",
    )
