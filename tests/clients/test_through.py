"""`libghostcard-capture.so` in front of another library: the program notices nothing, and its calls
are captured; `ghostcard run --through` and `ghostcard replay` say what cards would have done.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.benchmarks.capture import file
from ghostcard.benchmarks.capture.journal import read
from ghostcard.benchmarks.capture.machine import on_machine
from ghostcard.benchmarks.client import build
from ghostcard.library import capture_library
from tests.clients.host import PIN, SO_PIN, Host, require, wait_for
from tests.module.tree import compile_host

GHOSTCARD = (sys.executable, "-m", "ghostcard")
FRONT = str(capture_library())
FOUND = 42


@pytest.fixture
def soft(tmp_path: Path, host: Host) -> Host:
    """A host whose library is SoftHSM2's, with a token."""
    if not os.path.exists("/usr/lib/softhsm/libsofthsm2.so"):
        pytest.skip("softhsm2 is not installed")
    (tmp_path / "tokens").mkdir()
    conf = host.file("softhsm2.conf", f"directories.tokendir = {tmp_path}/tokens\n".encode())
    made = host._replace(module="/usr/lib/softhsm/libsofthsm2.so").setting(SOFTHSM2_CONF=str(conf))
    pins = ("--so-pin", SO_PIN, "--pin", PIN)
    made.run("softhsm2-util", "--init-token", "--free", "--label", "soft", *pins)
    return made


def in_front(host: Host) -> Host:
    """The host with our library before its own, and a folder for journals."""
    folder = host.folder / "journals"
    folder.mkdir(exist_ok=True)
    return host._replace(module=FRONT).setting(
        GHOSTCARD_CAPTURE_MODULE=host.module, GHOSTCARD_CAPTURE_FOLDER=str(folder)
    )


def through(host: Host, *command: str, expect: int = 0) -> subprocess.CompletedProcess[bytes]:
    options = ("--through", host.module, "--capture", "it.capture", "--output", "account")
    return host.run(*GHOSTCARD, "run", *options, "--json", "--", *command, expect=expect)


def account(host: Host) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads((host.folder / "account").read_text())
    return plain


def counted(path: Path) -> Counter[tuple[str, int]]:
    """The requests of a capture by operation and payload."""
    capture, _, _ = on_machine(file.load(path), None, None)
    rows = capture.rows
    return Counter(
        (capture.names[operation], payload)
        for operation, payload in zip(
            rows["operation"].tolist(), rows["payload_bytes"].tolist(), strict=True
        )
    )


def test_a_program_says_the_same_and_its_operations_are_replayed(soft: Host) -> None:
    tool = ("pkcs11-tool", "--login", "--pin", PIN, "--test")
    plain = soft.run(*tool, "--module", soft.module)
    fronted = through(soft, *tool, "--module", "{module}")
    assert fronted.stdout == plain.stdout
    told = {one["operation"]: one["requests"] for one in account(soft)["operations"]}
    assert told["sha256"] >= 1
    assert told["random"] >= 1
    left = account(soft)["left_out"]
    assert {"operation": "C_Digest", "requests": 3} in [
        {key: one[key] for key in ("operation", "requests")} for one in left
    ]
    assert all("CKM_MD5" in one["reason"] for one in left)
    replayed = json.loads(soft.run(*GHOSTCARD, "replay", "it.capture", "--json").stdout)
    assert replayed["operations"] == account(soft)["operations"]
    assert replayed["left_out"] == left
    slower = ("--profile", "cex4p", "--cards", "2", "--depth", "4", "--json")
    other = json.loads(soft.run(*GHOSTCARD, "replay", "it.capture", *slower).stdout)
    assert other["profiles"] == {"00": "cex4p-depth-4", "01": "cex4p-depth-4"}
    assert other["total"]["requests"] == replayed["total"]["requests"]
    assert other["span_ns"] > replayed["span_ns"]
    assert PIN.encode() not in (soft.folder / "it.capture").read_bytes()


