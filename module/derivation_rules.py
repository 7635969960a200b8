"""The rows of derivations from secret keys, of PBKDF2, HOTP, and the MAC of TLS 1.2."""

from ghostcard import pkcs11 as ck
from ghostcard.module.attributes import GENERIC_TYPES, SECRET_BYTES
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object
from ghostcard.module.rule import (
    BYTES,
    NONE,
    ONE_NUMBER,
    Length,
    Mechanism,
    expect,
    fixed,
    number_at,
    same,
)

_SECRETS = GENERIC_TYPES | frozenset(SECRET_BYTES) | {ck.CKK_HKDF}
_GENERIC = frozenset((ck.CKK_GENERIC_SECRET,))
_HASHES = ("SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA512_224", "SHA512_256")
_HASHES_3 = ("SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512", "SHAKE_128", "SHAKE_256")
_BLAKE2B = tuple(f"BLAKE2B_{bits}" for bits in (160, 256, 384, 512))
_LEAST_MAC, _MOST_MAC = 12, 48  # bytes; RFC 5246, 7.4.9


def _finished(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    size, side = number_at(mechanism, 1), number_at(mechanism, 2)
    expect(_LEAST_MAC <= size <= _MOST_MAC and side in (1, 2))
    return fixed(size)


def _password(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    """Of passwords `otp.py` knows; no other function has them."""
    raise CryptokiError(ck.CKR_MECHANISM_INVALID)


def _rows(mechanisms: tuple[int, ...], row: Mechanism) -> dict[int, Mechanism]:
    return dict.fromkeys(mechanisms, row)


def _data(*key_types: int) -> Mechanism:
    return Mechanism(frozenset(key_types) or _SECRETS, BYTES, same)


_OF_HASHES: tuple[int, ...] = (
    *(getattr(ck, f"CKM_{name}_KEY_DERIVATION") for name in (*_HASHES, *_HASHES_3)),
    *(getattr(ck, f"CKM_{name}_KEY_DERIVE") for name in _BLAKE2B),
)

TLS_KEYS = frozenset((ck.CKM_TLS12_KEY_AND_MAC_DERIVE, ck.CKM_TLS12_KEY_SAFE_DERIVE))
"""They make the keys of a connection, four at most."""

KEEPS_SECRECY = frozenset(
    (
        *(ck.CKM_CONCATENATE_BASE_AND_KEY, ck.CKM_CONCATENATE_BASE_AND_DATA),
        *(ck.CKM_CONCATENATE_DATA_AND_BASE, ck.CKM_XOR_BASE_AND_DATA),
        ck.CKM_EXTRACT_KEY_FROM_KEY,
        *(ck.CKM_AES_ECB_ENCRYPT_DATA, ck.CKM_AES_CBC_ENCRYPT_DATA),
        *(ck.CKM_DES_ECB_ENCRYPT_DATA, ck.CKM_DES_CBC_ENCRYPT_DATA),
        *(ck.CKM_DES3_ECB_ENCRYPT_DATA, ck.CKM_DES3_CBC_ENCRYPT_DATA),
    )
)
"""Their keys are sensitive if a base is, and extractable only if all are."""

ROWS: dict[int, Mechanism] = {
    **_rows(_OF_HASHES, Mechanism(_SECRETS, NONE, same)),
    **_rows(
        (
            *(ck.CKM_CONCATENATE_BASE_AND_DATA, ck.CKM_CONCATENATE_DATA_AND_BASE),
            *(ck.CKM_XOR_BASE_AND_DATA, ck.CKM_HKDF_DERIVE, ck.CKM_HKDF_DATA),
            *(ck.CKM_SP800_108_COUNTER_KDF, ck.CKM_SP800_108_FEEDBACK_KDF),
            ck.CKM_SP800_108_DOUBLE_PIPELINE_KDF,
        ),
        _data(),
    ),
    ck.CKM_CONCATENATE_BASE_AND_KEY: Mechanism(_SECRETS, range(8, 9), same),
    ck.CKM_EXTRACT_KEY_FROM_KEY: Mechanism(_SECRETS, ONE_NUMBER, same),
    **_rows((ck.CKM_AES_ECB_ENCRYPT_DATA, ck.CKM_AES_CBC_ENCRYPT_DATA), _data(ck.CKK_AES)),
    **_rows((ck.CKM_DES_ECB_ENCRYPT_DATA, ck.CKM_DES_CBC_ENCRYPT_DATA), _data(ck.CKK_DES)),
    **_rows(
        (ck.CKM_DES3_ECB_ENCRYPT_DATA, ck.CKM_DES3_CBC_ENCRYPT_DATA),
        _data(ck.CKK_DES2, ck.CKK_DES3),
    ),
    **_rows(
        (
            *(ck.CKM_TLS12_MASTER_KEY_DERIVE, ck.CKM_TLS12_MASTER_KEY_DERIVE_DH),
            *(
                ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE,
                ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH,
            ),
            *(ck.CKM_TLS12_KDF, ck.CKM_TLS_KDF, *TLS_KEYS),
        ),
        Mechanism(_GENERIC, BYTES, same),
    ),
    **_rows((ck.CKM_TLS12_MAC, ck.CKM_TLS_MAC), Mechanism(_GENERIC, range(12, 13), _finished)),
    ck.CKM_HOTP_KEY_GEN: Mechanism(frozenset((ck.CKK_HOTP,)), NONE, same),
    ck.CKM_HOTP: Mechanism(frozenset((ck.CKK_HOTP,)), BYTES, _password),
    ck.CKM_HKDF_KEY_GEN: Mechanism(frozenset((ck.CKK_HKDF,)), NONE, same),
    ck.CKM_PKCS5_PBKD2: Mechanism(_SECRETS, BYTES, same),
}
"""Mechanism -> its row."""
