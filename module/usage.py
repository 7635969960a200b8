"""What a key may be used for: a row per function, and the checks every use begins with."""

from typing import TYPE_CHECKING, NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module.attributes import SECRET_CLASSES
from ghostcard.module.curves import curve_of
from ghostcard.module.encoding import numbers
from ghostcard.module.errors import CryptokiError
from ghostcard.module.mechanisms import rule_of
from ghostcard.module.object import Object
from ghostcard.module.parameter_sets import KEY_TYPES as POST_QUANTUM
from ghostcard.module.quantum_safe_keys import set_of
from ghostcard.module.rule import Mechanism, mechanism_id

if TYPE_CHECKING:
    from ghostcard.module.slot import Slot


class Use(NamedTuple):
    """A function as the rules for keys see it.

    ``flag`` of CK_MECHANISM_INFO, ``attribute`` of the key (None: it takes no right), ``half`` of a
    key pair that does it, and what the standard calls a key of a wrong type or size here.
    """

    flag: int
    attribute: int | None
    half: int
    inconsistent: int = ck.CKR_KEY_TYPE_INCONSISTENT
    wrong_size: int = ck.CKR_KEY_SIZE_RANGE


ENCRYPT = Use(ck.CKF_ENCRYPT, ck.CKA_ENCRYPT, ck.CKO_PUBLIC_KEY)
DECRYPT = Use(ck.CKF_DECRYPT, ck.CKA_DECRYPT, ck.CKO_PRIVATE_KEY)
SIGN = Use(ck.CKF_SIGN, ck.CKA_SIGN, ck.CKO_PRIVATE_KEY)
VERIFY = Use(ck.CKF_VERIFY, ck.CKA_VERIFY, ck.CKO_PUBLIC_KEY)
SIGN_RECOVER = Use(ck.CKF_SIGN_RECOVER, ck.CKA_SIGN_RECOVER, ck.CKO_PRIVATE_KEY)
VERIFY_RECOVER = Use(ck.CKF_VERIFY_RECOVER, ck.CKA_VERIFY_RECOVER, ck.CKO_PUBLIC_KEY)
DERIVE = Use(ck.CKF_DERIVE, ck.CKA_DERIVE, ck.CKO_PRIVATE_KEY)
TELL_PUBLIC_HALF = Use(ck.CKF_DERIVE, None, ck.CKO_PRIVATE_KEY)
"""CKM_PUB_KEY_FROM_PRIV_KEY: what it tells is no secret, so it takes no right."""
WRAP = Use(
    ck.CKF_WRAP,
    ck.CKA_WRAP,
    ck.CKO_PUBLIC_KEY,
    ck.CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
    ck.CKR_WRAPPING_KEY_SIZE_RANGE,
)
UNWRAP = Use(
    ck.CKF_UNWRAP,
    ck.CKA_UNWRAP,
    ck.CKO_PRIVATE_KEY,
    ck.CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
    ck.CKR_UNWRAPPING_KEY_SIZE_RANGE,
)

MESSAGE_ENCRYPT = Use(ck.CKF_MESSAGE_ENCRYPT, ck.CKA_ENCRYPT, ck.CKO_PUBLIC_KEY)
MESSAGE_DECRYPT = Use(ck.CKF_MESSAGE_DECRYPT, ck.CKA_DECRYPT, ck.CKO_PRIVATE_KEY)
ENCAPSULATE = Use(ck.CKF_ENCAPSULATE, ck.CKA_ENCAPSULATE, ck.CKO_PUBLIC_KEY)
DECAPSULATE = Use(ck.CKF_DECAPSULATE, ck.CKA_DECAPSULATE, ck.CKO_PRIVATE_KEY)


ON_REQUEST = frozenset((ck.CKM_RSA_X_509,))
"""Mechanisms for keys whose CKA_ALLOWED_MECHANISMS names them, and no others: RSA without padding
gives away what the padding of the key's other mechanisms protects.
"""


def offered(slot: "Slot", mechanism: bytes, flag: int) -> Mechanism:
    """The mechanism's row, if the slot offers it for this function; else CKR_MECHANISM_INVALID."""
    rule = rule_of(mechanism)
    if not slot.mechanism_info(mechanism_id(mechanism)).flags & flag:
        raise CryptokiError(ck.CKR_MECHANISM_INVALID)
    return rule


def check_use(slot: "Slot", mechanism: bytes, key: Object, use: Use) -> Mechanism:
    """Whether the key may be used so with the mechanism; the mechanism's row."""
    rule = offered(slot, mechanism, use.flag)
    fits = key.object_class in (*SECRET_CLASSES, use.half)
    if not fits or key.key_type not in rule.key_types:
        raise CryptokiError(use.inconsistent)
    if use.attribute is not None and not key.has(use.attribute):
        raise CryptokiError(ck.CKR_KEY_FUNCTION_NOT_PERMITTED)
    _check_allowed(mechanism_id(mechanism), key)
    info = slot.mechanism_info(mechanism_id(mechanism))
    bits = _bits(key)
    if bits and not info.min_key_size <= bits <= info.max_key_size:
        raise CryptokiError(use.wrong_size)
    return rule


def _check_allowed(mechanism: int, key: Object) -> None:
    """CKR_MECHANISM_INVALID unless the key's CKA_ALLOWED_MECHANISMS has the mechanism; a key
    without a list may be used with all but those that must be asked for.
    """
    allowed = key.attributes[ck.CKA_ALLOWED_MECHANISMS]
    if mechanism not in numbers(allowed) and (allowed or mechanism in ON_REQUEST):
        raise CryptokiError(ck.CKR_MECHANISM_INVALID)


def _bits(key: Object) -> int:
    """Size of a key of a pair, in bytes of the public key for the post-quantum types, else in bits;
    0 of secret keys, whose size the card checks.
    """
    if key.object_class in SECRET_CLASSES:
        return 0
    if key.key_type == ck.CKK_RSA:
        return int.from_bytes(key.attributes[ck.CKA_MODULUS], "big").bit_length()
    if key.key_type in POST_QUANTUM:
        return set_of(key.attributes).public
    if ck.CKA_PRIME in key.attributes:
        return int.from_bytes(key.attributes[ck.CKA_PRIME], "big").bit_length()
    return curve_of(key.attributes[ck.CKA_EC_PARAMS], key.key_type).bits
