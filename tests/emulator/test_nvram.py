"""Non-volatile memory: whole or not at all, whoever writes at once and whatever dies meanwhile."""

import os
import signal
import stat
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.errors import NvramError
from ghostcard.emulator.nvram import Nvram, PowerLost, pack, unpack

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["file", "memory"])
def nvram(request: pytest.FixtureRequest, tmp_path: Path) -> Nvram:
    """An empty one of either kind."""
    return Nvram(tmp_path / "card.nvram") if request.param == "file" else Nvram()


def test_values_are_stored_replaced_and_erased(nvram: Nvram) -> None:
    assert nvram.read("wk/0") is None
    nvram.write("wk/0", b"first")
    nvram.write("wk/1", b"")
    nvram.write("wk/0", b"second")
    assert (nvram.read("wk/0"), nvram.read("wk/1")) == (b"second", b"")
    assert nvram.names() == ["wk/0", "wk/1"]
    nvram.erase("wk/0")
    nvram.erase("never there")
    assert nvram.names() == ["wk/1"]


def test_create_keeps_what_is_there(nvram: Nvram) -> None:
    assert nvram.create("key", lambda: b"made") == b"made"
    assert nvram.create("key", lambda: b"made again") == b"made"
    assert nvram.read("key") == b"made"


@pytest.mark.parametrize("name", ["", "n" * 256, "\u00e9" * 128])
def test_a_name_has_1_to_255_bytes(nvram: Nvram, name: str) -> None:
    with pytest.raises(NvramError, match=r"a name of 1\.\.255 bytes was expected, got"):
        nvram.write(name, b"x")
    with pytest.raises(NvramError, match=r"1\.\.255"):
        nvram.create(name, lambda: b"x")
    assert nvram.names() == []


def test_a_failing_maker_changes_nothing(nvram: Nvram) -> None:
    def fail() -> bytes:
        raise RuntimeError("no entropy")

    nvram.write("other", b"1")
    with pytest.raises(RuntimeError):
        nvram.create("key", fail)
    assert nvram.names() == ["other"]
    nvram.write("key", b"2")
    assert nvram.read("key") == b"2"


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Nvram(tmp_path / "card.nvram").write("key", b"secret")
    finally:
        os.umask(before)
    files = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    names = ("card.nvram", "card.nvram.lock", "card.nvram.changes")
    assert files == dict.fromkeys(names, 0o600)


def test_reading_creates_no_file(tmp_path: Path) -> None:
    assert Nvram(tmp_path / "card.nvram").names() == []
    assert list(tmp_path.iterdir()) == []


def test_another_opener_sees_a_change_at_once(tmp_path: Path) -> None:
    first, second = Nvram(tmp_path / "card.nvram"), Nvram(tmp_path / "card.nvram")
    first.write("a", b"1")
    assert second.read("a") == b"1"
    second.write("b", b"2")
    assert first.names() == ["a", "b"]


def test_the_file_byte_by_byte() -> None:
    body = b"GCNVRAM\x01" + struct.pack("<IHI", 1, 2, 3) + b"wkabc"
    assert pack({"wk": b"abc"}) == body + struct.pack("<I", zlib.crc32(body))


@given(st.dictionaries(st.text(min_size=1, max_size=9), st.binary(max_size=50), max_size=6))
def test_what_is_packed_is_unpacked(entries: dict[str, bytes]) -> None:
    assert unpack(pack(entries), "x") == entries


@given(st.binary(max_size=60))
def test_any_bytes_with_a_right_checksum_are_refused_or_read(data: bytes) -> None:
    body = b"GCNVRAM\x01" + data
    try:
        entries = unpack(body + struct.pack("<I", zlib.crc32(body)), "card")
    except NvramError as error:
        assert str(error).startswith("card: ")  # noqa: PT017  both ways are right
    else:
        assert unpack(pack(entries), "card") == entries


def test_every_damaged_or_missing_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "card.nvram"
    nvram = Nvram(path)
    nvram.write("wk/0", bytes(range(32)))
    data = path.read_bytes()
    for place in range(len(data)):
        for damaged in (
            data[:place],
            data[:place] + bytes((data[place] ^ 0x10,)) + data[place + 1 :],
        ):
            path.write_bytes(damaged)
            with pytest.raises(NvramError, match=r"card\.nvram: "):
                nvram.read("wk/0")
            with pytest.raises(NvramError, match=r"card\.nvram: "):
                nvram.write("wk/0", b"overwritten")
            assert path.read_bytes() == damaged  # never replaced by a guess


