"""Key derivation functions of the key agreements: CKD_* (PKCS #11 3.2, 6.3.17, table of KDFs).

Two constructions over any hash: that of ANSI X9.63 (SEC 1, 3.6.1), which counts behind the secret,
and the one-step function of SP 800-56C, 4.1, which counts before it.
"""

from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, opener
from ghostcard.firmware.mechanisms.refusal import Refused

MAX_DERIVED = 2048  # bytes; the largest secret key


def x963(which: Hash, secret: bytes, shared: bytes, size: int) -> bytes:
    """The key derivation function of ANSI X9.63."""
    return _rounds(which, lambda counter: secret + counter + shared, size)


def one_step(which: Hash, secret: bytes, shared: bytes, size: int) -> bytes:
    """The concatenation KDF of SP 800-56A, now the one-step KDF of SP 800-56C."""
    return _rounds(which, lambda counter: counter + secret + shared, size)


def _rounds(which: Hash, block: Callable[[bytes], bytes], size: int) -> bytes:
    start = opener(which)
    rounds = range(1, -(-size // which.size) + 1)
    return b"".join(start(block(counter.to_bytes(4, "big"))).digest() for counter in rounds)[:size]


_SP800 = {
    ck.CKM_SHA_1: ck.CKD_SHA1_KDF_SP800,
    ck.CKM_SHA224: ck.CKD_SHA224_KDF_SP800,
    ck.CKM_SHA256: ck.CKD_SHA256_KDF_SP800,
    ck.CKM_SHA384: ck.CKD_SHA384_KDF_SP800,
    ck.CKM_SHA512: ck.CKD_SHA512_KDF_SP800,
    ck.CKM_SHA3_224: ck.CKD_SHA3_224_KDF_SP800,
    ck.CKM_SHA3_256: ck.CKD_SHA3_256_KDF_SP800,
    ck.CKM_SHA3_384: ck.CKD_SHA3_384_KDF_SP800,
    ck.CKM_SHA3_512: ck.CKD_SHA3_512_KDF_SP800,
}
_KDFS = {
    **{each.kdf: (each, x963) for each in HASHES if each.kdf is not None},
    **{_SP800[each.digest]: (each, one_step) for each in HASHES if each.digest in _SP800},
}


def derived_bytes(kdf: int, shared: bytes, whole: int, key_bytes: int | None) -> int:
    """Size of a derived key; `whole` is that of the secret. Refused if the numbers do not fit.

    Without a KDF the secret is cut, and with one the natural size is that of its hash.
    """
    most = whole
    if kdf == ck.CKD_NULL:
        if shared:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    else:
        whole, most = _found(kdf)[0].size, MAX_DERIVED
    wanted = whole if key_bytes is None else key_bytes
    if not 0 < wanted <= most:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    return wanted


def derive(kdf: int, secret: bytes, shared: bytes, size: int) -> bytes:
    """The secret, cut from its leading end (PKCS #11 3.2, 6.3.17); or what a KDF makes of it."""
    if kdf == ck.CKD_NULL:
        return secret[-size:]
    which, function = _found(kdf)
    return function(which, secret, shared, size)


def _found(kdf: int) -> tuple[Hash, Callable[[Hash, bytes, bytes, int], bytes]]:
    found = _KDFS.get(kdf)
    if found is None:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    return found
