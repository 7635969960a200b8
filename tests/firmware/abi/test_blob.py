"""Key blobs and public keys of AP sheet 3.8, and their sizes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as p
from ghostcard.firmware.abi import ber, blob, spki
from ghostcard.firmware.abi.blob import Blob
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.spki import Trailer

SIMPLE = Blob(bytes(32), b"W" * 16, 0x00200C00, 3, b"V" * 14, b"E" * 144, b"M" * 32)


def test_golden_bytes() -> None:
    packed = blob.pack(SIMPLE)
    assert len(packed) == 256
    assert packed[0:32] == bytes(32)
    assert packed[32:48] == b"W" * 16
    assert packed[48:56] == bytes.fromhex("0000000000200c00")
    assert packed[56:64] == bytes.fromhex("0000000000000003")
    assert packed[64:66] == b"\x12\x34"
    assert packed[66:80] == b"V" * 14
    assert packed[80:224] == b"E" * 144
    assert packed[-32:] == b"M" * 32
    assert blob.unpack(packed) == SIMPLE
    assert packed.startswith(
        blob.pack_header(SIMPLE.session, SIMPLE.wkid, SIMPLE.booleans, SIMPLE.mode, SIMPLE.iv)
    )


@pytest.mark.parametrize(
    "value",
    [
        SIMPLE._replace(session=b"\x30" * 32),
        SIMPLE._replace(session=bytes(31)),
        SIMPLE._replace(iv=bytes(15)),
        SIMPLE._replace(mac=bytes(31)),
        SIMPLE._replace(booleans=1 << 64),
    ],
)
def test_impossible_blobs_are_not_packed(value: Blob) -> None:
    with pytest.raises(WireError):
        blob.pack(value)


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        blob.pack(SIMPLE)[:111],
        blob.pack(SIMPLE)[:64] + b"\x12\x35" + blob.pack(SIMPLE)[66:],
        b"\x30" + blob.pack(SIMPLE)[1:],
    ],
)
def test_what_is_no_blob_is_refused(packed: bytes) -> None:
    with pytest.raises(WireError):
        blob.unpack(packed)


@pytest.mark.parametrize(
    ("key_type", "size", "total"),
    [
        (p.CKK_AES, 16, 256),
        (p.CKK_AES, 32, 256),
        (p.CKK_GENERIC_SECRET, 1, 256),
        (p.CKK_GENERIC_SECRET, 64, 256),
        (p.CKK_GENERIC_SECRET, 65, 320),
        (p.CKK_EC, 32, 384),
        (p.CKK_EC, 48, 448),
        (p.CKK_EC, 66, 512),
        (p.CKK_EC_EDWARDS, 32, 320),
        (p.CKK_RSA, 128, 896),
        (p.CKK_RSA, 256, 1472),
        (p.CKK_RSA, 384, 2048),
        (p.CKK_RSA, 512, 2624),
    ],
)
def test_sizes(key_type: int, size: int, total: int) -> None:
    assert blob.blob_bytes(key_type, size) == total
    assert blob.encrypted_bytes(key_type, size) == total - 112
    assert blob.encrypted_bytes(key_type, size) % 16 == 0
    assert blob.value_bytes(key_type, size) >= size


@given(
    st.builds(
        Blob,
        st.binary(min_size=32, max_size=32).filter(lambda s: s[0] != 0x30),
        st.binary(min_size=16, max_size=16),
        st.integers(0, 2**64 - 1),
        st.integers(0, 2**64 - 1),
        st.binary(min_size=14, max_size=14),
        st.binary(max_size=200),
        st.binary(min_size=32, max_size=32),
    )
)
def test_round_trip(value: Blob) -> None:
    assert blob.unpack(blob.pack(value)) == value


# RFC 8410, 10.1: an Ed25519 public key.
ED25519 = bytes.fromhex(
    "302a300506032b6570032100 19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"
)
TRAILER = Trailer(b"W" * 16, bytes(32), b"S" * 8, bytes(8), b"A" * 12, b"M" * 32)


def test_a_bare_public_key() -> None:
    assert blob.is_public(ED25519)
    assert not blob.is_public(blob.pack(SIMPLE))
    assert spki.split(ED25519) == (ED25519, None)


def test_a_maced_public_key() -> None:
    parts = (b"W" * 16, bytes(32), b"S" * 8, bytes(8), b"A" * 12, b"M" * 32)
    golden = ED25519 + b"".join(bytes((4, len(part))) + part for part in parts)
    assert spki.join(ED25519, TRAILER) == golden
    assert spki.split(golden) == (ED25519, TRAILER)
    assert spki.signed(ED25519, TRAILER) == golden[:-34]
    longer = TRAILER._replace(attributes=bytes(20))
    assert spki.split(spki.join(ED25519, longer)) == (ED25519, longer)


@pytest.mark.parametrize(
    "trailer",
    [
        TRAILER._replace(wkid=bytes(15)),
        TRAILER._replace(attributes=bytes(11)),
        TRAILER._replace(mac=bytes(33)),
    ],
)
def test_a_trailer_of_other_sizes_is_refused(trailer: Trailer) -> None:
    with pytest.raises(WireError, match="trailer of sizes"):
        spki.join(ED25519, trailer)
    with pytest.raises(WireError, match="trailer of sizes"):
        spki.split(ED25519 + b"".join(map(ber.octets, trailer)))


# RFC 3279, 5480 and 8410; the sizes are those OpenSSL writes.
@pytest.mark.parametrize(
    ("key_type", "size", "curve", "total"),
    [
        (p.CKK_RSA, 128, "", 162),
        (p.CKK_RSA, 256, "", 294),
        (p.CKK_RSA, 384, "", 422),
        (p.CKK_RSA, 512, "", 550),
        (p.CKK_RSA, 2048, "", 2086),
        (p.CKK_EC, 32, "06082a8648ce3d030107", 91),
        (p.CKK_EC, 48, "06052b81040022", 120),
        (p.CKK_EC, 66, "06052b81040023", 158),
        (p.CKK_EC, 64, "06092b240303020801010d", 158),
        (p.CKK_EC_EDWARDS, 32, "06032b6570", 44),
        (p.CKK_EC_MONTGOMERY, 56, "06032b656f", 68),
    ],
)
def test_spki_sizes(key_type: int, size: int, curve: str, total: int) -> None:
    assert spki.spki_bytes(key_type, size, bytes.fromhex(curve)) == total


@pytest.mark.parametrize(
    ("order", "total"), [(b"\xff" * 20, 444), (b"", 423)], ids=["DSA", "DH of PKCS #3"]
)
def test_spki_sizes_of_finite_fields(order: bytes, total: int) -> None:
    """As OpenSSL has them for 1024 bits, where base and public value are as wide as the prime."""
    assert spki.ffc_spki_bytes((b"\xff" * 128, order, b"\xfe" * 128)) == total


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_raise_wire_error(data: bytes) -> None:
    for attempt in (data, ED25519 + data, blob.pack(SIMPLE)[:66] + data):
        with suppress(WireError):
            blob.unpack(attempt)
        with suppress(WireError):
            spki.split(attempt)
