"""Keys of ML-KEM, ML-DSA and SLH-DSA in clear (RFC 9935, 9881, 9909)."""

from ghostcard import pkcs11 as ck
from ghostcard.module import der
from ghostcard.module.encoding import number, ulong
from ghostcard.module.errors import CryptokiError
from ghostcard.module.parameter_sets import ParameterSet, of_number, of_oid
from ghostcard.module.template import Attributes

_SEED = 0x80  # [0] IMPLICIT OCTET STRING


def set_of(attributes: Attributes) -> ParameterSet:
    """The parameter set of a key."""
    key_type = number(attributes[ck.CKA_KEY_TYPE])
    return of_number(key_type, number(attributes[ck.CKA_PARAMETER_SET]))


def public_info(attributes: Attributes) -> bytes:
    """The SubjectPublicKeyInfo of a public key's attributes."""
    chosen, value = set_of(attributes), attributes[ck.CKA_VALUE]
    if len(value) != chosen.public:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, chosen.oid), der.bit_string(value))


def public_attributes(oid: bytes, key: bytes, key_type: int) -> Attributes:
    """What an SPKI with this object identifier and key says; DerError."""
    chosen = of_oid(oid, key_type)
    return {ck.CKA_PARAMETER_SET: ulong(chosen.number), ck.CKA_VALUE: key}


def private_info(attributes: Attributes) -> bytes:
    """The PrivateKeyInfo of a private key's attributes: of the seed, the value in full, or both."""
    chosen = set_of(attributes)
    seed = attributes.get(ck.CKA_SEED, b"")
    full = attributes.get(ck.CKA_VALUE, b"")
    octets = [der.encode(der.OCTET_STRING, part) for part in (seed, full) if part]
    if chosen.key_type == ck.CKK_SLH_DSA:
        value = full
    elif len(octets) > 1:
        value = der.encode(der.SEQUENCE, *octets)
    elif seed:
        value = der.encode(_SEED, seed)
    elif full:
        value = octets[0]
    else:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    method = der.encode(der.SEQUENCE, chosen.oid)
    body = der.encode(der.OCTET_STRING, value)
    return der.encode(der.SEQUENCE, der.integer(0), method, body)


def secret_attributes(value: bytes, key_type: int) -> Attributes:
    """The hidden attributes from the privateKey of a PrivateKeyInfo as the card makes it; DerError.

    A key that the card has as a seed has no CKA_VALUE to be read.
    """
    if key_type == ck.CKK_SLH_DSA:
        return {ck.CKA_VALUE: value}
    if value[:1] == bytes((_SEED,)):
        return {ck.CKA_SEED: der.read(value, _SEED)}
    return {ck.CKA_VALUE: der.read(value, der.OCTET_STRING)}
