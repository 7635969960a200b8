"""The rows of RSA in the table of mechanisms."""

from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.module.hash_rules import HASH_BYTES
from ghostcard.module.object import Object
from ghostcard.module.rule import (
    ID_BYTES,
    NONE,
    Length,
    Measure,
    Mechanism,
    expect,
    fixed,
    number_at,
    same,
)

RSA = frozenset((ck.CKK_RSA,))
_PARAMETER_HASHES = frozenset(
    (
        *(ck.CKM_SHA_1, ck.CKM_SHA224, ck.CKM_SHA256, ck.CKM_SHA384, ck.CKM_SHA512),
        *(ck.CKM_SHA512_224, ck.CKM_SHA512_256),
        *(ck.CKM_SHA3_224, ck.CKM_SHA3_256, ck.CKM_SHA3_384, ck.CKM_SHA3_512),
    )
)
_MASKS = range(ck.CKG_MGF1_SHA1, ck.CKG_MGF1_SHA3_512 + 1)


def key_bytes(key: Object) -> int:
    """Length of an RSA modulus."""
    return len(key.attributes[ck.CKA_MODULUS])


def _modulus(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    assert key is not None
    return fixed(key_bytes(key))._replace(is_exact=encrypts)


def _salted(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    assert key is not None
    hashed, mask, salt = (number_at(mechanism, place) for place in range(3))
    expect(hashed in _PARAMETER_HASHES and mask in _MASKS)
    bits = int.from_bytes(key.attributes[ck.CKA_MODULUS], "big").bit_length()
    expect(HASH_BYTES[hashed] + salt + 2 <= (bits - 1 + 7) // 8)  # RFC 8017, 9.1.1
    return _modulus(key, mechanism, encrypts)


def _salted_of(digest: int) -> Measure:
    """Of a mechanism that hashes: the parameters name the same hash (PKCS #11 3.2, 6.1.11)."""

    def salted(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
        expect(number_at(mechanism, 0) == digest)
        return _salted(key, mechanism, encrypts)

    return salted


def _labelled(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    hashed, mask, source = (number_at(mechanism, place) for place in range(3))
    expect(hashed in _PARAMETER_HASHES and mask in _MASKS)
    has_label = len(mechanism) > ID_BYTES + 12
    expect(source == ck.CKZ_DATA_SPECIFIED or (source == 0 and not has_label))
    return _modulus(key, mechanism, encrypts)


_PSS = range(12, 13)
_OAEP = range(12, 1 << 12)
_RSA_AES = range(16, 1 << 12)


_HASHES = {
    **{"SHA1": ck.CKM_SHA_1, "SHA224": ck.CKM_SHA224, "SHA256": ck.CKM_SHA256},
    **{"SHA384": ck.CKM_SHA384, "SHA512": ck.CKM_SHA512},
    **{"SHA3_224": ck.CKM_SHA3_224, "SHA3_256": ck.CKM_SHA3_256},
    **{"SHA3_384": ck.CKM_SHA3_384, "SHA3_512": ck.CKM_SHA3_512},
}
"""How mechanisms that hash call it, and the hash itself."""


def _of_hashes(names: str, row: Callable[[int], Mechanism]) -> dict[int, Mechanism]:
    """The row of each hash, for the mechanism `names` with the hash in the place of {}."""
    return {getattr(ck, "CKM_" + names.format(name)): row(_HASHES[name]) for name in _HASHES}


ROWS: dict[int, Mechanism] = {
    ck.CKM_RSA_PKCS_KEY_PAIR_GEN: Mechanism(RSA, NONE, same),
    ck.CKM_RSA_PKCS: Mechanism(RSA, NONE, _modulus),
    ck.CKM_RSA_X_509: Mechanism(RSA, NONE, _modulus),
    ck.CKM_RSA_PKCS_PSS: Mechanism(RSA, _PSS, _salted),
    ck.CKM_RSA_PKCS_OAEP: Mechanism(RSA, _OAEP, _labelled),
    ck.CKM_RSA_AES_KEY_WRAP: Mechanism(RSA, _RSA_AES, same),
    **_of_hashes("{}_RSA_PKCS", lambda _: Mechanism(RSA, NONE, _modulus)),
    **_of_hashes("{}_RSA_PKCS_PSS", lambda digest: Mechanism(RSA, _PSS, _salted_of(digest))),
}

EXPONENTIATING = frozenset(ROWS) - {ck.CKM_RSA_PKCS_KEY_PAIR_GEN}
"""The mechanisms that use an RSA key."""
