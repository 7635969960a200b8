"""Objects as the store has them: packed, the private ones encrypted with the token key."""

from collections.abc import Callable
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module import body, pins
from ghostcard.module.catalog import OUTLINE
from ghostcard.module.errors import CryptokiError
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
    """``key`` is the token key, of a user who is logged in; ``epoch`` the token's life; ``report``
    tells once that a store is damaged.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self.key = self.epoch = b""
        self._report = report
        self._sound: set[tuple[bytes | None, ...]] = set()

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

    def outlined(self, row: ObjectRow) -> list[bytes | None]:
        """What objects are looked for by, at a third of the cost; CKR_DEVICE_ERROR."""
        try:
            head, values = body.outline(self._opened(row, row.body), OUTLINE)
            kind = (head, *values[-_KIND:])
            if kind not in self._sound:
                named = zip(OUTLINE[-_KIND:], values[-_KIND:], strict=True)
                schema = kind_of({type: value for type, value in named if value is not None})
                check_layout(schema, body.types(head))
                self._sound.add(kind)
            return values
        except body.BodyError as error:
            raise self._damaged(str(error)) from None
        except CryptokiError:
            raise self._damaged("an object's attributes are damaged") from None

    def _opened(self, row: ObjectRow, data: bytes) -> bytes:
        if not row.is_private:
            return data
        opened = pins.decrypt(self.key, data, self.epoch)
        if opened is None:
            raise body.BodyError("a private object cannot be decrypted")
        return opened

    def _damaged(self, reason: str) -> CryptokiError:
        self._report(reason)
        return CryptokiError(ck.CKR_DEVICE_ERROR)
