"""Keys from parts of keys and data: joined, combined, cut out.

PKCS #11 3.2, "Miscellaneous simple key derivation mechanisms". Their keys can leave the card only
if all their bases can.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms.derivation import SecretDerivation, within
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table


class ConcatenateKeys(SecretDerivation):
    """CKM_CONCATENATE_BASE_AND_KEY."""

    __slots__ = ()
    keeps_secrecy = True

    def other_keys(self, params: bytes) -> tuple[bytes, ...]:
        return (parameters(self.number, params, wire.OtherKey).key,)

    def derived_with(
        self, key: Key, others: tuple[Key, ...], params: bytes, key_bytes: int | None
    ) -> int:
        whole = (key.bits + others[0].bits) // 8
        return within(key_bytes, whole, whole)

    def derive_with(
        self, key: Key, others: tuple[Key, ...], params: bytes, key_bytes: int | None
    ) -> bytes:
        size = self.derived_with(key, others, params, key_bytes)
        return (key.material + others[0].material)[:size]


class WithData(SecretDerivation):
    """A base key and data."""

    __slots__ = ()
    keeps_secrecy = True

    def _data(self, params: bytes) -> bytes:
        return parameters(self.number, params, wire.StringData).data

    def _whole(self, key: Key, data: bytes) -> int:
        return key.bits // 8 + len(data)

    def _joined(self, key: bytes, data: bytes) -> bytes:
        return key + data

    def derived_bytes(self, key: Key, params: bytes, key_bytes: int | None) -> int:
        whole = self._whole(key, self._data(params))
        return within(key_bytes, whole, whole)

    def derive(self, key: Key, params: bytes, key_bytes: int | None) -> bytes:
        size = self.derived_bytes(key, params, key_bytes)
        return self._joined(key.material, self._data(params))[:size]


class ConcatenateData(WithData):
    """CKM_CONCATENATE_BASE_AND_DATA."""

    __slots__ = ()


class DataFirst(WithData):
    """CKM_CONCATENATE_DATA_AND_BASE."""

    __slots__ = ()

    def _joined(self, key: bytes, data: bytes) -> bytes:
        return data + key


class Xor(WithData):
    """CKM_XOR_BASE_AND_DATA: as long as the shorter of both."""

    __slots__ = ()

    def _whole(self, key: Key, data: bytes) -> int:
        return min(key.bits // 8, len(data))

    def _joined(self, key: bytes, data: bytes) -> bytes:
        return bytes(one ^ other for one, other in zip(key, data, strict=False))


class Extract(SecretDerivation):
    """CKM_EXTRACT_KEY_FROM_KEY: bits from a place on, and from the start again behind the last."""

    __slots__ = ()
    keeps_secrecy = True

    def derived_bytes(self, key: Key, params: bytes, key_bytes: int | None) -> int:
        if parameters(self.number, params, wire.BitIndex).bit >= key.bits:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        if key_bytes is None:
            raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
        return within(key_bytes, key_bytes, key.bits // 8)

    def derive(self, key: Key, params: bytes, key_bytes: int | None) -> bytes:
        size = self.derived_bytes(key, params, key_bytes)
        start = parameters(self.number, params, wire.BitIndex).bit
        twice = int.from_bytes(key.material * 2, "big")
        mask = (1 << 8 * size) - 1
        return (twice >> 2 * key.bits - start - 8 * size & mask).to_bytes(size, "big")


# The example of the standard for CKM_EXTRACT_KEY_FROM_KEY: 16 bits of the key, from bit 21 on.
_BASE = bytes.fromhex("329f84a9")
_START = 21
_BITS = bytes.fromhex("9526")


def known_answers() -> bool:
    """The example of the standard."""
    key = secret_key(ck.CKK_GENERIC_SECRET, _BASE)
    extract = Extract(ck.CKM_EXTRACT_KEY_FROM_KEY)
    return extract.derive(key, _START.to_bytes(4, "big"), 2) == _BITS


def register(table: Table) -> None:
    """Add the five mechanisms."""
    mechanisms = [
        ConcatenateKeys(ck.CKM_CONCATENATE_BASE_AND_KEY),
        ConcatenateData(ck.CKM_CONCATENATE_BASE_AND_DATA),
        DataFirst(ck.CKM_CONCATENATE_DATA_AND_BASE),
        Xor(ck.CKM_XOR_BASE_AND_DATA),
        Extract(ck.CKM_EXTRACT_KEY_FROM_KEY),
    ]
    table.register("simple-derivation", known_answers, mechanisms)
