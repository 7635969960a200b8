"""The attribute table: which attributes an object has, and what may be done to them.

The notes are the numbered footnotes of the standard's tables (PKCS #11 3.2, 4.2, "Common footnotes
for object attribute tables"), so that a row here and a row there can be held side by side:

     1 must be given to C_CreateObject             2 must not be given to C_CreateObject
     3 must be given when generated                4 must not be given when generated
     5 must be given to C_UnwrapKey                6 must not be given to C_UnwrapKey
     7 hidden if SENSITIVE or not EXTRACTABLE      8 C_SetAttributeValue, C_CopyObject may change it
    10 only the SO may set it to CK_TRUE          11 cannot be changed once it is CK_TRUE
    12 cannot be changed once it is CK_FALSE      13 (ours) C_CopyObject alone may change it
    14 (ours) one of those with this note must be given to C_CreateObject

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
ULONGS = "CK_ULONG array"
TEMPLATE = "CK_ATTRIBUTE array"
"""A template, flattened as `flat.py` has it."""


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
_CERTIFICATE = (
    _row(ck.CKA_CERTIFICATE_TYPE, ULONG, 1),
    _flag(ck.CKA_TRUSTED, 10),
    _row(ck.CKA_CERTIFICATE_CATEGORY, ULONG, default=ulong(0)),
    _row(ck.CKA_CHECK_VALUE, BYTES),
    _row(ck.CKA_START_DATE, DATE, default=EMPTY),
    _row(ck.CKA_END_DATE, DATE, default=EMPTY),
    _text(ck.CKA_PUBLIC_KEY_INFO),
)
_LOCATED = (  # a certificate that may lie behind a URL instead
    _row(ck.CKA_SUBJECT, BYTES, 1),
    _text(ck.CKA_ISSUER, 8),
    _text(ck.CKA_VALUE),
    _text(ck.CKA_URL),
    _text(ck.CKA_HASH_OF_SUBJECT_PUBLIC_KEY),
    _text(ck.CKA_HASH_OF_ISSUER_PUBLIC_KEY),
    _row(ck.CKA_NAME_HASH_ALGORITHM, ULONG, default=ulong(ck.CKM_SHA_1)),
)
_X509 = (
    _text(ck.CKA_ID, 8),
    _text(ck.CKA_SERIAL_NUMBER, 8),
    _row(ck.CKA_JAVA_MIDP_SECURITY_DOMAIN, ULONG, default=ulong(0)),
)
_X509_ATTRIBUTES = (
    _row(ck.CKA_OWNER, BYTES, 1),
    _text(ck.CKA_AC_ISSUER, 8),
    _text(ck.CKA_SERIAL_NUMBER, 8),
    _text(ck.CKA_ATTR_TYPES, 8),
    _row(ck.CKA_VALUE, BYTES, 1),
)
_TRUST = (
    _row(ck.CKA_ISSUER, BYTES, 1),
    _row(ck.CKA_SERIAL_NUMBER, BYTES, 1),
    _text(ck.CKA_HASH_OF_CERTIFICATE),
    _row(ck.CKA_NAME_HASH_ALGORITHM, ULONG, default=ulong(ck.CKM_SHA_1)),
    *(
        _row(purpose, ULONG, 8, default=ulong(ck.CKT_TRUST_UNKNOWN))
        for purpose in range(ck.CKA_TRUST_SERVER_AUTH, ck.CKA_TRUST_OCSP_SIGNING + 1)
    ),
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
    _row(ck.CKA_OBJECT_VALIDATION_FLAGS, ULONG, 2, 4, 6, default=ulong(0)),
)
_PUBLIC = (
    _text(ck.CKA_SUBJECT, 8),
    _flag(ck.CKA_ENCRYPT, 8),
    _flag(ck.CKA_VERIFY, 8),
    _flag(ck.CKA_VERIFY_RECOVER, 8),
    _flag(ck.CKA_WRAP, 8),
    _flag(ck.CKA_ENCAPSULATE, 8),
    _flag(ck.CKA_TRUSTED, 10),
    _row(ck.CKA_PUBLIC_KEY_INFO, BYTES, 4),
    _row(ck.CKA_WRAP_TEMPLATE, TEMPLATE, default=EMPTY),
    _row(ck.CKA_ENCAPSULATE_TEMPLATE, TEMPLATE, default=EMPTY),
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
    _row(ck.CKA_UNWRAP_TEMPLATE, TEMPLATE, default=EMPTY),
    _row(ck.CKA_DERIVE_TEMPLATE, TEMPLATE, default=EMPTY),
)
_PRIVATE = (
    _text(ck.CKA_SUBJECT, 8),
    _flag(ck.CKA_SIGN_RECOVER, 8),
    _flag(ck.CKA_DECAPSULATE, 8),
    _flag(ck.CKA_ALWAYS_AUTHENTICATE),
    _row(ck.CKA_PUBLIC_KEY_INFO, BYTES, 4, 6),
    _row(ck.CKA_DECAPSULATE_TEMPLATE, TEMPLATE, default=EMPTY),
)
_SECRET = (
    _flag(ck.CKA_ENCRYPT, 8),
    _flag(ck.CKA_VERIFY, 8),
    _flag(ck.CKA_WRAP, 8),
    _flag(ck.CKA_TRUSTED, 10),
    _row(ck.CKA_CHECK_VALUE, BYTES),
    _row(ck.CKA_WRAP_TEMPLATE, TEMPLATE, default=EMPTY),
    _row(ck.CKA_VALUE, BYTES, 1, 4, 6, 7),
)
_LENGTH = (_row(ck.CKA_VALUE_LEN, ULONG, 2),)
_OTP = (
    _row(ck.CKA_OTP_FORMAT, ULONG, 8, default=ulong(ck.CK_OTP_FORMAT_DECIMAL)),
    _row(ck.CKA_OTP_LENGTH, ULONG, 8, default=ulong(6)),  # RFC 4226, 5.3: at least 6 digits
    _flag(ck.CKA_OTP_USER_FRIENDLY_MODE),
    *(
        _row(requirement, ULONG, default=ulong(value))
        for requirement, value in (
            (ck.CKA_OTP_CHALLENGE_REQUIREMENT, ck.CK_OTP_PARAM_IGNORED),
            (ck.CKA_OTP_TIME_REQUIREMENT, ck.CK_OTP_PARAM_IGNORED),
            (ck.CKA_OTP_COUNTER_REQUIREMENT, ck.CK_OTP_PARAM_OPTIONAL),
            (ck.CKA_OTP_PIN_REQUIREMENT, ck.CK_OTP_PARAM_IGNORED),
        )
    ),
    _text(ck.CKA_OTP_COUNTER),
    _text(ck.CKA_OTP_TIME),
    _text(ck.CKA_OTP_USER_IDENTIFIER),
    _text(ck.CKA_OTP_SERVICE_IDENTIFIER),
    _text(ck.CKA_OTP_SERVICE_LOGO),
    _text(ck.CKA_OTP_SERVICE_LOGO_TYPE),
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


def _numbers(kind: str, *names: int, notes: tuple[int, ...]) -> tuple[Attribute, ...]:
    return tuple(_row(name, kind, *notes) for name in names)


_DSA = (ck.CKA_PRIME, ck.CKA_SUBPRIME, ck.CKA_BASE)
_DH = (ck.CKA_PRIME, ck.CKA_BASE)
_Y = (_row(ck.CKA_VALUE, BIG, 1, 4),)
_X = (_row(ck.CKA_VALUE, BIG, 1, 4, 6, 7),)
_DSA_PUBLIC = (*_numbers(BIG, *_DSA, notes=(1, 3)), *_Y)  # of X9.42 Diffie-Hellman keys as well
_DSA_PRIVATE = (*_numbers(BIG, *_DSA, notes=(1, 4, 6)), *_X)
_DH_PUBLIC = (*_numbers(BIG, *_DH, notes=(1, 3)), *_Y)
_DH_PRIVATE = (
    *_numbers(BIG, *_DH, notes=(1, 4, 6)),
    *_X,
    _row(ck.CKA_VALUE_BITS, ULONG, 2, 6),
)
_DOMAIN = (
    _row(ck.CKA_KEY_TYPE, ULONG, 1),
    _flag(ck.CKA_LOCAL, 2, 4),
    _row(ck.CKA_PRIME_BITS, ULONG, 2, 3),
)
_DSA_DOMAIN = (
    *_numbers(BIG, *_DSA, notes=(1, 4)),
    _row(ck.CKA_SUBPRIME_BITS, ULONG, 2),
)
_DH_DOMAIN = _numbers(BIG, *_DH, notes=(1, 4))
_SET_PUBLIC = (  # ML-DSA, ML-KEM, SLH-DSA, XMSS, XMSS^MT
    _row(ck.CKA_PARAMETER_SET, ULONG, 1, 3),
    _row(ck.CKA_VALUE, BYTES, 1, 4),
)
_SET_PRIVATE = (
    _row(ck.CKA_PARAMETER_SET, ULONG, 1, 4, 6),
    _row(ck.CKA_VALUE, BYTES, 1, 4, 6, 7),
)
_SEED_PRIVATE = (
    _row(ck.CKA_PARAMETER_SET, ULONG, 1, 4, 6),
    _row(ck.CKA_SEED, BYTES, 4, 6, 7, 14),
    _row(ck.CKA_VALUE, BYTES, 4, 6, 7, 14),
)
_HSS_PUBLIC = (
    *_numbers(ULONG, ck.CKA_HSS_LEVELS, ck.CKA_HSS_LMS_TYPE, ck.CKA_HSS_LMOTS_TYPE, notes=(2, 4)),
    _row(ck.CKA_VALUE, BYTES, 1, 4),
)
_HSS_PRIVATE = (
    _row(ck.CKA_HSS_LEVELS, ULONG, 1, 3),
    *_numbers(ULONGS, ck.CKA_HSS_LMS_TYPES, ck.CKA_HSS_LMOTS_TYPES, notes=(1, 3)),
    _row(ck.CKA_VALUE, BYTES, 1, 4, 6, 7),
    _row(ck.CKA_HSS_KEYS_REMAINING, ULONG, 2, 4),
)

HMAC_TYPES: dict[int, int] = {
    ck.CKK_SHA_1_HMAC: ck.CKM_SHA_1_HMAC,
    ck.CKK_SHA224_HMAC: ck.CKM_SHA224_HMAC,
    ck.CKK_SHA256_HMAC: ck.CKM_SHA256_HMAC,
    ck.CKK_SHA384_HMAC: ck.CKM_SHA384_HMAC,
    ck.CKK_SHA512_HMAC: ck.CKM_SHA512_HMAC,
    ck.CKK_SHA512_224_HMAC: ck.CKM_SHA512_224_HMAC,
    ck.CKK_SHA512_256_HMAC: ck.CKM_SHA512_256_HMAC,
    ck.CKK_SHA3_224_HMAC: ck.CKM_SHA3_224_HMAC,
    ck.CKK_SHA3_256_HMAC: ck.CKM_SHA3_256_HMAC,
    ck.CKK_SHA3_384_HMAC: ck.CKM_SHA3_384_HMAC,
    ck.CKK_SHA3_512_HMAC: ck.CKM_SHA3_512_HMAC,
    ck.CKK_BLAKE2B_160_HMAC: ck.CKM_BLAKE2B_160_HMAC,
    ck.CKK_BLAKE2B_256_HMAC: ck.CKM_BLAKE2B_256_HMAC,
    ck.CKK_BLAKE2B_384_HMAC: ck.CKM_BLAKE2B_384_HMAC,
    ck.CKK_BLAKE2B_512_HMAC: ck.CKM_BLAKE2B_512_HMAC,
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


def _secret(*more: tuple[Attribute, ...], **defaults: bytes) -> Schema:
    return _schema(
        *(_STORAGE, _KEY, _SECURE, _SECRET, *more), PRIVATE=TRUE, EXTRACTABLE=TRUE, **defaults
    )


def _private(rows: tuple[Attribute, ...], **defaults: bytes) -> Schema:
    return _schema(
        *(_STORAGE, _KEY, _SECURE, _PRIVATE, rows), PRIVATE=TRUE, SENSITIVE=TRUE, **defaults
    )


def _public(rows: tuple[Attribute, ...], **defaults: bytes) -> Schema:
    return _schema(*(_STORAGE, _KEY, _PUBLIC, rows), **defaults)


def _made_by_token(*rows: Attribute) -> Schema:
    never = dict.fromkeys(("MODIFIABLE", "COPYABLE", "DESTROYABLE"), FALSE)
    return _schema(_STORAGE, rows, TOKEN=TRUE, **never)


_CIPHER: dict[str, bytes] = dict.fromkeys(("ENCRYPT", "DECRYPT", "WRAP", "UNWRAP"), TRUE)
_MAC: dict[str, bytes] = dict.fromkeys(("SIGN", "VERIFY"), TRUE)
_BLOCK_CIPHER = _secret(_LENGTH, **_CIPHER, **_MAC)
_DES = _secret(**_CIPHER, **_MAC)
_GENERIC = _secret(_LENGTH, **_MAC)
_PAIRS: dict[int, tuple[Schema, Schema]] = {
    ck.CKK_RSA: (
        _public(_RSA_PUBLIC, VERIFY=TRUE, VERIFY_RECOVER=TRUE, ENCRYPT=TRUE, WRAP=TRUE),
        _private(_RSA_PRIVATE, SIGN=TRUE, SIGN_RECOVER=TRUE, DECRYPT=TRUE, UNWRAP=TRUE),
    ),
    ck.CKK_EC: (_public(_EC_PUBLIC, VERIFY=TRUE), _private(_EC_PRIVATE, SIGN=TRUE)),
    ck.CKK_EC_EDWARDS: (_public(_EC_PUBLIC, VERIFY=TRUE), _private(_EC_PRIVATE, SIGN=TRUE)),
    ck.CKK_EC_MONTGOMERY: (_public(_EC_PUBLIC), _private(_EC_PRIVATE, DERIVE=TRUE)),
    ck.CKK_DSA: (_public(_DSA_PUBLIC, VERIFY=TRUE), _private(_DSA_PRIVATE, SIGN=TRUE)),
    ck.CKK_DH: (_public(_DH_PUBLIC), _private(_DH_PRIVATE, DERIVE=TRUE)),
    ck.CKK_X9_42_DH: (_public(_DSA_PUBLIC), _private(_DSA_PRIVATE, DERIVE=TRUE)),
    ck.CKK_ML_DSA: (_public(_SET_PUBLIC, VERIFY=TRUE), _private(_SEED_PRIVATE, SIGN=TRUE)),
    ck.CKK_SLH_DSA: (_public(_SET_PUBLIC, VERIFY=TRUE), _private(_SET_PRIVATE, SIGN=TRUE)),
    ck.CKK_ML_KEM: (
        _public(_SET_PUBLIC, ENCAPSULATE=TRUE),
        _private(_SEED_PRIVATE, DECAPSULATE=TRUE),
    ),
    ck.CKK_HSS: (
        _public(_HSS_PUBLIC, VERIFY=TRUE),
        _private(_HSS_PRIVATE, SIGN=TRUE, COPYABLE=FALSE),
    ),
    ck.CKK_XMSS: (
        _public(_SET_PUBLIC, VERIFY=TRUE),
        _private(_SET_PRIVATE, SIGN=TRUE, COPYABLE=FALSE),
    ),
    ck.CKK_XMSSMT: (
        _public(_SET_PUBLIC, VERIFY=TRUE),
        _private(_SET_PRIVATE, SIGN=TRUE, COPYABLE=FALSE),
    ),
}
"""Public and private key of one type. A key that serves derivation alone may derive by default."""

PAIR_TYPES = frozenset(_PAIRS)
"""The key types of key pairs."""

SCHEMAS: dict[tuple[int, int], Schema] = {
    (ck.CKO_DATA, 0): _schema(_STORAGE, _DATA),
    (ck.CKO_CERTIFICATE, ck.CKC_X_509): _schema(_STORAGE, _CERTIFICATE, _LOCATED, _X509),
    (ck.CKO_CERTIFICATE, ck.CKC_X_509_ATTR_CERT): _schema(_STORAGE, _CERTIFICATE, _X509_ATTRIBUTES),
    (ck.CKO_CERTIFICATE, ck.CKC_WTLS): _schema(_STORAGE, _CERTIFICATE, _LOCATED),
    (ck.CKO_TRUST, 0): _schema(_STORAGE, _TRUST),
    **{(ck.CKO_PUBLIC_KEY, type): public for type, (public, _) in _PAIRS.items()},
    **{(ck.CKO_PRIVATE_KEY, type): private for type, (_, private) in _PAIRS.items()},
    (ck.CKO_SECRET_KEY, ck.CKK_AES): _BLOCK_CIPHER,
    (ck.CKO_SECRET_KEY, ck.CKK_AES_XTS): _secret(_LENGTH, ENCRYPT=TRUE, DECRYPT=TRUE),
    (ck.CKO_SECRET_KEY, ck.CKK_DES): _DES,
    (ck.CKO_SECRET_KEY, ck.CKK_DES2): _DES,
    (ck.CKO_SECRET_KEY, ck.CKK_DES3): _DES,
    (ck.CKO_SECRET_KEY, ck.CKK_CHACHA20): _secret(**_CIPHER),
    (ck.CKO_SECRET_KEY, ck.CKK_POLY1305): _secret(**_MAC),
    (ck.CKO_SECRET_KEY, ck.CKK_HKDF): _secret(_LENGTH, DERIVE=TRUE),
    **{(ck.CKO_SECRET_KEY, type): _GENERIC for type in GENERIC_TYPES},
    (ck.CKO_OTP_KEY, ck.CKK_HOTP): _secret(_LENGTH, _OTP, **_MAC),
    (ck.CKO_DOMAIN_PARAMETERS, ck.CKK_DSA): _schema(_STORAGE, _DOMAIN, _DSA_DOMAIN),
    (ck.CKO_DOMAIN_PARAMETERS, ck.CKK_DH): _schema(_STORAGE, _DOMAIN, _DH_DOMAIN),
    (ck.CKO_DOMAIN_PARAMETERS, ck.CKK_X9_42_DH): _schema(_STORAGE, _DOMAIN, _DSA_DOMAIN),
    (ck.CKO_PROFILE, 0): _made_by_token(_row(ck.CKA_PROFILE_ID, ULONG, 1)),
    (ck.CKO_MECHANISM, 0): _made_by_token(_row(ck.CKA_MECHANISM_TYPE, ULONG, 1)),
    (ck.CKO_VALIDATION, 0): _made_by_token(
        _row(ck.CKA_VALIDATION_TYPE, ULONG, 1),
        _row(ck.CKA_VALIDATION_VERSION, BYTES, 1),
        _row(ck.CKA_VALIDATION_LEVEL, ULONG, 1),
        _row(ck.CKA_VALIDATION_MODULE_ID, BYTES, 1),
        _row(ck.CKA_VALIDATION_FLAG, ULONG, 1),
        _row(ck.CKA_VALIDATION_AUTHORITY_TYPE, ULONG, 1),
        *(
            _text(optional)
            for optional in range(ck.CKA_VALIDATION_COUNTRY, ck.CKA_VALIDATION_PROFILE + 1)
        ),
    ),
}
"""(CKA_CLASS, CKA_KEY_TYPE or CKA_CERTIFICATE_TYPE) -> its attributes."""

SECRET_BYTES: dict[int, tuple[int, ...]] = {
    ck.CKK_AES: (16, 24, 32),
    ck.CKK_AES_XTS: (32, 64),
    ck.CKK_DES: (8,),
    ck.CKK_DES2: (16,),
    ck.CKK_DES3: (24,),
    ck.CKK_CHACHA20: (32,),
    ck.CKK_POLY1305: (32,),
}
"""Bytes that a secret key of a type may have; any other type: as many as the card takes. Types of
one length have no CKA_VALUE_LEN, but for those two that have several.
"""

TOKEN_CLASSES = frozenset((ck.CKO_PROFILE, ck.CKO_MECHANISM, ck.CKO_VALIDATION))
"""Objects the token makes; nobody creates, changes, copies or destroys them."""

SECRET_CLASSES = frozenset((ck.CKO_SECRET_KEY, ck.CKO_OTP_KEY))
"""Objects that are secret keys; to the card both are CKO_SECRET_KEY."""

SECURE_CLASSES = SECRET_CLASSES | {ck.CKO_PRIVATE_KEY}
"""Objects whose value the card keeps."""

LATER = frozenset(
    (
        ck.CKA_OBJECT_VALIDATION_FLAGS,
        ck.CKA_ENCAPSULATE,
        ck.CKA_DECAPSULATE,
        *(ck.CKA_WRAP_TEMPLATE, ck.CKA_UNWRAP_TEMPLATE, ck.CKA_DERIVE_TEMPLATE),
        *(ck.CKA_ENCAPSULATE_TEMPLATE, ck.CKA_DECAPSULATE_TEMPLATE),
    )
)
"""Attributes that came after 0.1.0: an object that was stored before has their defaults."""

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
    ck.CKO_OTP_KEY: ck.CKA_KEY_TYPE,
    ck.CKO_DOMAIN_PARAMETERS: ck.CKA_KEY_TYPE,
    ck.CKO_TRUST: None,
    ck.CKO_PROFILE: None,
    ck.CKO_MECHANISM: None,
    ck.CKO_VALIDATION: None,
}


def _kinds() -> dict[int, str]:
    """Of an attribute with several kinds (CKA_VALUE) the one that takes any value."""
    kinds: dict[int, str] = {}
    for schema in SCHEMAS.values():
        for row in schema.values():
            same = kinds.setdefault(row.type, row.kind) == row.kind
            kinds[row.type] = row.kind if same else BYTES
    return kinds


KNOWN = _kinds()
"""Every attribute type the table has, and the kind of its value."""

NESTED = frozenset(type for type, kind in KNOWN.items() if kind == TEMPLATE)
"""Attributes that are templates."""


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
