"""Parameters that name keys: to the application by handle, to the card by blob.

In a mechanism's bytes a handle stands where the blob will stand, as 8 bytes, big-endian.
"""

from struct import Struct

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object
from ghostcard.module.rule import ID_BYTES, mechanism_id
from ghostcard.module.session import Session

HANDLE_BYTES = 8
_U32, _FIELD = Struct(">I"), Struct(">II")
_HKDF_NUMBERS = 4
_KDFS = frozenset(
    (
        *(ck.CKM_SP800_108_COUNTER_KDF, ck.CKM_SP800_108_FEEDBACK_KDF),
        ck.CKM_SP800_108_DOUBLE_PIPELINE_KDF,
    )
)


def resolve(active: Session, mechanism: bytes) -> tuple[bytes, list[Object]]:
    """The mechanism for the card, and the keys that its parameters name.

    CKR_KEY_HANDLE_INVALID; CKR_MECHANISM_PARAM_INVALID for bytes that are no parameters of it.
    """
    number = mechanism_id(mechanism)
    if number == ck.CKM_CONCATENATE_BASE_AND_KEY:
        key = _key(active, mechanism[ID_BYTES:])
        return mechanism[:ID_BYTES] + key.for_card(), [key]
    if number in (ck.CKM_HKDF_DERIVE, ck.CKM_HKDF_DATA):
        return _hkdf(active, mechanism)
    if number in _KDFS:
        return _kdf(active, mechanism)
    return mechanism, []


def _key(active: Session, handle: bytes) -> Object:
    if len(handle) != HANDLE_BYTES:
        raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
    key = active.key(int.from_bytes(handle, "big"))
    if not key.blob:
        raise CryptokiError(ck.CKR_KEY_TYPE_INCONSISTENT)
    return key


def _hkdf(active: Session, mechanism: bytes) -> tuple[bytes, list[Object]]:
    start = ID_BYTES + 4 * _HKDF_NUMBERS
    start += 4 + _length(mechanism, start)  # past the salt
    size = _length(mechanism, start)
    if not size:
        return mechanism, []
    end = start + 4 + size
    key = _key(active, mechanism[start + 4 : end])
    return mechanism[:start] + _string(key.for_card()) + mechanism[end:], [key]


def _kdf(active: Session, mechanism: bytes) -> tuple[bytes, list[Object]]:
    place = ID_BYTES + 4
    place += 4 + _length(mechanism, place)  # past the IV
    done, keys = [mechanism[:place]], []
    while place < len(mechanism):
        kind, size = _length(mechanism, place), _length(mechanism, place + 4)
        value = mechanism[place + 8 : place + 8 + size]
        place += 8 + size
        if kind == ck.CK_SP800_108_KEY_HANDLE:
            keys.append(_key(active, value))
            value = keys[-1].for_card()
        done.append(_FIELD.pack(kind, len(value)) + value)
    return b"".join(done), keys


def _length(data: bytes, place: int) -> int:
    if len(data) < place + 4:
        raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
    number: int = _U32.unpack_from(data, place)[0]
    return number


def _string(value: bytes) -> bytes:
    return _U32.pack(len(value)) + value
