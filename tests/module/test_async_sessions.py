"""Asynchronous sessions from C: the rules, cancelling, joining in another process, descriptors."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from ghostcard import config
from ghostcard import pkcs11 as ck
from ghostcard.driver.jobfolder import JobFolder
from ghostcard.module import token_admin
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.kinds import KINDS
from tests.clients.host import require
from tests.module.program import PIN, RW, SO_PIN, refusing
from tests.module.test_memcheck import ENVIRONMENT, VALGRIND
from tests.module.tree import LIBRARY, compile_host

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hosts")


@pytest.fixture(scope="module")
def keyed_home(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Path:
    """With a token whose key pair was made by a call that was pending."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GHOSTCARD_HOME", str(home))
        patch.delenv("GHOSTCARD_CONFIG", raising=False)
        token_admin.initialise(config.load(), 0, "test", SO_PIN.decode(), PIN.decode())
    ended(host(folder, home, "key"))
    return home


@pytest.fixture
def run(keyed_home: Path, folder: Path, tmp_path: Path) -> Run:
    """Runs parts of `hosts/pending.c` in one copy of that home."""
    home = tmp_path / "home"
    shutil.copytree(keyed_home, home)
    return partial(host, folder, home)


def host(
    folder: Path, home: Path, *arguments: str, under: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    program = str(compile_host("pending", folder))
    return subprocess.run(
        [*under, program, str(LIBRARY), PIN.decode(), *arguments],
        env={"GHOSTCARD_HOME": str(home), "GHOSTCARD_DEBUG": "1"} | ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def ended(ran: subprocess.CompletedProcess[str]) -> str:
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


@pytest.mark.parametrize("part", ["rules", "objects", "claimed", "threads", "events"])
def test_asynchronous_sessions(run: Run, part: str) -> None:
    assert ended(run(part)) == ""


def test_nothing_is_read_or_written_out_of_place(run: Run) -> None:
    """Under memcheck: results come into memory of the library's first."""
    require("valgrind")
    assert ended(run("rules", under=VALGRIND)) == ""


def test_a_call_whose_process_was_killed_is_joined_by_another_once(
    run: Run, tmp_path: Path
) -> None:
    detached = run("detach")
    assert (detached.returncode, detached.stderr) == (-signal.SIGKILL, "")
    (kept,) = (tmp_path / "home" / "jobs").rglob("*.job")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert ended(run("join", detached.stdout.strip())) == ""
    assert not kept.exists()


def test_a_kept_call_that_was_changed_is_no_call(run: Run, tmp_path: Path) -> None:
    number = int(run("detach").stdout)
    (kept,) = (tmp_path / "home" / "jobs").rglob("*.job")
    data = bytearray(kept.read_bytes())
    data[-20] ^= 1
    kept.write_bytes(data)
    refused = run("join", str(number))
    assert "C_AsyncJoin(session, SIGN, id, signature, SIGNATURE - 1): 0x160, not 0x150" in (
        refused.stderr
    )


def test_what_is_kept_of_a_user_is_encrypted(run: Run, tmp_path: Path) -> None:
    """The signature is deterministic, and not to be seen."""
    number = int(run("detach").stdout)
    jobs = JobFolder(str(tmp_path / "home" / "jobs"), os.geteuid())
    data = jobs.claim(number)
    jobs.close()
    assert data is not None
    assert b"sign" not in data
    assert not re.search(rb"\x00\x00\x01\x00", data[:64])  # the length of the signature


@pytest.mark.parametrize("kind", KINDS, indirect=True)
def test_tokens_of_every_kind_have_asynchronous_sessions(library: Cryptoki, kind: str) -> None:
    assert library.get_token_info(0).flags & ck.CKF_ASYNC_SESSION_SUPPORTED
    session = library.open_session(0, RW | ck.CKF_ASYNC_SESSION)
    assert library.get_session_info(session).flags == RW | ck.CKF_ASYNC_SESSION


def test_a_port_that_can_only_be_waited_for_has_none(
    library: Cryptoki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "_async_port", lambda: None)
    assert not library.get_token_info(0).flags & ck.CKF_ASYNC_SESSION_SUPPORTED
    with refusing(ck.CKR_SESSION_ASYNC_NOT_SUPPORTED):
        library.open_session(0, RW | ck.CKF_ASYNC_SESSION)
    library.open_session(0, RW)
