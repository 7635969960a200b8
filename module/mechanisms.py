"""What the host must know of a mechanism: its keys, its parameters, the length of its result.

Which of these a slot really has, and for what, the card says (GetMechanismList, GetMechanismInfo).
"""

from ghostcard import pkcs11 as ck
from ghostcard.module import quantum_safe
from ghostcard.module.cipher_rules import CIPHERS
from ghostcard.module.curves import curve_of
from ghostcard.module.errors import CryptokiError
from ghostcard.module.hash_rules import HASH_BYTES, HASHES
from ghostcard.module.object import Object
from ghostcard.module.rule import (
    ID_BYTES,
    NONE,
    Length,
    Mechanism,
    expect,
    fixed,
    mechanism_id,
    number_at,
    same,
)

RSA = frozenset((ck.CKK_RSA,))
EC = frozenset((ck.CKK_EC,))
EDWARDS = frozenset((ck.CKK_EC_EDWARDS,))

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


def key_bytes(key: Object) -> int:
    """Length of an RSA modulus."""
    return len(key.attributes[ck.CKA_MODULUS])


def _modulus(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    assert key is not None
    return fixed(key_bytes(key))._replace(is_exact=encrypts)


def _curve(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    assert key is not None
    return fixed(curve_of(key.attributes[ck.CKA_EC_PARAMS], key.key_type).signature_size)


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


_PSS = range(12, 13)
_OAEP = range(12, 1 << 12)
_CONTEXT = range(0, 4 + 256)
_ECDH = range(8, 1 << 12)


def _hashed(names: str, row: Mechanism) -> dict[int, Mechanism]:
    """The same row for the mechanism of every SHA: `names` with the hash in the place of {}."""
    hashes = ("SHA1", "SHA224", "SHA256", "SHA384", "SHA512")
    return {getattr(ck, "CKM_" + names.format(name)): row for name in hashes}


TABLE: dict[int, Mechanism] = {
    **quantum_safe.ROWS,
    ck.CKM_RSA_PKCS_KEY_PAIR_GEN: Mechanism(RSA, NONE, same),
    ck.CKM_RSA_PKCS: Mechanism(RSA, NONE, _modulus),
    ck.CKM_RSA_X_509: Mechanism(RSA, NONE, _modulus),
    ck.CKM_RSA_PKCS_PSS: Mechanism(RSA, _PSS, _salted),
    ck.CKM_RSA_PKCS_OAEP: Mechanism(RSA, _OAEP, _labelled),
    **_hashed("{}_RSA_PKCS", Mechanism(RSA, NONE, _modulus)),
    **_hashed("{}_RSA_PKCS_PSS", Mechanism(RSA, _PSS, _salted)),
    ck.CKM_EC_KEY_PAIR_GEN: Mechanism(EC, NONE, same),
    ck.CKM_ECDSA: Mechanism(EC, NONE, _curve),
    **_hashed("ECDSA_{}", Mechanism(EC, NONE, _curve)),
    ck.CKM_ECDH1_DERIVE: Mechanism(EC, _ECDH, same),
    ck.CKM_EC_EDWARDS_KEY_PAIR_GEN: Mechanism(EDWARDS, NONE, same),
    ck.CKM_EDDSA: Mechanism(EDWARDS, _CONTEXT, _curve),
    **CIPHERS,
    **HASHES,
}
"""Mechanism -> its row; what is not here is not offered, whatever the card can do."""
