"""`ghostcard perf`: its modes, columns and CSV, and one line for what cannot be."""

import json

import pytest
from click.testing import CliRunner, Result

from ghostcard.benchmarks.perf.independent import Verified
from ghostcard.cli import main


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["perf", *map(str, arguments)])


def test_throughput_has_the_columns_of_crypto_perf() -> None:
    done = run("--buffer-sz=64,1024", "--burst-sz=1,8", "--total-ops=2000")
    assert (done.exit_code, done.stderr) == (0, "")
    title, _, heading, _, *lines = done.stdout.splitlines()
    assert title == "aes-256-gcm on cex8p, throughput, simulated time"
    names = (
        "Buf Size Burst Size Enqueued Dequeued Failed Enq Failed Deq MOps Gbps Cycles/Buf ns/Buf"
    )
    assert heading.split() == names.split()
    assert [line.split()[:4] for line in lines[:4]] == [
        ["64", "1", "2,000", "2,000"], ["64", "8", "2,000", "2,000"],
        ["1,024", "1", "2,000", "2,000"], ["1,024", "8", "2,000", "2,000"],
    ]  # fmt: skip
    assert "Cycles: of a simulated clock of 1,000 MHz" in done.stdout
    assert "figures of profile cex8p are assumed" in done.stdout


def test_csv_has_the_heading_of_crypto_perf_and_its_figures_fit() -> None:
    done = run("--buffer-sz=1024", "--burst-sz=8", "--csv-friendly", "--clock-mhz=5000")
    heading, line = done.stdout.splitlines()
    assert heading == (
        "#lcore id,Buffer Size(B),Burst Size,Enqueued,Dequeued,Failed Enq,Failed Deq,"
        "Ops(Millions),Throughput(Gbps),Cycles/Buf,ns/Buf"
    )
    values = [float(value) for value in line.split(",")]
    *_, mops, gbps, cycles, each_ns = values
    assert mops == pytest.approx(0.1176, abs=0.0002)  # that of the main job at 64 clients
    assert gbps == pytest.approx(mops * 1024 * 8 / 1000, rel=1e-3)
    assert cycles == pytest.approx(5 * each_ns)
    assert each_ns == pytest.approx(1000 / mops, rel=1e-3)


def test_latency_has_a_line_of_csv_for_each_operation() -> None:
    arguments = ("--ptest=latency", "--operation=rsa2048-sign", "--buffer-sz=51", "--burst-sz=4")
    done = run(*arguments, "--total-ops=1000", "--csv-friendly")
    heading, *lines = done.stdout.splitlines()
    assert heading == "# lcore, Buf Size, Burst Size, Pakt Seq #, cycles, time (us)"
    assert len(lines) == 1000
    assert lines[999].startswith("0,51,4,1000,")
    times = [float(line.split(",")[5]) for line in lines]
    [said] = json.loads(run(*arguments, "--total-ops=1000", "--json").stdout)["lines"]
    assert said["min us"] == min(times)
    assert said["avg us"] == pytest.approx(sum(times) / 1000)
    assert said["max us"] == max(times)


def test_offload_is_what_the_host_spends_on_an_operation() -> None:
    done = run("--ptest=offload", "--buffer-sz=1024", "--burst-sz=8", "--json")
    said = json.loads(done.stdout)
    [line] = said["lines"]
    assert (line["Submit ns/Op"], line["Poll ns/Op"], line["Offload ns/Op"]) == (1000, 1000, 2000)
    assert line["Retries"] > 10_000
    assert line["Host %"] == pytest.approx(2000 * 100 / 8501.3, rel=0.001)
    assert said["time"] == "simulated"


def test_imix_and_weights_of_ones_own() -> None:
    [imix] = json.loads(run("--buffer-sz=IMIX", "--burst-sz=8", "--json").stdout)["lines"]
    same = run("--buffer-sz=64,570,1500", "--imix=7,4,1", "--burst-sz=8", "--json")
    assert json.loads(same.stdout)["lines"] == [imix]
    assert imix["Buf Size"] == pytest.approx(352.33, abs=0.01)


def test_dpdk_ranges() -> None:
    done = run("--buffer-sz=64:64:192", "--burst-sz=1", "--total-ops=900", "--csv-friendly")
    assert [line.split(",")[1] for line in done.stdout.splitlines()[1:]] == ["64", "128", "192"]


def test_too_few_operations_are_warned_of() -> None:
    done = run("--buffer-sz=64", "--burst-sz=32", "--total-ops=100")
    assert done.stderr == (
        "warning: --total-ops 100 is few for bursts of 32 on 8 places: filling and draining "
        "count; take 3,200\n"
    )
    host = run("--devtype=host", "--operation=sha256", "--buffer-sz=64", "--total-ops=3")
    assert "warning: 3 operations took " in host.stderr
    assert "host time" in host.stdout


def test_verify_counts_wrong_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("--ptest=verify", "--operation=sha256", "--buffer-sz=0,64", "--total-ops=5")
    done = run(*arguments, "--csv-friendly")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1:] == ["0,0,1,5,5,0,0,0", "0,64,1,5,5,0,0,0"]
    monkeypatch.setattr("ghostcard.cli.perf.verify", lambda *_: Verified(5, 2, "00"))
    done = run(*arguments)
    assert (done.exit_code, done.stderr) == (1, "error: 4 answers are wrong\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--operation=sha25"], "--operation: got 'sha25', takes one of cex8p such as sha256"),
        (["--buffer-sz=64..x"], "--buffer-sz: got '64..x', takes values such as"),
        (["--buffer-sz=70000"], "--buffer-sz: got 70000, takes numbers from 0 to 61,440"),
        (["--burst-sz=0"], "--burst-sz: got 0, takes numbers from 1 to 512"),
        (["--imix=1,2"], "--imix: got 2 weights, takes one for each of the 5 sizes"),
        (
            ["--operation=aes-256-cbc", "--buffer-sz=5"],
            "--buffer-sz: got 5, takes what aes-256-cbc",
        ),
        (["--ptest=verify", "--devtype=null"], "--ptest verify: takes a device of mode ep11 that"),
        (["--ptest=verify", "--operation=ecdh-p256", "--buffer-sz=0"], "--operation: got 'ecdh-p"),
        (["--devtype=cex9"], "there is no profile 'cex9'; there are"),
        (["--buffer-sz=IMIX", "--imix=1,2,3"], "--imix: is for sizes of your own"),
        (["--json", "--csv-friendly"], "--csv-friendly: takes no --json beside it"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {message}")


def test_what_is_warned_of_is_enough_for_every_burst() -> None:
    few = run("--buffer-sz=64", "--burst-sz=1,32", "--total-ops=1")
    assert few.stderr.endswith("bursts of 32 on 8 places: filling and draining count; take 3,200\n")
    assert run("--buffer-sz=64", "--burst-sz=1,32", "--total-ops=3200").stderr == ""
