"""What the host must know of a mechanism: its keys, its parameters, the length of its result.

Which of these a slot really has, and for what, the card says (GetMechanismList, GetMechanismInfo).
"""

from ghostcard import pkcs11 as ck
from ghostcard.module import (
    curve_rules,
    derivation_rules,
    field_rules,
    quantum_safe_rules,
    rsa_rules,
)
from ghostcard.module.attributes import PAIR_TYPES
from ghostcard.module.cipher_rules import CIPHERS
from ghostcard.module.errors import CryptokiError
from ghostcard.module.hash_rules import HASHES
from ghostcard.module.rule import ID_BYTES, NONE, Mechanism, mechanism_id, same


def rule_of(mechanism: bytes) -> Mechanism:
    """The row for the mechanism; CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID by length."""
    rule = TABLE.get(mechanism_id(mechanism))
    if rule is None or len(mechanism) < ID_BYTES:
        raise CryptokiError(ck.CKR_MECHANISM_INVALID)
    if len(mechanism) - ID_BYTES not in rule.parameters:
        raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
    return rule


TABLE: dict[int, Mechanism] = {
    **rsa_rules.ROWS,
    **curve_rules.ROWS,
    **field_rules.ROWS,
    **quantum_safe_rules.ROWS,
    **derivation_rules.ROWS,
    **CIPHERS,
    **HASHES,
    ck.CKM_PUB_KEY_FROM_PRIV_KEY: Mechanism(PAIR_TYPES, NONE, same),
}
"""Mechanism -> its row; what is not here is not offered, whatever the card can do."""
