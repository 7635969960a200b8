"""Replies from outside: AP sheet 3.2, 3.5 and 3.6."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.driver.triage import DRIVER_OUTCOME, UNKNOWN_REPLY, outcome, triage
from ghostcard.firmware.abi import errorreply
from tests.driver.conftest import good_reply

# AP sheet 3.6, "current driver result"
EINVAL = (0x22, 0x23, 0x24, 0x29, 0x34, 0x40, 0x41, 0x80, 0x82, 0x84, 0x85, 0x8A, 0x8B, 0xA0)
EAGAIN = (0x10, 0x12, 0x14, 0x20, 0x21, 0x30, 0x50, 0x60, 0x88, 0x90, 0xB0)


@pytest.mark.parametrize("kind", [0x82, 0x87, 0x88])
def test_error_replies(kind: int) -> None:
    replies = {code: errorreply.pack(code, kind) for code in range(1, 256)}
    assert {code for code in replies if triage(replies[code]) == errno.EINVAL} == set(EINVAL)
    assert {code for code in replies if triage(replies[code]) != errno.EAGAIN} == set(EINVAL)
    assert all(outcome(reply) == code for code, reply in replies.items())


@pytest.mark.parametrize(
    ("keyblock", "width"), [(1, 128), (2, 256), (3, 512), (0x11, 128), (0x12, 256), (0x13, 512)]
)
def test_an_accelerators_reply_is_as_long_as_its_result(keyblock: int, width: int) -> None:
    """AP sheet 3.1, 3.2: shorter, and the queue goes offline."""
    block = b"\0\x50" + bytes(7) + bytes((keyblock,)) + bytes(6)
    reply = b"\0\x80\0\0\0\0\0\0" + bytes(8 + width)
    assert triage(reply, block) == 0
    assert triage(reply[:-1], block) == UNKNOWN_REPLY
    assert triage(reply[:16]) == 0


def test_the_table_names_every_code_of_the_sheet() -> None:
    assert sorted(EINVAL + EAGAIN) == sorted(errorreply.ReplyCode)


def test_good_replies() -> None:
    assert triage(good_reply()) == 0
    assert triage(b"\0\x80\x00\x20\0\0\0\0" + bytes(24)) == 0
    cca = bytearray(good_reply())
    cca[0x32] = 0x02
    assert triage(bytes(cca)) == 0


@pytest.mark.parametrize("kind", [0x80, 0x86])
def test_other_types_with_a_code(kind: int) -> None:
    """AP sheet 3.5: type 86 of format 1; 3.2 has no type 80 with a code, and it is no answer."""
    for code in range(1, 256):
        verdict = errno.EINVAL if code in EINVAL else errno.EAGAIN
        assert triage(bytes((0, kind, 1, 0, code, 0, 0, 0))) == verdict


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        bytes(7),
        bytes(300),
        b"\0\x84\0\0\0\0\0\0",
        good_reply()[:0x32],
        good_reply()[:0x32] + b"\x03" + bytes(200),
        b"\0\x86\x01\0\0\0\0\0",
        b"\0\x86\x02\0",
    ],
)
def test_unknown_replies(reply: bytes) -> None:
    assert triage(reply) == UNKNOWN_REPLY
    assert outcome(reply) == DRIVER_OUTCOME + errno.EPROTO


@given(st.binary(max_size=80))
def test_any_bytes_get_a_verdict(reply: bytes) -> None:
    assert triage(reply) in (0, errno.EINVAL, errno.EAGAIN, UNKNOWN_REPLY)
    assert outcome(reply) > 0
