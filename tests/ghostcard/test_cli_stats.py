"""`ghostcard stats`: the outputs of zcryptstats (AP sheet 6.4), live and of a run that is over."""

import csv
import io
import json
import os
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from ghostcard.benchmarks.closed_loop import ClosedLoop, sized
from ghostcard.cli import zcryptstats
from ghostcard.cli.stats import command
from ghostcard.cli.zcryptstats import Device, Interval, Style
from ghostcard.config import load
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.emulator.sockets import Sockets
from ghostcard.machine import Machine, sockets_path
from ghostcard.measurement import Rate

EXAMPLE = """\
********************************************************************
TIME: 01/01/70 00:00:10\t\tINTERVAL: 1

DEVICE        TYPE                              TIMESTAMP           
--------------------------------------------------------------------
02      CARD  CEX8P (EP11 co-processor)         01/01/70 00:00:10   

    COUNTER                   OPS         RATE  UTILIZATION    AVG.DURATION
    -----------------------------------------------------------------------
    Asym. Slow              12034      1203.40      54.15 %    450.000 usec
    Asym. Fast                880        88.00       0.35 %     40.000 usec
    Symm. Partial               0         0.00       0.00 %      0.000 usec
    Symm. Complete          25001      2500.10      11.25 %     45.000 usec
    Asym. Key-gen               9         0.90      11.70 %    130.000 msec
    -----------------------------------------------------------------------
    Total                   37924      3792.40      77.46 %    204.239 usec

"""  # noqa: W291 - the columns are padded to their width
RATES = (
    Rate("Asym. Slow", 12_034, 1203.4, 0.54153, 450e-6),
    Rate("Asym. Fast", 880, 88.0, 0.00352, 40e-6),
    Rate("Symm. Partial", 0, 0.0, 0.0, 0.0),
    Rate("Symm. Complete", 25_001, 2500.1, 0.1125045, 45e-6),
    Rate("Asym. Key-gen", 9, 0.9, 0.117, 0.13),
    Rate("Total", 37_924, 3792.4, 0.7745545, 204.239e-6),
)
INTERVAL = Interval(1, 10.0, [Device("02", "CEX8P (EP11 co-processor)", True, RATES)])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GHOSTCARD_CONFIG", raising=False)
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_layout_is_that_of_the_sheet() -> None:
    assert zcryptstats.plain(INTERVAL, Style()) == EXAMPLE
    host = os.uname()
    heading = f"{host.sysname} {host.release} ({host.nodename}) \t"
    assert zcryptstats.heading().startswith(heading)
    assert zcryptstats.heading().endswith(f"\t{host.machine}\n\n")


def test_a_queue_is_further_to_the_right() -> None:
    queue = Device("02.0006", "CEX8P (EP11 co-processor)", False, RATES[-1:])
    lines = zcryptstats.plain(Interval(3, 10.0, [queue]), Style(only_totals=True)).splitlines()
    assert lines[5].startswith("02.0006 APQN  CEX8P")
    assert lines[7] == " " * 8 + EXAMPLE.splitlines()[7].strip()
    assert lines[9] == " " * 8 + EXAMPLE.splitlines()[15].strip()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.0, "1.000 sec "),
        (0.9999, "999.900 msec"),
        (0.001, "1.000 msec"),
        (0.0009999, "999.900 usec"),
        (0, "0.000 usec"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert zcryptstats.duration(seconds) == text


def test_a_row_of_csv() -> None:
    assert zcryptstats.csv_heading() == "TIMESTAMP,DEVICE,OPS,RATE,UTILIZATION,AVG.DURATION\n"
    row = "01/01/70 00:00:10,02,37924,3792.40,77.46 %,0.000204239\n"
    assert zcryptstats.csv(INTERVAL) == row


def test_json_has_the_figures_as_they_are_printed() -> None:
    text = zcryptstats.json_heading() + zcryptstats.json_interval(INTERVAL, Style(), True)
    text += zcryptstats.json_interval(INTERVAL._replace(number=2), Style(totals=False), False)
    text += zcryptstats.json_end()
    assert '{"counter": "Asym. Slow", "ops": 12034, "rate": 1203.40, ' in text
    assert '"utilization": 54.15, "duration": 0.000450000}' in text
    host = json.loads(text)["zcryptstats"]["host"]
    assert set(host) == {"nodename", "sysname", "release", "machine", "date", "statistics"}
    first, second = host["statistics"]
    assert (first["interval"], second["interval"]) == (1, 2)
    assert first["devices"][0]["device"] == "02"
    assert [each["counter"] for each in first["devices"][0]["counters"]][-1] == "Total"
    assert [each["counter"] for each in second["devices"][0]["counters"]][-1] == "Asym. Key-gen"


def test_what_a_program_asks_while_it_runs() -> None:
    """Another thread asks; the command looks at the file, as another process would."""
    host = Ep11Host(Machine(load()).native, (0,))
    host.generate_random(8)
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(0.001):
            host.generate_random(8)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        printed = run("--interval", "0.2", "--count", "2", "--output", "csv")
    finally:
        stop.set()
        asking.join()
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["DEVICE"] for row in rows] == ["00", "00.0000", "00.0001"] * 2
    for card, used, unused in (rows[:3], rows[3:]):
        assert int(card["OPS"]) == int(used["OPS"]) > 5
        assert unused["OPS"] == "0"
        assert float(used["AVG.DURATION"]) > 0


