"""Public keys in clear: DER SubjectPublicKeyInfo to and from numbers (RFC 3279, 5480, 8410).

Written out here since the general parser of the cryptographic library costs a program that verifies
one signature more than the signature does.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.parameter_sets import PARAMETER_SETS, ParameterSet
from ghostcard.firmware.abi.status import CKR_IBM_BLOB_ERROR
from ghostcard.firmware.mechanisms import ffc
from ghostcard.firmware.mechanisms.curves import CURVES, OCTET_CURVES, Curve, OctetCurve
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.refusal import Refused

EXPONENT_SIZE = 8  # bytes kept of a public exponent, the most that OpenSSL takes with any modulus
RSA_BITS = range(512, 16385)

_BIT_STRING = 0x03
_INTEGER = 0x02
_OBJECT_IDENTIFIER = 0x06
RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")
_EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
_FFC = {
    ck.CKK_DSA: bytes.fromhex("06072a8648ce380401"),  # RFC 3279, 2.3.2
    ck.CKK_DH: bytes.fromhex("06092a864886f70d010301"),  # PKCS #3
    ck.CKK_X9_42_DH: bytes.fromhex("06072a8648ce3e0201"),  # RFC 3279, 2.3.3
}
_FFC_TYPES = {oid: key_type for key_type, oid in _FFC.items()}


def sequence(body: bytes) -> bytes:
    """A DER SEQUENCE."""
    return ber.head(ber.SEQUENCE, len(body)) + body


_PARAMETER_SETS = {sequence(each.oid): each for each in PARAMETER_SETS}


def bit_string(value: bytes) -> bytes:
    """A DER BIT STRING of whole bytes."""
    return ber.head(_BIT_STRING, 1 + len(value)) + b"\0" + value


def integer(value: int) -> bytes:
    """A DER INTEGER that is not negative."""
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return ber.head(_INTEGER, len(body)) + body


def ec_algorithm(curve: Curve) -> bytes:
    """AlgorithmIdentifier of keys on a prime curve."""
    return sequence(_EC_PUBLIC_KEY + curve.oid)


def octet_algorithm(curve: OctetCurve) -> bytes:
    """AlgorithmIdentifier of keys that are octet strings."""
    return sequence(curve.oid)


def ffc_algorithm(key_type: int, domain: ffc.Domain) -> bytes:
    """AlgorithmIdentifier of keys over a finite field, with the domain's numbers in it."""
    order = ffc.ORDER[key_type]
    numbers = b"".join(integer(getattr(domain, name)) for name in order)
    return sequence(_FFC[key_type] + sequence(numbers))


_EC = {ec_algorithm(curve): curve for curve in CURVES}
_OCTET = {octet_algorithm(curve): curve for curve in OCTET_CURVES}


def _info(algorithm: bytes, key: bytes) -> bytes:
    return sequence(algorithm + bit_string(key))


def rsa_spki(modulus: int, exponent: int) -> bytes:
    """The SPKI of an RSA key; its size follows from the sizes of the two numbers alone."""
    return _info(RSA_ALGORITHM, sequence(integer(modulus) + integer(exponent)))


def ec_spki(curve: Curve, point: bytes) -> bytes:
    """The SPKI of an uncompressed point."""
    return _info(ec_algorithm(curve), point)


def octet_spki(curve: OctetCurve, public: bytes) -> bytes:
    """The SPKI of a key that is an octet string."""
    return _info(octet_algorithm(curve), public)


