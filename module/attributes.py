"""The attribute table: which attributes an object has, and what may be done to them.

The notes are the numbered footnotes of the standard's tables (PKCS #11 3.2, 4.2, "Common footnotes
for object attribute tables"), so that a row here and a row there can be held side by side:

     1 must be given to C_CreateObject             2 must not be given to C_CreateObject
     3 must be given when generated                4 must not be given when generated
     5 must be given to C_UnwrapKey                6 must not be given to C_UnwrapKey
     7 hidden if SENSITIVE or not EXTRACTABLE      8 C_SetAttributeValue, C_CopyObject may change it
    10 only the SO may set it to CK_TRUE          11 cannot be changed once it is CK_TRUE
    12 cannot be changed once it is CK_FALSE      13 (ours) C_CopyObject alone may change it

Note 9 ("the default is the token's choice") is the column `default`: the value of an object whose
template is silent; None: the object then has no such attribute, or the library fills it in.
"""

from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module.encoding import EMPTY, FALSE, TRUE, ulong
from ghostcard.module.errors import CryptokiError

CKA_IBM_PROTKEY_EXTRACTABLE = ck.CKA_VENDOR_DEFINED | 0x1000C
"""Vendor attribute of EP11 tokens: the key may become a protected key of the processor."""

BOOL = "CK_BBOOL"
ULONG = "CK_ULONG"
DATE = "CK_DATE"
BYTES = "bytes"
BIG = "big integer"
MECHANISMS = "CK_MECHANISM_TYPE array"


class Attribute(NamedTuple):
    """One row: ``kind`` is the type of its value."""

    type: int
    kind: str
    notes: frozenset[int]
    default: bytes | None


Schema = dict[int, Attribute]
"""The attributes of one (class, subtype)."""


def _row(type: int, kind: str, *notes: int, default: bytes | None = None) -> Attribute:
    return Attribute(type, kind, frozenset(notes), default)


def _flag(type: int, *notes: int, default: bytes = FALSE) -> Attribute:
    return Attribute(type, BOOL, frozenset(notes), default)


def _text(type: int, *notes: int) -> Attribute:
    return Attribute(type, BYTES, frozenset(notes), EMPTY)


