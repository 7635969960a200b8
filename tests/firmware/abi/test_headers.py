"""Type 6 and 86 headers and both CPRBs, against bytes laid out by the offsets of AP sheet 3."""

from contextlib import suppress
from typing import NamedTuple, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.firmware.abi import cprb, type6, type86
from ghostcard.firmware.abi.cprb import Cprbx, Ep11Cprb
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.layout import Layout
from ghostcard.firmware.abi.type6 import Type6
from ghostcard.firmware.abi.type86 import Type86

T = TypeVar("T", bound=NamedTuple)


def values_of(layout: Layout[T], record: type[T]) -> st.SearchStrategy[T]:
    """Any value of each field."""
    fields = (
        st.binary(min_size=field.size, max_size=field.size)
        if field.raw
        else st.integers(0, 256**field.size - 1)
        for field in layout.fields
    )
    return st.tuples(*fields).map(record._make)


def laid_out(size: int, parts: dict[int, bytes]) -> bytes:
    """Bytes with each part at its offset and zeros between."""
    block = bytearray(size)
    for offset, part in parts.items():
        block[offset : offset + len(part)] = part
    assert len(block) == size
    return bytes(block)


def test_type6_of_an_ep11_request() -> None:
    header = Type6(to_card1=0x1234, from_card1=0x2FD0)
    golden = laid_out(
        0x58,
        {
            0x01: b"\x06",
            0x10: bytes.fromhex("00000058"),
            0x20: b"XC",
            0x30: bytes.fromhex("0001"),
            0x38: bytes.fromhex("00001234"),
            0x48: bytes.fromhex("00002fd0"),
        },
    )
    assert type6.pack(header) == golden
    assert type6.unpack(golden) == header


def test_type6_of_a_cca_request_with_data() -> None:
    header = Type6(
        offset2=0x58 + 260,
        agent_id=type6.AGENT_CCA,
        request_id=0,
        function_code=int.from_bytes(b"RL", "big"),
        to_card1=257,
        to_card2=16,
        from_card1=1,
        from_card2=2,
    )
    golden = laid_out(
        88,
        {
            0x01: b"\x06",
            0x10: bytes.fromhex("00000058"),
            0x14: bytes.fromhex("0000015c"),
            0x20: b"CA",
            0x34: b"RL",
            0x38: bytes.fromhex("0000010100000010"),
            0x48: bytes.fromhex("0000000100000002"),
        },
    )
    assert type6.pack(header) == golden


@pytest.mark.parametrize("offset", [0x00, 0x02, 0x03, 0x08, 0x0B, 0x32, 0x36])
def test_type6_refuses_reserved_bytes(offset: int) -> None:
    block = bytearray(type6.pack(Type6()))
    block[offset] = 1
    with pytest.raises(WireError) as caught:
        type6.unpack(bytes(block))
    assert caught.value.code == ReplyCode.RESERVED


def test_type86_good_reply() -> None:
    header = Type86(count1=0x56, apfs=0x0A0B0C0D)
    golden = laid_out(
        48,
        {
            1: b"\x86\x02",
            0x0C: bytes.fromhex("0a0b0c0d"),
            0x10: bytes.fromhex("0000005600000030"),
        },
    )
    assert type86.pack(header) == golden
    assert type86.unpack(golden) == header


def test_type86_error_reply_has_a_header_only() -> None:
    block = type86.pack_error(ReplyCode.TRANSPORT_FAIL)
    assert block == bytes.fromhex("0086010090000000")
    assert type86.unpack(block) == Type86(format=1, reply_code=0x90, offset1=0)


@pytest.mark.parametrize("block", [b"", bytes(48), b"\0\x86\x03" + bytes(45), b"\0\x86\x02"])
def test_type86_refuses_what_is_none(block: bytes) -> None:
    with pytest.raises(WireError):
        type86.unpack(block)


def test_ep11_cprb() -> None:
    value = Ep11Cprb(flags=cprb.FLAG_ADMIN, source_id=7, target_id=0x47, payload_len=0x345)
    golden = laid_out(
        32,
        {
            0: bytes.fromhex("002004"),
            5: b"\x80T4",
            8: bytes.fromhex("00000007 00000047 ffffffff"),
            28: bytes.fromhex("00000345"),
        },
    )
    assert cprb.pack_ep11(value) == golden
    assert cprb.unpack_ep11(b"??" + golden, at=2) == value


@pytest.mark.parametrize(
    "value", [Ep11Cprb(cprb_len=31), Ep11Cprb(version=2), Ep11Cprb(func_id=0x5432)]
)
def test_ep11_cprb_of_another_kind_is_refused(value: Ep11Cprb) -> None:
    with pytest.raises(WireError, match="unknown length, version or function"):
        cprb.unpack_ep11(cprb.pack_ep11(value))


def test_cprbx() -> None:
    value = Cprbx(
        req_parml=0x11,
        rpl_msgbl=0x22,
        req_extbl=0x33,
        rpld_extbl=0x44,
        rpl_extb=b"E" * 16,
        ccp_rtcode=8,
        ccp_rscode=66,
        logon_id=b"LOGONID8",
        mac_content_flags=0x55,
        domain=0x4701,
        s390enf_mask=0x66,
    )
    golden = laid_out(
        220,
        {
            0x00: bytes.fromhex("00dc02"),
            0x06: b"T2",
            0x0C: bytes.fromhex("00000011"),
            0x14: bytes.fromhex("00000022"),
            0x24: bytes.fromhex("00000033"),
            0x2C: bytes.fromhex("00000044"),
            0x80: b"E" * 16,
            0x90: bytes.fromhex("00080042"),
            0x98: b"LOGONID8",
            0xA8: b"\x55",
            0xAA: bytes.fromhex("4701"),
            0xB4: bytes.fromhex("00000066"),
        },
    )
    assert cprb.pack_cprbx(value) == golden
    assert cprb.unpack_cprbx(golden) == value


ANY_TYPE6 = values_of(type6.LAYOUT, Type6)
ANY_TYPE86 = values_of(type86.LAYOUT, Type86).map(lambda x: x._replace(type=0x86, format=2))
ANY_EP11 = values_of(cprb.EP11_LAYOUT, Ep11Cprb).map(
    lambda x: x._replace(cprb_len=32, version=4, func_id=0x5434)
)
ANY_CPRBX = values_of(cprb.CPRBX_LAYOUT, Cprbx).map(lambda x: x._replace(cprb_len=220, version=2))


@given(ANY_TYPE6, ANY_TYPE86, ANY_EP11, ANY_CPRBX)
def test_round_trips(a: Type6, b: Type86, c: Ep11Cprb, d: Cprbx) -> None:
    assert type6.unpack(type6.pack(a)) == a
    assert type86.unpack(type86.pack(b)) == b
    assert cprb.unpack_ep11(cprb.pack_ep11(c)) == c
    assert cprb.unpack_cprbx(cprb.pack_cprbx(d)) == d


@given(st.binary(max_size=240))
def test_any_bytes_parse_or_raise_wire_error(block: bytes) -> None:
    for parse in (type6.unpack, type86.unpack, cprb.unpack_ep11, cprb.unpack_cprbx):
        with suppress(WireError):
            parse(block)