def ffc_spki(key_type: int, domain: ffc.Domain, y: int) -> bytes:
    """The SPKI of a key over a finite field.

    The INTEGER has the width of the prime even where DER would leave zeros out: nothing on the wire
    has a length that follows a random value. Hosts write it anew.
    """
    body = y.to_bytes(domain.p.bit_length() // 8 + 1, "big")
    return _info(ffc_algorithm(key_type, domain), ber.head(_INTEGER, len(body)) + body)


def raw_spki(chosen: ParameterSet, public: bytes) -> bytes:
    """The SPKI of a post-quantum key: the bytes of FIPS 203, 204 or 205 (RFC 9935, 9881, 9909)."""
    return _info(sequence(chosen.oid), public)


def rsa_material(modulus: int, exponent: int, bits: int) -> bytes:
    """Modulus at full width, then the exponent in 8 bytes."""
    if exponent.bit_length() > 8 * EXPONENT_SIZE:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    return modulus.to_bytes((bits + 7) // 8, "big") + exponent.to_bytes(EXPONENT_SIZE, "big")


def public_key(spki: bytes) -> Key:
    """The key of a bare SPKI; refused if it is none, or not of a kind the card has.

    Whether a point is on its curve is seen when the key is first used.
    """
    try:
        algorithm, value = _split(spki)
        if algorithm == RSA_ALGORITHM:
            return _rsa(value)
        curve = _EC.get(algorithm)
        if curve is not None:
            return _point(ck.CKK_EC, curve.bits, value, 1 + 2 * curve.size, curve.variant)
        octet = _OCTET.get(algorithm)
        if octet is not None:
            return _point(octet.key_type, octet.bits, value, octet.size)
        chosen = _PARAMETER_SETS.get(algorithm)
        if chosen is not None:
            return _of_set(chosen, value)
        return _ffc(algorithm, value)
    except WireError:
        raise Refused(CKR_IBM_BLOB_ERROR) from None


def _split(spki: bytes) -> tuple[bytes, bytes]:
    """Algorithm identifier with its tag, and the contents of the BIT STRING."""
    start, end = ber.value_span(spki, 0, ber.SEQUENCE)
    _, algorithm_end = ber.value_span(spki, start, ber.SEQUENCE)
    key_start, key_end = ber.value_span(spki, algorithm_end, _BIT_STRING)
    if not key_end == end == len(spki) or spki[key_start : key_start + 1] != b"\0":
        raise Refused(CKR_IBM_BLOB_ERROR)
    return spki[start:algorithm_end], spki[key_start + 1 : key_end]


def integers(value: bytes) -> list[int]:
    """The numbers of a DER SEQUENCE of INTEGERs that are not negative; WireError if it is none."""
    at, end = ber.value_span(value, 0, ber.SEQUENCE)
    found = []
    while at < end:
        start, at = ber.value_span(value, at, _INTEGER)
        found.append(int.from_bytes(value[start:at], "big"))
    if not at == end == len(value):
        raise Refused(CKR_IBM_BLOB_ERROR)
    return found


def _rsa(value: bytes) -> Key:
    numbers = integers(value)
    if len(numbers) != 2:
        raise Refused(CKR_IBM_BLOB_ERROR)
    modulus, exponent = numbers
    bits = modulus.bit_length()
    if bits not in RSA_BITS:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    return Key(ck.CKO_PUBLIC_KEY, ck.CKK_RSA, bits, rsa_material(modulus, exponent, bits))


def _point(key_type: int, bits: int, value: bytes, size: int, variant: int = 0) -> Key:
    if len(value) != size:
        raise Refused(ck.CKR_PUBLIC_KEY_INVALID)
    return Key(ck.CKO_PUBLIC_KEY, key_type, bits, value, variant=variant)


def _of_set(chosen: ParameterSet, value: bytes) -> Key:
    if len(value) != chosen.public:
        raise Refused(ck.CKR_PUBLIC_KEY_INVALID)
    if chosen.key_type == ck.CKK_SLH_DSA:  # whose size does not tell the set
        value = bytes((chosen.number,)) + value
    return Key(ck.CKO_PUBLIC_KEY, chosen.key_type, 8 * chosen.public, value)


def _ffc(algorithm: bytes, value: bytes) -> Key:
    key_type, domain = ffc_domain(algorithm)
    start, end = ber.value_span(value, 0, _INTEGER)
    if end != len(value):
        raise Refused(CKR_IBM_BLOB_ERROR)
    return ffc.public_key(key_type, domain, int.from_bytes(value[start:end], "big"))


def ffc_domain(algorithm: bytes) -> tuple[int, ffc.Domain]:
    """Key type and domain of an AlgorithmIdentifier; refused if it is of no such key."""
    start, end = ber.value_span(algorithm, 0, ber.SEQUENCE)
    _, oid_end = ber.value_span(algorithm, start, _OBJECT_IDENTIFIER)
    key_type = _FFC_TYPES.get(algorithm[start:oid_end])
    if key_type is None:
        raise Refused(ck.CKR_KEY_TYPE_INCONSISTENT)
    numbers = integers(algorithm[oid_end:end])
    order = ffc.ORDER[key_type]
    if len(numbers) < len(order):  # RFC 3279 and PKCS #3 have optional numbers behind these
        raise Refused(CKR_IBM_BLOB_ERROR)
    return key_type, ffc.Domain(**dict(zip(order, numbers, strict=False)))
