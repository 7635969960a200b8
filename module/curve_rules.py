"""The rows of elliptic curves in the table of mechanisms."""

from ghostcard import pkcs11 as ck
from ghostcard.module.curves import curve_of
from ghostcard.module.object import Object
from ghostcard.module.rule import (
    ID_BYTES,
    NONE,
    Length,
    Mechanism,
    expect,
    fixed,
    number_at,
    same,
)

EC = frozenset((ck.CKK_EC,))
EDWARDS = frozenset((ck.CKK_EC_EDWARDS,))
MONTGOMERY = frozenset((ck.CKK_EC_MONTGOMERY,))

_CONTEXT = range(0, 4 + 256)
_ECDH = range(8, 1 << 12)
_ECDH_AES = range(8, 1 << 12)
_HASHES = (
    *("SHA1", "SHA224", "SHA256", "SHA384", "SHA512"),
    *("SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512"),
)


def _signature(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    assert key is not None
    return fixed(curve_of(key.attributes[ck.CKA_EC_PARAMS], key.key_type).signature_size)


def _prehash_or_context(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    if len(mechanism) > ID_BYTES:
        expect(len(mechanism) >= ID_BYTES + 4 and number_at(mechanism, 0) in (0, 1))
    return _signature(key, mechanism, encrypts)


ROWS: dict[int, Mechanism] = {
    ck.CKM_EC_KEY_PAIR_GEN: Mechanism(EC, NONE, same),
    ck.CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS: Mechanism(EC, NONE, same),
    ck.CKM_ECDSA: Mechanism(EC, NONE, _signature),
    **{getattr(ck, f"CKM_ECDSA_{each}"): Mechanism(EC, NONE, _signature) for each in _HASHES},
    ck.CKM_ECDH1_DERIVE: Mechanism(EC | MONTGOMERY, _ECDH, same),
    ck.CKM_ECDH1_COFACTOR_DERIVE: Mechanism(EC | MONTGOMERY, _ECDH, same),
    ck.CKM_ECDH_AES_KEY_WRAP: Mechanism(EC, _ECDH_AES, same),
    ck.CKM_ECDH_COF_AES_KEY_WRAP: Mechanism(EC, _ECDH_AES, same),
    ck.CKM_ECDH_X_AES_KEY_WRAP: Mechanism(MONTGOMERY, _ECDH_AES, same),
    ck.CKM_EC_EDWARDS_KEY_PAIR_GEN: Mechanism(EDWARDS, NONE, same),
    ck.CKM_EDDSA: Mechanism(EDWARDS, _CONTEXT, _prehash_or_context),
    ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN: Mechanism(MONTGOMERY, NONE, same),
}
