"""What the host must know of a mechanism: its keys, its parameters, the length of its result.

Which of these a slot really has, and for what, the card says (GetMechanismList, GetMechanismInfo).
"""

from collections.abc import Callable
from functools import lru_cache

from ghostcard import pkcs11 as ck
from ghostcard.module import quantum_safe
from ghostcard.module.attributes import GENERIC_TYPES, HMAC_TYPES
from ghostcard.module.curves import curve_of
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object
from ghostcard.module.rule import ID_BYTES, Length, Mechanism, expect, fixed, number_at

AES_BLOCK = 16

RSA = frozenset((ck.CKK_RSA,))
EC = frozenset((ck.CKK_EC,))
EDWARDS = frozenset((ck.CKK_EC_EDWARDS,))
AES = frozenset((ck.CKK_AES,))
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


TAG_BITS = frozenset((32, 64, 96, 104, 112, 120, 128))
"""Of a tag of AES-GCM: NIST SP 800-38D, 5.2.1.2."""

_GCM_IV = range(8, 129)  # bytes of an IV of AES-GCM that the cards take
_RSA_HASHES = frozenset((ck.CKM_SHA_1, ck.CKM_SHA224, ck.CKM_SHA256, ck.CKM_SHA384, ck.CKM_SHA512))
_MASKS = frozenset(
    (
        ck.CKG_MGF1_SHA1,
        ck.CKG_MGF1_SHA224,
        ck.CKG_MGF1_SHA256,
        ck.CKG_MGF1_SHA384,
        ck.CKG_MGF1_SHA512,
    )
)


def rule_of(mechanism: bytes) -> Mechanism:
    """The row for the mechanism; CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID by length."""
    rule = TABLE.get(mechanism_id(mechanism))
    if rule is None or len(mechanism) < ID_BYTES:
        raise CryptokiError(ck.CKR_MECHANISM_INVALID)
    if len(mechanism) - ID_BYTES not in rule.parameters:
        raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
    return rule


def mechanism_id(mechanism: bytes) -> int:
    """The CK_MECHANISM_TYPE."""
    return int.from_bytes(mechanism[:ID_BYTES], "big")


def key_bytes(key: Object) -> int:
    """Length of an RSA modulus."""
    return len(key.attributes[ck.CKA_MODULUS])


def _whole_blocks(size: int) -> int:
    return size - size % AES_BLOCK