def records(folder: Path) -> tuple[Path, Machine]:
    machine = Machine.simulation("cex8a", domains=2)
    port, work = machine.simulated(), [sized("rsa2048-crt", 256)]
    ClosedLoop(port, machine.targets(0), work, clients=10, requests=100).run()
    machine.recorder.save(folder / "run.gcr")
    return folder / "run.gcr", machine


def test_a_run_that_is_over_in_simulated_time(home: Path) -> None:
    """Ten clients keep five engines busy: 500 %."""
    path, machine = records(home)
    plan = machine.bus.cards[0].image.plan("rsa2048-crt", 256)
    printed = run("--records", str(path), "--profile", "cex8a", "-i", "0.01", "-o", "json")
    intervals = json.loads(printed)["zcryptstats"]["host"]["statistics"]
    assert len(intervals) == 6
    cards = [interval["devices"][0] for interval in intervals]
    assert {card["type"] for card in cards} == {"CEX8A (Accelerator)"}
    totals = [card["counters"][-1] for card in cards]
    assert sum(total["ops"] for total in totals) == 1000
    assert totals[3]["utilization"] == pytest.approx(500, rel=0.06)
    assert totals[3]["duration"] == pytest.approx(plan.engine_ns / 1e9)
    queues = [sum(i["devices"][n]["counters"][-1]["ops"] for i in intervals) for n in (1, 2)]
    assert sum(queues) == 1000
    named = [entry["counter"] for entry in cards[0]["counters"] if entry["ops"]]
    assert named == ["RSA 2048 CRT", "Total"]


def test_devices_and_totals(home: Path) -> None:
    path, _ = records(home)
    asked = ("--records", str(path), "--profile", "cex8a", "-i", "1", "-c", "1")
    named = [row.split(",")[1] for row in run(*asked, "-o", "csv", ".0001").splitlines()[1:]]
    assert named == ["00.0001"]
    cards = [row.split(",")[1] for row in run(*asked, "-o", "csv", "-a").splitlines()[1:]]
    assert cards == ["00"]
    assert "RSA 2048 CRT" not in run(*asked, "-T")
    assert "Total" not in run(*asked, "-t")
    table = run(*asked, "-o", "table").splitlines()
    assert table[0].split() == ["TIMESTAMP", "DEVICE", "OPS", "RATE", "UTILIZATION", "AVG.DURATION"]
    assert table[1] == table[-1] == "-" * 81


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-t", "-T"), "exclude each other"),
        (("--profile", "cex8a"), "--profile is for --records"),
        (("07",), "device '07': there are 00, 00.0000, 00.0001"),
        (("--interval", "0"), "0"),
    ],
)
def test_what_cannot_be_asked_for(arguments: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_only_what_is_online() -> None:
    """AP sheet 6.4, -O; a queue that is offline, then its card, then the card out of operation."""
    arguments = ("-i", "0.001", "-c", "1", "-o", "csv")
    sockets = Sockets(sockets_path())

    def shown() -> list[str]:
        lines = run(*arguments, "-O").splitlines()[1:]
        return [line.split(",")[1] for line in lines]

    both = shown()
    assert both[:2] == ["00", "00.0000"]
    sockets.set_online(0, False)
    assert shown() == [one for one in both if one != "00.0000"]
    sockets.set_card_online(0, False)
    others = [one for one in both if not one.startswith("00")]
    assert shown() == others
    sockets.set_card_online(0, True)
    sockets.switch(0, False)
    assert shown() == others
    assert len(run(*arguments).splitlines()) == 1 + len(both)
    result = CliRunner().invoke(command, ["-O", "--records", "x"])
    assert result.exit_code == 2
    assert "--only-online is not for --records" in result.stderr
