"""CCA blocks against bytes laid out by the offsets of AP sheet 3.3 to 3.5 and 3.9."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.firmware.abi import cca_facility, cca_function, cca_message, cca_rsa, cca_token
from ghostcard.firmware.abi.cca_facility import Facility, MasterKey, Registers
from ghostcard.firmware.abi.cca_message import Entry, Parameters, Reply, Request
from ghostcard.firmware.abi.cca_token import CipherToken, DataToken
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.type50 import ModExpo, ModExpoCrt
from tests.firmware.abi.test_headers import laid_out


def u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def test_a_modular_exponentiation_in_bytes() -> None:
    """A modulus of 16 bytes and the exponent 3: AP sheet 3.4, "RSA message assembly", MEX."""
    n, message = bytes(range(0xA1, 0xB1)), bytes(range(16))
    token = cca_rsa.pack_modulus(bytes(15) + b"\3", n)
    section = 12 + 2 * 16 - 15
    key = (
        b"\x1e\0" + u16(section + 8) + bytes(4)
        + b"\4\0" + u16(section) + bytes(2) + u16(1) + u16(128) + u16(16)
        + b"\3" + n
    )  # fmt: skip
    assert token == key
    parameters = Parameters(b"PK", (b"MRP     ",), message, (Entry(0, token),))
    block = cca_message.pack_request(Request(parameters, 0x47, 0x77C - 88))
    ulen = len(key) + 4
    tail = b"PK" + u16(10) + b"MRP     " + u16(18) + message + u16(ulen + 2) + u16(ulen) + u16(0)
    tail += key
    assert block == laid_out(
        88 + 220 + len(tail),
        {
            0x01: b"\6",
            0x10: u32(0x58),
            0x20: b"CA",
            0x34: b"PK",
            0x38: u32(220 + len(tail)),
            0x48: u32(0x77C - 88),
            88: u16(220) + b"\2",
            88 + 6: b"T2",
            88 + 0x0C: u32(len(tail)),
            88 + 0x14: u32(0x77C - 88),
            88 + 0xAA: u16(0x47),
            88 + 220: tail,
        },
    )
    assert cca_message.unpack_request(block) == Request(parameters, 0x47, 0x77C - 88)
    assert cca_rsa.unpack_modulus(token, message) == ModExpo(b"\3", n, message)


def test_a_key_by_primes_in_bytes() -> None:
    """A modulus of 18 bytes: parts of 17 and 9 bytes; AP sheet 3.4, CRT."""
    p, q, dp, dq, u = (bytes([n]) * 9 for n in (0xA1, 0xA2, 0xA3, 0xA4, 0xA5))
    token = cca_rsa.pack_primes(ModExpoCrt(p, q, dp, dq, u, b""), 18)
    parts = 3 * 17 + 2 * 9  # 69, and 3 to make 72
    private = laid_out(
        132,
        {
            0: b"\x08\0" + u16(132 + 72 + 18),
            28: b"\x40",
            50: b"\x80",
            54: u16(17) + u16(9) + u16(17) + u16(9) + u16(17) + u16(18),
            70: u16(3),
        },
    )
    extra = bytes(8)
    numbers = extra + p + q + extra + dp + dq + extra + u
    assert len(numbers) == parts
    public = b"\4\0" + u16(15) + bytes(2) + u16(3) + u16(144) + u16(0) + b"\1\0\1"
    body = private + numbers + bytes(3) + b"\xff" * 18 + public
    assert token == b"\x1e\0" + u16(8 + len(body)) + bytes(4) + body
    found, size = cca_rsa.unpack_primes(token, b"M")
    assert size == 18
    assert found == ModExpoCrt(extra + p, q, extra + dp, dq, extra + u, b"M")


def test_an_rsa_reply_in_bytes() -> None:
    """274 bytes and the VUD length, which the driver checks (AP sheet 3.5)."""
    reply = Reply(Parameters(b"PK", data=b"R" * 16), 0x47)
    block = cca_message.pack_reply(reply)
    tail = b"PK" + u16(2) + u16(18) + b"R" * 16 + u16(2)
    assert len(block) == 274 + 18 == 268 + len(tail)
    assert block == laid_out(
        292,
        {
            1: b"\x86\2",
            0x10: u32(220 + len(tail)) + u32(0x30),
            48: u16(220) + b"\2",
            48 + 6: b"T2",
            48 + 0x18: u32(len(tail)),
            48 + 0xAA: u16(0x47),
            268: tail,
        },
    )
    assert cca_message.unpack_reply(block) == reply


def test_a_random_number_in_bytes() -> None:
    """RL, with the data in a block of its own; the parameters of 16 bytes are the kernel's."""
    asked = Request(Parameters(b"RL", (b"RANDOM  ",)), 6, 236, 4096)
    block = cca_message.pack_request(asked)
    assert block[308:] == b"RL" + u16(10) + b"RANDOM  " + u16(2) + u16(2)
    assert (block[0x48:0x50], block[88 + 0x1C : 88 + 0x20]) == (u32(236) + u32(4096), u32(4096))
    assert cca_message.unpack_request(block) == asked
    reply = Reply(Parameters(b"RL"), 6, b"D" * 4096)
    packed = cca_message.pack_reply(reply)
    assert packed[0x10:0x20] == u32(228) + u32(0x30) + u32(4096) + u32(276)
    assert (len(packed), packed[276:]) == (276 + 4096, b"D" * 4096)
    assert cca_message.unpack_reply(packed) == reply


def test_a_refusal_in_bytes() -> None:
    block = cca_message.pack_reply(Reply(Parameters(b"PD"), 0, b"", 8, 66))
    assert block[48 + 0x90 : 48 + 0x94] == bytes.fromhex("00080042")


