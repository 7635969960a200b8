"""Objects as the store has them: packed, the private ones encrypted with the token key."""

from collections.abc import Callable
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module import body, pins
from ghostcard.module.catalog import OUTLINE
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Outline
from ghostcard.module.store import ObjectRow
from ghostcard.module.template import Attributes, check_layout, kind_of, restored

_KIND = 3
"""Attributes at the end of an outline that say what kind of object it is."""


class Owner(NamedTuple):
    """A life of the token, who is logged in (`session.NOBODY`), and his token key."""

    epoch: bytes
    user: int
    key: bytes


class Rows:
    """``key`` is the token key, of a user who is logged in (`unlock`); ``epoch`` the token's life;
    ``report`` tells once that a store is damaged.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self.key = self.epoch = b""
        self._report = report
        self._decrypt: Callable[[bytes], bytes | None] | None = None
        self._outlines = body.Outlines(OUTLINE)
        self._sound: dict[Outline, Outline] = {}

    def unlock(self, key: bytes) -> None:
        """Private objects can be read from now on, in this life of the token."""
        self.key = key
        self._decrypt = pins.decrypter(key, self.epoch)

    def lock(self) -> None:
        """Nothing is kept of the token key, nor of what it has opened."""
        self.key, self._decrypt = b"", None
        self._outlines = body.Outlines(OUTLINE)
        self._sound = {}

    def packed(self, attributes: Attributes, blob: bytes) -> bytes:
        """The body of an object."""
        return self.sealed(attributes[ck.CKA_PRIVATE] == b"\x01", body.pack(attributes, blob))

    def sealed(self, is_private: bool, data: bytes) -> bytes:
        """Bytes of an object: what is empty stays so, as it says that there is nothing."""
        return pins.encrypt(self.key, data, self.epoch) if is_private and data else data

    def unpacked(self, row: ObjectRow) -> tuple[Attributes, bytes]:
        """Attributes and the blob that is good at present; CKR_DEVICE_ERROR."""
        try:
            attributes, blob = body.unpack(self._opened(row, row.body))
            renewed = self._opened(row, row.renewed) if row.renewed else blob
            return restored(attributes), renewed
        except body.BodyError as error:
            raise self._damaged(str(error)) from None
        except CryptokiError:
            raise self._damaged("an object's attributes are damaged") from None

    def outlined(self, row: ObjectRow) -> Outline:
        """What objects are looked for by, at a sixth of the cost; CKR_DEVICE_ERROR. Objects of a
        kind share the values that say so.
        """
        try:
            types, values = self._outlines.read(self._opened(row, row.body))
            *own, object_class, key_type, certificate_type = values
            kind = (types, object_class, key_type, certificate_type)
            return (*own, *(self._sound.get(kind) or self._checked(types, kind[1:])))
        except body.BodyError as error:
            raise self._damaged(str(error)) from None
        except CryptokiError:
            raise self._damaged("an object's attributes are damaged") from None

    def _checked(self, types: bytes, kind: Outline) -> Outline:
        """The values that say of what kind objects are, once it is seen that they have what they
        must.
        """
        named = zip(OUTLINE[-_KIND:], kind, strict=True)
        schema = kind_of({type: value for type, value in named if value is not None})
        check_layout(schema, body.types(types))
        return self._sound.setdefault((types, *kind), kind)

    def _opened(self, row: ObjectRow, data: bytes) -> bytes:
        if not row.is_private:
            return data
        opened = self._decrypt and self._decrypt(data)
        if opened is None:
            raise body.BodyError("a private object cannot be decrypted")
        return opened

    def _damaged(self, reason: str) -> CryptokiError:
        self._report(reason)
        return CryptokiError(ck.CKR_DEVICE_ERROR)
