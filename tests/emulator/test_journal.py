"""A journal has every record that was made, whatever became of its process."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.errors import RecordError
from ghostcard.emulator.journal import Journal, recover
from ghostcard.emulator.record import RECORD_BYTES, Note, Recorder

TIMES = tuple(range(100, 112))


def add(recorder: Recorder, number: int, operation: str = "sha256") -> None:
    recorder.add(number, 7, 10, operation, "symmetric", 0, 1, 200, 100, 64, TIMES)


def test_a_journal_is_the_recorder_with_the_same_records(tmp_path: Path) -> None:
    journal, memory = Journal(tmp_path / "j"), Recorder()
    for recorder in (journal, memory):
        recorder.repeat(500, recorder.shape(2, 7, 10, "sha1", "symmetric", 0, 1, 2, 3, 4, TIMES))
        add(recorder, 0)
        add(recorder, 1, "random")
        recorder.repeat(500, recorder.shape(2, 7, 10, "sha256", "symmetric", 0, 1, 2, 3, 4, TIMES))
    assert len(journal) == len(memory) == 4
    assert journal.names == memory.names
    assert journal.to_bytes() == memory.to_bytes() == recover(tmp_path / "j").to_bytes()
    journal.remove()
    assert not (tmp_path / "j").exists()


@pytest.mark.parametrize("has_other", [False, True])
def test_a_program_that_closes_what_is_open_has_nothing_written_into_its_files(
    tmp_path: Path, has_other: bool
) -> None:
    journal, other = Journal(tmp_path / "j"), tmp_path / "other"
    add(journal, 0)
    paths = (path for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    (file,) = (int(path.name) for path in paths if os.path.realpath(path) == str(tmp_path / "j"))
    os.close(file)
    if has_other:
        assert os.open(other, os.O_RDWR | os.O_CREAT) == file
    add(journal, 1)
    journal.to_bytes()
    assert (journal.array()["client"].tolist(), journal.dropped) == ([0], 1)
    journal.remove()
    if has_other:
        os.close(file)  # it is open still
        assert other.read_bytes() == b""


def test_notes_of_faults_are_in_it(tmp_path: Path) -> None:
    journal, memory = Journal(tmp_path / "j", capacity=2), Recorder(capacity=2)
    for recorder in (journal, memory):
        for at_ns in (5, 7, 9):
            add(recorder, at_ns)
            recorder.note(at_ns, 0x100, "pulled", 3)
    assert journal.to_bytes() == memory.to_bytes()
    found = recover(tmp_path / "j")
    assert found.notes == memory.notes == (Note(5, 3, 0x100, "pulled"), Note(7, 3, 0x100, "pulled"))
    assert found.array()["client"].tolist() == [5, 7]
    with (tmp_path / "j").open("ab") as file:
        file.write(b"\xfe" + b"\xff" * 7 + bytes(18) + b"\xff" * (RECORD_BYTES - 26))
    with pytest.raises(RecordError, match=r"j: damaged \(names\)$"):
        recover(tmp_path / "j")


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j"
    program = f"""if True:
        import os
        from ghostcard.emulator.journal import Journal
        journal = Journal({str(path)!r})
        for number in range(1000):
            journal.add(number, 7, 10, f"op-{{number % 9}}", "", 0, 1, 2, 3, 4, tuple(range(12)))
        os.kill(os.getpid(), 9)
    """
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL
    records = recover(path)
    assert records.array()["client"].tolist() == list(range(1000))
    names = [records.names[index] for index in records.array()["operation"]]
    assert names == [f"op-{number % 9}" for number in range(1000)]


def test_a_slot_that_was_begun_is_left_out(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    add(journal, 0)
    add(journal, 1)
    os.truncate(tmp_path / "j", os.path.getsize(tmp_path / "j") - 1)
    assert recover(tmp_path / "j").array()["client"].tolist() == [0]


def test_beyond_its_capacity_records_are_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", capacity=2)
    for number in range(5):
        add(journal, number)
    assert (len(journal), journal.dropped) == (2, 3)


def test_a_full_disk_costs_records_and_nothing_else(tmp_path: Path) -> None:
    program = f"""if True:
        import resource, signal
        from ghostcard.emulator.journal import Journal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({RECORD_BYTES} * 5 + 60,) * 2)
        journal = Journal({str(tmp_path / "j")!r})
        for number in range(9):
            journal.add(number, 7, 10, "x", "", 0, 1, 2, 3, 4, tuple(range(12)))
        journal.to_bytes()
        print(len(journal), journal.dropped)
    """
    done = subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE)
    assert done.stdout == b"2 7\n"  # five slots: the header, two names, two records
    assert recover(tmp_path / "j").array()["client"].tolist() == [0, 1]


def test_records_without_their_names_are_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    add(journal, 0)
    data = (tmp_path / "j").read_bytes()
    header, record = data[:RECORD_BYTES], data[-RECORD_BYTES:]
    (tmp_path / "j").write_bytes(header + record)
    with pytest.raises(RecordError, match=r"j: damaged \(names\)$"):
        recover(tmp_path / "j")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="No such file"):
        recover(tmp_path / "none")
    (tmp_path / "other").write_bytes(b"other" * 100)
    with pytest.raises(RecordError, match="not a journal of records"):
        recover(tmp_path / "other")
    with pytest.raises(RecordError, match="File exists"):
        Journal(tmp_path / "other")
    with pytest.raises(RecordError, match="No such file"):
        Journal(tmp_path / "none" / "j")


@given(tail=st.binary(max_size=4 * RECORD_BYTES))
def test_random_bytes_behind_the_header_are_records_or_refused(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes
) -> None:
    path = tmp_path_factory.mktemp("journals") / "j"
    Journal(path)
    with path.open("ab") as file:
        file.write(tail)
    with contextlib.suppress(RecordError):
        recovered = recover(path)
        assert len(recovered) <= len(tail) // RECORD_BYTES
        assert all(index < len(recovered.names) for index in recovered.array()["operation"])
        assert all(note.name in recovered.names for note in recovered.notes)