def test_a_data_token_in_bytes() -> None:
    token = DataToken(pattern=b"P" * 8, wrapped=b"W" * 32, bits=256, size=32)
    block = cca_token.pack_data(token)
    front = laid_out(
        60,
        {0: b"\1", 4: b"\4", 6: b"\xc0", 8: b"P" * 8, 16: b"W" * 32, 56: u16(256) + u16(32)},
    )
    words = [int.from_bytes(front[at : at + 4], "big") for at in range(0, 60, 4)]
    assert block == front + u32(sum(words) % (1 << 32))
    assert cca_token.unpack_data(block)._replace(check=0) == token


def test_a_cipher_token_in_bytes() -> None:
    token = CipherToken(state=3, pattern_type=1, pattern=b"P" * 8, wrap_method=2, hash=2)
    block = cca_token.pack_cipher(token, b"W" * 72)
    assert block == laid_out(
        128,
        {
            0: b"\1\0" + u16(128) + b"\5",
            8: b"\3\1" + b"P" * 8,
            26: b"\2\2\0",
            30: b"\1\0" + u16(26),
            38: u16(576),
            41: b"\2" + u16(1) + b"\2\xc0\0\xff\0\3\x08\xc8",
            56: b"W" * 72,
        },
    )
    found, payload = cca_token.unpack_cipher(block)
    assert (found, payload) == (token._replace(length=128, payload_bits=576), b"W" * 72)


def test_a_facility_query_in_places() -> None:
    registers = {
        kind: Registers(
            b"3", b"2", b"1",
            *(letter * kind.pattern_bytes for letter in (b"N", b"C", b"O")),
        )
        for kind in MasterKey
    }  # fmt: skip
    facility = Facility(b"SERIAL01", registers)
    rules, data = cca_facility.pack(facility, b"STATICSB")
    assert rules[0] == b"SERIAL01"
    assert [one[:1] for one in rules[4:13]] == [b"3", b"2", b"1"] * 3  # ASYM, AES, APKA
    assert (len(rules) * 8, len(data)) == (104, 240)
    for letter, asym, aes, apka in (
        (b"O", 64, 172, 208),
        (b"C", 84, 184, 220),
        (b"N", 104, 196, 232),
    ):
        assert data[asym : asym + 16] == letter * 16
        assert data[aes : aes + 8] == data[apka : apka + 8] == letter * 8
    assert cca_facility.unpack(rules, data, b"STATICSB") == facility
    rules, data = cca_facility.pack(facility, b"STATICSA")
    assert (len(rules) * 8, len(data)) == (80, 204)
    assert MasterKey.APKA not in cca_facility.unpack(rules, data, b"STATICSA").registers
    with pytest.raises(WireError):
        cca_facility.unpack(rules, data, b"STATICSB")


@pytest.mark.parametrize(
    ("place", "value", "code"),
    [
        (1, b"\7", ReplyCode.MESSAGE_TYPE),
        (0x20, b"XC", ReplyCode.MESSAGE_TYPE),
        (0x13, b"\x59", ReplyCode.FORMAT_FIELD),
        (88 + 2, b"\4", ReplyCode.FORMAT_FIELD),
        (88 + 7, b"3", ReplyCode.FORMAT_FIELD),
        (88 + 0x0E, b"\xff", ReplyCode.PACKET_TRUNCATED),
        (0x3B, b"\0", ReplyCode.MESSAGE_LENGTH),
        (0x34, b"XX", ReplyCode.FORMAT_FIELD),
        (308 + 3, b"\1", ReplyCode.MESSAGE_LENGTH),
    ],
)
def test_a_request_of_another_kind_is_refused(place: int, value: bytes, code: int) -> None:
    block = bytearray(cca_message.pack_request(Request(Parameters(b"RL", (b"RANDOM  ",)), 6, 236)))
    block[place : place + len(value)] = value
    with pytest.raises(WireError) as caught:
        cca_message.unpack_request(bytes(block))
    assert caught.value.code == code


def test_weights_of_functions() -> None:
    codes = (b"FQ", b"RL", b"KG", b"GK", b"PK")
    low, medium, high = cca_function.Weight
    assert [cca_function.weight(code) for code in codes] == [low, medium, high, medium, high]


ENTRIES = st.lists(
    st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)).map(Entry._make), max_size=7
).map(tuple)
PARAMETERS = st.builds(
    Parameters,
    st.binary(min_size=2, max_size=2),
    st.lists(st.binary(min_size=8, max_size=8), max_size=4).map(tuple),
    st.binary(max_size=60),
    ENTRIES,
)


@given(PARAMETERS, st.integers(0, 255), st.integers(0, 4096), st.binary(max_size=50))
def test_round_trips(parameters: Parameters, domain: int, room: int, data: bytes) -> None:
    request = Request(parameters, domain, room, len(data))
    assert cca_message.unpack_request(cca_message.pack_request(request)) == request
    reply = Reply(parameters, domain, data, 8, 65)
    assert cca_message.unpack_reply(cca_message.pack_reply(reply)) == reply


@given(st.binary(max_size=300), st.integers(0, 330))
def test_any_bytes_parse_or_raise_wire_error(block: bytes, at: int) -> None:
    good = bytearray(cca_message.pack_request(Request(Parameters(b"RL", (b"RANDOM  ",)), 6, 236)))
    good[at : at + 8] = block[:8]
    for parse in (cca_message.unpack_request, cca_message.unpack_reply, cca_message.unpack_entries):
        for candidate in (block, bytes(good)):
            with suppress(WireError):
                parse(candidate)
    for token in (cca_token.unpack_data, cca_token.unpack_cipher):
        with suppress(WireError):
            token(block)
    for key in (cca_rsa.unpack_modulus, cca_rsa.unpack_primes):
        with suppress(WireError):
            key(block, b"")
