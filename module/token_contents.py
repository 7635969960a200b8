"""What lies on a token, without the C library: what `ghostcard token objects` and its kind do.

with token_contents.opened(0, pin="1234") as token:
    for entry in token.objects(): print(entry.kind, entry.label)
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.encoding import TRUE, number
from ghostcard.module.errors import CryptokiError
from ghostcard.module.names import name
from ghostcard.module.template import Attributes
from ghostcard.module.token_admin import TokenAdminError, encoded

_READ_ONLY = ck.CKF_SERIAL_SESSION
_READ_WRITE = ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION
_MANY = 1024
_FLAGS = (
    *(ck.CKA_PRIVATE, ck.CKA_SENSITIVE, ck.CKA_EXTRACTABLE, ck.CKA_TRUSTED, ck.CKA_MODIFIABLE),
)
_SHOWN = (
    *(ck.CKA_CLASS, ck.CKA_KEY_TYPE, ck.CKA_CERTIFICATE_TYPE, ck.CKA_LABEL, ck.CKA_ID),
    *(ck.CKA_UNIQUE_ID, ck.CKA_MODULUS, ck.CKA_VALUE_LEN, *_FLAGS),
)
REASONS = {
    ck.CKR_TOKEN_NOT_RECOGNIZED: "it has no token: `ghostcard token init` makes one",
    ck.CKR_PIN_INCORRECT: "the PIN is wrong",
    ck.CKR_PIN_LOCKED: "the PIN is locked",
    ck.CKR_PIN_LEN_RANGE: "the PIN is too short or too long",
    ck.CKR_USER_PIN_NOT_INITIALIZED: "its user has no PIN",
    ck.CKR_USER_NOT_LOGGED_IN: "a PIN is needed for that",
    ck.CKR_DEVICE_MEMORY: "the token is full",
    ck.CKR_DEVICE_ERROR: "the token store is damaged",
    ck.CKR_TOKEN_WRITE_PROTECTED: "the token store is read-only",
    ck.CKR_SLOT_ID_INVALID: "there is no such slot",
    ck.CKR_TOKEN_NOT_PRESENT: "it can have no token",
}
"""What is wrong with a slot or its token, in words."""


class ObjectListing(NamedTuple):
    """One object. ``id`` and ``unique_id`` as text; ``flags``: the names of those that are set."""

    kind: str
    type: str
    label: str
    id: str
    flags: tuple[str, ...]
    bytes: int
    unique_id: str


class Contents:
    """An open token. Every method may raise CryptokiError; `opened` makes lines of it."""

    def __init__(self, library: Cryptoki, session: int) -> None:
        self._library = library
        self._session = session

    def objects(self) -> list[ObjectListing]:
        """Everything the session sees but session objects, as old as it is."""
        return [self._listed(handle) for handle in self.find({ck.CKA_TOKEN: TRUE})]

    def find(self, wanted: Attributes) -> list[int]:
        """Handles of the objects with these attributes."""
        self._library.find_objects_init(self._session, list(wanted.items()))
        found: list[int] = []
        while some := self._library.find_objects(self._session, _MANY):
            found += some
        self._library.find_objects_final(self._session)
        return found

    def get(self, handle: int, types: Iterable[int]) -> Attributes:
        """The attributes that the object has and shows."""
        types = tuple(types)
        values = self._library.get_attribute_value(self._session, handle, types)
        return {
            type: value
            for type, value in zip(types, values, strict=True)
            if isinstance(value, bytes)
        }

    def add(self, templates: Iterable[Attributes]) -> None:
        """Token objects of these templates; if one of them is refused, none."""
        made: list[int] = []
        try:
            for template in templates:
                on_token = list((template | {ck.CKA_TOKEN: TRUE}).items())
                made.append(self._library.create_object(self._session, on_token))
        except BaseException:
            for handle in made:
                self._library.destroy_object(self._session, handle)
            raise

    def _listed(self, handle: int) -> ObjectListing:
        values = self.get(handle, _SHOWN)
        return ObjectListing(
            kind=plain(name("CKO", number(values[ck.CKA_CLASS]))),
            type=_type(values),
            label=values.get(ck.CKA_LABEL, b"").decode(errors="replace"),
            id=values.get(ck.CKA_ID, b"").hex(),
            flags=tuple(plain(name("CKA", flag)) for flag in _FLAGS if values.get(flag) == TRUE),
            bytes=self._library.get_object_size(self._session, handle),
            unique_id=values.get(ck.CKA_UNIQUE_ID, b"").decode(errors="replace"),
        )


@contextmanager
def opened(slot: int, pin: str | None = None, is_rw: bool = False) -> Iterator[Contents]:
    """The token of a slot of the configuration, its user logged in if there is a PIN.

    TokenAdminError for what goes wrong with it; what is wrong with configuration or home is raised
    as it is.
    """
    library = Cryptoki()
    library.start()
    try:
        session = library.open_session(slot, _READ_WRITE if is_rw else _READ_ONLY)
        if pin is not None:
            library.login(session, ck.CKU_USER, encoded("user PIN", pin))
        yield Contents(library, session)
    except CryptokiError as error:
        reason = REASONS.get(error.rv) or name("CKR", error.rv)
        raise TokenAdminError(f"slot {slot}: {reason}") from error
    finally:
        library.finalize()


def plain(constant: str) -> str:
    """``private key`` of CKO_PRIVATE_KEY."""
    return constant.partition("_")[2].replace("_", " ").lower()


def _type(values: Attributes) -> str:
    """``RSA 2048``, ``AES 256``, ``EC``, ``X 509``; empty where there are no types."""
    for type, prefix in ((ck.CKA_KEY_TYPE, "CKK"), (ck.CKA_CERTIFICATE_TYPE, "CKC")):
        if type in values:
            word = name(prefix, number(values[type])).partition("_")[2].replace("_", " ")
            return f"{word} {_bits(values)}".rstrip()
    return ""


def _bits(values: Attributes) -> str:
    if ck.CKA_MODULUS in values:
        return str(int.from_bytes(values[ck.CKA_MODULUS], "big").bit_length())
    return str(8 * number(values[ck.CKA_VALUE_LEN])) if ck.CKA_VALUE_LEN in values else ""
