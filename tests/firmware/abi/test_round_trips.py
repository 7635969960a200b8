"""Layouts whose tests elsewhere are of examples: any value there and back, and by hand in bytes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.firmware.abi import (
    admin,
    cca_facility,
    cca_rsa,
    cca_token,
    controlpoints,
    origin,
    reply,
    request,
    type50,
    type80,
    verbs,
)
from ghostcard.firmware.abi.admin import Signature
from ghostcard.firmware.abi.cca_facility import Facility, MasterKey, Registers
from ghostcard.firmware.abi.cca_token import CipherToken, DataToken
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.request import Head
from ghostcard.firmware.abi.type50 import ModExpo, ModExpoCrt

LENGTHS = st.integers(1, 512)


def operand(size: int) -> st.SearchStrategy[bytes]:
    """A number that fits, with its leading zeros or without."""
    return st.binary(max_size=size)


@given(st.data(), LENGTHS)
def test_modular_exponentiation(data: st.DataObject, length: int) -> None:
    asked = ModExpo(*(data.draw(operand(length)) for _ in ModExpo._fields))
    width = type50.width(length)
    found = type50.unpack(type50.pack(asked, length))
    assert found == ModExpo(*(value.rjust(width, b"\0") for value in asked))


@given(st.data(), LENGTHS)
def test_by_primes(data: st.DataObject, length: int) -> None:
    half, width = (length + 1) // 2, type50.width(length)
    *parts, message = (
        data.draw(operand(length if name == "message" else half)) for name in ModExpoCrt._fields
    )
    found = type50.unpack(type50.pack(ModExpoCrt._make([*parts, message]), length))
    padded = [part.rjust(width // 2, b"\0") for part in parts]
    assert found == ModExpoCrt._make([*padded, message.rjust(width, b"\0")])


@given(st.binary(max_size=512), st.data())
def test_accelerator_reply(result: bytes, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(result)))
    assert type80.unpack(type80.pack(result), size) == result[len(result) - size :]


def test_a_list_of_an_admin_command_in_bytes() -> None:
    assert admin.pack_list((b"ab", b"")) == bytes.fromhex("00000002 6162 00000000")
    pair = Signature(b"I" * 32, b"V")
    assert admin.pack_signatures((pair,)) == (
        bytes.fromhex("00000020") + b"I" * 32 + bytes.fromhex("00000001") + b"V"
    )
    text = admin.signed(0x47, 0x0A, b"C" * 16, b"payload")
    assert text == b"Ghostcard Admin" + bytes.fromhex("00000047 0000000a") + b"C" * 16 + b"payload"


@given(st.lists(st.binary(max_size=40)).map(tuple))
def test_a_list_of_an_admin_command(items: tuple[bytes, ...]) -> None:
    assert admin.unpack_list(admin.pack_list(items)) == items
    pairs = tuple(Signature(item, item) for item in items)
    assert admin.unpack_signatures(admin.pack_signatures(pairs)) == pairs


@given(st.binary(max_size=60))
def test_any_bytes_are_a_list_or_raise_wire_error(data: bytes) -> None:
    for parse in (admin.unpack_list, admin.unpack_signatures):
        with suppress(WireError):
            parse(data)


@given(st.frozensets(st.integers(0, 127)))
def test_control_points(points: frozenset[int]) -> None:
    assert controlpoints.unpack(controlpoints.pack(points)) == points


def test_control_points_in_bytes() -> None:
    """AP sheet 7.6: bit n is byte n/8, mask 0x80 >> (n % 8)."""
    packed = controlpoints.pack((0, 7, 9, 80))
    assert packed == b"\x81\x40" + bytes(8) + b"\x80" + bytes(5)


U32 = st.integers(0, (1 << 32) - 1)


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=32, max_size=32), st.integers(1, 8191))
def test_data_token(pattern: bytes, wrapped: bytes, size: int) -> None:
    token = DataToken(pattern=pattern, wrapped=wrapped, bits=8 * size, size=size)
    block = cca_token.pack_data(token)
    assert cca_token.unpack_data(block)._replace(check=0) == token
    changed = bytearray(block)
    changed[10] ^= 1
    with pytest.raises(WireError):
        cca_token.unpack_data(bytes(changed))


@given(st.binary(min_size=8, max_size=8), st.binary(max_size=200), st.integers(0, 3))
def test_cipher_token(pattern: bytes, payload: bytes, state: int) -> None:
    token = CipherToken(state=state, pattern=pattern)
    found, kept = cca_token.unpack_cipher(cca_token.pack_cipher(token, payload))
    sized = token._replace(length=56 + len(payload), payload_bits=8 * len(payload))
    assert (found, kept) == (sized, payload)


@given(st.binary(min_size=1, max_size=512), st.binary(min_size=1, max_size=512), st.binary())
def test_rsa_token_of_a_public_key(exponent: bytes, modulus: bytes, message: bytes) -> None:
    exponent = b"\0" + exponent + b"\1"
    token = cca_rsa.pack_modulus(exponent, modulus)
    found = cca_rsa.unpack_modulus(token, message)
    assert found == ModExpo(exponent.lstrip(b"\0"), modulus, message)


@given(st.data(), LENGTHS)
def test_rsa_token_of_a_private_key(data: st.DataObject, length: int) -> None:
    short = (length + 1) // 2
    widths = (short + 8, short, short + 8, short, short + 8)
    parts = [data.draw(operand(width)) for width in widths]
    token = cca_rsa.pack_primes(ModExpoCrt._make([*parts, b""]), length)
    padded = [part.rjust(width, b"\0") for part, width in zip(parts, widths, strict=True)]
    found, size = cca_rsa.unpack_primes(token, b"message")
    assert (found, size) == (ModExpoCrt._make([*padded, b"message"]), length)


@st.composite
def facilities(draw: st.DrawFn) -> Facility:
    state = st.sampled_from((b"1", b"2", b"3"))

    def registers(kind: MasterKey) -> Registers:
        size = kind.pattern_bytes
        patterns = [draw(st.binary(min_size=size, max_size=size)) for _ in range(3)]
        return Registers._make([*(draw(state) for _ in range(3)), *patterns])

    serial = draw(st.binary(min_size=8, max_size=8))
    return Facility(serial, {kind: registers(kind) for kind in MasterKey})


@given(facilities())
def test_facility_query(facility: Facility) -> None:
    assert cca_facility.unpack(*cca_facility.pack(facility, b"STATICSB"), b"STATICSB") == facility


@given(U32, st.binary(max_size=80))
def test_the_originator_of_a_request_and_its_reply(source: int, data: bytes) -> None:
    head = Head(verbs.DIGEST_SINGLE, 3)
    asked = request.pack(head, (b"hash", data))
    stamped = origin.stamped(asked, source)
    name = source.to_bytes(4, "big")
    assert stamped[88 + 8 : 88 + 12] == origin.of_request(stamped) == name  # AP sheet 3.7
    assert origin.anonymous(stamped) == asked
    answer = origin.answered(reply.pack(head, 0, (data,)), name)
    assert answer[48 + 8 : 48 + 12] == origin.of_reply(answer) == name
