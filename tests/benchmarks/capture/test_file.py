"""The file of a capture: what is written is read, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.benchmarks.capture.file import CALL_ROW, REQUEST_ROW, Capture, machine, parse
from ghostcard.config import CardConfig, SlotConfig
from ghostcard.driver.capture import CALLS, REQUESTS


def whole() -> Capture:
    rows = np.zeros(3, REQUEST_ROW)
    rows["operation"] = [0, 1, 0]
    rows["after"] = [0, 1, 0]
    rows["think_ns"] = [0, 5, 1 << 40]
    cards, slots = (CardConfig(3, "cex7p", (0, 5)),), (SlotConfig(9, "", (0x300,)),)
    return Capture(REQUESTS, "server", rows, ("sha256", "random"), ((0x300,),), cards=cards,
                   slots=slots)  # fmt: skip


def calls() -> Capture:
    rows = np.zeros(2, CALL_ROW)
    rows["curve"] = [0, 1]
    return Capture(CALLS, "tool", rows, curves=(b"\6\1",), module="libother.so")


@pytest.mark.parametrize("capture", [whole(), calls()])
def test_what_is_written_is_read(capture: Capture) -> None:
    again = parse(capture.to_bytes())
    assert (again.rows == capture.rows).all()
    assert again._replace(rows=capture.rows)._asdict() | {"rows": 0} == capture._asdict() | {
        "rows": 0
    }
    assert again.to_bytes() == capture.to_bytes()


def test_rows_are_of_the_size_that_is_documented() -> None:
    assert (REQUEST_ROW.itemsize, CALL_ROW.itemsize) == (56, 64)


@given(st.integers(0, len(whole().to_bytes()) - 1), st.integers(1, 255))
def test_any_other_byte_is_noticed(place: int, change: int) -> None:
    data = bytearray(whole().to_bytes())
    data[place] ^= change
    with pytest.raises(CaptureError):
        parse(bytes(data))


@given(st.integers(0, len(whole().to_bytes()) - 1))
def test_a_file_that_was_cut_off_is_refused(size: int) -> None:
    with pytest.raises(CaptureError):
        parse(whole().to_bytes()[:size])


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(CaptureError):
        parse(data)


@pytest.mark.parametrize(
    "wrong",
    [
        whole()._replace(names=("sha256",)),
        whole()._replace(targets=()),
        whole()._replace(targets=((),)),
        whole()._replace(cards=()),
        calls()._replace(curves=()),
    ],
)
def test_numbers_that_lead_nowhere_are_refused(wrong: Capture) -> None:
    with pytest.raises(CaptureError, match="damaged"):
        parse(wrong.to_bytes())


def test_a_request_follows_none_that_is_not_there() -> None:
    wrong = whole()
    wrong.rows["after"][2] = 4
    with pytest.raises(CaptureError, match="what a request follows"):
        parse(wrong.to_bytes())


def test_the_machine_of_another_library_is_none() -> None:
    assert machine(whole()).cards == (CardConfig(3, "cex7p", (0, 5)),)
    with pytest.raises(CaptureError, match="name a machine with --profile"):
        machine(calls())