def _same(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    return Length(lambda size: size, lambda size: size, lambda size: size)


def _blocks(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    return Length(lambda size: size, _whole_blocks, lambda _: 0)


def _padded(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    if encrypts:
        return Length(_next_block, _whole_blocks, _next_block)
    return Length(lambda size: size, _without_last_block, lambda size: size, is_exact=False)


def _without_last_block(size: int) -> int:
    """What can be given out while the last block seen may be the one with the padding."""
    return _whole_blocks(max(0, size - 1))


def _next_block(size: int) -> int:
    return _whole_blocks(size) + AES_BLOCK


def _tagged(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    return _tagged_by(number_at(mechanism, 0), number_at(mechanism, 1), encrypts)


@lru_cache(maxsize=64)
def _tagged_by(bits: int, iv: int, encrypts: bool) -> Length:
    expect(bits in TAG_BITS and iv in _GCM_IV)
    tag = bits // 8
    if encrypts:
        return Length(lambda size: size + tag, lambda size: size, lambda size: size + tag)
    # nothing of the plaintext is given out before the tag has been checked
    return Length(lambda size: max(0, size - tag), lambda _: 0, lambda size: max(0, size - tag))


def _modulus(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    assert key is not None
    return fixed(key_bytes(key))._replace(is_exact=encrypts)


def _curve(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    assert key is not None
    return fixed(curve_of(key.attributes[ck.CKA_EC_PARAMS], key.key_type).signature_size)


def _counted(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    expect(0 < number_at(mechanism, 0) <= 8 * AES_BLOCK)
    return _same(key, mechanism, encrypts)


def _salted(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    assert key is not None
    hashed, mask, salt = (number_at(mechanism, place) for place in range(3))
    expect(hashed in _RSA_HASHES and mask in _MASKS)
    expect(HASH_BYTES[hashed] + salt + 2 <= key_bytes(key))  # RFC 8017, 9.1.1
    return _modulus(key, mechanism, encrypts)


def _labelled(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    hashed, mask, source = (number_at(mechanism, place) for place in range(3))
    expect(hashed in _RSA_HASHES and mask in _MASKS)
    has_label = len(mechanism) > ID_BYTES + 12
    expect(source == ck.CKZ_DATA_SPECIFIED or (source == 0 and not has_label))
    return _modulus(key, mechanism, encrypts)


def _cut(size: int) -> Callable[[Object | None, bytes, bool], Length]:
    def length(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
        wanted = number_at(mechanism, 0)
        expect(0 < wanted <= size)
        return fixed(wanted)

    return length


def _digest(size: int) -> Callable[[Object | None, bytes, bool], Length]:
    length = fixed(size)
    return lambda key, mechanism, encrypts: length


_NONE = range(1)
_ONE_NUMBER = range(4, 5)
_IV = range(AES_BLOCK, AES_BLOCK + 1)
_CTR = range(20, 21)
_GCM = range(8, 1 << 16)
_PSS = range(12, 13)
_OAEP = range(12, 1 << 12)
_CONTEXT = range(0, 4 + 256)
_ECDH = range(8, 1 << 12)
_BYTES = range(0, 1 << 16)


def _hashed(names: str, row: Mechanism) -> dict[int, Mechanism]:
    """The same row for the mechanism of every SHA: `names` with the hash in the place of {}."""
    hashes = ("SHA1", "SHA224", "SHA256", "SHA384", "SHA512")
    return {getattr(ck, "CKM_" + names.format(name)): row for name in hashes}


def _hmac_keys(mechanism: int) -> frozenset[int]:
    """Generic secrets and the keys made for this HMAC."""
    own = {type for type, made_for in HMAC_TYPES.items() if made_for == mechanism}
    return frozenset({ck.CKK_GENERIC_SECRET} | own)


_HMACS = {mechanism + 1: size for mechanism, size in HASH_BYTES.items()}  # CKM_*_HMAC follows CKM_*
_HMAC_KEY_GENS: dict[int, int] = {
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

TABLE: dict[int, Mechanism] = {
    **quantum_safe.ROWS,
    ck.CKM_RSA_PKCS_KEY_PAIR_GEN: Mechanism(RSA, _NONE, _same),
    ck.CKM_RSA_PKCS: Mechanism(RSA, _NONE, _modulus),
    ck.CKM_RSA_X_509: Mechanism(RSA, _NONE, _modulus),
    ck.CKM_RSA_PKCS_PSS: Mechanism(RSA, _PSS, _salted),
    ck.CKM_RSA_PKCS_OAEP: Mechanism(RSA, _OAEP, _labelled),
    **_hashed("{}_RSA_PKCS", Mechanism(RSA, _NONE, _modulus)),
    **_hashed("{}_RSA_PKCS_PSS", Mechanism(RSA, _PSS, _salted)),
    ck.CKM_EC_KEY_PAIR_GEN: Mechanism(EC, _NONE, _same),
    ck.CKM_ECDSA: Mechanism(EC, _NONE, _curve),
    **_hashed("ECDSA_{}", Mechanism(EC, _NONE, _curve)),
    ck.CKM_ECDH1_DERIVE: Mechanism(EC, _ECDH, _same),
    ck.CKM_EC_EDWARDS_KEY_PAIR_GEN: Mechanism(EDWARDS, _NONE, _same),
    ck.CKM_EDDSA: Mechanism(EDWARDS, _CONTEXT, _curve),
    ck.CKM_AES_KEY_GEN: Mechanism(AES, _NONE, _same),
    ck.CKM_AES_ECB: Mechanism(AES, _NONE, _blocks),
    ck.CKM_AES_CBC: Mechanism(AES, _IV, _blocks),
    ck.CKM_AES_CBC_PAD: Mechanism(AES, _IV, _padded),
    ck.CKM_AES_CTR: Mechanism(AES, _CTR, _counted),
    ck.CKM_AES_GCM: Mechanism(AES, _GCM, _tagged),
    ck.CKM_AES_KEY_WRAP: Mechanism(AES, _BYTES, _same),
    ck.CKM_AES_KEY_WRAP_PAD: Mechanism(AES, _BYTES, _same),
    ck.CKM_AES_KEY_WRAP_KWP: Mechanism(AES, _BYTES, _same),
    ck.CKM_GENERIC_SECRET_KEY_GEN: Mechanism(GENERIC_TYPES, _NONE, _same),
    **{
        mechanism: Mechanism(NO_KEY, _NONE, _digest(size)) for mechanism, size in HASH_BYTES.items()
    },
    **{
        mechanism: Mechanism(_hmac_keys(mechanism), _NONE, _digest(size))
        for mechanism, size in _HMACS.items()
    },
    **{
        mechanism: Mechanism(frozenset((key_type,)), _NONE, _same)
        for mechanism, key_type in _HMAC_KEY_GENS.items()
    },
    **{
        mechanism + 1: Mechanism(_hmac_keys(mechanism), _ONE_NUMBER, _cut(size))
        for mechanism, size in _HMACS.items()  # CKM_*_HMAC_GENERAL follows CKM_*_HMAC
    },
}
"""Mechanism -> its row; what is not here is not offered, whatever the card can do."""
