"""A Cryptoki that does nothing, for tests of what lies between a C program and the real one.

It answers from its arguments, so that a host sees what has crossed. STANDIN_LOG names a file that
gets a line for each initialize, finalize and fork; STANDIN_FAIL makes `initialize` raise.
"""

import errno
import os
import threading
import time
from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import DriverError
from ghostcard.module.errors import CryptokiError
from ghostcard.module.information import (
    LibraryInfo,
    MechanismInfo,
    SessionInfo,
    SlotInfo,
    TokenInfo,
)
from ghostcard.module.message import MessageParameter

Template = list[tuple[int, bytes]]
FAILURES: dict[str, Callable[[], Exception]] = {
    "configuration": lambda: ValueError("config.toml: cards: no such\nkey"),
    "device": lambda: CryptokiError(ck.CKR_DEVICE_ERROR),
    "driver": lambda: DriverError(errno.ENODEV, "no card"),
}
MANY = 5
LOCK = threading.Lock()
"""Never made anew, as those of libraries: a child that finds it locked waits for ever."""


def log(event: str) -> None:
    path = os.environ.get("STANDIN_LOG")
    if path:
        with open(path, "a") as file:
            file.write(f"{event} {os.getpid()}\n")


def limited(result: bytes, capacity: int | None) -> bytes | int:
    return len(result) if capacity is None or capacity < len(result) else result


