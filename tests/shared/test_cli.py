"""`ghostcard serve`, `ghostcard top`, `ghostcard run --shared`, and what programs in C are told."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.cli.top import difference
from ghostcard.library import library
from ghostcard.shared.live import percentile
from tests.shared.stand import LOOP, PATIENCE_S, Stand, all_end_well, stand

SESSION = """\
import sys
from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.errors import CryptokiError
library = Cryptoki()
library.start()
session = library.open_session(0, ck.CKF_SERIAL_SESSION)
for line in sys.stdin:
    try:
        library.digest_init(session, ck.CKM_SHA256.to_bytes(4, "big"))
        print(library.digest(session, line.encode(), 32).hex(), flush=True)
    except CryptokiError as error:
        print(hex(error.rv), flush=True)
library.finalize()
"""


def ghostcard(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ghostcard", *map(str, arguments)]
    kept = {name: value for name, value in os.environ.items() if name[:9] != "GHOSTCARD"}
    return subprocess.run(
        command, env={**kept, **environment}, capture_output=True, text=True, check=False
    )


def make_token(made: Stand) -> None:
    token = ["token", "init", "--label", "demo", "--so-pin", "87654321", "--pin", "12345678"]
    of = {"GHOSTCARD_HOME": str(made.home), "GHOSTCARD_SERVER": str(made.socket)}
    assert ghostcard(*token, **of).returncode == 0


def test_a_second_server_is_refused_in_one_line_and_the_first_goes_on(served: Stand) -> None:
    other = ghostcard("serve", "--socket", served.socket, GHOSTCARD_HOME=str(served.home))
    assert other.returncode == 1
    assert other.stderr == f"error: {served.socket}: another server listens there\n"
    all_end_well([served.program(LOOP, "sha256", 64, 3)])
    served.stop()


def test_the_socket_of_a_killed_server_is_taken_over(served: Stand) -> None:
    served.kill()
    assert served.socket.exists()
    served.start()
    all_end_well([served.program(LOOP, "sha256", 64, 3)])
    served.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_ends_with_a_signal_and_leaves_records_and_no_socket(
    tmp_path: Path, number: int
) -> None:
    with stand(tmp_path) as made:
        server = made.start("--mode", "0660")
        assert stat.S_IMODE(made.socket.stat().st_mode) == 0o660
        all_end_well([made.program(LOOP, "sha256", 64, 3)])
        server.send_signal(number)
        assert server.communicate(timeout=PATIENCE_S) == ("", "")
        assert server.returncode == 0
        names = sorted(path.name for path in made.records.iterdir())
        assert names == [f"{server.pid}-1.order", f"{server.pid}-1.records"]
        assert not made.socket.exists()
        made.server = None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--mode", "999"], "--mode: got '999', takes octal digits such as 0660"),
        (["--group", "nobody-here"], "--group: there is no group 'nobody-here'"),
        (["--socket", "/nonexistent/s"], "/nonexistent/s.lock: No such file or directory"),
    ],
)
def test_options_that_are_none(tmp_path: Path, options: list[str], says: str) -> None:
    ended = ghostcard("serve", *options, GHOSTCARD_HOME=str(tmp_path))
    assert ended.returncode in (1, 2)
    assert says in ended.stderr


def test_a_session_outlives_the_server(served: Stand) -> None:
    """CKR_DEVICE_REMOVED at once while there is none, and then the session goes on."""
    make_token(served)
    pipe = subprocess.PIPE
    with served.program(SESSION, stdin=pipe, stdout=pipe) as program:
        assert program.stdin is not None
        assert program.stdout is not None

        def ask(text: str) -> str:
            assert program.stdin is not None
            assert program.stdout is not None
            program.stdin.write(f"{text}\n")
            program.stdin.flush()
            return program.stdout.readline().strip()

        zeros = bytes(32).hex()  # the function track is null
        assert ask("one") == zeros
        served.kill()
        began = time.monotonic()
        assert ask("two") == ask("three") == hex(ck.CKR_DEVICE_REMOVED)
        assert time.monotonic() - began < 2
        served.start()
        assert ask("four") == ask("five") == zeros
        program.stdin.close()
        assert program.wait(PATIENCE_S) == 0
    records = served.stop()
    assert records is not None
    assert len(records) == 2


def test_without_a_server_the_library_says_so_in_one_line(tmp_path: Path) -> None:
    made = Stand(tmp_path)
    code = "import ctypes, sys; print(hex(ctypes.CDLL(sys.argv[1]).C_Initialize(None)))"
    program = made.program(code, library(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = program.communicate(timeout=PATIENCE_S)
    assert out == f"{hex(ck.CKR_GENERAL_ERROR)}\n"
    assert err == f"ghostcard: server: {made.socket}: no server: No such file or directory\n"


def test_pkcs11_tool_on_a_shared_card(tmp_path: Path) -> None:
    with stand(tmp_path, "") as made:
        made.start()
        make_token(made)
        command = ["pkcs11-tool", "--module", str(library()), "--login", "--pin", "12345678"]
        ended = subprocess.run(
            [*command, "--test"], env=made.environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.endswith("No errors\n")
        made.stop()


def test_top_tells_who_does_what(served: Stand) -> None:
    all_end_well([served.program(LOOP, "sha256", 1024, 40) for _ in range(2)])
    ended = ghostcard("top", "--once", "--json", "--socket", served.socket)
    told = json.loads(ended.stdout)
    assert [one["requests"] for one in told["processes"]] == [40, 40]
    assert {one["threads"] for one in told["processes"]} == {0}
    (queue,) = told["queues"]
    assert (queue["queue"], queue["requests"], queue["failed"]) == ("00.0000", 80, 0)
    symmetric = next(one for one in told["resources"] if one["name"] == "symmetric")
    assert 0 < symmetric["utilisation"] <= 1
    records = served.stop()
    assert records is not None
    array = records.array()
    exact = sorted((array["done"] - array["submitted"]).tolist())[39]
    assert queue["p50_ns"] == pytest.approx(exact, rel=0.044)
    assert told["clocks"]["simulated_ns"] == int(array["done"].max())


def test_top_follows_programs_that_come_and_go(served: Stand) -> None:
    forever = served.program(LOOP, "sha256", 1024, 10**9)
    command = [sys.executable, "-m", "ghostcard", "top", "--json", "--interval", "0.3"]
    with subprocess.Popen(
        [*command, "--socket", str(served.socket)], stdout=subprocess.PIPE, text=True
    ) as top:
        assert top.stdout is not None
        deadline = time.monotonic() + PATIENCE_S
        seen: list[int] = []
        while not (1 in seen and seen[-1] == 0):
            assert time.monotonic() < deadline
            told = json.loads(top.stdout.readline())
            threads = [one["threads"] for one in told["processes"]]
            seen.append(sum(threads))
            if seen[-1] == 1 and told["processes"][0]["requests"] > 10 and len(seen) > 1:
                forever.kill()
        top.send_signal(signal.SIGINT)
        assert top.wait(PATIENCE_S) == 130
    forever.wait()


def test_top_without_a_server(tmp_path: Path) -> None:
    ended = ghostcard("top", "--once", GHOSTCARD_HOME=str(tmp_path))
    assert ended.returncode == 1
    assert ended.stderr == f"error: {tmp_path}/server.sock: no server: No such file or directory\n"


def test_the_difference_of_two_snapshots() -> None:
    one = {"requests": 2, "failed": 0, "latency_ns": 200, "depth": 2, "buckets": {"80": 2}}
    two = {
        "requests": 6,
        "failed": 1,
        "latency_ns": 900,
        "depth": 12,
        "buckets": {"80": 2, "96": 4},
    }
    program = {"pid": 7, "name": "p", "uid": 0, "threads": 1}
    engine = {"adapter": 0, "name": "rsa", "servers": 2}
    before = {
        "host_ns": 10**9, "simulated_ns": 10**6, "parked": 0, "processes": [{**program, **one}],
        "queues": [{"qid": 1, **one}], "resources": [{**engine, "busy_ns": 100}],
    }  # fmt: skip
    after = {
        "host_ns": 3 * 10**9, "simulated_ns": 3 * 10**6, "parked": 0,
        "processes": [{**program, **two}], "queues": [{"qid": 1, **two}],
        "resources": [{**engine, "busy_ns": 1_000_100}],
    }  # fmt: skip
    told = difference(before, after)
    (process,), (queue,), (resource,) = told["processes"], told["queues"], told["resources"]
    assert process["requests"] == queue["requests"] == 4
    assert process["per_second"] == 2000.0
    assert process["per_host_second"] == 2.0
    assert queue["failed"] == 1
    assert queue["depth"] == 2.0
    assert queue["p50_ns"] == percentile({"96": 4}, 50) == 2 ** (96.5 / 16)
    assert resource["utilisation"] == 0.25


def test_run_shared_has_one_account_for_all_processes(tmp_path: Path) -> None:
    loop = tmp_path / "loop.py"
    loop.write_text(LOOP)
    line = f'for i in 1 2 3; do "{sys.executable}" {loop} sha256 1024 50 & done; wait'
    options = ["--shared", "--clients", "3", "--json", "--output", tmp_path / "p.json"]
    ended = ghostcard("run", *options, "--", "sh", "-c", line, GHOSTCARD_HOME=str(tmp_path / "h"))
    assert (ended.returncode, ended.stderr) == (0, "")
    told = json.loads((tmp_path / "p.json").read_text())
    assert (told["runs"], told["clients"]) == (1, 3)
    assert (told["order"]["order"], told["order"]["clients"]) == ("behind", 3)
    assert told["total"]["requests"] == 150


def test_cards_of_a_server_are_not_shown_as_those_of_this_home(served: Stand) -> None:
    place = {"GHOSTCARD_HOME": str(served.home), "GHOSTCARD_SERVER": str(served.socket)}
    for command in ("cards", "stats"):
        ended = ghostcard(command, **place)
        assert ended.returncode == 2
        assert ended.stderr == (
            f"error: the cards are those of the server at {served.socket}: ask in its home\n"
        )


def test_wrapping_keys_of_a_server_are_administered_through_it(served: Stand) -> None:
    make_token(served)
    place = {"GHOSTCARD_HOME": str(served.home), "GHOSTCARD_SERVER": str(served.socket)}
    for step in ("generate", "commit", "reencipher", "finalize"):
        ended = ghostcard("wrapping-key", step, "--slot", "0", **place)
        assert ended.returncode == 0, (step, ended.stderr)
    served.stop()
    served.start()
    shown = ghostcard("wrapping-key", "show", **place)
    assert shown.returncode == 0, shown.stderr
