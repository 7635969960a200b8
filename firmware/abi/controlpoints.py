"""Control points of a domain, 16 bytes: bit n, counted from the left, allows n (AP sheet 7.6)."""

from collections.abc import Iterable
from enum import IntEnum

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError

SIZE = 16


class ControlPoint(IntEnum):
    """What a control point allows."""

    ADD_CPBS = 0
    DELETE_CPBS = 1
    SIGN_ASYMM = 2
    SIGN_SYMM = 3
    SIGVERIFY_SYMM = 4
    ENCRYPT_SYMM = 5
    DECRYPT_ASYMM = 6
    DECRYPT_SYMM = 7
    WRAP_ASYMM = 8
    WRAP_SYMM = 9
    UNWRAP_ASYMM = 10
    UNWRAP_SYMM = 11
    KEYGEN_ASYMM = 12
    KEYGEN_SYMM = 13
    RETAINKEYS = 14
    SKIP_KEYTESTS = 15
    NON_ATTRBOUND = 16
    MODIFY_OBJECTS = 17
    RNG_SEED = 18
    ALG_RAW_RSA = 19
    ALG_NFIPS2009 = 20
    ALG_NBSI2009 = 21
    KEYSZ_HMAC_ANY = 22
    KEYSZ_BELOW80BIT = 23
    KEYSZ_80BIT = 24
    KEYSZ_112BIT = 25
    KEYSZ_128BIT = 26
    KEYSZ_192BIT = 27
    KEYSZ_256BIT = 28
    KEYSZ_RSA65536 = 29
    ALG_RSA = 30
    ALG_DSA = 31
    ALG_EC = 32
    ALG_EC_BPOOLCRV = 33
    ALG_EC_NISTCRV = 34
    ALG_NFIPS2011 = 35
    ALG_NBSI2011 = 36
    USER_SET_TRUSTED = 37
    ALG_SKIP_CROSSCHK = 38
    WRAP_CRYPT_KEYS = 39
    SIGN_CRYPT_KEYS = 40
    WRAP_SIGN_KEYS = 41
    USER_SET_ATTRBOUND = 42
    ALLOW_PASSPHRASE = 43
    WRAP_STRONGER_KEY = 44
    WRAP_WITH_RAW_SPKI = 45
    ALG_DH = 46
    DERIVE = 47
    ALLOW_NONSESSION = 48
    ALG_EC_25519 = 55
    ALG_EC_SECGCRV = 60
    ALG_NBSI2017 = 61
    CPACF_PK = 64
    ALG_PQC = 65
    BTC = 66
    ECDSA_OTHER = 67
    ALG_NFIPS2021 = 68
    ALG_NFIPS2024 = 69
    COMPAT_LEGACY_SHA3 = 70
    DSA_PARAMETER_GEN = 71
    DERIVE_NON_AB_KEYS = 72
    ALLOW_LOGIN_PRE_F2021 = 73
    ALG_RSA_OAEP = 74
    ALLOW_COMBINED_EXTRACT = 75
    ALG_EC_PAIRING_FRIENDLY = 76
    ALG_DILITHIUM = 77
    ALG_KYBER = 78
    ALG_ML_DSA = 79
    ALG_ML_KEM = 80


HIGHEST = max(ControlPoint)

NEVER = frozenset((ControlPoint.SKIP_KEYTESTS, ControlPoint.ALG_NBSI2009))
"""Cannot be allowed. The sheet names three more, without which raw RSA, short keys and HMAC keys of
any size would be out of reach: those are the administrator's to forbid."""

_FIPS2011 = (35, 24, 29)
_FIPS2021 = (*_FIPS2011, 68, 55, 65, 66, 67, 48, 60, 33, 70, 71, 8, 10, 73, 74)
PROHIBITED: dict[str, frozenset[int]] = {
    "fips2009": frozenset(),
    "fips2011": frozenset(_FIPS2011),
    "bsi2009": frozenset((21, 16)),
    "bsi2011": frozenset((36, 16, 24)),
    "bsicc2017": frozenset((16, 18, 29, *range(37, 46))),
    "fips2021": frozenset(_FIPS2021),
    "fips2024": frozenset((*_FIPS2021, 69)),
}
"""Compliance preset -> the control points it prohibits."""


def pack(allowed: Iterable[int]) -> bytes:
    """The 16 bytes in which these control points are set."""
    value = 0
    for point in allowed:
        value |= 1 << (8 * SIZE - 1 - point)
    return value.to_bytes(SIZE, "big")


def unpack(points: bytes) -> frozenset[int]:
    """The control points that are set, known to us or not; WireError for another length."""
    if len(points) != SIZE:
        raise WireError(ReplyCode.MALFORMED_MSG, f"control points: {len(points)} bytes, not {SIZE}")
    value = int.from_bytes(points, "big")
    return frozenset(n for n in range(8 * SIZE) if value >> (8 * SIZE - 1 - n) & 1)


def preset(name: str) -> bytes:
    """What a compliance preset allows; KeyError for a name that is none."""
    return pack(set(ControlPoint) - NEVER - PROHIBITED[name])


USUAL = preset("fips2009")
"""Of a domain nobody has changed: all that can be allowed."""
