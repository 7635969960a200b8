"""From key and mechanism to an operation: checked once and kept, so that C_*Init is a look-up.

What a key keeps is bounded: of a mechanism whose parameters change from call to call (the IV of
AES-GCM) the checks are kept, and the operation is put together anew.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from ghostcard import pkcs11 as ck
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.module.object import Object
from ghostcard.module.operation import Locked, Operation, Origin, Single, Stream, misplaced_call
from ghostcard.module.rule import Mechanism, mechanism_id
from ghostcard.module.session import Session
from ghostcard.module.usage import (
    DECRYPT,
    ENCRYPT,
    SIGN,
    SIGN_RECOVER,
    VERIFY,
    Use,
    check_use,
    offered,
)

MAX_PREPARED = 16
"""Operations a key or slot keeps, whole ones."""

MAX_CHECKED = 64
"""Mechanisms a key remembers to be allowed with; there are fewer, but for lengths of parameters."""


class Context(Protocol):
    """A multi-part context of the host library that gives a result."""

    def update(self, data: bytes, /) -> bytes | None: ...

    def final(self) -> bytes: ...

    def whole(self, data: bytes, /) -> bytes: ...


class Function(NamedTuple):
    """One of the functions that use a key and answer with data; ``number`` tells them apart in the
    key's tables.
    """

    number: int
    use: Use
    encrypts: bool
    prepare: Callable[[Ep11Host, bytes, bytes], Single]
    begin: Callable[[Ep11Host, bytes, bytes], Context]


_ENCRYPT = Function(0, ENCRYPT, True, Ep11Host.prepare_encrypt, Ep11Host.encrypt_init)
_DECRYPT = Function(1, DECRYPT, False, Ep11Host.prepare_decrypt, Ep11Host.decrypt_init)
_SIGN = Function(2, SIGN, True, Ep11Host.prepare_sign, Ep11Host.sign_init)
_SIGN_RECOVER = Function(3, SIGN_RECOVER, True, Ep11Host.prepare_sign, Ep11Host.sign_init)
_VERIFY = 4
_SECURE = frozenset((_DECRYPT.number, _SIGN.number, _SIGN_RECOVER.number))
"""The functions of a private key, which may ask for the PIN each time."""


def encryption(active: Session, mechanism: bytes, key: Object) -> Operation | Locked:
    """C_EncryptInit."""
    return key.prepared.get((0, mechanism)) or _prepared(active, _ENCRYPT, mechanism, key)


def decryption(active: Session, mechanism: bytes, key: Object) -> Operation | Locked:
    """C_DecryptInit."""
    return key.prepared.get((1, mechanism)) or _prepared(active, _DECRYPT, mechanism, key)


def signature(active: Session, mechanism: bytes, key: Object) -> Operation | Locked:
    """C_SignInit."""
    return key.prepared.get((2, mechanism)) or _prepared(active, _SIGN, mechanism, key)


def recovering_signature(active: Session, mechanism: bytes, key: Object) -> Operation | Locked:
    """C_SignRecoverInit."""
    return key.prepared.get((3, mechanism)) or _prepared(active, _SIGN_RECOVER, mechanism, key)


def verification(active: Session, mechanism: bytes, key: Object) -> Operation | Locked:
    """C_VerifyInit."""
    return key.prepared.get((_VERIFY, mechanism)) or _verifying(active, mechanism, key)


def digestion(active: Session, mechanism: bytes) -> Operation:
    """C_DigestInit."""
    slot = active.slot
    return slot.digests.get(mechanism) or _digesting(active, mechanism)


def _prepared(
    active: Session, function: Function, mechanism: bytes, key: Object
) -> Operation | Locked:
    rule = _checked(active, function.number, function.use, mechanism, key)
    host, target, limit = active.slot.host, key.for_card(), active.slot.part_bytes
    length = rule.length(key, mechanism, function.encrypts)

    def begin() -> Stream:
        context = function.begin(host, mechanism, target)
        return Stream(length, limit, context.update, context.final, context.whole, misplaced_call)

    single = function.prepare(host, mechanism, target)
    return _kept(
        key, function.number, mechanism, Operation(length, limit, single, misplaced_call, begin)
    )


def _verifying(active: Session, mechanism: bytes, key: Object) -> Operation | Locked:
    rule = _checked(active, _VERIFY, VERIFY, mechanism, key)
    host, target, limit = active.slot.host, key.for_card(), active.slot.part_bytes
    length = rule.length(key, mechanism, True)

    def begin() -> Stream:
        context = host.verify_init(mechanism, target)
        return Stream(length, limit, context.update, misplaced_call, misplaced_call, context.final)

    check = host.prepare_verify(mechanism, target)
    return _kept(key, _VERIFY, mechanism, Operation(length, limit, misplaced_call, check, begin))


def _digesting(active: Session, mechanism: bytes) -> Operation:
    slot = active.slot
    rule = offered(slot, mechanism, ck.CKF_DIGEST)
    length, limit = rule.length(None, mechanism, True), slot.part_bytes

    def begin() -> Stream:
        context = slot.host.digest_init(mechanism)
        return Stream(length, limit, context.update, context.final, context.whole, misplaced_call)

    operation = Operation(length, limit, slot.host.prepare_digest(mechanism), misplaced_call, begin)
    operation.origin = Origin(mechanism, None)
    slot.digests[mechanism] = operation  # digests have no parameters: there are few
    return operation


def _checked(active: Session, number: int, use: Use, mechanism: bytes, key: Object) -> Mechanism:
    """The rule of the mechanism, if the key may be used so; remembered by the key."""
    kind = (number, mechanism_id(mechanism), len(mechanism))
    rule = key.checked.get(kind)
    if rule is None:
        rule = check_use(active.slot, mechanism, key, use)
        if len(key.checked) < MAX_CHECKED:
            key.checked[kind] = rule
    return rule


def _kept(key: Object, number: int, mechanism: bytes, operation: Operation) -> Operation | Locked:
    operation.origin = Origin(mechanism, key)
    ready: Operation | Locked = operation
    if key.has(ck.CKA_ALWAYS_AUTHENTICATE) and number in _SECURE:
        ready = Locked(operation)
    if len(key.prepared) < MAX_PREPARED:
        key.prepared[number, mechanism] = ready
    return ready
