"""The rows of DSA and Diffie-Hellman over finite fields in the table of mechanisms."""

from ghostcard import pkcs11 as ck
from ghostcard.module.object import Object
from ghostcard.module.rule import NONE, Length, Mechanism, fixed, same

DSA = frozenset((ck.CKK_DSA,))
DH = frozenset((ck.CKK_DH,))
X942 = frozenset((ck.CKK_X9_42_DH,))

DOMAINS = frozenset(
    (ck.CKM_DSA_PARAMETER_GEN, ck.CKM_DH_PKCS_PARAMETER_GEN, ck.CKM_X9_42_DH_PARAMETER_GEN)
)
"""The mechanisms that generate domain parameters instead of a key."""

_PUBLIC_VALUE = range(1, 1 << 11)
_X942 = range(8, 1 << 12)
_HASHES = (
    *("SHA1", "SHA224", "SHA256", "SHA384", "SHA512"),
    *("SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512"),
)


def _signature(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    """r and s, each as wide as the order."""
    assert key is not None
    return fixed(2 * len(key.attributes[ck.CKA_SUBPRIME]))


ROWS: dict[int, Mechanism] = {
    ck.CKM_DSA_PARAMETER_GEN: Mechanism(DSA, NONE, same),
    ck.CKM_DSA_KEY_PAIR_GEN: Mechanism(DSA, NONE, same),
    ck.CKM_DSA: Mechanism(DSA, NONE, _signature),
    **{getattr(ck, f"CKM_DSA_{each}"): Mechanism(DSA, NONE, _signature) for each in _HASHES},
    ck.CKM_DH_PKCS_PARAMETER_GEN: Mechanism(DH, NONE, same),
    ck.CKM_DH_PKCS_KEY_PAIR_GEN: Mechanism(DH, NONE, same),
    ck.CKM_DH_PKCS_DERIVE: Mechanism(DH, _PUBLIC_VALUE, same),
    ck.CKM_X9_42_DH_PARAMETER_GEN: Mechanism(X942, NONE, same),
    ck.CKM_X9_42_DH_KEY_PAIR_GEN: Mechanism(X942, NONE, same),
    ck.CKM_X9_42_DH_DERIVE: Mechanism(X942, _X942, same),
}
