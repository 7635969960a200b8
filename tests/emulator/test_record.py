"""Records: the layout byte by byte, the same bytes for the same calls, and damage refused."""

import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.errors import RecordError
from ghostcard.emulator.record import FIELDS, RECORD_BYTES, STAGES, Note, Recorder

TIMES = tuple(range(1000, 1120, 10))
CALL = (7, 0x0102, 31, "rsa2048-sign", "rsa", 0, 5, 700, 400, 32)


def filled() -> Recorder:
    recorder = Recorder()
    recorder.add(*CALL, TIMES)
    recorder.add(8, 1, 10, "sha256", "symmetric", 0x1005, 1, 1, 2, 3, [5] * 12, "drop")
    recorder.note(4, 1, "drop")
    recorder.note(7, 0x0102, "pull", 9)
    return recorder


def test_a_record_byte_by_byte() -> None:
    recorder = Recorder()
    recorder.add(*CALL, TIMES)
    names = b"rsa2048-sign\nrsa"
    record = struct.pack(
        "<QIHHHHIHHIII11Q", 1000, 7, 0x0102, 31, 0, 1, 5, 0, 0, 700, 400, 32, *range(10, 120, 10)
    )
    header = b"GCRECORD" + struct.pack("<HHIQQ", 2, 128, len(names), 1, 0)
    body = header + names + record + bytes(8)
    assert recorder.to_bytes() == body + struct.pack("<I", zlib.crc32(body))
    assert len(record) == RECORD_BYTES == 128


def test_faults_byte_by_byte() -> None:
    data = filled().to_bytes()
    names = b"rsa2048-sign\nrsa\nsha256\nsymmetric\ndrop\npull"
    records = 32 + len(names)
    assert data[32:records] == names
    second = data[records + 128 : records + 256]
    assert struct.unpack_from("<HHHH", second, 24) == (0x1005, 5, 1, 0)  # outcome, fault, request
    notes = struct.pack("<Q", 2) + struct.pack("<QQHHQQHH", 4, 0, 1, 4, 7, 9, 0x0102, 5)
    assert data[records + 256 : -4] == notes


def test_notes_come_back_and_are_as_bounded_as_records() -> None:
    loaded = Recorder.from_bytes(filled().to_bytes())
    assert loaded.notes == (Note(4, 0, 1, "drop"), Note(7, 9, 0x0102, "pull"))
    recorder = Recorder(capacity=1)
    recorder.note(1, 0, "drop")
    recorder.note(2, 0, "drop")
    assert (len(recorder.notes), recorder.dropped) == (1, 1)


def test_a_file_of_version_1_is_read() -> None:
    """As it was written before there were faults: its outcome took four bytes."""
    record = struct.pack("<QIHHHHIIIII11Q", 5, 7, 1, 31, 0, 1, 5, 0x1005, 1, 2, 3, *range(11))
    names = b"rsa2048-sign\nrsa"
    body = b"GCRECORD" + struct.pack("<HHIQQ", 1, 128, len(names), 1, 0) + names + record
    recorder = Recorder.from_bytes(body + struct.pack("<I", zlib.crc32(body)))
    array = recorder.array()
    assert (array["outcome"].tolist(), array["fault"].tolist()) == ([0x1005], [0])
    assert recorder.notes == ()


def test_the_stages_are_the_twelve() -> None:
    assert len(STAGES) == 12
    assert STAGES[0] == "submitted"
    assert STAGES[-1] == "done"
    assert [name for name, _ in FIELDS if name in STAGES] == list(STAGES)


def test_a_file_gives_back_what_was_recorded(tmp_path: Path) -> None:
    recorder = filled()
    recorder.save(tmp_path / "x.records")
    loaded = Recorder.load(tmp_path / "x.records")
    assert loaded.to_bytes() == recorder.to_bytes()
    assert len(loaded) == 2
    assert loaded.names == ("rsa2048-sign", "rsa", "sha256", "symmetric", "drop", "pull")