_STORAGE = (
    _row(ck.CKA_CLASS, ULONG, 1),
    _flag(ck.CKA_TOKEN, 13),
    _flag(ck.CKA_PRIVATE, 13),
    _flag(ck.CKA_MODIFIABLE, 13, default=TRUE),
    _flag(ck.CKA_COPYABLE, 8, 12, default=TRUE),
    _flag(ck.CKA_DESTROYABLE, 13, default=TRUE),
    _text(ck.CKA_LABEL, 8),
    _row(ck.CKA_UNIQUE_ID, BYTES, 2, 4, 6),
)
_DATA = (
    _text(ck.CKA_APPLICATION, 8),
    _text(ck.CKA_OBJECT_ID, 8),
    _text(ck.CKA_VALUE, 8),
)
_X509 = (
    _row(ck.CKA_CERTIFICATE_TYPE, ULONG, 1),
    _flag(ck.CKA_TRUSTED, 10),
    _row(ck.CKA_CERTIFICATE_CATEGORY, ULONG, default=ulong(0)),
    _row(ck.CKA_CHECK_VALUE, BYTES),
    _row(ck.CKA_START_DATE, DATE, default=EMPTY),
    _row(ck.CKA_END_DATE, DATE, default=EMPTY),
    _text(ck.CKA_PUBLIC_KEY_INFO),
    _row(ck.CKA_SUBJECT, BYTES, 1),
    _text(ck.CKA_ID, 8),
    _text(ck.CKA_ISSUER, 8),
    _text(ck.CKA_SERIAL_NUMBER, 8),
    _text(ck.CKA_VALUE),
    _text(ck.CKA_URL),
    _text(ck.CKA_HASH_OF_SUBJECT_PUBLIC_KEY),
    _text(ck.CKA_HASH_OF_ISSUER_PUBLIC_KEY),
    _row(ck.CKA_JAVA_MIDP_SECURITY_DOMAIN, ULONG, default=ulong(0)),
    _row(ck.CKA_NAME_HASH_ALGORITHM, ULONG, default=ulong(ck.CKM_SHA_1)),
)
_KEY = (
    _row(ck.CKA_KEY_TYPE, ULONG, 1, 5),
    _text(ck.CKA_ID, 8),
    _row(ck.CKA_START_DATE, DATE, 8, default=EMPTY),
    _row(ck.CKA_END_DATE, DATE, 8, default=EMPTY),
    _flag(ck.CKA_DERIVE, 8),
    _flag(ck.CKA_LOCAL, 2, 4, 6),
    _row(ck.CKA_KEY_GEN_MECHANISM, ULONG, 2, 4, 6, default=ulong(ck.CK_UNAVAILABLE_INFORMATION)),
    _row(ck.CKA_ALLOWED_MECHANISMS, MECHANISMS, default=EMPTY),
)
_PUBLIC = (
    _text(ck.CKA_SUBJECT, 8),
    _flag(ck.CKA_ENCRYPT, 8),
    _flag(ck.CKA_VERIFY, 8),
    _flag(ck.CKA_VERIFY_RECOVER, 8),
    _flag(ck.CKA_WRAP, 8),
    _flag(ck.CKA_TRUSTED, 10),
    _row(ck.CKA_PUBLIC_KEY_INFO, BYTES, 4),
)
_SECURE = (
    _flag(ck.CKA_SENSITIVE, 8, 11),
    _flag(ck.CKA_DECRYPT, 8),
    _flag(ck.CKA_SIGN, 8),
    _flag(ck.CKA_UNWRAP, 8),
    _flag(ck.CKA_EXTRACTABLE, 8, 12),
    _flag(ck.CKA_ALWAYS_SENSITIVE, 2, 4, 6),
    _flag(ck.CKA_NEVER_EXTRACTABLE, 2, 4, 6),
    _flag(ck.CKA_WRAP_WITH_TRUSTED, 8, 11),
    _flag(CKA_IBM_PROTKEY_EXTRACTABLE, 8, 12),
)
_PRIVATE = (
    _text(ck.CKA_SUBJECT, 8),
    _flag(ck.CKA_SIGN_RECOVER, 8),
    _flag(ck.CKA_ALWAYS_AUTHENTICATE),
    _row(ck.CKA_PUBLIC_KEY_INFO, BYTES, 4, 6),
)
_SECRET = (
    _flag(ck.CKA_ENCRYPT, 8),
    _flag(ck.CKA_VERIFY, 8),
    _flag(ck.CKA_WRAP, 8),
    _flag(ck.CKA_TRUSTED, 10),
    _row(ck.CKA_CHECK_VALUE, BYTES),
    _row(ck.CKA_VALUE, BYTES, 1, 4, 6, 7),
    _row(ck.CKA_VALUE_LEN, ULONG, 2),
)
_RSA_PUBLIC = (
    _row(ck.CKA_MODULUS, BIG, 1, 4),
    _row(ck.CKA_MODULUS_BITS, ULONG, 2, 3),
    _row(ck.CKA_PUBLIC_EXPONENT, BIG, 1),
)
_RSA_PRIVATE = (
    _row(ck.CKA_MODULUS, BIG, 1, 4, 6),
    _row(ck.CKA_PUBLIC_EXPONENT, BIG, 4, 6),
    *(
        _row(part, BIG, *notes)
        for part, notes in (
            (ck.CKA_PRIVATE_EXPONENT, (1, 4, 6, 7)),
            (ck.CKA_PRIME_1, (4, 6, 7)),
            (ck.CKA_PRIME_2, (4, 6, 7)),
            (ck.CKA_EXPONENT_1, (4, 6, 7)),
            (ck.CKA_EXPONENT_2, (4, 6, 7)),
            (ck.CKA_COEFFICIENT, (4, 6, 7)),
        )
    ),
)
_EC_PUBLIC = (
    _row(ck.CKA_EC_PARAMS, BYTES, 1, 3),
    _row(ck.CKA_EC_POINT, BYTES, 1, 4),
)
_EC_PRIVATE = (
    _row(ck.CKA_EC_PARAMS, BYTES, 1, 4, 6),
    _row(ck.CKA_EC_POINT, BYTES, 4, 6),
    _row(ck.CKA_VALUE, BIG, 1, 4, 6, 7),
)

HMAC_TYPES: dict[int, int] = {
    ck.CKK_SHA_1_HMAC: ck.CKM_SHA_1_HMAC,
    ck.CKK_SHA224_HMAC: ck.CKM_SHA224_HMAC,
    ck.CKK_SHA256_HMAC: ck.CKM_SHA256_HMAC,
    ck.CKK_SHA384_HMAC: ck.CKM_SHA384_HMAC,
    ck.CKK_SHA512_HMAC: ck.CKM_SHA512_HMAC,
    ck.CKK_SHA512_224_HMAC: ck.CKM_SHA512_224_HMAC,
    ck.CKK_SHA512_256_HMAC: ck.CKM_SHA512_256_HMAC,
}
"""The key types made for one HMAC, and its mechanism."""

GENERIC_TYPES = frozenset((ck.CKK_GENERIC_SECRET, *HMAC_TYPES))
"""Secret keys of any length: keys of an HMAC or of nothing in particular."""


