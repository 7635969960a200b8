"""One domain of the card: its wrapping key, and the keys it has opened lately.

The cache looks a blob up by its MAC and then compares the whole of it, so that a blob with a byte
changed misses and is opened, and refused, as if there were no cache. Neither step tells a caller
anything about a MAC that he does not hold already.
"""

from collections.abc import Callable

from ghostcard.firmware.abi import blob as wire
from ghostcard.firmware.abi import spki
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.status import CKR_IBM_BLOB_ERROR, CKR_IBM_PARAM_NOT_SUPPORTED
from ghostcard.firmware.ep11 import rights
from ghostcard.firmware.ep11.wrapping import WrappingKey
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Draw
from ghostcard.firmware.mechanisms.public import public_key
from ghostcard.firmware.mechanisms.refusal import Refused

MAX_KEYS = 4096  # opened keys kept in card memory; then all are forgotten


class Domain:
    """Opens and seals the keys of one domain; safe to use from several threads."""

    __slots__ = ("_draw", "_ensure_tested", "_is_null", "_keys", "index", "wrapping")

    def __init__(
        self,
        index: int,
        wrapping: WrappingKey,
        draw: Draw,
        is_null: bool,
        ensure_tested: Callable[[], None],
    ) -> None:
        """`ensure_tested` runs the self test of blobs before the first is opened or made."""
        self.index = index
        self._ensure_tested = ensure_tested
        self.wrapping = wrapping
        self._draw = draw
        self._is_null = is_null
        self._keys: dict[bytes, Key] = {}

    def key(self, blob: bytes) -> Key:
        """The key of a blob or of a public key in clear; refused if it is not genuine."""
        key = self._keys.get(blob[-wire.MAC_SIZE :])
        if key is not None and key.blob == blob:
            return key
        return self._opened(blob)

    def seal(self, key: Key) -> bytes:
        """The blob of a new key."""
        self._ensure_tested()
        return self.wrapping.seal(key, self._draw)

    def forget(self) -> None:
        """Drop all opened keys."""
        self._keys.clear()

    def _opened(self, blob: bytes) -> Key:
        self._ensure_tested()
        key = _public(blob) if wire.is_public(blob) else self.wrapping.open(blob)
        rights.check_null(key, self._is_null)
        if len(self._keys) >= MAX_KEYS:
            self._keys.clear()
        self._keys[blob[-wire.MAC_SIZE :]] = key
        return key


def _public(blob: bytes) -> Key:
    try:
        bare, trailer = spki.split(blob)
    except WireError:
        raise Refused(CKR_IBM_BLOB_ERROR) from None
    if trailer is not None:  # this card makes none, so it knows no MAC that could vouch for it
        raise Refused(CKR_IBM_PARAM_NOT_SUPPORTED)
    key = public_key(bare)
    key.booleans = rights.PUBLIC
    key.blob = blob
    return key
