"""`ghostcard size`: the sentence, the tables, the files; one line for what cannot be."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from ghostcard.cli import main

SCENARIO = """
[[tenants]]
arrivals = "poisson"
rate_per_s = 1_000
operation = "rsa2048-sign"
payload_bytes = 51
"""


def size(folder: Path, *arguments: str) -> Result:
    path = folder / "signing.toml"
    path.write_text(SCENARIO)
    common = ["--requests=3000", f"--output={folder / 'out'}"]
    return CliRunner().invoke(main, ["size", str(path), *common, *arguments])


def test_the_answer_with_its_curve(tmp_path: Path) -> None:
    done = size(tmp_path, "--target=40000/s p99<1ms")
    assert done.exit_code == 0, done.output
    assert "By cards, simulated, with 95% confidence" in done.stdout
    assert "By depth, simulated, with 95% confidence" in done.stdout
    said = "3 cards, queues of 5 places meet 40000/s p99<1ms, with 95% confidence."
    assert f"{said} 2 cards, queues of 8 places miss it: " in done.stdout
    assert "figures of profile cex8p are assumed" in done.stdout
    assert (tmp_path / "out" / "size.png").read_bytes().startswith(b"\x89PNG")
    assert b"</svg>" in (tmp_path / "out" / "size.svg").read_bytes()
    record = json.loads((tmp_path / "out" / "size.json").read_text())
    assert record["said"].startswith(said)
    assert {"command", "versions", "seed"} <= record.keys()
    table = parquet.read_table(tmp_path / "out" / "size.parquet")
    assert json.loads(table.schema.metadata[b"ghostcard"])["said"] == record["said"]
    found = {(row["cards"], row["depth"]): row for row in table.to_pylist()}
    best = found[3, 5]
    assert best["meets"]
    assert not found[2, 8]["meets"]
    assert best["p99_ns"] == record["best"]["latencies_ns"]["p99"]["mean"] < 1e6
    assert best["per_second_half_width"] == record["best"]["per_second"]["half_width"]
    assert len(found) == len(record["by_cards"]) + len(record["by_depth"]) - 1  # one is in both


def test_json(tmp_path: Path) -> None:
    said = json.loads(size(tmp_path, "--target=40000/s p99<1ms", "--json").stdout)
    assert (said["best"]["cards"], said["best"]["depth"]) == (3, 5)
    assert [one["meets"] for one in said["by_cards"]] == [False, False, True, True, True]
    assert said["best"]["latencies_ns"]["p99"]["mean"] < said["target"]["bounds_ns"]["p99"]
    again = size(tmp_path, "--target=40000/s p99<1ms", "--json")
    assert json.loads(again.stdout) == said


def test_what_cannot_be_met_is_one_line(tmp_path: Path) -> None:
    done = size(tmp_path, "--target=10/s p99<100us", "--json")
    assert done.exit_code == 1
    assert done.stderr == (
        "error: nothing meets 10/s p99<100us: one rsa2048-sign alone takes 336,595 ns on an idle "
        "card, more than p99<100,000 ns\n"
    )
    assert json.loads(done.stdout)["best"] is None


def test_few_values_are_warned_of(tmp_path: Path) -> None:
    done = size(tmp_path, "--target=20000/s p99.9<2ms")
    assert "A percentile rests on fewer than 20 values beyond it" in done.stdout


@pytest.mark.parametrize("target", ["soon", "sha256 5/s", "p99<5"])
def test_wrong_targets(tmp_path: Path, target: str) -> None:
    done = size(tmp_path, f"--target={target}")
    assert (done.exit_code, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("error: --target: got ")


def test_nothing_but_failures(tmp_path: Path) -> None:
    fault = 'kind = "reply-code"\nname = "x"\ncode = 0x90\ntype = 0x86\nevery = 1\n'
    (tmp_path / "plan.toml").write_text(f"seed = 1\n[[faults]]\n{fault}")
    done = size(tmp_path, "--target=p99<1ms", '--set=faults="plan.toml"', "--requests=100")
    assert done.exit_code == 1
    assert done.stderr.endswith(": too few requests of the target were answered\n")
    assert "in the mean" not in done.output
