"""The runner of the C client: what it reads, and what goes wrong as one line."""

import stat
import subprocess
from pathlib import Path

import pytest

from ghostcard.benchmarks import client as clients
from ghostcard.benchmarks.client import (
    ClientError,
    Line,
    Loading,
    Measurement,
    Missing,
    build,
    measure,
)
from ghostcard.library import library

LOADED = '{"load_ms": 1.5, "initialize_ms": 2.25, "slots_ms": 0.5, "resident_kib": 7}'
MEASURED = (
    '{"operation": "sha256", "threads": 2, "calls": 10, "seconds": 0.5, "rate": 20.0, '
    '"p50_us": 3.0, "p99_us": 4.0}'
)


def program(folder: Path, script: str) -> Path:
    """A stand-in for the compiled client."""
    path = folder / "client"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(stat.S_IRWXU)
    return path


def lines(client: Path) -> list[Line]:
    return list(measure(client, "module", ["sha256"], (1, 2), 0.5, {"KEY": "value"}))


def test_every_line_is_a_figure(tmp_path: Path) -> None:
    missing = '{"operation": "sha256", "missing": 592}'
    client = program(tmp_path, f"echo '{LOADED}'; echo '{MEASURED}'; echo '{missing}'")
    expected = [
        Loading(1.5, 2.25, 0.5, 7),
        Measurement("sha256", 2, 10, 0.5, 20.0, 3.0, 4.0),
        Missing("sha256", 592),
    ]
    assert lines(client) == expected


def test_the_client_gets_arguments_and_environment(tmp_path: Path) -> None:
    client = program(tmp_path, 'echo "$@ $KEY" > seen; exec 2>&-')
    client.write_text(client.read_text().replace("seen", str(tmp_path / "seen")))
    assert lines(client) == []
    expected = "module --threads 1,2 --seconds 0.5 sha256 value\n"
    assert (tmp_path / "seen").read_text() == expected


def test_a_failure_is_the_clients_first_line(tmp_path: Path) -> None:
    client = program(tmp_path, "echo 'client: C_Login: 0xa0' >&2; echo more >&2; exit 1")
    with pytest.raises(ClientError, match=r"^client: C_Login: 0xa0$"):
        lines(client)


def test_a_silent_end_is_told_by_its_code(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match=r"^the C client ended with -9$"):
        lines(program(tmp_path, "kill -9 $$"))


def test_a_client_that_is_not_read_to_its_end_is_ended(tmp_path: Path) -> None:
    client = program(tmp_path, f"echo $$ > {tmp_path}/pid; echo '{LOADED}'; exec sleep 60")
    reading = measure(client, "module", [], (1,), 1, {})
    assert next(reading) == Loading(1.5, 2.25, 0.5, 7)
    reading.close()
    process = (tmp_path / "pid").read_text().strip()
    assert not Path(f"/proc/{process}").exists()


def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(ClientError, match=r"^the C client needs a C compiler"):
        build(tmp_path)


def test_the_client_compiles_without_a_warning_and_says_what_it_wants(tmp_path: Path) -> None:
    warnings = ["-std=gnu11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    subprocess.run(["gcc", *warnings, Path(clients.__file__).with_suffix(".c")], check=True)
    client = build(tmp_path)
    with pytest.raises(ClientError, match=r"^client: dlopen: /nowhere.so: cannot open"):
        list(measure(client, "/nowhere.so", [], (1,), 1, {}))
    with pytest.raises(ClientError, match=r"^client: --threads: takes numbers from 1 to 64"):
        list(measure(client, "/nowhere.so", [], (65,), 1, {}))


def test_every_operation_runs_with_a_size_of_its_own(tmp_path: Path) -> None:
    client = build(tmp_path)
    names = ["ecdsa-p256-sign", "aes-256-gcm:100", "aes-256-cbc:32", "sha256:70000"]
    names += ["hmac-sha256:1", "find:3", "find-token:2", "find-token:2"]
    state = {"GHOSTCARD_HOME": str(tmp_path / "home"), "GHOSTCARD_CONFIG": ""}
    loading, *measured = measure(client, str(library()), names, (1, 2), 0.01, state)
    assert isinstance(loading, Loading)
    assert 5_000 < loading.resident_kib < 500_000
    found = [(line.operation, line.threads) for line in measured if isinstance(line, Measurement)]
    assert found == [(name, threads) for name in names for threads in (1, 2)]


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ("sha257", "client: sha257: no such operation: those of OPERATIONS in client.c"),
        ("sha256:", "client: sha256:: a size is a number from 1 to 16777216"),
    ],
)
def test_an_operation_that_is_none(tmp_path: Path, operation: str, message: str) -> None:
    state = {"GHOSTCARD_HOME": str(tmp_path / "home"), "GHOSTCARD_CONFIG": ""}
    with pytest.raises(ClientError) as caught:
        list(measure(build(tmp_path), str(library()), [operation], (1,), 0.01, state))
    assert str(caught.value) == message
