"""Tries of a PIN: the verdict and its count, for all processes at once."""

from ghostcard import pkcs11 as ck
from ghostcard.module import pins
from ghostcard.module.errors import CryptokiError
from ghostcard.module.store import NO_PIN, Store, TokenRow

SO = "so"
USER = "user"
"""Whose PIN: the roles of `Store.set_pin`."""


def unlock(store: Store, role: str, pin: bytes, most: int) -> tuple[TokenRow, bytes]:
    """The token's row and key for a right PIN. CKR_PIN_INCORRECT, and after ``most`` wrong ones
    CKR_PIN_LOCKED; CKR_USER_PIN_NOT_INITIALIZED.

    The slow part runs outside of any lock; the verdict and its count are one transaction.
    """
    while True:
        before = _sealed(store.token(), role)
        _check_usable(before, most)
        stretched = pins.stretch(pin, before.salt)
        with store.writing() as row:
            now = _sealed(row, role)
            if now.salt != before.salt:
                continue  # the PIN was changed meanwhile
            _check_usable(now, most)
            key = pins.unseal(stretched, now, role)
            if key is None:
                store.set_pin(role, now._replace(tries=now.tries + 1))
            elif now.tries:
                store.set_pin(role, now._replace(tries=0))
        if key is None:
            raise CryptokiError(ck.CKR_PIN_INCORRECT)
        assert row is not None
        return row, key


def replace(store: Store, role: str, sealed: pins.SealedKey, epoch: bytes) -> None:
    """A new PIN, with all its tries; CKR_USER_NOT_LOGGED_IN in another life of the token than that
    of ``epoch``.
    """
    with store.writing() as row:
        if row is None or row.epoch != epoch:
            raise CryptokiError(ck.CKR_USER_NOT_LOGGED_IN)  # initialised anew meanwhile
        store.set_pin(role, sealed)


def _sealed(row: TokenRow | None, role: str) -> pins.SealedKey:
    if row is None:
        return NO_PIN
    return row.so if role == SO else row.user


def _check_usable(sealed: pins.SealedKey, most: int) -> None:
    if not sealed.is_set:
        raise CryptokiError(ck.CKR_USER_PIN_NOT_INITIALIZED)
    if sealed.is_locked(most):
        raise CryptokiError(ck.CKR_PIN_LOCKED)