def test_all_sorts_of_calls_in_threads_and_in_a_child(soft: Host, tmp_path: Path) -> None:
    program = str(compile_host("fronted", tmp_path, "-ldl"))
    done = through(soft, program, "{module}", PIN, "3", "20")
    assert done.stdout == soft.run(program, soft.module, PIN, "3", "20").stdout == b"done\n"
    assert account(soft)["runs"] == 2  # the child of the fork is a process of its own
    assert counted(soft.folder / "it.capture") == {
        ("query", 0): 1,  # the operation in parts is opened
        ("sha512", 1000): 3,
        ("sha512", 0): 1,
        ("aes-keygen", 0): 1,
        ("aes-256-cbc", 64): 3,
        ("ec-p256-keygen", 0): 1,
        ("ecdsa-p256-sign", 32): 1,
        ("ecdsa-p256-verify", 32): 1,
        ("sha256", 100): 3 * 20 + 2,
    }
    assert account(soft)["left_out"] == []


def test_threads_follow_the_one_that_started_them(soft: Host, tmp_path: Path) -> None:
    program = str(compile_host("fronted", tmp_path, "-ldl"))
    through(soft, program, "{module}", PIN, "4", "50")
    capture, _, _ = on_machine(file.load(soft.folder / "it.capture"), None, None)
    rows = capture.rows[capture.rows["process"] == 0]
    assert sorted(set(rows["client"].tolist())) == [0, 1, 2, 3, 4]
    main = [number for number, row in enumerate(rows) if row["client"] == 0]
    for client in range(1, 5):
        crew = rows[rows["client"] == client]
        assert int(crew["after"][0]) - 1 == main[-2]  # the signature before they began
        assert not crew["after"][1:].any()
    joined = int(rows["after"][main[-1]]) - 1
    assert int(rows["client"][joined]) in (1, 2, 3, 4)


def test_the_operations_are_those_that_our_own_library_makes_of_the_same_calls(
    token: Host, tmp_path: Path
) -> None:
    """Our library behind the one in front of it, which knows nothing of what is behind."""
    program = str(compile_host("fronted", tmp_path, "-ldl"))
    call = (program, "{module}", PIN, "2", "10")
    token.run(*GHOSTCARD, "run", "--capture", "own.capture", "--output", "-", "--", *call)
    through(token, *call)
    ours, others = (counted(token.folder / f"{name}.capture") for name in ("own", "it"))
    assert ours.pop(("query", 0)) > others.pop(("query", 0))  # what mechanisms it has, at first
    assert others == ours
    assert file.load(token.folder / "own.capture").processes == 2


def test_interfaces_pass_through(token: Host) -> None:
    script = """
import ctypes, sys
class Interface(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("list", ctypes.POINTER(ctypes.c_ubyte)),
                ("flags", ctypes.c_ulong)]
library = ctypes.CDLL(sys.argv[1])
count = ctypes.c_ulong(0)
print(hex(library.C_GetInterfaceList(None, ctypes.byref(count))), count.value)
few = ctypes.c_ulong(1)
found = (Interface * count.value)()
print(hex(library.C_GetInterfaceList(found, ctypes.byref(few))))
print(hex(library.C_GetInterfaceList(found, ctypes.byref(count))))
for each in found:
    print(each.name, each.list[0], each.list[1], each.flags)
one = ctypes.POINTER(Interface)()
for name, version in ((None, None), (b"PKCS 11", None), (b"PKCS 11", b"\\x02\\x28"),
                      (b"PKCS 11", b"\\x03\\x02"), (b"other", None)):
    rv = library.C_GetInterface(name, version, ctypes.byref(one), ctypes.c_ulong(0))
    print(hex(rv), *([one[0].name, one[0].list[0], one[0].list[1]] if rv == 0 else []))
"""
    own = token.run(sys.executable, "-c", script, token.module).stdout
    assert in_front(token).run(sys.executable, "-c", script, FRONT).stdout == own
    assert b"0x0 b'PKCS 11' 3 2" in own


