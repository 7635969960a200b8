"""The rows of the hashes, their HMACs and the keys of these."""

from ghostcard import pkcs11 as ck
from ghostcard.module.attributes import GENERIC_TYPES, HMAC_TYPES
from ghostcard.module.rule import NONE, ONE_NUMBER, Mechanism, always, cut, same

NO_KEY: frozenset[int] = frozenset()

HASH_BYTES: dict[int, int] = {
    ck.CKM_SHA_1: 20,
    ck.CKM_SHA224: 28,
    ck.CKM_SHA256: 32,
    ck.CKM_SHA384: 48,
    ck.CKM_SHA512: 64,
    ck.CKM_SHA512_224: 28,
    ck.CKM_SHA512_256: 32,
    ck.CKM_SHA3_224: 28,
    ck.CKM_SHA3_256: 32,
    ck.CKM_SHA3_384: 48,
    ck.CKM_SHA3_512: 64,
    ck.CKM_BLAKE2B_160: 20,
    ck.CKM_BLAKE2B_256: 32,
    ck.CKM_BLAKE2B_384: 48,
    ck.CKM_BLAKE2B_512: 64,
}
_HMACS = {mechanism + 1: size for mechanism, size in HASH_BYTES.items()}  # CKM_*_HMAC follows CKM_*
_KEY_GENS: dict[int, int] = {
    ck.CKM_SHA_1_KEY_GEN: ck.CKK_SHA_1_HMAC,
    ck.CKM_SHA224_KEY_GEN: ck.CKK_SHA224_HMAC,
    ck.CKM_SHA256_KEY_GEN: ck.CKK_SHA256_HMAC,
    ck.CKM_SHA384_KEY_GEN: ck.CKK_SHA384_HMAC,
    ck.CKM_SHA512_KEY_GEN: ck.CKK_SHA512_HMAC,
    ck.CKM_SHA512_224_KEY_GEN: ck.CKK_SHA512_224_HMAC,
    ck.CKM_SHA512_256_KEY_GEN: ck.CKK_SHA512_256_HMAC,
    ck.CKM_SHA3_224_KEY_GEN: ck.CKK_SHA3_224_HMAC,
    ck.CKM_SHA3_256_KEY_GEN: ck.CKK_SHA3_256_HMAC,
    ck.CKM_SHA3_384_KEY_GEN: ck.CKK_SHA3_384_HMAC,
    ck.CKM_SHA3_512_KEY_GEN: ck.CKK_SHA3_512_HMAC,
    ck.CKM_BLAKE2B_160_KEY_GEN: ck.CKK_BLAKE2B_160_HMAC,
    ck.CKM_BLAKE2B_256_KEY_GEN: ck.CKK_BLAKE2B_256_HMAC,
    ck.CKM_BLAKE2B_384_KEY_GEN: ck.CKK_BLAKE2B_384_HMAC,
    ck.CKM_BLAKE2B_512_KEY_GEN: ck.CKK_BLAKE2B_512_HMAC,
}


def _hmac_keys(mechanism: int) -> frozenset[int]:
    """Generic secrets and the keys made for this HMAC."""
    own = {type for type, made_for in HMAC_TYPES.items() if made_for == mechanism}
    return frozenset({ck.CKK_GENERIC_SECRET} | own)


HASHES: dict[int, Mechanism] = {
    ck.CKM_GENERIC_SECRET_KEY_GEN: Mechanism(GENERIC_TYPES, NONE, same),
    **{number: Mechanism(NO_KEY, NONE, always(size)) for number, size in HASH_BYTES.items()},
    **{
        number: Mechanism(frozenset((key_type,)), NONE, same)
        for number, key_type in _KEY_GENS.items()
    },
    **{
        number: Mechanism(_hmac_keys(number), NONE, always(size)) for number, size in _HMACS.items()
    },
    **{
        number + 1: Mechanism(_hmac_keys(number), ONE_NUMBER, cut(size))
        for number, size in _HMACS.items()  # CKM_*_HMAC_GENERAL follows CKM_*_HMAC
    },
}
"""Mechanism -> its row."""
