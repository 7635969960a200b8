"""One slot: its token, who does the token's cryptography, and what they can do."""

import errno
from collections.abc import Callable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from ghostcard import pkcs11 as ck
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError
from ghostcard.module import builtin
from ghostcard.module.apqns import Apqns
from ghostcard.module.catalog import Catalog
from ghostcard.module.cipher_rules import AES_BLOCK
from ghostcard.module.encoding import TRUE
from ghostcard.module.errors import CryptokiError
from ghostcard.module.information import MechanismInfo
from ghostcard.module.mechanisms import TABLE
from ghostcard.module.message import FORMS
from ghostcard.module.object import Object
from ghostcard.module.operation import Operation
from ghostcard.module.template import Attributes
from ghostcard.module.token import Token

if TYPE_CHECKING:
    from ghostcard.config import SlotConfig
    from ghostcard.emulator.sockets import Sockets
    from ghostcard.module.kinds.kind import Kind


Answer = TypeVar("Answer")

_WRAP_USE: Attributes = dict.fromkeys(
    (ck.CKA_ENCRYPT, ck.CKA_DECRYPT, ck.CKA_WRAP, ck.CKA_UNWRAP), TRUE
)
_WRAP_KEY_BYTES = 32
_OVERHEAD = 4096
"""Bytes of a message that are kept for headers, key blob or state, and mechanism."""


_SIGNED = {ck.CKF_SIGN: ck.CKF_MESSAGE_SIGN, ck.CKF_VERIFY: ck.CKF_MESSAGE_VERIFY}
_SEALED = {ck.CKF_ENCRYPT: ck.CKF_MESSAGE_ENCRYPT, ck.CKF_DECRYPT: ck.CKF_MESSAGE_DECRYPT}
"""What a mechanism can do for a message -> the flag that says so."""


