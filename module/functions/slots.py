"""Slot and token management functions (PKCS #11 3.2, 5.5)."""

from collections.abc import Sequence
from math import inf
from time import monotonic

from ghostcard import pkcs11 as ck
from ghostcard.module import pins
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import ask_slot
from ghostcard.module.functions.general import General, library_version
from ghostcard.module.information import MANUFACTURER, MechanismInfo, SlotInfo, TokenInfo
from ghostcard.module.store import TokenRow
from ghostcard.module.token import Token

_HARDWARE = (8, 0)  # the cards are modelled on the CEX8
_ALWAYS = ck.CKF_RNG | ck.CKF_LOGIN_REQUIRED | ck.CKF_DUAL_CRYPTO_OPERATIONS
_USER_WARNINGS = (*(ck.CKF_USER_PIN_COUNT_LOW, ck.CKF_USER_PIN_FINAL_TRY, ck.CKF_USER_PIN_LOCKED),)
_SO_WARNINGS = (ck.CKF_SO_PIN_COUNT_LOW, ck.CKF_SO_PIN_FINAL_TRY, ck.CKF_SO_PIN_LOCKED)

_LOOK_SECONDS = 0.05
"""How often a thread that waits for a card looks."""


class Slots(General):
    """C_GetSlotList to C_SetPIN."""

    def get_slot_list(self, token_present: bool) -> list[int]:
        """Ids of the slots, or of those that hold a token."""
        self._check_initialised()
        self._follow()
        return [
            number
            for number, slot in sorted(self._slots.items())
            if slot.has_token or not token_present
        ]

    def get_slot_info(self, slot: int) -> SlotInfo:
        """What is known of a slot."""
        found = self._slot(slot)
        flags = ck.CKF_HW_SLOT | ck.CKF_REMOVABLE_DEVICE
        flags |= ck.CKF_TOKEN_PRESENT if found.has_token else 0
        return SlotInfo(found.description, MANUFACTURER, flags, _HARDWARE, library_version())

    def get_token_info(self, slot: int) -> TokenInfo:
        """The token as it is now; of a damaged store CKF_ERROR_STATE and nothing more."""
        found = self._token_slot(slot)
        token = found.token
        try:
            row = token.row()
            flags = _token_flags(row, token.limits.pin_tries)
        except CryptokiError as error:
            if error.rv != ck.CKR_DEVICE_ERROR:
                raise
            row, flags = None, ck.CKF_ERROR_STATE
        if self._async_port() is not None:
            flags |= ck.CKF_ASYNC_SESSION_SUPPORTED
        return _token_info(token, row, found.kind.model, _ALWAYS | flags)

    def wait_for_slot_event(self, flags: int, seconds: float = inf) -> int:
        """The slot whose token came or went; each such event is told once. Without one
        CKR_NO_EVENT, or if the caller would wait, the next one, or C_Finalize; CKR_PENDING if none
        of these comes within some ``seconds``.
        """
        self._check_initialised()
        ended, end = self._ended, monotonic() + seconds
        while True:
            slot = self._next_event()
            if slot is not None:
                return slot
            if flags & ck.CKF_DONT_BLOCK:
                raise CryptokiError(ck.CKR_NO_EVENT)
            if ended.wait(_LOOK_SECONDS):
                raise CryptokiError(ck.CKR_CRYPTOKI_NOT_INITIALIZED)
            if monotonic() >= end:
                raise CryptokiError(ck.CKR_PENDING)

    def _next_event(self) -> int | None:
        self._follow()
        with self._following:
            for number, slot in sorted(self._slots.items()):
                if slot.has_event:
                    slot.has_event = False
                    return number
        return None

    def get_mechanism_list(self, slot: int) -> Sequence[int]:
        """What every APQN of the slot can do, as the cards say."""
        found = self._token_slot(slot)
        return ask_slot(found.mechanisms)

    def get_mechanism_info(self, slot: int, mechanism: int) -> MechanismInfo:
        """Key sizes and functions of a mechanism; CKR_MECHANISM_INVALID."""
        found = self._token_slot(slot)
        return ask_slot(lambda: found.mechanism_info(mechanism))

    def init_token(self, slot: int, pin: bytes | None, label: bytes) -> None:
        """Give the token its SO PIN and label; an initialised one wants its SO PIN and loses all
        objects.
        """
        self._token_slot(slot).token.initialise(pin, label)

    def init_pin(self, session: int, pin: bytes | None) -> None:
        """The SO sets the user's PIN, and unlocks it; CKR_USER_NOT_LOGGED_IN for anybody else."""
        self._session(session).token.set_user_pin(pin)

    def set_pin(self, session: int, old: bytes | None, new: bytes | None) -> None:
        """Change the PIN of who is logged in, or of the user; CKR_SESSION_READ_ONLY in such a
        session.
        """
        active = self._session(session)
        if not active.is_rw:
            raise CryptokiError(ck.CKR_SESSION_READ_ONLY)
        active.token.change_pin(old, new)


def _token_info(token: Token, row: TokenRow | None, model: str, flags: int) -> TokenInfo:
    limits = token.limits
    total, free = _memory(limits.memory_bytes, row.bytes if row else 0)
    return TokenInfo(
        label=row.label if row else b" " * 32,
        manufacturer=MANUFACTURER,
        model=model,
        serial=row.serial if row else "",
        flags=flags,
        max_sessions=_or_infinite(limits.sessions),
        sessions=len(token.sessions),
        max_rw_sessions=_or_infinite(limits.rw_sessions),
        rw_sessions=token.rw_sessions,
        max_pin=pins.MAX_LENGTH,
        min_pin=pins.MIN_LENGTH,
        total_public_memory=total,
        free_public_memory=free,
        total_private_memory=total,
        free_private_memory=free,
        hardware_version=_HARDWARE,
        firmware_version=library_version(),
        utc_time="",
    )


def _or_infinite(limit: int | None) -> int:
    return ck.CK_EFFECTIVELY_INFINITE if limit is None else limit


def _memory(limit: int | None, used: int) -> tuple[int, int]:
    """Total and free bytes; public and private objects lie in one memory."""
    if limit is None:
        return ck.CK_UNAVAILABLE_INFORMATION, ck.CK_UNAVAILABLE_INFORMATION
    return limit, max(0, limit - used)


def _token_flags(row: TokenRow | None, tries: int) -> int:
    if row is None:
        return 0
    return (
        ck.CKF_TOKEN_INITIALIZED
        | (ck.CKF_USER_PIN_INITIALIZED if row.user.is_set else 0)
        | _pin_flags(row.user, tries, _USER_WARNINGS)
        | _pin_flags(row.so, tries, _SO_WARNINGS)
    )


def _pin_flags(sealed: pins.SealedKey, tries: int, warnings: tuple[int, int, int]) -> int:
    """Of the three warnings those that hold: a wrong PIN since the last right one, one try left,
    none (PKCS #11 3.2, 3.2, CK_TOKEN_INFO).
    """
    low, final, locked = warnings
    left = tries - sealed.tries
    last = locked if left <= 0 else final if left == 1 else 0
    return last | (low if sealed.tries else 0)
