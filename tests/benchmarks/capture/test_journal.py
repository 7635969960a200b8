"""What processes leave: whole rows are read, whatever else is there is named."""

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.benchmarks.capture.journal import CALL_FIELDS, read
from ghostcard.driver import capture as journal
from ghostcard.driver.capture import HEADER, NAME, ROW_BYTES, TEXT
from ghostcard.emulator.errors import RecordError
from ghostcard.machine import Machine
from tests.benchmarks.capture.stand import Work, captured

_ROWS = b"".join(
    (
        HEADER.pack(journal.MAGIC, 1, ROW_BYTES, 1, 0, 1, 0, 0, b"program"),
        (TEXT.pack(NAME, 6, 0, 0) + b"sha256").ljust(ROW_BYTES, b"\0"),
        journal.TARGET_LIST.pack(journal.TARGETS, 1, 0, 0, *(0,) * 28),
        bytes((journal.REQUEST,)).ljust(ROW_BYTES, b"\0"),
    )
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    captured(tmp_path, lambda _machine, work: work.mixed(0, 6))
    return tmp_path / f"1{journal.SUFFIX}"


def test_all_is_there(path: Path) -> None:
    found = read(path)
    assert len(found.rows) == 6
    assert set(found.names) == {"aes-keygen", "random", "sha256"}
    assert found.targets == ((0, 1),)


def test_what_a_killed_process_was_at_is_left_out(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert len(read(path).rows) == 5
    path.write_bytes(data + bytes(63))
    assert len(read(path).rows) == 6


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a journal of calls"),
        (b"x" * 200, "not a journal of calls"),
        (
            HEADER.pack(journal.MAGIC, 7, ROW_BYTES, 1, 0, 1, 0, 0, b""),
            "a journal of version 7, this is version 1",
        ),
        (
            HEADER.pack(journal.MAGIC, 1, ROW_BYTES, 1, 0, 1, 0, 0, b"") + b"\x63".ljust(64, b"\0"),
            "damaged (a row of kind 99)",
        ),
        (
            HEADER.pack(journal.MAGIC, 1, ROW_BYTES, 1, 0, 1, 0, 0, b"")
            + TEXT.pack(NAME, 1, 5, 0).ljust(64, b"x"),
            "damaged (a name is missing)",
        ),
    ],
)
def test_what_is_none_is_refused_by_name(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "1.capture"
    path.write_bytes(data)
    with pytest.raises(CaptureError) as refusal:
        read(path)
    assert str(refusal.value) == f"{path}: {says}"


def test_a_row_that_names_nothing_is_noticed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    operation = len(data) - ROW_BYTES + 10  # of the last row: kind, spare, targets, client, verb
    data[operation : operation + 2] = b"\x09\0"
    path.write_bytes(data)
    with pytest.raises(CaptureError, match="damaged"):
        read(path)


def test_no_more_is_noted_than_there_is_room_for(tmp_path: Path) -> None:
    machine = Machine.simulation()
    noted = journal.Capture(str(tmp_path / "1.capture"), 3)
    noted.follow(machine.native)
    Work(machine).hash(5)
    noted.close()
    assert len(read(tmp_path / "1.capture").rows) == 3


@given(st.data())
def test_any_damage_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(_ROWS)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.NamedTemporaryFile(suffix=journal.SUFFIX) as file:
        file.write(whole)
        file.flush()
        with suppress(CaptureError):
            read(file.name)


def test_a_file_of_another_is_not_touched(path: Path) -> None:
    with pytest.raises(RecordError, match="File exists"):
        journal.Capture(str(path))


def test_the_rows_of_c_are_as_long() -> None:
    assert CALL_FIELDS.itemsize == ROW_BYTES == HEADER.size == 64


def test_many_targets_take_several_rows(tmp_path: Path) -> None:
    captured(tmp_path, lambda _machine, work: work.hash(1), cards=40)
    (targets,) = read(tmp_path / f"1{journal.SUFFIX}").targets
    assert targets == tuple(adapter << 8 | domain for adapter in range(40) for domain in (0, 1))
