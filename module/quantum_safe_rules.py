"""The rows of ML-KEM, ML-DSA and SLH-DSA in the table of mechanisms."""

from ghostcard import pkcs11 as ck
from ghostcard.module.object import Object
from ghostcard.module.quantum_safe_keys import set_of
from ghostcard.module.rule import Length, Mechanism, expect, fixed, number_at

_MAX_CONTEXT = 255
_HEDGES = (ck.CKH_HEDGE_PREFERRED, ck.CKH_HEDGE_REQUIRED)


def _output(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    assert key is not None
    return fixed(set_of(key.attributes).output)


def _signed(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    if len(mechanism) > 4:
        _check_context(mechanism, 1)
    return _output(key, mechanism, encrypts)


def _given_hash(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    _check_context(mechanism, 2)
    expect(number_at(mechanism, 1) in _GIVEN)
    return _output(key, mechanism, encrypts)


def _check_context(mechanism: bytes, numbers: int) -> None:
    expect(number_at(mechanism, 0) in _HEDGES)
    expect(4 <= len(mechanism) - 4 * numbers <= 4 + _MAX_CONTEXT)


_GIVEN = frozenset(
    (
        *(ck.CKM_SHA224, ck.CKM_SHA256, ck.CKM_SHA384, ck.CKM_SHA512),
        *(ck.CKM_SHA512_224, ck.CKM_SHA512_256),
        *(ck.CKM_SHA3_224, ck.CKM_SHA3_256, ck.CKM_SHA3_384, ck.CKM_SHA3_512),
    )
)
"""Hashes that a caller may have made for CKM_HASH_ML_DSA."""

_HASHES = (
    *("SHA224", "SHA256", "SHA384", "SHA512"),
    *("SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512", "SHAKE128", "SHAKE256"),
)
_KEM = frozenset((ck.CKK_ML_KEM,))
_NONE = range(1)
_ANY = range(1 << 12)


def _signatures(name: str, key_type: int) -> dict[int, Mechanism]:
    key_types = frozenset((key_type,))
    keygen: int = getattr(ck, f"CKM_{name}_KEY_PAIR_GEN")
    names = (f"CKM_{name}", *(f"CKM_HASH_{name}_{hash}" for hash in _HASHES))
    signing = Mechanism(key_types, _ANY, _signed)
    rows: dict[int, Mechanism] = {getattr(ck, each): signing for each in names}
    return {keygen: Mechanism(key_types, _NONE, _output), **rows}


ROWS: dict[int, Mechanism] = {
    ck.CKM_ML_KEM_KEY_PAIR_GEN: Mechanism(_KEM, _NONE, _output),
    ck.CKM_ML_KEM: Mechanism(_KEM, _NONE, _output),
    **_signatures("ML_DSA", ck.CKK_ML_DSA),
    ck.CKM_HASH_ML_DSA: Mechanism(frozenset((ck.CKK_ML_DSA,)), _ANY, _given_hash),
    **_signatures("SLH_DSA", ck.CKK_SLH_DSA),
}
"""Mechanism -> its row."""
