"""Public keys in clear: DER SubjectPublicKeyInfo to and from numbers (RFC 3279, 5480, 8410).

Written out here since the general parser of the cryptographic library costs a program that verifies
one signature more than the signature does.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.parameter_sets import PARAMETER_SETS, ParameterSet
from ghostcard.firmware.abi.status import CKR_IBM_BLOB_ERROR
from ghostcard.firmware.mechanisms.curves import (
    CURVES,
    ED25519_BITS,
    ED25519_OID,
    ED25519_SIZE,
    Curve,
)
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.refusal import Refused

EXPONENT_SIZE = 8  # bytes kept of a public exponent
RSA_BITS = range(1024, 4097, 256)

_BIT_STRING = 0x03
_INTEGER = 0x02
RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")
_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
ED25519_ALGORITHM = bytes((0x30, len(ED25519_OID))) + ED25519_OID


def ec_algorithm(curve: Curve) -> bytes:
    """AlgorithmIdentifier of keys on a prime curve."""
    body = _EC_PUBLIC_KEY + curve.oid
    return ber.head(ber.SEQUENCE, len(body)) + body


_EC = {ec_algorithm(curve): curve for curve in CURVES}


def sequence(body: bytes) -> bytes:
    """A DER SEQUENCE."""
    return ber.head(ber.SEQUENCE, len(body)) + body


_PARAMETER_SETS = {sequence(each.oid): each for each in PARAMETER_SETS}


def bit_string(value: bytes) -> bytes:
    """A DER BIT STRING of whole bytes."""
    return ber.head(_BIT_STRING, 1 + len(value)) + b"\0" + value


def _info(algorithm: bytes, key: bytes) -> bytes:
    return sequence(algorithm + bit_string(key))


def integer(value: int) -> bytes:
    """A DER INTEGER that is not negative."""
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return ber.head(_INTEGER, len(body)) + body


def rsa_spki(modulus: int, exponent: int) -> bytes:
    """The SPKI of an RSA key; its size follows from the sizes of the two numbers alone."""
    return _info(RSA_ALGORITHM, sequence(integer(modulus) + integer(exponent)))


def ec_spki(curve: Curve, point: bytes) -> bytes:
    """The SPKI of an uncompressed point."""
    return _info(ec_algorithm(curve), point)


def ed25519_spki(public: bytes) -> bytes:
    """The SPKI of an Ed25519 key."""
    return _info(ED25519_ALGORITHM, public)


def raw_spki(chosen: ParameterSet, public: bytes) -> bytes:
    """The SPKI of a post-quantum key: the bytes of FIPS 203, 204 or 205 (RFC 9935, 9881, 9909)."""
    return _info(sequence(chosen.oid), public)


def rsa_material(modulus: int, exponent: int, bits: int) -> bytes:
    """Modulus at full width, then the exponent in 8 bytes."""
    if exponent.bit_length() > 8 * EXPONENT_SIZE:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    return modulus.to_bytes(bits // 8, "big") + exponent.to_bytes(EXPONENT_SIZE, "big")


def public_key(spki: bytes) -> Key:
    """The key of a bare SPKI; refused if it is none, or not of a kind the card has.

    Whether a point is on its curve is seen when the key is first used.
    """
    try:
        algorithm, value = _split(spki)
        if algorithm == RSA_ALGORITHM:
            return _rsa(value)
    except WireError:
        raise Refused(CKR_IBM_BLOB_ERROR) from None
    curve = _EC.get(algorithm)
    if curve is not None:
        return _point(ck.CKK_EC, curve.bits, value, 1 + 2 * curve.size)
    if algorithm == ED25519_ALGORITHM:
        return _point(ck.CKK_EC_EDWARDS, ED25519_BITS, value, ED25519_SIZE)
    chosen = _PARAMETER_SETS.get(algorithm)
    if chosen is not None:
        return _of_set(chosen, value)
    raise Refused(ck.CKR_KEY_TYPE_INCONSISTENT)


def _split(spki: bytes) -> tuple[bytes, bytes]:
    """Algorithm identifier with its tag, and the contents of the BIT STRING."""
    start, end = ber.value_span(spki, 0, ber.SEQUENCE)
    _, algorithm_end = ber.value_span(spki, start, ber.SEQUENCE)
    key_start, key_end = ber.value_span(spki, algorithm_end, _BIT_STRING)
    if not key_end == end == len(spki) or spki[key_start : key_start + 1] != b"\0":
        raise Refused(CKR_IBM_BLOB_ERROR)
    return spki[start:algorithm_end], spki[key_start + 1 : key_end]


def _rsa(value: bytes) -> Key:
    start, end = ber.value_span(value, 0, ber.SEQUENCE)
    modulus_start, modulus_end = ber.value_span(value, start, _INTEGER)
    exponent_start, exponent_end = ber.value_span(value, modulus_end, _INTEGER)
    if not exponent_end == end == len(value):
        raise Refused(CKR_IBM_BLOB_ERROR)
    modulus = int.from_bytes(value[modulus_start:modulus_end], "big")
    exponent = int.from_bytes(value[exponent_start:exponent_end], "big")
    bits = modulus.bit_length()
    if bits not in RSA_BITS:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    return Key(ck.CKO_PUBLIC_KEY, ck.CKK_RSA, bits, rsa_material(modulus, exponent, bits))


def _point(key_type: int, bits: int, value: bytes, size: int) -> Key:
    if len(value) != size:
        raise Refused(ck.CKR_PUBLIC_KEY_INVALID)
    return Key(ck.CKO_PUBLIC_KEY, key_type, bits, value)


def _of_set(chosen: ParameterSet, value: bytes) -> Key:
    if len(value) != chosen.public:
        raise Refused(ck.CKR_PUBLIC_KEY_INVALID)
    if chosen.key_type == ck.CKK_SLH_DSA:  # whose size does not tell the set
        value = bytes((chosen.number,)) + value
    return Key(ck.CKO_PUBLIC_KEY, chosen.key_type, 8 * chosen.public, value)