def test_a_change_is_on_the_disk_before_it_takes_the_place_of_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File contents, then the name, then the folder: what a loss of power asks for."""
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def noted_replace(old: str, new: str) -> None:
        calls.append("replace")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    Nvram(tmp_path / "card.nvram").write("a", b"1")
    assert calls == ["file", "replace", "folder"]


def test_an_impossible_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(NvramError, match=r"gone/card\.nvram: No such file or directory"):
        Nvram(tmp_path / "gone" / "card.nvram").write("a", b"1")
    with pytest.raises(NvramError, match="Is a directory"):
        Nvram(tmp_path).read("a")


def test_threads_that_boot_one_card_get_one_key(nvram: Nvram) -> None:
    def key() -> bytes:
        time.sleep(0.01)  # long enough for the others to come
        return os.urandom(16)

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: nvram.create("wk/0", key), range(32)))
    assert keys == {nvram.read("wk/0")}


def test_threads_lose_none_of_their_changes(tmp_path: Path) -> None:
    nvram = Nvram(tmp_path / "card.nvram")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: nvram.write(f"n/{n}", b"x"), range(40)))
    assert len(nvram.names()) == 40


def start(script: str, *arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE
    )


BOOT = """
import os, sys
from ghostcard.emulator.nvram import Nvram
print(Nvram(sys.argv[1]).create("wk/0", lambda: os.urandom(16)).hex())
"""

WRITE_ON = """
import sys
from ghostcard.emulator.nvram import Nvram
nvram, number = Nvram(sys.argv[1]), int(sys.argv[2])
while True:
    number += 1
    nvram.write("number", b"%d" % number)
    nvram.write("padding", bytes([number % 256]) * (number * 997 % 9000))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def test_processes_that_boot_one_card_get_one_key(tmp_path: Path) -> None:
    path = tmp_path / "card.nvram"
    processes = [start(BOOT, path) for _ in range(4)]
    keys = {process.communicate()[0] for process in processes}
    assert all(process.returncode == 0 for process in processes)
    stored = Nvram(path).read("wk/0")
    assert stored is not None
    assert keys == {stored.hex().encode() + b"\n"}


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """A writer is killed in the middle, 12 times; each life goes on from what it finds."""
    path = tmp_path / "card.nvram"
    acknowledged = 0
    for life in range(12):
        process = start(WRITE_ON, path, acknowledged)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3 + 5 * life % 7)]
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.read().splitlines()
        process.stdout.close()
        process.wait()
        acknowledged = max(int(line) for line in lines if line.strip())
        found = int(Nvram(path).read("number") or 0)
        assert acknowledged <= found <= acknowledged + 1
        padding = Nvram(path).read("padding")
        assert padding is not None
        assert len(set(padding)) <= 1  # of one write, not a mixture
        acknowledged = found
    assert acknowledged >= 36
    assert {entry.name for entry in tmp_path.iterdir()} <= {
        "card.nvram",
        "card.nvram.changes",
        "card.nvram.lock",
        "card.nvram.new",
    }


def test_every_change_is_another_number_for_every_process(tmp_path: Path) -> None:
    one, other = Nvram(tmp_path / "card.nvram"), Nvram(tmp_path / "card.nvram")
    seen = [other.changes[0]]
    one.write("a", b"1")
    seen.append(other.changes[0])
    one.erase("a")
    seen.append(other.changes[0])
    other.read("a")
    seen.append(other.changes[0])
    assert seen == [0, 2, 4, 4]
    assert list(one.changes[:1]) == list(other.changes[:1])


def clear_and_fail(nvram: Nvram) -> None:
    with nvram.transaction() as entries:
        entries.clear()
        1 // len(entries)


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_transaction_is_whole_or_nothing(tmp_path: Path, in_memory: bool) -> None:
    nvram = Nvram() if in_memory else Nvram(tmp_path / "card.nvram")
    nvram.write("a", b"1")
    with nvram.transaction() as entries:
        entries["a"], entries["b"] = b"2", b"3"
    with pytest.raises(ZeroDivisionError):
        clear_and_fail(nvram)
    assert [nvram.read(name) for name in nvram.names()] == [b"2", b"3"]


# Power is lost during a write

Change = Callable[[Nvram], None]


def both_at_once(nvram: Nvram) -> None:
    with nvram.transaction() as entries:
        entries["wk/0"] = b"third"
        entries["serial"] = bytes(40)


CHANGES: list[Change] = [
    lambda nvram: nvram.write("wk/0", bytes(range(32))),
    lambda nvram: nvram.write("wk/0", b"a shorter one"),
    lambda nvram: nvram.write("wk/1", b""),
    both_at_once,
    lambda nvram: nvram.erase("wk/0"),
    lambda nvram: nvram.erase("wk/1"),
]


def contents(nvram: Nvram) -> dict[str, bytes]:
    return {name: nvram.read(name) or b"" for name in nvram.names()}


def test_power_is_lost_at_every_byte_of_every_write(nvram: Nvram) -> None:
    """Up to the last byte the old state is there, afterwards the new; and writing goes on."""
    for change in CHANGES:
        old = contents(nvram)
        rehearsal = Nvram()
        for name, value in old.items():
            rehearsal.write(name, value)
        change(rehearsal)
        new = contents(rehearsal)
        size = len(pack(new))
        for after in range(size + 2):
            nvram.tear = lambda after=after: after
            with pytest.raises(PowerLost):
                change(nvram)
            nvram.tear = None
            found = contents(Nvram(nvram.path)) if nvram.path else contents(nvram)
            assert found == (new if after > size else old)
            assert contents(nvram) == found
        assert nvram.changes[0] % 2 == 0
        change(nvram)  # it is so already, and a left-over of the write does no harm
        assert contents(nvram) == new


_CALLS = ("open", "fsync", "replace", "close", "truncate", "ftruncate", "posix_fallocate")


def test_the_process_dies_before_every_call_of_a_write(tmp_path: Path) -> None:
    """As above, for the steps around the bytes: a child ends before its n-th call to the system."""
    path = tmp_path / "card.nvram"
    Nvram(path).write("wk/0", b"old")
    old, new = {"wk/0": b"old"}, {"wk/0": b"new"}
    found = []
    for calls in count(1):
        Nvram(path).write("wk/0", b"old")
        child = os.fork()
        if not child:
            _die_at(calls)
            Nvram(path).write("wk/0", b"new")
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        found.append(contents(Nvram(path)))
        assert found[-1] in (old, new)
        if status == 0:
            break
        assert status == 9
    assert found[0] == old
    assert found[-1] == new
    assert len(found) > 6


def _die_at(calls: int) -> None:
    """Have this process end before the so manieth of the calls that write to the disk."""
    left = [calls]

    def dying(call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object, **named: object) -> object:
            left[0] -= 1
            if not left[0]:
                os._exit(9)
            return call(*arguments, **named)

        return wrapped

    for name in _CALLS:
        setattr(os, name, dying(getattr(os, name)))
