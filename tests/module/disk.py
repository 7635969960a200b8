"""A disk that loses power: the writes of a process, noted, and what may be there if it ends early.

What was synced is there; that a file is gone, when its folder was. Of the rest everything may be
there, nothing, or all but one step; and the write under way may have come as far as any of its
bytes.
"""

import os
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.clients.host import require

_HEAD = struct.Struct("<BBQQ")
_ROOT = Path(__file__).parents[2]
_SECTOR = 512
_SMALL = 64  # bytes of a write that is cut at each
_STRIDE = 331  # bytes between two cuts of a longer one; a prime, so that all of a sector are met

SHARED_MEMORY = (".changes", "-shm")  # files that mean nothing after a loss of power
Files = dict[str, bytes]


class Step(NamedTuple):
    """One call: 'w'rite, 't'runcate (to `offset`), 's'ync, 'u'nlink."""

    kind: str
    path: str
    offset: int
    data: bytes


def interposer(folder: Path) -> Path:
    """The library that notes writes, compiled."""
    library = folder / "writes.so"
    source = Path(__file__).with_name("writes.c")
    options = ("-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-ldl")
    subprocess.run((require("gcc"), *options), check=True)
    return library


def steps_of(library: Path, folder: Path, name: str, path: Path) -> list[Step]:
    """What `tests.module.store_writes` does to the files in the folder of `path`."""
    log = folder / "writes.log"
    subprocess.run(
        (sys.executable, "-m", "tests.module.store_writes", name, path),
        cwd=_ROOT,
        check=True,
        env=os.environ
        | {"LD_PRELOAD": str(library), "WRITES_OF": f"{path.parent}", "WRITES_TO": str(log)},
    )
    return [step for step in _steps(log.read_bytes()) if not step.path.endswith(SHARED_MEMORY)]


def _steps(log: bytes) -> Iterator[Step]:
    at = 0
    while at < len(log):
        kind, name, offset, size = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        path = log[at : at + name].decode()
        yield Step(chr(kind), path, offset, log[at + name : at + name + size])
        at += name + size


def after(start: Files, steps: Sequence[Step]) -> Files:
    """The files when these have been done."""
    files = dict(start)
    for kind, path, offset, data in steps:
        old = files.get(path, b"")
        if kind == "w":
            files[path] = old[:offset].ljust(offset, b"\0") + data + old[offset + len(data) :]
        elif kind == "t":
            files[path] = old[:offset].ljust(offset, b"\0")
        elif kind == "u":
            files.pop(path, None)
    return files


class Crash(NamedTuple):
    """What may be there when power is lost after so many steps, or in the one that follows."""

    done: int
    is_within: bool
    files: Files


def crashes(start: Files, steps: Sequence[Step]) -> Iterator[Crash]:
    """All that may be there, at each step."""
    for done in range(len(steps) + 1):
        here = steps[:done]
        yield Crash(done, False, after(start, here))
        if done < len(steps) and steps[done].kind == "w":
            for size in _cuts(steps[done].data):
                cut = steps[done]._replace(data=steps[done].data[:size])
                yield Crash(done, True, after(start, [*here, cut]))
        loose = [at for at in range(done) if not _is_synced(here, at)]
        for lost in [loose, *([at] for at in loose)]:
            kept = [step for at, step in enumerate(here) if at not in lost]
            yield Crash(done, False, after(start, kept))


def _is_synced(steps: Sequence[Step], at: int) -> bool:
    kind, path, *_ = steps[at]
    synced = os.path.dirname(path) if kind == "u" else path
    return any(step.kind == "s" and step.path == synced for step in steps[at + 1 :])


def _cuts(data: bytes) -> Iterator[int]:
    """Each byte of a small write; of a long one its sectors, their neighbours, and many within."""
    for size in range(1, len(data)):
        near = size % _SECTOR in (_SECTOR - 1, 0, 1)
        if len(data) <= _SMALL or near or size % _STRIDE == 0:
            yield size
