"""One object as a process knows it: handle, attributes, and for a key what the card calls it by."""

from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.module import spki
from ghostcard.module.encoding import TRUE, number
from ghostcard.module.template import Attributes

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghostcard.module.message import IvSource
    from ghostcard.module.operation import Locked, Operation, Ready

Outline = tuple[bytes | None, ...]
"""Values of the attributes by which objects are looked for (`catalog.OUTLINE`)."""

FORMER_BLOBS = 2

NO_ROW = 0
"""Row number of a session object; SQLite's begin at 1."""


class Object:
    """Attributes are replaced, never changed in place, so that a thread that reads them sees one
    state. Of a session object ``following`` is the blob under the wrapping key that comes next;
    ``former`` are blobs that the key had before.

    An object of the token whose body nobody has asked for has an `outline` and nothing of what
    `replace` sets: the first use of any of that reads it from the store, by ``load``.
    """

    __slots__ = (
        "_load",
        "attributes",
        "blob",
        "card_key",
        "changed",
        "checked",
        "following",
        "former",
        "handle",
        "is_private",
        "ivs",
        "object_class",
        "outline",
        "prepared",
        "row",
    )

    def __init__(
        self,
        handle: int,
        outline: "Outline",
        is_private: bool,
        row: int = NO_ROW,
        load: "Callable[[Object], None] | None" = None,
    ) -> None:
        """``is_private``: only the logged-in user knows of it."""
        self.handle = handle
        self.row = row
        self.changed = 0
        self.ivs: IvSource | None = None
        self.following = b""
        self.former: tuple[bytes, ...] = ()
        self.outline = outline
        self.is_private = is_private
        self._load = load

    def __getattr__(self, name: str) -> object:
        """What is not set yet: the body is read, once."""
        if name not in Object.__slots__ or self._load is None:
            raise AttributeError(name)
        self._load(self)
        return object.__getattribute__(self, name)

    @property
    def is_read(self) -> bool:
        """Whether the body has been read from the store."""
        try:
            object.__getattribute__(self, "attributes")
        except AttributeError:
            return False
        return True

    def replace(self, attributes: Attributes, blob: bytes) -> None:
        """Take over what the object is or has become."""
        self._remember(blob)
        self.blob = blob
        self.object_class = number(attributes[ck.CKA_CLASS])
        self.card_key: bytes | None = blob or None
        self.checked: dict[tuple[int, bytes, int], Ready] = {}
        self.prepared: dict[tuple[int, bytes], Operation | Locked] = {}
        self.attributes = attributes

    def _remember(self, blob: bytes) -> None:
        """Keep the blobs that the key had lately, as a request under way may have one of them."""
        if self.is_read and self.blob not in (b"", blob):
            self.former = (self.blob, *self.former)[:FORMER_BLOBS]
            self.following = b""

    @property
    def is_on_token(self) -> bool:
        return self.row != NO_ROW

    @property
    def key_type(self) -> int:
        """CKA_KEY_TYPE; -1 of an object that is no key."""
        value = self.attributes.get(ck.CKA_KEY_TYPE)
        return -1 if value is None else number(value)

    def has(self, attribute: int) -> bool:
        """Whether a boolean attribute is there and CK_TRUE."""
        return self.attributes.get(attribute) == TRUE

    def template(self, attribute: int) -> bytes:
        """A template the key has for keys made or wrapped with it (`flat.py`); empty if none."""
        return self.attributes.get(attribute, b"")

    def for_card(self) -> bytes:
        """What stands for the key on the wire: the key blob, or a public key's
        SubjectPublicKeyInfo.
        """
        if self.card_key is None:
            self.card_key = spki.build(self.attributes)
        return self.card_key