class Slot:
    """A slot of the configuration. ``part_bytes``: the most data that goes into one request;
    ``has_token``: False of a token in cards while all of them are out of operation; ``has_event``:
    that changed, and nobody was told; ``attempts``: to make a key under the right wrapping key, if
    one APQN has another; ``has_values``: False where cards compute nothing.
    """

    def __init__(
        self,
        config: "SlotConfig",
        kind: "Kind",
        path: str,
        handles: Iterator[int],
        has_values: bool,
    ) -> None:
        """`path`: the token's store."""
        self.has_values = has_values
        self.has_token = True
        self.has_event = False
        self._adapters = sorted({apqn >> 8 for apqn in config.apqns})
        self._switched = [0] * len(self._adapters)
        self.attempts = range(len(kind.queues))
        self.id = config.id
        self.description = config.description
        self.kind = kind
        self.part_bytes = (kind.max_message - _OVERHEAD) & -AES_BLOCK
        self._apqns = Apqns(kind.queues)
        self.token = Token(path, handles, config.limits, self._apqns)
        self.host = kind.host
        self.host.renew_by(self.token.renew)
        self._targets = self.host.targets
        self._builtin = Catalog(handles)
        self.digests: dict[bytes, Operation] = {}
        self._allowed = config.mechanisms
        self._queues = kind.queues
        self._lock = Lock()
        self._wrap_key = b""
        self._mechanisms: tuple[int, ...] = ()
        self._infos: dict[int, MechanismInfo] = {}

    def follow(self, sockets: "Sockets") -> bool:
        """Notice cards that were taken out of operation or brought back; whether the token that was
        here has gone with the last of them, be it back by now.
        """
        if not self.kind.is_in_cards:
            return False
        before = self._switched
        self._switched = [sockets.view[adapter] for adapter in self._adapters]
        had, has = self.has_token, any(number % 2 == 0 for number in self._switched)
        self.has_token = has
        all_went = all(old != new for old, new in zip(before, self._switched, strict=True))
        went = had and (not has or all_went)
        self.has_event |= went or had != self.has_token
        self._mechanisms, self._infos = (), {}
        self.host.aim(self._targets)
        return went

    def _ask_queues(self, question: Callable[[Ep11Host], Answer]) -> list[Answer]:
        """The answers of the APQNs in operation; of the last one also why there are none."""
        answers = []
        for queue in self._queues:
            try:
                answers.append(question(queue))
            except DriverError as error:
                if error.code != errno.ENODEV or (queue is self._queues[-1] and not answers):
                    raise
        return answers

    def mechanisms(self) -> tuple[int, ...]:
        """The mechanisms every APQN of the slot has, the host knows and the configuration allows;
        asked for once.
        """
        with self._lock:
            if not self._mechanisms:
                common = set(TABLE).intersection(*self._ask_queues(Ep11Host.get_mechanism_list))
                if self._allowed is not None:
                    common &= self._allowed
                self._mechanisms = tuple(sorted(common))
            return self._mechanisms

    def catch_up(self) -> None:
        """A key was lost on its way, since the wrapping key was changed or an APQN has another than
        the token: begin again, and where it will live.
        """
        with self._lock:
            self._wrap_key = b""
        self.token.renew(())
        right = self._apqns.holding(self.token.wkid)
        self.host.aim([self._targets[place] for place in right] or self._targets)

    def seed_random(self, data: bytes) -> None:
        """Mix data into the random source of each of the slot's queues' cards."""
        self._ask_queues(lambda queue: queue.seed_random(data))

    def builtin(self) -> Catalog:
        """The objects the token makes itself, made when somebody looks for them."""
        mechanisms = self.mechanisms()
        with self._lock:
            if not len(self._builtin):
                for attributes in builtin.objects(mechanisms):
                    self._builtin.add(attributes, b"")
            return self._builtin

    def known_builtin(self, handle: int) -> Object | None:
        """The object of a handle that a search for the token's own objects has given out."""
        return self._builtin.by_handle.get(handle)

    def wrap_key(self) -> bytes:
        """Blob of the key under which values in clear enter and leave the card."""
        with self._lock:
            if not self._wrap_key:
                keygen = ck.CKM_AES_KEY_GEN.to_bytes(4, "big")
                made, _ = self.host.generate_key(keygen, _WRAP_KEY_BYTES, _WRAP_USE)
                self.token.expect_alive(made)
                self._wrap_key = made
            return self._wrap_key

    def mechanism_info(self, mechanism: int) -> MechanismInfo:
        """Key sizes and functions of a mechanism, those all APQNs share; CKR_MECHANISM_INVALID."""
        known = self._infos.get(mechanism)
        if known is None:
            if mechanism not in self.mechanisms():
                raise CryptokiError(ck.CKR_MECHANISM_INVALID)
            answers = self._ask_queues(lambda queue: queue.get_mechanism_info(mechanism))
            known = _with_recovery(mechanism, _narrowest(answers))
            if not self.kind.is_hardware(mechanism):
                known = known._replace(flags=known.flags & ~ck.CKF_HW)
            known = self._infos[mechanism] = _with_messages(mechanism, known)
        return known


_RECOVERING = (ck.CKM_RSA_PKCS, ck.CKM_RSA_X_509)


def _with_recovery(mechanism: int, info: MechanismInfo) -> MechanismInfo:
    """RSA gives signed data back too, by the host (`functions/recovery.py`)."""
    if mechanism not in _RECOVERING or not info.flags & ck.CKF_SIGN:
        return info
    return info._replace(flags=info.flags | ck.CKF_SIGN_RECOVER | ck.CKF_VERIFY_RECOVER)


def _with_messages(mechanism: int, info: MechanismInfo) -> MechanismInfo:
    """A card knows no messages: to the host each is an operation of its own."""
    if mechanism == ck.CKM_HOTP:  # a password is of no message
        return info
    uses = _SIGNED | (_SEALED if mechanism in FORMS else {})
    flags = sum(message for use, message in uses.items() if info.flags & use)
    return info._replace(flags=info.flags | flags | (ck.CKF_MULTI_MESSAGE if flags else 0))


def _narrowest(answers: list[tuple[int, int, int]]) -> MechanismInfo:
    least, most, flags = answers[0]
    for other in answers[1:]:
        least, most, flags = max(least, other[0]), min(most, other[1]), flags & other[2]
    return MechanismInfo(least, most, flags)
