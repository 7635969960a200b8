"""Key management (PKCS #11 3.2, 5.18)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ghostcard import pkcs11 as ck
from ghostcard.module import derivation, encapsulation, keys
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, ask
from ghostcard.module.template import Template

_ABOUT_WRAPPED = {
    ck.CKR_ENCRYPTED_DATA_INVALID: ck.CKR_WRAPPED_KEY_INVALID,
    ck.CKR_ENCRYPTED_DATA_LEN_RANGE: ck.CKR_WRAPPED_KEY_LEN_RANGE,
    ck.CKR_DATA_INVALID: ck.CKR_WRAPPED_KEY_INVALID,
    ck.CKR_DATA_LEN_RANGE: ck.CKR_WRAPPED_KEY_LEN_RANGE,
}
"""The card's words for bad data -> the standard's for a bad wrapped key."""


@contextmanager
def about_wrapped() -> Iterator[None]:
    """Tell what is wrong with the data of the wrapped key so."""
    try:
        yield
    except CryptokiError as error:
        raise CryptokiError(_ABOUT_WRAPPED.get(error.rv, error.rv)) from error


class KeyManagement(Chapter):
    """C_GenerateKey to C_DeriveKey, C_EncapsulateKey, C_DecapsulateKey."""

    def generate_key(self, session: int, mechanism: bytes, template: Template) -> int:
        """A new secret key."""
        active = self._session(session)
        return ask(active, lambda: keys.generate(active, mechanism, template)).handle

    def generate_key_pair(
        self, session: int, mechanism: bytes, public_template: Template, private_template: Template
    ) -> tuple[int, int]:
        """A new key pair: handles of the public and of the private key."""
        active = self._session(session)
        public, private = ask(
            active,
            lambda: keys.generate_pair(active, mechanism, public_template, private_template),
        )
        return public.handle, private.handle

    def wrap_key(
        self, session: int, mechanism: bytes, wrapping_key: int, key: int, capacity: int | None
    ) -> bytes | int:
        """A key encrypted under another; its length is known only when it is done."""
        active = self._session(session)
        under = active.key(wrapping_key, ck.CKR_WRAPPING_KEY_HANDLE_INVALID)
        wrapped = ask(active, lambda: keys.wrap(active, mechanism, under, active.key(key)))
        if capacity is None or capacity < len(wrapped):
            return len(wrapped)
        return wrapped

    def unwrap_key(
        self, session: int, mechanism: bytes, key: int, wrapped: bytes, template: Template
    ) -> int:
        """The key that was wrapped."""
        active = self._session(session)
        under = active.key(key, ck.CKR_UNWRAPPING_KEY_HANDLE_INVALID)
        with about_wrapped():
            return ask(
                active, lambda: keys.unwrap(active, mechanism, under, wrapped, template)
            ).handle

    def derive_key(self, session: int, mechanism: bytes, base_key: int, template: Template) -> int:
        """A key made from another."""
        active = self._session(session)
        base = active.key(base_key)
        return ask(active, lambda: derivation.derive(active, mechanism, base, template)).handle

    def derive_keys(
        self, session: int, mechanism: bytes, base_key: int, templates: Sequence[Template]
    ) -> tuple[list[int], bytes]:
        """Several keys made from another, and what data comes with them."""
        active = self._session(session)
        base = active.key(base_key)
        made, data = ask(active, lambda: derivation.derive_many(active, mechanism, base, templates))
        return [key.handle for key in made], data

    def encapsulate_key(
        self, session: int, mechanism: bytes, key: int, template: Template, capacity: int | None
    ) -> tuple[int, bytes] | int:
        """A new secret key and its ciphertext for the holder of the private key; or the length of
        the ciphertext, when there is no room for it, and then no key is made.
        """
        active = self._session(session)
        public = active.key(key)
        made = ask(
            active, lambda: encapsulation.encapsulate(active, mechanism, public, template, capacity)
        )
        return made if isinstance(made, int) else (made[0].handle, made[1])

    def decapsulate_key(
        self, session: int, mechanism: bytes, key: int, template: Template, ciphertext: bytes
    ) -> int:
        """The secret key of a ciphertext."""
        active = self._session(session)
        private = active.key(key)
        return ask(
            active,
            lambda: encapsulation.decapsulate(active, mechanism, private, template, ciphertext),
        ).handle
