"""Public keys: attributes <-> the DER SubjectPublicKeyInfo of the card (RFC 5280)."""

from ghostcard import pkcs11 as ck
from ghostcard.module import der, field_keys, quantum_safe_keys
from ghostcard.module.curves import OCTET_TYPES, curve_of, point_of
from ghostcard.module.encoding import big, number, ulong
from ghostcard.module.errors import CryptokiError
from ghostcard.module.parameter_sets import KEY_TYPES as POST_QUANTUM
from ghostcard.module.template import Attributes

RSA_ENCRYPTION = der.object_identifier("1.2.840.113549.1.1.1")
EC_PUBLIC_KEY = der.object_identifier("1.2.840.10045.2.1")


def build(attributes: Attributes) -> bytes:
    """The SubjectPublicKeyInfo of a public key's attributes; CKR_ATTRIBUTE_VALUE_INVALID,
    CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID.
    """
    key_type = number(attributes[ck.CKA_KEY_TYPE])
    if key_type == ck.CKK_RSA:
        return rsa(attributes[ck.CKA_MODULUS], attributes[ck.CKA_PUBLIC_EXPONENT])
    if key_type in POST_QUANTUM:
        return quantum_safe_keys.public_info(attributes)
    if key_type in field_keys.KEY_TYPES:
        return field_keys.public_info(attributes, key_type)
    if ck.CKA_EC_PARAMS not in attributes:  # of a type that no card makes
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    curve = curve_of(attributes[ck.CKA_EC_PARAMS], key_type)
    point = point_of(attributes[ck.CKA_EC_POINT], curve)
    return _info(algorithm(curve.oid, key_type), point)


def rsa(modulus: bytes, exponent: bytes) -> bytes:
    """The SubjectPublicKeyInfo of an RSA key, from big-endian numbers."""
    numbers = (der.integer(int.from_bytes(value, "big")) for value in (modulus, exponent))
    return _info(
        der.encode(der.SEQUENCE, RSA_ENCRYPTION, der.NULL), der.encode(der.SEQUENCE, *numbers)
    )


def algorithm(curve_oid: bytes, key_type: int) -> bytes:
    """The AlgorithmIdentifier of a curve: RFC 5480, and RFC 8410 for octet strings."""
    if key_type in OCTET_TYPES:
        return der.encode(der.SEQUENCE, curve_oid)
    return der.encode(der.SEQUENCE, EC_PUBLIC_KEY, curve_oid)


def public_attributes(spki: bytes, key_type: int) -> Attributes:
    """What an SPKI says of a key of this type: modulus and exponent, curve and point, domain and
    value, or parameter set and value.

    CKR_PUBLIC_KEY_INVALID if it is none, or one of another type.
    """
    try:
        reader = der.Reader(spki).enter(der.SEQUENCE)
        method = reader.enter(der.SEQUENCE)
        first = der.encode(der.OBJECT_IDENTIFIER, method.take(der.OBJECT_IDENTIFIER))
        key = reader.bit_string()
        if key_type == ck.CKK_RSA and first == RSA_ENCRYPTION:
            return _rsa_attributes(key)
        if key_type in POST_QUANTUM:
            return quantum_safe_keys.public_attributes(first, key, key_type)
        if key_type in field_keys.KEY_TYPES:
            return field_keys.public_attributes(method, first, key, key_type)
        if key_type == ck.CKK_EC and first == EC_PUBLIC_KEY:
            first = der.encode(der.OBJECT_IDENTIFIER, method.take(der.OBJECT_IDENTIFIER))
        curve = curve_of(first, key_type)
        point = der.encode(der.OCTET_STRING, point_of(key, curve))
    except (der.DerError, CryptokiError):
        raise CryptokiError(ck.CKR_PUBLIC_KEY_INVALID) from None
    return {ck.CKA_EC_PARAMS: curve.oid, ck.CKA_EC_POINT: point}


def _rsa_attributes(key: bytes) -> Attributes:
    numbers = der.Reader(key).enter(der.SEQUENCE)
    modulus, exponent = numbers.integer(), numbers.integer()
    return {
        ck.CKA_MODULUS: big(modulus),
        ck.CKA_PUBLIC_EXPONENT: big(exponent),
        ck.CKA_MODULUS_BITS: ulong(modulus.bit_length()),
    }


def _info(method: bytes, key: bytes) -> bytes:
    return der.encode(der.SEQUENCE, method, der.bit_string(key))