def test_an_empty_file_of_records(tmp_path: Path) -> None:
    Recorder().save(tmp_path / "x.records")
    loaded = Recorder.load(tmp_path / "x.records")
    assert (len(loaded), loaded.names, len(loaded.array())) == (0, (), 0)


def test_a_loaded_recorder_goes_on_recording() -> None:
    loaded = Recorder.from_bytes(filled().to_bytes())
    loaded.add(*CALL, TIMES)
    assert loaded.array()["operation"].tolist() == [0, 2, 0]


def test_the_array_has_absolute_times() -> None:
    array = filled().array()
    assert array["submitted"].tolist() == [1000, 5]
    assert [array[stage].tolist()[0] for stage in STAGES] == list(TIMES)
    assert array["done"].tolist() == [1110, 5]
    assert array["outcome"].tolist() == [0, 0x1005]
    assert [int(array[name][0]) for name in ("client", "qid", "function", "depth")] == [
        7,
        0x0102,
        31,
        5,
    ]
    array["done"] = 0  # a copy: the recorder goes on unharmed
    assert filled().array()["done"].tolist() == [1110, 5]


def test_a_repeated_shape_is_the_record_of_the_same_request() -> None:
    direct, repeated = Recorder(), Recorder()
    shape = repeated.shape(*CALL, TIMES)
    for start in (0, 5, 10**15):
        direct.add(*CALL, tuple(start + time - TIMES[0] for time in TIMES))
        repeated.repeat(start, shape)
    assert repeated.to_bytes() == direct.to_bytes()


def test_beyond_the_capacity_is_counted() -> None:
    recorder = Recorder(capacity=3)
    shape = recorder.shape(*CALL, TIMES)
    for _ in range(2):
        recorder.add(*CALL, TIMES)
    for _ in range(3):
        recorder.repeat(9, shape)
    recorder.add(*CALL, TIMES)
    assert (len(recorder), recorder.dropped) == (3, 3)
    assert Recorder.from_bytes(recorder.to_bytes()).dropped == 3


@pytest.mark.parametrize(
    ("place", "value"), [(0, 1 << 32), (1, 1 << 16), (2, -1), (6, 1 << 32), (9, -1)]
)
def test_a_number_that_does_not_fit_is_refused(place: int, value: int) -> None:
    recorder = Recorder()
    call = list(CALL)
    call[place] = value
    with pytest.raises(RecordError, match="cannot be recorded"):
        recorder.add(*call, TIMES)  # type: ignore[call-arg, arg-type]
    assert len(recorder) == 0


def test_a_time_before_the_first_is_refused() -> None:
    with pytest.raises(RecordError, match="cannot be recorded"):
        Recorder().add(*CALL, (1000, 999, *TIMES[2:]))


def test_every_damaged_byte_is_noticed() -> None:
    data = filled().to_bytes()
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0x40
        with pytest.raises(RecordError):
            Recorder.from_bytes(bytes(damaged))


def test_every_truncation_is_noticed() -> None:
    data = filled().to_bytes()
    for length in range(len(data)):
        with pytest.raises(RecordError):
            Recorder.from_bytes(data[:length])
    with pytest.raises(RecordError, match="bytes, where"):
        Recorder.from_bytes(data + b"\0")


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    for candidate in (data, b"GCRECORD" + data):
        with pytest.raises(RecordError):
            Recorder.from_bytes(candidate)


def test_another_version_is_named(tmp_path: Path) -> None:
    data = bytearray(filled().to_bytes())
    data[8] = 3
    path = tmp_path / "new.records"
    path.write_bytes(data)
    with pytest.raises(RecordError, match=r"new\.records: records of version 3, this is version 2"):
        Recorder.load(path)


def test_a_missing_file_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Recorder.load(tmp_path / "none.records")
    with pytest.raises(FileNotFoundError):
        Recorder().save(tmp_path / "none" / "x.records")
