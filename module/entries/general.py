"""Crossings of the general, slot and token functions (PKCS #11 3.2, 5.4 and 5.5)."""

import gc
import os
from collections.abc import Callable

from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries.edge import Edge, Pointer
from ghostcard.module.errors import CryptokiError
from ghostcard.module.information import Version

TRACE = "GHOSTCARD_TRACE"
"""Environment variable: where the trace goes (`module/tracing.py`)."""


_WHILE_SECONDS = 0.25
"""How long a thread waits for a card in one crossing: between two it may be cancelled."""


def padded(text: str, size: int) -> bytes:
    """UTF-8, cut at a whole character, blank padded to ``size`` bytes (PKCS #11 3.2, 3.1)."""
    return text.encode()[:size].decode(errors="ignore").encode().ljust(size)


def put_version(target: Pointer, version: Version) -> None:
    """Fills in a CK_VERSION."""
    target.major, target.minor = version


def uncollected(crossing: Callable[[], int]) -> Callable[[], int]:
    """The crossing without a look for garbage meanwhile.

    In a Python host that look may run finalizers of the host's, and hosts call C_Initialize and
    C_Finalize under a lock which their finalizers want too (PyKCS11's do).
    """

    def undisturbed() -> int:
        if not gc.isenabled():
            return crossing()
        gc.disable()
        try:
            return crossing()
        finally:
            gc.enable()

    return undisturbed


def connect(edge: Edge, cryptoki: Cryptoki) -> None:
    """Registers these crossings."""
    connect_library(edge, cryptoki)
    connect_slots(edge, cryptoki)
    connect_mechanisms(edge, cryptoki)
    connect_tokens(edge, cryptoki)


def connect_library(edge: Edge, cryptoki: Cryptoki) -> None:
    cryptoki.own_time = edge.lib.think_start, edge.lib.think_take
    cryptoki.is_ending = edge.lib.library_is_ending
    cryptoki.pause = edge.lib.pace_pause
    cryptoki.clock = edge.lib.clock_begin, edge.lib.clock_take, edge.lib.clock_tell

    def initialize() -> int:
        """Each life of the library pays for what it uses: traces, captures, asynchronous
        sessions.
        """
        where = os.environ.get(TRACE)
        if edge.is_asynchronous:
            edge.postpone(None)
        if edge.is_traced:
            edge.trace(None)
        if not where:
            answer = start()
        else:
            from ghostcard.module.entries import trace

            answer = trace.initialize(edge, cryptoki, where, start)
        if cryptoki.capture is not None:
            edge.surround(cryptoki.capture.wrap)
        return answer

    def start() -> int:
        try:
            cryptoki.initialize()
        except CryptokiError:
            raise
        except Exception as error:  # the configuration or a card: the user must be told
            edge.complain(str(error) or type(error).__name__)
            raise
        return 0

    def finalize() -> int:
        cryptoki.finalize()
        return 0

    def get_info(info: Pointer) -> int:
        answer = cryptoki.get_info()
        put_version(info.cryptokiVersion, answer.cryptoki_version)
        info.manufacturerID = padded(answer.manufacturer, 32)
        info.flags = answer.flags
        info.libraryDescription = padded(answer.description, 32)
        put_version(info.libraryVersion, answer.version)
        return 0

    def sleep(nanoseconds: int) -> int:
        cryptoki.sleep(nanoseconds)
        return 0

    edge.cross("sleep", sleep)
    edge.cross("initialize", uncollected(initialize))
    edge.cross("finalize", uncollected(finalize))
    edge.cross("get_info", get_info)


def connect_slots(edge: Edge, cryptoki: Cryptoki) -> None:
    def get_slot_list(token_present: int, slots: Pointer, capacity: int) -> int:
        return edge.write_numbers(cryptoki.get_slot_list(bool(token_present)), slots, capacity)

    def get_slot_info(slot: int, info: Pointer) -> int:
        answer = cryptoki.get_slot_info(slot)
        info.slotDescription = padded(answer.description, 64)
        info.manufacturerID = padded(answer.manufacturer, 32)
        info.flags = answer.flags
        put_version(info.hardwareVersion, answer.hardware_version)
        put_version(info.firmwareVersion, answer.firmware_version)
        return 0

    def wait_for_slot_event(flags: int) -> int:
        return cryptoki.wait_for_slot_event(flags, _WHILE_SECONDS)

    edge.cross("get_slot_list", get_slot_list)
    edge.cross("get_slot_info", get_slot_info)
    edge.cross("wait_for_slot_event", wait_for_slot_event)


def connect_mechanisms(edge: Edge, cryptoki: Cryptoki) -> None:
    def get_mechanism_list(slot: int, mechanisms: Pointer, capacity: int) -> int:
        return edge.write_numbers(cryptoki.get_mechanism_list(slot), mechanisms, capacity)

    def get_mechanism_info(slot: int, mechanism: int, info: Pointer) -> int:
        info.ulMinKeySize, info.ulMaxKeySize, info.flags = cryptoki.get_mechanism_info(
            slot, mechanism
        )
        return 0

    edge.cross("get_mechanism_list", get_mechanism_list)
    edge.cross("get_mechanism_info", get_mechanism_info)


TOKEN_NUMBERS = {
    "flags": "flags",
    "ulMaxSessionCount": "max_sessions",
    "ulSessionCount": "sessions",
    "ulMaxRwSessionCount": "max_rw_sessions",
    "ulRwSessionCount": "rw_sessions",
    "ulMaxPinLen": "max_pin",
    "ulMinPinLen": "min_pin",
    "ulTotalPublicMemory": "total_public_memory",
    "ulFreePublicMemory": "free_public_memory",
    "ulTotalPrivateMemory": "total_private_memory",
    "ulFreePrivateMemory": "free_private_memory",
}
"""Field of CK_TOKEN_INFO -> field of TokenInfo, of those that are a CK_ULONG."""


def connect_tokens(edge: Edge, cryptoki: Cryptoki) -> None:
    def get_token_info(slot: int, info: Pointer) -> int:
        answer = cryptoki.get_token_info(slot)
        info.label = answer.label
        info.manufacturerID = padded(answer.manufacturer, 32)
        info.model = padded(answer.model, 16)
        info.serialNumber = padded(answer.serial, 16)
        for field, name in TOKEN_NUMBERS.items():
            setattr(info, field, getattr(answer, name))
        put_version(info.hardwareVersion, answer.hardware_version)
        put_version(info.firmwareVersion, answer.firmware_version)
        info.utcTime = padded(answer.utc_time, 16)
        return 0

    def init_token(slot: int, pin: Pointer, length: int, label: Pointer) -> int:
        cryptoki.init_token(slot, edge.read_or_none(pin, length), edge.read(label, 32))
        return 0

    def init_pin(session: int, pin: Pointer, length: int) -> int:
        cryptoki.init_pin(session, edge.read_or_none(pin, length))
        return 0

    def set_pin(session: int, old: Pointer, old_length: int, new: Pointer, new_length: int) -> int:
        cryptoki.set_pin(
            session, edge.read_or_none(old, old_length), edge.read_or_none(new, new_length)
        )
        return 0

    edge.cross("get_token_info", get_token_info)
    edge.cross("init_token", init_token)
    edge.cross("init_pin", init_pin)
    edge.cross("set_pin", set_pin)
