"""Keys wrapped with authentication (PKCS #11 3.2, 5.18): C_WrapKey with an AEAD, additional data
and an IV that the token may make.
"""

from threading import Lock

from ghostcard import pkcs11 as ck
from ghostcard.module import keys
from ghostcard.module.encoding import number
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, ask
from ghostcard.module.functions.key_management import about_wrapped
from ghostcard.module.message import IvSource, MessageParameter, for_card
from ghostcard.module.object import Object
from ghostcard.module.session import Session
from ghostcard.module.template import Template

_MAKING = Lock()
"""Held while a key gets its `IvSource`: two would count from the same number."""


class Authenticated(Chapter):
    """C_WrapKeyAuthenticated, C_UnwrapKeyAuthenticated."""

    def wrap_key_authenticated(
        self,
        session: int,
        mechanism: int,
        parameter: MessageParameter,
        wrapping_key: int,
        key: int,
        aad: bytes,
        capacity: int | None,
    ) -> tuple[bytes, bytes] | int:
        """A key encrypted under another, its tag behind it, and the IV; or the length of the
        first. A question for the length takes no IV.
        """
        active = self._session(session)
        under = active.key(wrapping_key, ck.CKR_WRAPPING_KEY_HANDLE_INVALID)
        wrapped = active.key(key)
        size = _known_size(wrapped) or parameter.data_bytes
        sized = parameter._replace(data_bytes=size)
        how = for_card(mechanism, sized, aad, size)
        if capacity is None:
            return len(ask(active, lambda: keys.wrap(active, how, under, wrapped)))
        iv = ask(active, lambda: _ivs_of(active, under).next(parameter))
        how = for_card(mechanism, sized._replace(iv=iv), aad, size)
        result = ask(active, lambda: keys.wrap(active, how, under, wrapped))
        return (result, iv) if len(result) <= capacity else len(result)

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
        """The key that was wrapped; CKR_WRAPPED_KEY_INVALID if its tag does not fit."""
        active = self._session(session)
        under = active.key(key, ck.CKR_UNWRAPPING_KEY_HANDLE_INVALID)
        size = len(wrapped) - parameter.tag_bits // 8
        if size < 0:
            raise CryptokiError(ck.CKR_WRAPPED_KEY_LEN_RANGE)
        how = for_card(mechanism, parameter._replace(data_bytes=size), aad, size)
        with about_wrapped():
            return ask(active, lambda: keys.unwrap(active, how, under, wrapped, template)).handle


def _known_size(key: Object) -> int:
    """Bytes of a secret key, as CCM must be told; 0 of a private key, whose PKCS #8 the card
    makes.
    """
    value = key.attributes.get(ck.CKA_VALUE_LEN)
    return 0 if value is None else number(value)


def _ivs_of(active: Session, key: Object) -> IvSource:
    """The IVs of a wrapping key; no two of this process's are the same."""
    with _MAKING:
        if key.ivs is None:
            key.ivs = IvSource(active.slot.host.generate_random)
        return key.ivs
