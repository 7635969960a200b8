"""A part of a wrapping key on its way: sealed for the P-521 key of a domain that imports it.

An ephemeral SPKI, then the part under AES-KW with SHA-256(0x00000001 || ECDH secret || SPKI), the
one-step KDF of SP 800-56C. Several parts make a key by exclusive or. The layout is ours.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ghostcard.firmware.abi import admin
from ghostcard.firmware.abi.errors import WireError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

PART_SIZE = 32
"""Bytes of a wrapping key, and of each of its parts."""


def seal(receiver: bytes, part: bytes) -> bytes:
    """A part for the owner of a P-521 key, given by its SPKI; ValueError if it is no such key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(receiver)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP521R1):
        raise ValueError("a public key on P-521 was expected")
    ephemeral = ec.generate_private_key(ec.SECP521R1())
    spki = spki_of(ephemeral)
    kek = _kek(ephemeral.exchange(ec.ECDH(), key), spki)
    return admin.pack_list((spki, aes_key_wrap(kek, part)))


def unseal(importer: "EllipticCurvePrivateKey", sealed: bytes) -> bytes:
    """The part; ValueError for anything that was not sealed for this importer."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        spki, wrapped = admin.unpack_list(sealed)
        key = load_der_public_key(spki)
        if isinstance(key, ec.EllipticCurvePublicKey):
            part = aes_key_unwrap(_kek(importer.exchange(ec.ECDH(), key), spki), wrapped)
            if len(part) == PART_SIZE:
                return part
    except (ValueError, UnsupportedAlgorithm, InvalidUnwrap, WireError):
        pass
    raise ValueError("no part of a wrapping key for this importer")


def joined(parts: Iterable[bytes]) -> bytes:
    """The key that the parts make."""
    key = 0
    for part in parts:
        key ^= int.from_bytes(part, "big")
    return key.to_bytes(PART_SIZE, "big")


def spki_of(key: "EllipticCurvePrivateKey") -> bytes:
    """The public key of an importer."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _kek(secret: bytes, spki: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(b"\0\0\0\1" + secret + spki).digest()