class Cryptoki:
    capture = None

    def __init__(self) -> None:
        self.last: bytes | None = b""

    def __getattr__(self, name: str) -> Callable[..., int]:
        def refuse(*arguments: object) -> int:
            raise CryptokiError(ck.CKR_FUNCTION_FAILED)

        return refuse

    def initialize(self) -> None:
        log("initialize")
        failure = os.environ.get("STANDIN_FAIL")
        if failure:
            raise FAILURES[failure]()

    def finalize(self) -> None:
        log("finalize")

    def after_fork(self) -> None:
        log("after_fork")

    def get_info(self) -> LibraryInfo:
        with LOCK:
            return LibraryInfo((3, 2), "Maker " + "\u00e9" * 20, 0, "Description", (1, 2))

    def get_slot_list(self, token_present: bool) -> list[int]:
        return [11, 22, 33] if token_present else [11, 22, 33, 2**64 - 2]

    def get_slot_info(self, slot: int) -> SlotInfo:
        return SlotInfo(f"Slot {slot}", "Maker", 5, (6, 7), (8, 9))

    def get_token_info(self, slot: int) -> TokenInfo:
        text = (b"label".ljust(32), "Maker", "Model", "0000000000000042", 0x40D)
        return TokenInfo._make((*text, *range(101, 111), (1, 2), (3, 4), "2026010112000000"))

    def get_mechanism_list(self, slot: int) -> tuple[int, ...]:
        return (ck.CKM_ECDSA, ck.CKM_AES_GCM)

    def get_mechanism_info(self, slot: int, mechanism: int) -> MechanismInfo:
        return MechanismInfo(slot, mechanism, 0x800)

    def open_session(self, slot: int, flags: int) -> int:
        return slot * 1000 + flags

    def close_session(self, session: int) -> None:
        if session == 0:
            raise CryptokiError(ck.CKR_SESSION_HANDLE_INVALID)

    def get_session_info(self, session: int) -> SessionInfo:
        return SessionInfo(1, 2, 4, session)

    def login(self, session: int, user_type: int, pin: bytes | None) -> None:
        if pin is None:
            raise CryptokiError(ck.CKR_ARGUMENTS_BAD)
        if pin != b"1234":
            raise CryptokiError(ck.CKR_PIN_INCORRECT)

    def get_operation_state(self, session: int, capacity: int | None) -> bytes | int:
        """What has crossed last."""
        return limited(b"cancel" if self.last is None else self.last, capacity)

    def sign_init(self, session: int, mechanism: bytes | None, key: int) -> None:
        self.last = mechanism

    def sign(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        with LOCK:
            return limited(b"S" + data, capacity)

    def decrypt_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """There is nothing to be had before the end."""
        return limited(b"", capacity)

    def decrypt_final(self, session: int, capacity: int | None) -> bytes | int:
        return limited(b"", capacity)

    def session_cancel(self, session: int, flags: int) -> None:
        if not flags:
            raise CryptokiError(ck.CKR_FUNCTION_FAILED)
        self.last = hex(flags).encode()

    def verify(self, session: int, data: bytes, signature: bytes) -> None:
        if signature != b"S" + data:
            raise CryptokiError(ck.CKR_SIGNATURE_INVALID)

    def digest_update(self, session: int, data: bytes) -> None:
        """Errors of every kind, by name."""
        raise {
            b"cryptoki": CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED),
            b"driver": DriverError(errno.ENODEV, "no card"),
            b"memory": MemoryError(),
            b"bug": ZeroDivisionError("a bug"),
            b"interrupt": KeyboardInterrupt(),
            b"import": ModuleNotFoundError("No module named 'late'"),
        }[data]

    def digest_key(self, session: int, key: int) -> None:
        """Takes its time, in milliseconds, and holds a lock meanwhile."""
        with LOCK:
            time.sleep(key / 1000)

    def logout(self, session: int) -> None:
        """Answers CKR_OK while `digest_key` is under way."""
        if not LOCK.locked():
            raise CryptokiError(ck.CKR_USER_NOT_LOGGED_IN)

    def create_object(self, session: int, template: Template) -> int:
        self.last = repr(template).encode()
        return 77

    def get_attribute_value(self, session: int, object: int, types: list[int]) -> list[bytes | int]:
        values: dict[int, bytes | int] = {
            ck.CKA_LABEL: b"a label",
            ck.CKA_VALUE: ck.CKR_ATTRIBUTE_SENSITIVE,
            ck.CKA_ID: b"",
        }
        return [values.get(kind, ck.CKR_ATTRIBUTE_TYPE_INVALID) for kind in types]

    def find_objects(self, session: int, maximum: int) -> list[int]:
        return list(range(1, MANY + 1))[:maximum]

    def find_objects_final(self, session: int) -> None:
        raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)

    def generate_key_pair(
        self, session: int, mechanism: bytes, *templates: Template
    ) -> tuple[int, int]:
        self.last = mechanism + repr(templates).encode()
        return 2**63 - 2, 2**63 - 1

    def generate_random(self, session: int, length: int) -> bytes:
        return bytes(length) if session else b"short"

    def wait_for_slot_event(self, flags: int, seconds: float) -> int:
        """Waits until the process ends, unless it may not."""
        if flags & ck.CKF_DONT_BLOCK:
            raise CryptokiError(ck.CKR_NO_EVENT)
        time.sleep(3600 + seconds)
        return 0

    def encrypt_message(
        self, session: int, parameter: MessageParameter, aad: bytes, data: bytes, room: int | None
    ) -> tuple[bytes, bytes, bytes] | int:
        self.last = repr((*parameter, aad, data)).encode()
        return data.capitalize(), b"I" * len(parameter.iv), b"T" * (parameter.tag_bits // 8)

    def encrypt_message_begin(self, session: int, parameter: MessageParameter, aad: bytes) -> bytes:
        return b"I" * len(parameter.iv)

    def encrypt_message_next(
        self, session: int, tag_bytes: int, data: bytes, room: int | None, is_last: bool
    ) -> tuple[bytes, bytes] | int:
        return data, b"T" * tag_bytes if is_last else b""

    def decrypt_message(
        self, session: int, parameter: MessageParameter, aad: bytes, data: bytes, room: int | None
    ) -> bytes | int:
        self.last = parameter.tag
        return limited(data, room)

    def wrap_key_authenticated(
        self,
        session: int,
        mechanism: int,
        parameter: MessageParameter,
        wrapping_key: int,
        key: int,
        aad: bytes,
        room: int | None,
    ) -> tuple[bytes, bytes] | int:
        self.last = repr((mechanism, *parameter, wrapping_key, key, aad)).encode()
        return b"wrapped", b"I" * len(parameter.iv)

    def unwrap_key_authenticated(
        self,
        session: int,
        mechanism: int,
        parameter: MessageParameter,
        key: int,
        wrapped: bytes,
        template: Template,
        aad: bytes,
    ) -> int:
        self.last = repr((wrapped, aad)).encode()
        return 77
