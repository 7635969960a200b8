"""`ghostcard bus`: the driver in C of docs/examples, the library in C, how the bus ends."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ghostcard.emulator import status
from ghostcard.library import client_library
from tests.clients.host import require, wait_for

ROOT = Path(__file__).parents[2]
BUS = (sys.executable, "-m", "ghostcard", "bus")
HEADER = client_library().parent / "ghostcard-ap.h"


def bus(*arguments: str | Path, expect: int = 0, cwd: Path | None = None) -> str:
    done = subprocess.run(
        (*BUS, *map(str, arguments)), capture_output=True, text=True, cwd=cwd, timeout=60
    )
    assert done.returncode == expect, done.stderr
    return done.stdout if expect == 0 else done.stderr


def compiled(source: Path, folder: Path, *flags: str) -> Path:
    """The program of a C file, made as docs/drivers.md says, warnings being errors."""
    program = folder / source.stem
    options = (*bus("--flags").split(), "-Wall", "-Wextra", "-Werror", *flags)
    subprocess.run((require("gcc"), source, *options, "-o", program), check=True)
    return program


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(ROOT / "docs/examples/rsa.c", tmp_path_factory.mktemp("rsa"))


def test_the_driver_in_c_signs(driver: Path) -> None:
    """The private operation on a padded message: a signature that `cryptography` finds good."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_numbers()
    n, d = private.public_numbers.n, private.d
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"a message")
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest.finalize()
    padded = b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info
    out = bus("--profile", "cex8a", "--", driver, f"{n:0512x}", f"{d:0512x}", padded.hex())
    signature = bytes.fromhex(out)
    key.public_key().verify(signature, b"a message", padding.PKCS1v15(), hashes.SHA256())


def test_what_the_card_refuses_the_driver_tells(driver: Path) -> None:
    even = bus("--profile", "cex8a", "--", driver, "10", "03", "02", expect=1)
    assert even == "rsa: the card answers type 82, code 85\n"
    ep11 = bus("--profile", "cex8p", "--", driver, "0f", "03", "02", expect=1)
    assert ep11 == "rsa: the card answers type 82, code 20\n"
    nobody = subprocess.run((driver, "0f", "03", "02"), capture_output=True, text=True)
    assert nobody.stderr == "rsa: no bus: run it by `ghostcard bus -- ./rsa`\n"


def test_records_are_kept(driver: Path, tmp_path: Path) -> None:
    records = tmp_path / "driver.records"
    bus("--profile", "cex8a", "--records", records, "--", driver, "0f", "03", "02")
    explain = (sys.executable, "-m", "ghostcard", "explain", records)
    text = subprocess.run(explain, capture_output=True, text=True, check=True).stdout
    assert "rsa2048-me" in text