def _schema(*parts: tuple[Attribute, ...], **defaults: bytes) -> Schema:
    """One schema; ``defaults`` name the attributes (without CKA_) whose default differs here."""
    rows = {row.type: row for part in parts for row in part}
    for name, value in defaults.items():
        type = getattr(ck, f"CKA_{name}")
        rows[type] = rows[type]._replace(default=value)
    return rows


def _secret(**defaults: bytes) -> Schema:
    return _schema(*(_STORAGE, _KEY, _SECURE, _SECRET), PRIVATE=TRUE, EXTRACTABLE=TRUE, **defaults)


def _private(rows: tuple[Attribute, ...], **defaults: bytes) -> Schema:
    return _schema(
        *(_STORAGE, _KEY, _SECURE, _PRIVATE, rows), PRIVATE=TRUE, SENSITIVE=TRUE, **defaults
    )


def _public(rows: tuple[Attribute, ...], **defaults: bytes) -> Schema:
    return _schema(*(_STORAGE, _KEY, _PUBLIC, rows), **defaults)


_AES = _secret(ENCRYPT=TRUE, DECRYPT=TRUE, WRAP=TRUE, UNWRAP=TRUE)
_GENERIC = _secret(SIGN=TRUE, VERIFY=TRUE)
SCHEMAS: dict[tuple[int, int], Schema] = {
    (ck.CKO_DATA, 0): _schema(_STORAGE, _DATA),
    (ck.CKO_CERTIFICATE, ck.CKC_X_509): _schema(_STORAGE, _X509),
    (ck.CKO_PUBLIC_KEY, ck.CKK_RSA): _public(
        _RSA_PUBLIC, VERIFY=TRUE, VERIFY_RECOVER=TRUE, ENCRYPT=TRUE, WRAP=TRUE
    ),
    (ck.CKO_PUBLIC_KEY, ck.CKK_EC): _public(_EC_PUBLIC, VERIFY=TRUE),
    (ck.CKO_PUBLIC_KEY, ck.CKK_EC_EDWARDS): _public(_EC_PUBLIC, VERIFY=TRUE),
    (ck.CKO_PRIVATE_KEY, ck.CKK_RSA): _private(
        _RSA_PRIVATE, SIGN=TRUE, SIGN_RECOVER=TRUE, DECRYPT=TRUE, UNWRAP=TRUE
    ),
    (ck.CKO_PRIVATE_KEY, ck.CKK_EC): _private(_EC_PRIVATE, SIGN=TRUE),
    (ck.CKO_PRIVATE_KEY, ck.CKK_EC_EDWARDS): _private(_EC_PRIVATE, SIGN=TRUE),
    (ck.CKO_SECRET_KEY, ck.CKK_AES): _AES,
    **{(ck.CKO_SECRET_KEY, type): _GENERIC for type in GENERIC_TYPES},
}
"""(CKA_CLASS, CKA_KEY_TYPE or CKA_CERTIFICATE_TYPE) -> its attributes."""

CARD_BOOLEANS = frozenset(
    (
        ck.CKA_EXTRACTABLE,
        ck.CKA_SIGN,
        ck.CKA_VERIFY,
        ck.CKA_ENCRYPT,
        ck.CKA_DECRYPT,
        ck.CKA_WRAP,
        ck.CKA_UNWRAP,
        ck.CKA_DERIVE,
        ck.CKA_SIGN_RECOVER,
        ck.CKA_TRUSTED,
        ck.CKA_WRAP_WITH_TRUSTED,
        CKA_IBM_PROTKEY_EXTRACTABLE,
    )
)
"""Attributes of a key that the card keeps in its blob and enforces (AP sheet 7.6)."""

_SUBTYPE: dict[int, int | None] = {
    ck.CKO_DATA: None,
    ck.CKO_CERTIFICATE: ck.CKA_CERTIFICATE_TYPE,
    ck.CKO_PUBLIC_KEY: ck.CKA_KEY_TYPE,
    ck.CKO_PRIVATE_KEY: ck.CKA_KEY_TYPE,
    ck.CKO_SECRET_KEY: ck.CKA_KEY_TYPE,
}
KNOWN = frozenset(type for schema in SCHEMAS.values() for type in schema)
"""Every attribute type the table has."""


def subtype_of(object_class: int) -> int | None:
    """The attribute that tells the kinds of a class apart; CKR_ATTRIBUTE_VALUE_INVALID for a class
    unknown here.
    """
    try:
        return _SUBTYPE[object_class]
    except KeyError:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID) from None


def schema_of(object_class: int, subtype: int) -> Schema:
    """The rows of one class and subtype; CKR_ATTRIBUTE_VALUE_INVALID if this token has no such
    object.
    """
    try:
        return SCHEMAS[object_class, subtype]
    except KeyError:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID) from None
