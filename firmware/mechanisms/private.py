"""Private keys outside of blobs: PKCS #8 in DER (RFC 5208, 5915, 8017 A.1.2, 8410), and their SPKI.

Written here, parsed by the cryptographic library, which checks that the numbers belong together.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.parameter_sets import KEY_TYPES as POST_QUANTUM
from ghostcard.firmware.mechanisms import ec, eddsa, postquantum, rsa
from ghostcard.firmware.mechanisms.curves import CURVES, ED25519_BITS, ED25519_SIZE, of_bits
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import (
    ED25519_ALGORITHM,
    RSA_ALGORITHM,
    RSA_BITS,
    bit_string,
    ec_algorithm,
    ec_spki,
    ed25519_spki,
    integer,
    rsa_spki,
    sequence,
)
from ghostcard.firmware.mechanisms.refusal import Refused

KEY_TYPES = frozenset((ck.CKK_RSA, ck.CKK_EC, ck.CKK_EC_EDWARDS, *POST_QUANTUM))
_PUBLIC_KEY = 0xA1  # [1] of ECPrivateKey


def spki(key: Key) -> bytes:
    """The public half of a private key."""
    if key.key_type == ck.CKK_RSA:
        return rsa_spki(*rsa.public_numbers(key))
    if key.key_type in POST_QUANTUM:
        return postquantum.spki(key)
    if key.key_type == ck.CKK_EC:
        return ec_spki(of_bits(key.bits), ec.point_of(key))
    return ed25519_spki(eddsa.public_of(key))


def pkcs8(key: Key) -> bytes:
    """PrivateKeyInfo of a private key."""
    algorithm, value = _parts(key)
    return sequence(integer(0) + algorithm + ber.octets(value))


def _parts(key: Key) -> tuple[bytes, bytes]:
    if key.key_type == ck.CKK_RSA:
        return RSA_ALGORITHM, sequence(b"".join(map(integer, (0, *rsa.all_numbers(key)))))
    if key.key_type == ck.CKK_EC_EDWARDS:
        return ED25519_ALGORITHM, ber.octets(key.material[:ED25519_SIZE])
    if key.key_type in POST_QUANTUM:
        return postquantum.parts(key)
    curve = of_bits(key.bits)
    public = bit_string(ec.point_of(key))
    tagged = ber.head(_PUBLIC_KEY, len(public)) + public
    value = integer(1) + ber.octets(key.material[: curve.size]) + tagged
    return ec_algorithm(curve), sequence(value)


def private_key(key_type: int, value: bytes) -> Key:
    """The key of a PrivateKeyInfo, behind which zeros may fill up a block; refused if not that.

    One answer for all that can be wrong with it: the bytes come out of a decryption.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        _, end = ber.value_span(value, 0, ber.SEQUENCE)
        chosen = postquantum.named_in(value[:end])
        if chosen is not None:
            key: Key | None = postquantum.private_key(chosen, value[:end])
        else:
            key = _imported(load_der_private_key(value[:end], None))
    except (WireError, ValueError, TypeError, UnsupportedAlgorithm):
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID) from None
    if key is None or key.key_type != key_type or any(value[end:]):
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    return key


def _imported(loaded: object) -> Key | None:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if isinstance(loaded, RSAPrivateKey):
        return rsa.private_key(loaded.private_numbers())
    if isinstance(loaded, EllipticCurvePrivateKey):
        for curve in CURVES:
            if curve.title.lower() == loaded.curve.name:
                return ec.private_key(curve, loaded.private_numbers().private_value)
    if isinstance(loaded, Ed25519PrivateKey):
        return eddsa.private_key(loaded.private_bytes_raw())
    return None


def null_key(key_type: int, pkcs8_bytes: int) -> Key:
    """For the `null` function track: the kind of key whose PKCS #8 is nearest to that size."""
    if key_type in POST_QUANTUM:
        return postquantum.null_key(key_type, pkcs8_bytes)
    kinds = [_null_kind(key_type, bits) for bits in _BITS[key_type]]
    return min(kinds, key=lambda key: abs(len(pkcs8(key)) - pkcs8_bytes))


_BITS = {
    ck.CKK_RSA: tuple(RSA_BITS),
    ck.CKK_EC: tuple(curve.bits for curve in CURVES),
    ck.CKK_EC_EDWARDS: (ED25519_BITS,),
}


def _null_kind(key_type: int, bits: int) -> Key:
    size = {
        ck.CKK_RSA: rsa.material_bytes(bits),
        ck.CKK_EC: 3 * ((bits + 7) // 8) + 1,
        ck.CKK_EC_EDWARDS: 2 * ED25519_SIZE,
    }[key_type]
    # All ones: numbers of their full length, so that sizes are those of real keys.
    return Key(ck.CKO_PRIVATE_KEY, key_type, bits, b"\xff" * size, is_null=True)
