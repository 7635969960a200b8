"""Runs benchmarks/client.c, a C program, against a PKCS #11 library: host time, real calls.

It and objects.c are compiled with $CC or gcc when they are first needed.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

_FOLDER = Path(__file__).parent
_FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-pthread")


_OPERATION = re.compile(r'^    \{"([\w-]+)", [A-Z_]+, ', re.MULTILINE)  # a line of OPERATIONS
SIZE_MAX = 1 << 24  # MAX_SIZE of client.c


class ClientError(Exception):
    """The C client could not be built or failed; the message is one line."""


class Loading(NamedTuple):
    """Host time of dlopen with C_GetFunctionList, of C_Initialize and of C_GetSlotList, and the
    most memory the process had in RAM until then.
    """

    load_ms: float
    initialize_ms: float
    slots_ms: float
    resident_kib: int


class Measurement(NamedTuple):
    """Host time of one (operation, threads): calls per second, latency of a call."""

    operation: str
    threads: int
    calls: int
    seconds: float
    rate: float
    p50_us: float
    p99_us: float


class Missing(NamedTuple):
    """An operation for which the token lacks a mechanism, by its number."""

    operation: str
    missing: int


Line = Loading | Measurement | Missing


def operations() -> tuple[str, ...]:
    """The names of what client.c can do; each may have `:SIZE` after it."""
    return tuple(_OPERATION.findall((_FOLDER / "client.c").read_text()))


def build(folder: Path, name: str = "client") -> Path:
    """Compiles a program of this folder into `folder` and returns its path; ClientError says why
    not.
    """
    compiler = shutil.which(os.environ.get("CC") or "gcc")
    if compiler is None:
        raise ClientError("the C client needs a C compiler: install gcc or set CC")
    program = folder / name
    command = [compiler, *_FLAGS, "-o", str(program), str(_FOLDER / f"{name}.c"), "-ldl"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        raise ClientError(f"{name}.c does not compile: {_first_line(built.stderr)}")
    return program


def measure(
    program: Path,
    module: str,
    operations: Sequence[str],
    threads: Sequence[int],
    seconds: float,
    environment: Mapping[str, str],
    token: Sequence[str] = (),
) -> Generator[Line, None, None]:
    """Runs the client; gives what loading cost, then each (operation, threads) as it is done.

    `operations` are names, with ``:SIZE`` as client.c says. `seconds` of host time are measured for
    each; `environment` is added to this process's; `token` are the options that choose one. Raises
    ClientError when the client fails. Closing the iterator early ends the client.
    """
    counts = ",".join(map(str, threads))
    timing = ("--threads", counts, "--seconds", str(seconds))
    command = [str(program), module, *timing, *token, *operations]
    with TemporaryFile("w+") as errors:
        client = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            assert client.stdout
            for line in client.stdout:
                yield _line(json.loads(line))
            ended = client.wait()
        finally:
            client.kill()  # does nothing to one that has ended
            client.communicate()
        if ended:
            errors.seek(0)
            raise ClientError(_first_line(errors.read()) or f"the C client ended with {ended}")


def _line(fields: dict[str, Any]) -> Line:
    if "load_ms" in fields:
        return Loading(**fields)
    return Missing(**fields) if "missing" in fields else Measurement(**fields)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
