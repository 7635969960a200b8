"""Verbs that move keys in and out: WrapKey, UnwrapKey (PKCS #11 3.2, 5.18.3 and 5.18.4).

A secret key travels as its value, a private key as PKCS #8. What a host calls C_CreateObject comes
this way too: a value encrypted under a key it keeps for that, then unwrapped.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import attributes as wire
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.abi.status import CKR_IBM_PARAM_NOT_SUPPORTED
from ghostcard.firmware.ep11 import rights
from ghostcard.firmware.ep11.answer import Answer, Params, Verb, absent
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.ep11.keys import checksum
from ghostcard.firmware.ep11.workbench import Workbench, null_result
from ghostcard.firmware.mechanisms import private
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import SIZES, secret_key

WRAP, UNWRAP = "wrap", "unwrap"


class TransportVerbs:
    """Wrapping and unwrapping; both keys' rights decide (AP sheet 7.6)."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench

    def table(self) -> dict[int, Verb]:
        """The verbs by function id."""
        return {verbs.WRAP_KEY: self.wrap, verbs.UNWRAP_KEY: self.unwrap}

    def wrap(self, domain: Domain, params: Params) -> Answer:
        variant, mechanism, blob, kek_blob, mac_key = params
        absent(mac_key)
        key, kek = domain.key(blob), domain.key(kek_blob)
        found = self._workbench.usable(mechanism, kek, ck.CKF_WRAP, rights.WRAP)
        _check_may_leave(key, kek)
        value = key.material if key.object_class == ck.CKO_SECRET_KEY else private.pkcs8(key)
        if variant != verbs.VARIANT_RESULT:
            return _size(variant, found.wrapped_bytes(kek, mechanism[4:], len(value)))
        try:
            wrapped = self._wrapped(found, kek, mechanism[4:], value)
        except Refused as refusal:
            raise _as_key_error(refusal, wrapping=True).during(WRAP, len(value)) from None
        return (wrapped,), WRAP, len(wrapped)

    def _wrapped(self, found: Mechanism, kek: Key, params: bytes, value: bytes) -> bytes:
        if self._workbench.is_null:
            return null_result(kek, found.wrapped_bytes(kek, params, len(value)))
        return found.wrapper(kek)(params, value)

    def unwrap(self, domain: Domain, params: Params) -> Answer:
        attributes, mechanism, kek_blob, mac_key, pin, wrapped = params
        absent(mac_key)
        absent(pin)
        asked = wire.unpack(attributes)
        kek = domain.key(kek_blob)
        found = self._workbench.usable(mechanism, kek, ck.CKF_UNWRAP, rights.UNWRAP)
        key_type, is_private = _wanted(asked)
        booleans = rights.of_new_key(asked, local=False)
        try:
            key = self._unwrapped(found, kek, mechanism[4:], wrapped, asked, key_type, is_private)
        except Refused as refusal:
            raise _as_key_error(refusal, wrapping=False).during(UNWRAP, len(wrapped)) from None
        key.booleans = booleans
        check = private.spki(key) if is_private else checksum(key)
        return (domain.seal_new(key), check), UNWRAP, len(wrapped)

    def _unwrapped(
        self,
        found: Mechanism,
        kek: Key,
        params: bytes,
        wrapped: bytes,
        asked: wire.Attributes,
        key_type: int,
        is_private: bool,
    ) -> Key:
        size = asked.number(ck.CKA_VALUE_LEN)
        if self._workbench.is_null:
            room = len(null_result(kek, found.decrypted_bytes(kek, params, len(wrapped))))
            return _null_key(key_type, is_private, room if size is None else size)
        value = found.unwrapper(kek)(params, wrapped)
        if is_private:
            return private.private_key(key_type, value)
        value = _cut(value, size, found.pads_in_front)
        try:
            return secret_key(key_type, value)
        except Refused:
            if key_type not in SIZES:
                raise
            raise Refused(ck.CKR_WRAPPED_KEY_INVALID) from None


def _check_may_leave(key: Key, kek: Key) -> None:
    if key.object_class == ck.CKO_PUBLIC_KEY:
        raise Refused(ck.CKR_KEY_NOT_WRAPPABLE)
    if not key.booleans & rights.EXTRACTABLE:
        raise Refused(ck.CKR_KEY_UNEXTRACTABLE)
    if key.booleans & rights.WRAP_WITH_TRUSTED and not kek.booleans & rights.TRUSTED:
        raise Refused(ck.CKR_KEY_NOT_WRAPPABLE)


def _wanted(asked: wire.Attributes) -> tuple[int, bool]:
    """Key type, and whether it is a private key's; the class must agree if it is named."""
    key_type = asked.number(ck.CKA_KEY_TYPE)
    if key_type is None:
        raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
    is_private = key_type in private.KEY_TYPES
    implied = ck.CKO_PRIVATE_KEY if is_private else ck.CKO_SECRET_KEY
    if asked.number(ck.CKA_CLASS) not in (None, implied):
        raise Refused(ck.CKR_TEMPLATE_INCONSISTENT)
    return key_type, is_private


def _cut(value: bytes, size: int | None, in_front: bool) -> bytes:
    """The value at the size asked for; only zeros, which filled it up, may be cut off."""
    if size is None:
        return value
    place = max(len(value) - size, 0) if in_front else size
    rest, kept = (value[:place], value[place:]) if in_front else (value[place:], value[:place])
    if len(kept) < size or any(rest):
        raise Refused(ck.CKR_WRAPPED_KEY_LEN_RANGE)
    return kept


def _null_key(key_type: int, is_private: bool, size: int) -> Key:
    """The kind of key that `size` bytes of plaintext most likely are."""
    if is_private:
        return private.null_key(key_type, size)
    sizes = SIZES.get(key_type, ())
    if sizes and size not in sizes:
        size = min(sizes, key=lambda each: abs(each - size))
    return secret_key(key_type, bytes(size), is_null=True)


_WRAPPING = {
    ck.CKR_DATA_LEN_RANGE: ck.CKR_KEY_SIZE_RANGE,
}
_UNWRAPPING = {
    ck.CKR_ENCRYPTED_DATA_INVALID: ck.CKR_WRAPPED_KEY_INVALID,
    ck.CKR_ENCRYPTED_DATA_LEN_RANGE: ck.CKR_WRAPPED_KEY_LEN_RANGE,
    ck.CKR_KEY_SIZE_RANGE: ck.CKR_WRAPPED_KEY_INVALID,
}


def _as_key_error(refusal: Refused, wrapping: bool) -> Refused:
    """What a cipher says of data, said of keys, as the verbs' lists of return values have it."""
    names = _WRAPPING if wrapping else _UNWRAPPING
    return Refused(names.get(refusal.rv, refusal.rv))


def _size(variant: bytes, size: int) -> Answer:
    if variant != verbs.VARIANT_SIZE:
        raise Refused(CKR_IBM_PARAM_NOT_SUPPORTED)
    return (size.to_bytes(4, "big"),), QUERY, 0
