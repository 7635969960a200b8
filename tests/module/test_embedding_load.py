"""Threads and processes that use one token at once: no error, no lost object, no dead lock."""

import subprocess
from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.encoding import ulong
from tests.module.tree import LIBRARY, compile_host, passes, run

KEEP = 25  # operations between two token objects, as in hosts/mixed.c
PIN = b"12345678"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_host("mixed", tmp_path_factory.mktemp("hosts"))


def labels(home: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The labels of the token's data objects, each of which must be there once."""
    monkeypatch.setenv("GHOSTCARD_HOME", str(home))
    library = Cryptoki()
    library.initialize()
    session = library.open_session(0, ck.CKF_SERIAL_SESSION)
    library.login(session, ck.CKU_USER, PIN)
    library.find_objects_init(session, [(ck.CKA_CLASS, ulong(ck.CKO_DATA))])
    found = [
        library.get_attribute_value(session, handle, (ck.CKA_LABEL, ck.CKA_VALUE))
        for handle in library.find_objects(session, 100_000)
    ]
    library.finalize()
    names = [label.decode() for label, _ in found if isinstance(label, bytes)]
    assert len(names) == len(found) == len(set(names))
    assert all(value == label[:5] for label, value in found if isinstance(label, bytes))
    return set(names)


def expected(name: str, threads: int, operations: int) -> set[str]:
    return {f"{name}-{t}-{i}" for t in range(threads) for i in range(0, operations, KEEP)}


def test_eight_threads_of_a_thousand_mixed_operations(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"GHOSTCARD_HOME": str(tmp_path)}
    command = (mixed, LIBRARY, "one", "8", "1000", "init")
    assert passes(run(*command, environment=environment, timeout=120)) == ""
    assert labels(tmp_path, monkeypatch) == expected("one", 8, 1000)


def test_four_processes_at_once(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"GHOSTCARD_HOME": str(tmp_path)}
    passes(run(mixed, LIBRARY, "first", "1", "1", "init", environment=environment))
    names = ("a", "b", "c", "d")
    running = [
        subprocess.Popen(
            [str(part) for part in (mixed, LIBRARY, name, 2, 500)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
    wanted = expected("first", 1, 1).union(*(expected(name, 2, 500) for name in names))
    assert labels(tmp_path, monkeypatch) == wanted


def test_the_end_of_the_library_while_threads_call_and_wait(tmp_path: Path) -> None:
    environment = {"GHOSTCARD_HOME": str(tmp_path / "home")}
    host = compile_host("ending", tmp_path)
    assert passes(run(host, LIBRARY, environment=environment)) == ""