def test_what_the_library_does_not_have_is_not_there(soft: Host) -> None:
    script = (
        "import ctypes, sys; library = ctypes.CDLL(sys.argv[1]); count = ctypes.c_ulong(0);"
        "print(hex(library.C_GetInterfaceList(None, ctypes.byref(count))), count.value,"
        " hex(library.C_MessageEncryptInit(1, None, 1)))"
    )
    shown = in_front(soft).run(sys.executable, "-c", script, FRONT).stdout.decode()
    assert shown == f"0x0 1 {hex(ck.CKR_FUNCTION_NOT_SUPPORTED)}\n"


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("", "ghostcard-capture: GHOSTCARD_CAPTURE_MODULE is to name the real library\n"),
        ("/nowhere.so", "ghostcard-capture: /nowhere.so: cannot open shared object file"),
        (FRONT, "ghostcard-capture: GHOSTCARD_CAPTURE_MODULE names this library itself\n"),
        ("libm.so.6", "ghostcard-capture: libm.so.6: is no PKCS #11 library\n"),
    ],
)
def test_without_a_library_behind_it_every_call_is_refused(
    host: Host, module: str, line: str
) -> None:
    script = (
        "import ctypes, sys; library = ctypes.CDLL(sys.argv[1]); at = ctypes.c_void_p();"
        "print(hex(library.C_GetFunctionList(ctypes.byref(at))), hex(library.C_Initialize(None)))"
    )
    done = host.setting(GHOSTCARD_CAPTURE_MODULE=module).run(sys.executable, "-c", script, FRONT)
    assert done.stdout == b"0x5 0x5\n"
    assert done.stderr.decode().startswith(line)
    assert done.stderr.count(b"\n") == 1


def test_a_program_that_is_killed_loses_nothing_it_had_done(soft: Host) -> None:
    fronted = in_front(soft)
    client = str(build(soft.folder))
    with subprocess.Popen(
        [client, FRONT, "--seconds", "60", "sha256"],
        env=fronted.environment,
        cwd=soft.folder,
        stdout=subprocess.DEVNULL,
    ) as program:
        folder = soft.folder / "journals"
        wait_for(lambda: any(path.stat().st_size > 64_000 for path in folder.glob("*")))
        time.sleep(0.1)
        program.send_signal(signal.SIGKILL)
    (path,) = folder.glob("*.capture")
    journal = read(path)
    assert journal.program == "client"
    assert len(journal.rows) == path.stat().st_size // 64 - 1
    assert len(journal.rows) >= 1000


def test_a_folder_that_is_not_there_stops_nobody(soft: Host) -> None:
    fronted = in_front(soft).setting(GHOSTCARD_CAPTURE_FOLDER="/nowhere")
    done = fronted.run("pkcs11-tool", "--module", FRONT, "--generate-random", "8", "-o", "random")
    assert b"ghostcard-capture: /nowhere: No such file or directory\n" in done.stderr
    assert len((soft.folder / "random").read_bytes()) == 8


def test_no_byte_is_read_or_written_out_of_place(soft: Host, tmp_path: Path) -> None:
    require("valgrind")
    program = str(compile_host("fronted", tmp_path, "-ldl"))
    checked = ("valgrind", "--quiet", "--leak-check=no", f"--error-exitcode={FOUND}")
    done = in_front(soft).run(*checked, program, FRONT, PIN, "3", "10")
    assert (done.stdout, done.stderr) == (b"done\n", b"")


def test_refusals(soft: Host) -> None:
    options = ("--through", soft.module, "--records", "kept", "--", "true")
    done = soft.run(*GHOSTCARD, "run", *options, expect=2)
    assert b"--through takes neither --config nor --records" in done.stderr


def test_a_folder_of_journals_is_a_capture(soft: Host) -> None:
    in_front(soft).run(
        *("pkcs11-tool", "--module", FRONT, "--generate-random", "24", "-o", "random")
    )
    replayed = soft.run(*GHOSTCARD, "replay", "journals", "--json", "--no-forecast").stdout
    plain = json.loads(replayed)
    assert plain["program"] == "pkcs11-tool"
    assert {one["operation"]: one["requests"] for one in plain["operations"]} == {"random": 1}
    (soft.folder / "nothing").mkdir()
    refused = soft.run(*GHOSTCARD, "replay", "nothing", expect=2)
    assert refused.stderr == b"error: nothing: has no journals of calls (*.capture)\n"
