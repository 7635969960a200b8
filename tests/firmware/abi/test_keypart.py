"""Parts of wrapping keys on their way: sealed and opened, and what is refused."""

from random import Random

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.firmware.abi import keypart

PARTS = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20)
IMPORTER = ec.generate_private_key(ec.SECP521R1())
SPKI = keypart.spki_of(IMPORTER)


@given(PARTS, st.randoms())
def test_parts_make_a_key_in_any_order(parts: list[bytes], random: Random) -> None:
    key = keypart.joined(parts)
    random.shuffle(parts)
    assert keypart.joined(parts) == key
    assert keypart.joined((key, *parts)) == bytes(32)


def test_known_parts() -> None:
    """Exclusive or, by hand."""
    parts = (b"\x0f" * 32, b"\xf0" * 32, b"\x55" * 32)
    assert keypart.joined(parts) == b"\xaa" * 32


def test_a_part_arrives() -> None:
    sealed = {keypart.seal(SPKI, bytes(range(32))) for _ in range(3)}
    assert len(sealed) == 3  # another ephemeral key each time
    assert {keypart.unseal(IMPORTER, one) for one in sealed} == {bytes(range(32))}


SEALED = keypart.seal(SPKI, bytes(range(32)))


@given(st.binary(max_size=400))
def test_no_bytes_pass_for_a_part(data: bytes) -> None:
    with pytest.raises(ValueError, match="no part of a wrapping key for this importer"):
        keypart.unseal(IMPORTER, data)


@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_a_byte_changed_is_noticed(place: int, change: int) -> None:
    altered = bytearray(SEALED)
    altered[place] ^= change
    with pytest.raises(ValueError, match="no part of a wrapping key for this importer"):
        keypart.unseal(IMPORTER, bytes(altered))


def test_receivers_are_on_p521() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = other.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(ValueError, match="a public key on P-521 was expected"):
        keypart.seal(der, bytes(32))
    with pytest.raises(ValueError, match=r"."):
        keypart.seal(b"nothing", bytes(32))