def test_faults_are_those_of_a_plan(driver: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('[[faults]]\nkind = "reply-code"\ncode = 0x90\n')
    arguments = ("--profile", "cex8a", "--faults", plan)
    told = bus(*arguments, "--", driver, "0f", "03", "02", expect=1)
    assert told == "rsa: the card answers type 82, code 90\n"
    plan.write_text('[[faults]]\nkind = "reply-code"\ncode = 0x90\ncard = 3\n')
    assert "faults[0].card: got 3, takes 0" in bus(*arguments, "--", driver, expect=2)


EDGES = r"""
#include <ghostcard-ap.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    static uint8_t big[1 << 18], buffer[64];
    uint8_t block[128], indicator = 0;
    uint64_t psmid = 1, gr0 = 0, info;
    size_t length, residual;
    ghostcard_event event;
    ghostcard_ap *ap = ghostcard_ap_open(NULL), *other;
    assert(ap && !ghostcard_ap_error(ap));
    assert(ghostcard_now(ap) == 0);
    assert(!ghostcard_qci(ap, block) && block[4] == 255 && block[16] == 0x80);
    assert(ghostcard_tapq(ap, 0x0100, &info) == 0x00010000 && info == 0);
    assert(ghostcard_tapq(ap, 1, &info) == 0x80000000 && info == 0x6A8000000E540307);
    assert(ghostcard_aqic(ap, 1, 1, NULL) == 0x00060000);
    assert(ghostcard_aqic(ap, 1, 1, &indicator) == 0x80000000);
    assert(ghostcard_aqic(ap, 1, 1, &indicator) == 0x80070000);
    assert(!ghostcard_wait(ap, 1000000, &event) && event.kind == GHOSTCARD_TIME);
    assert(ghostcard_now(ap) == 1000000);
    assert(ghostcard_nqap(ap, 1, ~UINT64_C(0), "no block", 8, 1) == 0x81160000);
    assert(ghostcard_nqap(ap, 1, ~UINT64_C(0), "no block", 8, 0) == 0x01000000);
    assert(ghostcard_dqap(ap, 1, &psmid, buffer, 64, &length, &residual, &gr0) == 0x01100000);
    assert(!length && !residual && !gr0);
    while (ghostcard_step(ap) == 1) {}
    assert(!indicator);
    assert(!ghostcard_wait(ap, GHOSTCARD_NEVER, &event) && event.kind == GHOSTCARD_INTERRUPT);
    assert(event.qid == 1 && indicator == 1);
    assert(ghostcard_dqap(ap, 1, &psmid, buffer, 3, &length, &residual, &gr0) == 0x41FF0000);
    assert(length == 3 && residual == 5 && gr0 && psmid == 0);
    assert(ghostcard_dqap(ap, 1, &psmid, buffer + 3, 61, &length, &residual, &gr0) == 0x81000000);
    assert(length == 5 && !residual && !gr0 && psmid == ~UINT64_C(0));
    assert(!memcmp(buffer, "\0\x82\0\0\x20\0\0\0", 8));
    assert(ghostcard_nqap(ap, 1, 5, big, 100000, 0) == 0x81150000);
    assert(ghostcard_rapq(ap, 1) == 0x80000000);
    assert(GHOSTCARD_RESPONSE_CODE(ghostcard_zapq(ap, 1)) == GHOSTCARD_RESET_IN_PROGRESS);
    other = ghostcard_ap_open(NULL);
    assert(other && ghostcard_qci(other, block) == -1);
    assert(!strcmp(ghostcard_ap_error(other), "another driver is connected to this bus"));
    ghostcard_ap_close(other);
    assert(!ghostcard_ap_error(ap));
    assert(ghostcard_nqap(ap, 1, 5, big, sizeof big, 0) == 0x00010000);
    assert(!strcmp(ghostcard_ap_error(ap), "a message that no frame can hold"));
    assert(ghostcard_tapq(ap, 1, &info) == 0x00010000);
    assert(ghostcard_wait(ap, 5, &event) == -1 && ghostcard_step(ap) == -1);
    assert(ghostcard_done(ap, 1, 0, "", 0) == -1);
    ghostcard_ap_close(ap);
    ap = ghostcard_ap_open(NULL);
    assert(ap && ghostcard_done(ap, 1, 0, "", 0) == 0);
    assert(ghostcard_step(ap) == -1);
    assert(!strcmp(ghostcard_ap_error(ap), "DONE: no request was given"));
    ghostcard_ap_close(ap);
    assert(!ghostcard_ap_open("/nowhere/bus"));
    return 0;
}
"""


def test_every_function_of_the_library_in_c(tmp_path: Path) -> None:
    source = tmp_path / "edges.c"
    source.write_text(EDGES)
    program = compiled(source, tmp_path, "-fsanitize=address,undefined")
    bus("--profile", "cex8a", "--", program)


def test_the_header_is_cplusplus_too_and_names_every_response_code(tmp_path: Path) -> None:
    pairs = re.findall(r"GHOSTCARD_(\w+) = 0x(\w\w)", HEADER.read_text())
    codes = {
        name: value
        for name, value in vars(status).items()
        if isinstance(value, int) and name.isupper()
    }
    assert {name: int(value, 16) for name, value in pairs} == {
        name: codes[name] for name, _ in pairs
    }
    assert {int(value, 16) for _, value in pairs} == set(status.RESPONSE_NAMES)
    assert len(pairs) == 27  # AP sheet 1.3, where 10 is two
    source = tmp_path / "plus.cpp"
    source.write_text("#include <ghostcard-ap.h>\nint main() { return !ghostcard_ap_open(0); }\n")
    require("g++")
    flags = bus("--flags").split()
    subprocess.run(("g++", source, *flags, "-o", tmp_path / "plus"), check=True)
    bus("--profile", "cex8a", "--", tmp_path / "plus")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_clean(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "socket"
    process = subprocess.Popen(
        (*BUS, "--socket", str(path)), stderr=subprocess.PIPE, cwd=tmp_path, text=True
    )
    wait_for(path.exists)
    assert process.stderr is not None
    told = process.stderr.readline()
    assert told == f"{path}: the bus with 00.0000, 00.0001; Ctrl-C ends it\n"
    process.send_signal(number)
    assert process.wait(20) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
    assert not path.exists()


def test_a_program_s_end_is_ours(tmp_path: Path) -> None:
    shell = ("--", "sh", "-c")
    bus("--profile", "null", *shell, "exit 7", expect=7)
    bus("--profile", "null", *shell, "kill -9 $$", expect=137)
    out = bus("--profile", "null", *shell, 'echo "$GHOSTCARD_BUS"')
    assert not os.path.exists(os.path.dirname(out.strip()))
    process = subprocess.Popen(
        (*BUS, *shell, "trap 'exit 3' TERM; echo up; while :; do sleep .05; done"),
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.terminate()
    assert process.wait(20) == 3
    process.stdout.close()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "--socket PATH or a COMMAND"),
        (("--config", "c.toml", "--profile", "null", "--socket", "s"), 2, "one of them says"),
        (("--profile", "nothing", "--socket", "s"), 2, "there is no profile 'nothing'"),
        (("--socket", "nowhere/s"), 1, "error: nowhere/s: No such file or directory\n"),
        (("--socket", "x" * 108), 1, "a socket's path has at most 107 bytes\n"),
        (("--", "no-such-program"), 127, "error: no-such-program: No such file or directory\n"),
    ],
)
def test_what_is_asked_wrongly(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "c.toml").write_text("")
    assert words in bus(*arguments, expect=code, cwd=tmp_path)
