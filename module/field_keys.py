"""Keys over finite fields in clear: DSA, Diffie-Hellman (RFC 3279, PKCS #3)."""

from ghostcard import pkcs11 as ck
from ghostcard.module import der
from ghostcard.module.encoding import big
from ghostcard.module.errors import CryptokiError
from ghostcard.module.template import Attributes

_OIDS = {
    ck.CKK_DSA: der.object_identifier("1.2.840.10040.4.1"),
    ck.CKK_DH: der.object_identifier("1.2.840.113549.1.3.1"),
    ck.CKK_X9_42_DH: der.object_identifier("1.2.840.10046.2.1"),
}
KEY_TYPES = frozenset(_OIDS)
DOMAIN = {
    ck.CKK_DSA: (ck.CKA_PRIME, ck.CKA_SUBPRIME, ck.CKA_BASE),
    ck.CKK_DH: (ck.CKA_PRIME, ck.CKA_BASE),
    ck.CKK_X9_42_DH: (ck.CKA_PRIME, ck.CKA_BASE, ck.CKA_SUBPRIME),
}
"""The numbers of a domain in the order of an AlgorithmIdentifier."""


def public_info(attributes: Attributes, key_type: int) -> bytes:
    """The SubjectPublicKeyInfo of a public key's attributes."""
    key = der.integer(_number(attributes[ck.CKA_VALUE]))
    return der.encode(der.SEQUENCE, _algorithm(attributes, key_type), der.bit_string(key))


def public_attributes(method: der.Reader, oid: bytes, key: bytes, key_type: int) -> Attributes:
    """What an SPKI with this object identifier, further parameters and key says; DerError.

    The public value may have zeros before it, as the card writes it.
    """
    if oid != _OIDS[key_type]:
        raise CryptokiError(ck.CKR_PUBLIC_KEY_INVALID)
    numbers = method.enter(der.SEQUENCE)
    domain = {name: big(numbers.integer()) for name in DOMAIN[key_type]}
    return domain | {ck.CKA_VALUE: big(_number(der.read(key, der.INTEGER)))}


def private_info(attributes: Attributes, key_type: int) -> bytes:
    """The PrivateKeyInfo of a private key's attributes."""
    key = der.encode(der.OCTET_STRING, der.integer(_number(attributes[ck.CKA_VALUE])))
    return der.encode(der.SEQUENCE, der.integer(0), _algorithm(attributes, key_type), key)


def _algorithm(attributes: Attributes, key_type: int) -> bytes:
    numbers = (der.integer(_number(attributes[name])) for name in DOMAIN[key_type])
    return der.encode(der.SEQUENCE, _OIDS[key_type], der.encode(der.SEQUENCE, *numbers))


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")
