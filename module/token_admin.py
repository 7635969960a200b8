"""Tokens without the C library: what `ghostcard token` does, and scripts that prepare a machine.

machine = config.load()
token_admin.initialise(machine, 0, label="bench", so_pin="12345678", pin="1234")
for token in token_admin.listing(machine): print(token.slot, token.label)
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.config import Config, SlotConfig
from ghostcard.home import home
from ghostcard.module import pins
from ghostcard.module.errors import CryptokiError
from ghostcard.module.store import LABEL_BYTES, store_path
from ghostcard.module.token import Token


class TokenAdminError(Exception):
    """A token cannot be set up; the message is one line."""


class TokenListing(NamedTuple):
    """One slot's token; ``label`` and ``serial`` are empty and the flags False until it is
    initialised.
    """

    slot: int
    description: str
    is_initialised: bool
    label: str
    serial: str
    has_user_pin: bool
    is_user_pin_locked: bool
    is_so_pin_locked: bool
    is_damaged: bool


_REASONS = {
    ck.CKR_PIN_INCORRECT: "the token is initialised and has another SO PIN",
    ck.CKR_PIN_LOCKED: "the SO PIN is locked",
    ck.CKR_DEVICE_ERROR: "the token store is damaged",
    ck.CKR_TOKEN_WRITE_PROTECTED: "the token store is read-only",
    ck.CKR_DEVICE_MEMORY: "the disk is full",
    ck.CKR_FUNCTION_FAILED: "the token store is busy",
}


def initialise(config: Config, slot: int, label: str, so_pin: str, pin: str | None) -> None:
    """C_InitToken and, if there is a ``pin``, C_InitPIN. Objects of an initialised token are lost.

    TokenAdminError for an unknown slot, a label of more than 32 bytes, a PIN of a wrong length or a
    wrong SO PIN, and for what is no UTF-8.
    """
    so = _pin("SO PIN", so_pin)
    user = None if pin is None else _pin("user PIN", pin)
    name = encoded("label", label)
    if len(name) > LABEL_BYTES:
        raise TokenAdminError(f"the label is longer than {LABEL_BYTES} bytes")
    with _opened(_slot(config, slot)) as token:
        token.initialise(so, name)
        if user is not None:
            token.login(ck.CKU_SO, so)
            token.set_user_pin(user)


def delete(config: Config, slot: int) -> None:
    """Take a token and all its objects away; the slot is then as it was before C_InitToken.

    Other processes lose it too, at once. TokenAdminError if there is none.
    """
    with _opened(_slot(config, slot)) as token:
        if token.row() is None:
            raise TokenAdminError(f"slot {slot} has no token")
        token.erase()


def listing(config: Config) -> list[TokenListing]:
    """The token of every configured slot."""
    return [_listed(slot) for slot in config.slots]


def _listed(slot: SlotConfig) -> TokenListing:
    unknown = TokenListing(slot.id, slot.description, False, "", "", False, False, False, False)
    try:
        with _opened(slot) as token:
            row = token.row()
    except TokenAdminError:
        return unknown._replace(is_damaged=True)
    if row is None:
        return unknown
    return unknown._replace(
        is_initialised=True,
        label=row.label.decode(errors="replace").rstrip(),
        serial=row.serial,
        has_user_pin=row.user.is_set,
        is_user_pin_locked=row.user.is_locked(slot.limits.pin_tries),
        is_so_pin_locked=row.so.is_locked(slot.limits.pin_tries),
    )


def _slot(config: Config, slot: int) -> SlotConfig:
    for found in config.slots:
        if found.id == slot:
            return found
    there = ", ".join(str(found.id) for found in config.slots)
    raise TokenAdminError(f"there is no slot {slot}; there are {there}")


def _pin(name: str, pin: str) -> bytes:
    value = encoded(name, pin)
    if not pins.MIN_LENGTH <= len(value) <= pins.MAX_LENGTH:
        raise TokenAdminError(f"the {name} must have {pins.MIN_LENGTH} to {pins.MAX_LENGTH} bytes")
    return value


def encoded(name: str, text: str) -> bytes:
    """A text of the command line as UTF-8; TokenAdminError if it was none."""
    try:
        return text.encode()
    except UnicodeEncodeError:  # bytes of the command line that are no text
        raise TokenAdminError(f"the {name} is not UTF-8") from None


@contextmanager
def _opened(slot: SlotConfig) -> Iterator[Token]:
    token = Token(store_path(os.fspath(home()), slot.id), count(1), slot.limits)
    try:
        yield token
    except CryptokiError as error:
        reason = _REASONS.get(error.rv, str(error))
        raise TokenAdminError(f"slot {slot.id}: {reason}") from error
    finally:
        token.close()
