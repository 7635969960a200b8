"""What a key may be used for: its boolean attributes, who sets them, and how they may change.

AP sheet 7.6; PKCS #11 3.2, 4.9 and 4.10 for those the standard has. A boolean that a template does
not name is off, but for MODIFIABLE.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import attributes as wire
from ghostcard.firmware.abi.status import CKR_IBM_MODE_CONFLICT, CKR_IBM_PARAM_NOT_SUPPORTED
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.refusal import Refused

EXTRACTABLE = int(wire.Boolean.EXTRACTABLE)
NEVER_EXTRACTABLE = int(wire.Boolean.NEVER_EXTRACTABLE)
MODIFIABLE = int(wire.Boolean.MODIFIABLE)
NEVER_MODIFIABLE = int(wire.Boolean.NEVER_MODIFIABLE)
RESTRICTABLE = int(wire.Boolean.RESTRICTABLE)
LOCAL = int(wire.Boolean.LOCAL)
SIGN = int(wire.Boolean.SIGN)
VERIFY = int(wire.Boolean.VERIFY)
ENCRYPT = int(wire.Boolean.ENCRYPT)
DECRYPT = int(wire.Boolean.DECRYPT)
DERIVE = int(wire.Boolean.DERIVE)
WRAP = int(wire.Boolean.WRAP)
UNWRAP = int(wire.Boolean.UNWRAP)
TRUSTED = int(wire.Boolean.TRUSTED)
WRAP_WITH_TRUSTED = int(wire.Boolean.WRAP_WITH_TRUSTED)
ENCAPSULATE = int(wire.Boolean.ENCAPSULATE)
DECAPSULATE = int(wire.Boolean.DECAPSULATE)
PROTKEY_EXTRACTABLE = int(wire.Boolean.PROTKEY_EXTRACTABLE)
PROTKEY_NEVER_EXTRACTABLE = int(wire.Boolean.PROTKEY_NEVER_EXTRACTABLE)
ENCAPSULATE = int(wire.Boolean.ENCAPSULATE)
DECAPSULATE = int(wire.Boolean.DECAPSULATE)

KNOWN = 0x1FFFFFF
CARD_SETS = int(
    NEVER_EXTRACTABLE
    | NEVER_MODIFIABLE
    | LOCAL
    | wire.Boolean.ALWAYS_RETAINED
    | PROTKEY_NEVER_EXTRACTABLE
)
# Retained and attribute-bound keys and USE_AS_DATA are not built: the card says so rather than make
# a key that lacks the protection asked for.
UNSUPPORTED = int(wire.Boolean.RETAINED | wire.Boolean.ATTRBOUND | wire.Boolean.USE_AS_DATA)
ONLY_OFF = EXTRACTABLE | MODIFIABLE | RESTRICTABLE | PROTKEY_EXTRACTABLE
ONLY_ON = WRAP_WITH_TRUSTED
PUBLIC = VERIFY | ENCRYPT | WRAP | ENCAPSULATE  # of a public key that comes in clear


def of_new_key(asked: wire.Attributes, local: bool, never_out: bool = False) -> int:
    """The booleans of a key that a template makes.

    `local`: generated here. `never_out`: derived from a key that was never extractable.
    """
    _check_names(asked.mask, asked.values)
    rights = MODIFIABLE & ~asked.mask | asked.values & asked.mask
    if local:
        rights |= LOCAL
    if not rights & MODIFIABLE:
        rights |= NEVER_MODIFIABLE
    if (local or never_out) and not rights & EXTRACTABLE:
        rights |= NEVER_EXTRACTABLE
    if (local or never_out) and not rights & PROTKEY_EXTRACTABLE:
        rights |= PROTKEY_NEVER_EXTRACTABLE
    return rights


def changed(rights: int, asked: wire.Attributes) -> int:
    """The booleans after SetAttributeValue; refused where the old ones do not allow it."""
    _check_names(asked.mask, asked.values)
    after = rights & ~asked.mask | asked.values & asked.mask
    on, off = after & ~rights, rights & ~after
    if on & ONLY_OFF or off & ONLY_ON:
        raise Refused(ck.CKR_ATTRIBUTE_READ_ONLY)
    if not rights & MODIFIABLE and (on or (off and not rights & RESTRICTABLE)):
        raise Refused(ck.CKR_ATTRIBUTE_READ_ONLY)
    return after


def _check_names(mask: int, values: int) -> None:
    if mask & ~KNOWN:
        raise Refused(ck.CKR_ATTRIBUTE_TYPE_INVALID)
    if mask & CARD_SETS:
        raise Refused(ck.CKR_ATTRIBUTE_READ_ONLY)
    if values & mask & UNSUPPORTED:
        raise Refused(CKR_IBM_PARAM_NOT_SUPPORTED)


def check_null(key: Key, is_null_track: bool) -> None:
    """Refuse a key made by the `null` function track, which has no value, for real work."""
    if key.is_null and not is_null_track:
        raise Refused(CKR_IBM_MODE_CONFLICT)


def check_use(mechanism: Mechanism, key: Key, flag: int, right: int) -> None:
    """Refuse a key for a use (CKF_*) that mechanism, type, size or booleans do not allow."""
    if not mechanism.flags & flag:
        raise Refused(ck.CKR_MECHANISM_INVALID)
    if key.key_type not in mechanism.key_types or not _has_side(key, right):
        raise Refused(ck.CKR_KEY_TYPE_INCONSISTENT)
    size = key.bits // 8 if mechanism.counts_bytes else key.bits
    if not mechanism.minimum <= size <= mechanism.maximum:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    if not key.booleans & right:
        raise Refused(ck.CKR_KEY_FUNCTION_NOT_PERMITTED)


def _has_side(key: Key, right: int) -> bool:
    """Whether the half of a key pair is the one this use needs; secret keys have no halves."""
    if key.object_class == ck.CKO_SECRET_KEY:
        return True
    return (key.object_class == ck.CKO_PUBLIC_KEY) == bool(right & PUBLIC)
