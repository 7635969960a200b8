"""Programs use their token while an administrator changes its wrapping key and control points."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.host import PIN, Host, init_token, wait_for

PROGRAM = Path(__file__).with_name("programs") / "busy.py"
ONE_SLOT = '[[slots]]\nid = 0\napqns = ["00.0000", "01.0000"]\n'
TWO_CARDS = "".join(f"[[cards]]\nadapter = {n}\ndomains = [0]\n" for n in (0, 1)) + ONE_SLOT


@pytest.fixture(params=["one card", "two cards"])
def setting(request: pytest.FixtureRequest, host: Host) -> Host:
    """A host with a token in slot 0, whose cards are one or two."""
    if request.param == "two cards":
        host = host.setting(GHOSTCARD_CONFIG=str(host.file("two.toml", TWO_CARDS.encode())))
    host = host.setting(GHOSTCARD_MODULE=host.module, GHOSTCARD_PIN=PIN)
    init_token(host)
    return host


def ghostcard(host: Host, *arguments: str, expect: int = 0) -> str:
    done = host.run(sys.executable, "-m", "ghostcard", *arguments, expect=expect)
    return done.stdout.decode() + done.stderr.decode()


def change(host: Host) -> None:
    for step in ("generate", "commit", "reencipher", "finalize"):
        ghostcard(host, "wrapping-key", step, "--slot", "0")


def current(host: Host) -> set[str]:
    shown = json.loads(ghostcard(host, "wrapping-key", "show", "--json"))
    served = shown["apqns"] if "GHOSTCARD_CONFIG" in host.environment else shown["apqns"][:1]
    return {each["current"] for each in served}


@contextmanager
def busy(host: Host, processes: int = 2, threads: int = 2) -> Iterator[None]:
    """Programs at work; when this ends they must have gone round, all of them, without an error."""
    stop = host.folder / "stop"
    outputs = [host.folder / f"out-{number}" for number in range(processes)]
    running = []
    for output in outputs:
        with output.open("wb") as out:
            running.append(
                subprocess.Popen(
                    [sys.executable, PROGRAM, str(threads), stop],
                    env=host.environment,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                )
            )
    try:
        wait_for(lambda: all(output.read_bytes() for output in outputs))
        yield
    finally:
        stop.touch()
        codes = [program.wait(60) for program in running]
    told = [output.read_text() for output in outputs]
    assert codes == [0] * processes, told
    for text in told:
        ready, rounds = text.splitlines()
        assert ready == "ready"
        assert all(int(number) > 5 for number in rounds.split())


def test_the_wrapping_key_changes_three_times_under_programs(setting: Host) -> None:
    patterns = [current(setting)]
    with busy(setting):
        for _ in range(3):
            change(setting)
            patterns.append(current(setting))
    assert [len(each) for each in patterns] == [1] * 4
    assert len(set.union(*patterns)) == 4


def killed_after(host: Host, seconds: float, *arguments: str) -> None:
    """Start a command and kills it (SIGKILL), unless it is faster."""
    command = [sys.executable, "-m", "ghostcard", *arguments]
    null = subprocess.DEVNULL
    running = subprocess.Popen(command, env=host.environment, stdout=null, stderr=null)
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def test_commands_that_are_killed_under_programs(setting: Host) -> None:
    """At whatever instant; `tests/module/test_cryptoki_rekeying.py` does it at every step."""
    before = current(setting)
    with busy(setting, processes=1):
        for step in ("generate", "commit", "reencipher", "finalize"):
            for tenths in (3, 4, 5):
                killed_after(setting, tenths / 10, "wrapping-key", step, "--slot", "0")
            if step != "finalize":
                ghostcard(setting, "wrapping-key", step, "--slot", "0")
        shown = json.loads(ghostcard(setting, "wrapping-key", "show", "--json"))
        if any(each["is_committed"] for each in shown["apqns"]):
            ghostcard(setting, "wrapping-key", "finalize", "--slot", "0")
    assert current(setting).isdisjoint(before)


ASKER = """
import sys
sys.path.insert(0, sys.argv[1])
import ctypes
from cryptoki import Mechanism, Ulong, flat, from_environment
from ghostcard import pkcs11 as ck
library = from_environment()
library.login(ck.CKU_USER, b"12345678")
made = Ulong()
generate = Mechanism(ck.CKM_AES_KEY_GEN, None, 0)
template = [(ck.CKA_VALUE_LEN, (32).to_bytes(8, sys.byteorder)), (ck.CKA_ENCRYPT, bytes((1,)))]
library.expect("C_GenerateKey", Ulong(library.session), ctypes.byref(generate), *flat(template),
               ctypes.byref(made))
for line in sys.stdin:
    mechanism = Mechanism(ck.CKM_AES_ECB, None, 0)
    library.expect("C_EncryptInit", Ulong(library.session), ctypes.byref(mechanism), made)
    out, size = ctypes.create_string_buffer(16), Ulong(16)
    rv = library.call("C_Encrypt", Ulong(library.session), bytes(16), Ulong(16), out,
                      ctypes.byref(size))
    numbers, count = (Ulong * 1000)(), Ulong(1000)
    library.expect("C_GetMechanismList", Ulong(0), numbers, ctypes.byref(count))
    there = set(numbers[: count.value])
    print(hex(rv), ck.CKM_RSA_PKCS in there, ck.CKM_AES_ECB in there, flush=True)
"""


@contextmanager
def asking(host: Host) -> Iterator[Callable[[], str]]:
    """A program that runs on, and each time it is asked encrypts and lists mechanisms."""
    program = subprocess.Popen(
        [sys.executable, "-c", ASKER, str(PROGRAM.parent)],
        env=host.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert program.stdin
    assert program.stdout
    stdin, stdout = program.stdin, program.stdout

    def ask() -> str:
        stdin.write("\n")
        stdin.flush()
        return stdout.readline()

    try:
        yield ask
    finally:
        stdin.close()
        stdout.close()
        assert program.wait(30) == 0


def test_control_points_under_a_program(setting: Host) -> None:
    with asking(setting) as ask:
        assert ask() == "0x0 True True\n"
        ghostcard(setting, "control-points", "forbid", "--slot", "0", "ENCRYPT_SYMM", "alg-rsa")
        assert ask() == "0x50 False True\n"  # CKR_FUNCTION_CANCELED
        ghostcard(setting, "control-points", "allow", "--slot", "0", "5", "30")
        assert ask() == "0x0 True True\n"
        ghostcard(setting, "control-points", "preset", "--slot", "0", "fips2021")
        assert ask() == "0x0 True True\n"


def test_an_apqn_with_another_key_does_not_disturb(setting: Host) -> None:
    if "GHOSTCARD_CONFIG" not in setting.environment:
        return
    with busy(setting, processes=1):
        for step in ("generate", "commit"):
            ghostcard(setting, "wrapping-key", step, "--apqn", "01.0000")
        refused = ghostcard(setting, "wrapping-key", "finalize", "--apqn", "01.0000", expect=1)
        assert refused == (
            "error: 01.0000 shares keys with other APQNs: --slot changes all, "
            "--force this one alone\n"
        )
        ghostcard(setting, "wrapping-key", "finalize", "--apqn", "01.0000", "--force")
        assert len(current(setting)) == 2
        ghostcard(setting, "wrapping-key", "clear", "--apqn", "01.0000", "--current", "--force")
    assert "" in current(setting)
