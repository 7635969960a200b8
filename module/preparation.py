"""From key and mechanism to an operation: checked once and kept, so that C_*Init is a look-up.

What a key keeps is bounded: of a mechanism whose parameters change from call to call (the IV of
AES-GCM) the checks are kept, and the operation is put together anew.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

from ghostcard import pkcs11 as ck
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.single import Single
from ghostcard.module.chaining import CHAINED, chained
from ghostcard.module.object import Object
from ghostcard.module.operation import Locked, Operation, Ready, Stream, misplaced_call
from ghostcard.module.rule import ID_BYTES, Length, mechanism_id
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
    prepare: Callable[[Ep11Host, bytes], Single]
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
    number = function.number
    known = key.checked.get((number, mechanism[:ID_BYTES], len(mechanism)))
    ready = known or _ready(active, function, mechanism, key)
    return _kept(key, number, mechanism, ready, function.encrypts)


def _ready(active: Session, function: Function, mechanism: bytes, key: Object) -> Ready:
    rule = check_use(active.slot, mechanism, key, function.use)
    host, target, limit = active.slot.host, key.for_card(), active.slot.part_bytes

    def begin(mechanism: bytes, length: Length) -> Stream:
        to = function.begin(host, mechanism, target)
        return Stream(length, limit, to.update, to.final, to.whole, misplaced_call)

    single = function.prepare(host, target)
    is_locked = function.number in _SECURE and key.has(ck.CKA_ALWAYS_AUTHENTICATE)
    long = None
    if mechanism_id(mechanism) in CHAINED:
        long = partial(chained, single, limit, function.encrypts)
    place = single.whole
    ready = Ready(key, rule, limit, single, misplaced_call, begin, is_locked, long, place)
    return _remembered(key, function.number, mechanism, ready)


def _verifying(active: Session, mechanism: bytes, key: Object) -> Operation | Locked:
    known = key.checked.get((_VERIFY, mechanism[:ID_BYTES], len(mechanism)))
    return _kept(key, _VERIFY, mechanism, known or _ready_to_verify(active, mechanism, key), True)


def _ready_to_verify(active: Session, mechanism: bytes, key: Object) -> Ready:
    rule = check_use(active.slot, mechanism, key, VERIFY)
    host, target, limit = active.slot.host, key.for_card(), active.slot.part_bytes

    def begin(mechanism: bytes, length: Length) -> Stream:
        to = host.verify_init(mechanism, target)
        return Stream(length, limit, to.update, misplaced_call, misplaced_call, to.final)

    ready = Ready(key, rule, limit, misplaced_call, host.prepare_verify(target), begin)
    return _remembered(key, _VERIFY, mechanism, ready)


def _digesting(active: Session, mechanism: bytes) -> Operation:
    slot = active.slot
    rule = offered(slot, mechanism, ck.CKF_DIGEST)
    host, limit = slot.host, slot.part_bytes

    def begin(mechanism: bytes, length: Length) -> Stream:
        to = host.digest_init(mechanism)
        return Stream(length, limit, to.update, to.final, to.whole, misplaced_call)

    single = host.prepare_digest()
    ready = Ready(None, rule, limit, single, misplaced_call, begin, place=single.whole)
    operation = Operation(ready, mechanism, rule.length(None, mechanism, True))
    slot.digests[mechanism] = operation  # digests have no parameters: there are few
    return operation


def _remembered(key: Object, number: int, mechanism: bytes, ready: Ready) -> Ready:
    if len(key.checked) < MAX_CHECKED:
        key.checked[number, mechanism[:ID_BYTES], len(mechanism)] = ready
    return ready


def _kept(
    key: Object, number: int, mechanism: bytes, ready: Ready, encrypts: bool
) -> Operation | Locked:
    assert ready.rule is not None
    operation: Operation | Locked
    operation = Operation(ready, mechanism, ready.rule.length(key, mechanism, encrypts))
    if ready.is_locked:
        operation = Locked(operation)
    if len(key.prepared) < MAX_PREPARED:
        key.prepared[number, mechanism] = operation
    return operation
