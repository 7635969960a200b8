"""The wrapping key of a domain, and the key blobs made under it (AP sheet 3.8 and 7.5).

The wrapping key is 32 random bytes in the card's NVRAM. What is computed under it is separated by
the KDF in counter mode of SP 800-108 with HMAC-SHA-256, one counter and these labels:

    "blob encryption"       AES-256 key, counter mode; the first counter block is IV(14) || 0(2)
    "blob authentication"   HMAC-SHA-256 key over all that stands before the MAC
    "blob IV"               HMAC-SHA-256 key that makes the IV, below
    "verification pattern"  the pattern itself, 32 bytes; the first 16 are the WKID in every blob

The sheet leaves open what the encrypted part looks like; ours is, big-endian, padded with zeros to
80 bytes: layout u8 (1), null mark u8, variant u16, object class u32, key type u32, key bits u32,
booleans u32, material length u32; then the material, padded with zeros to the room its kind has.

The IV is the start of HMAC(random 14 || what is to be encrypted): a card that runs from a seed
draws the same bytes again after each start, and two keys must not meet under one key stream.
"""

import hashlib
import hmac
import struct
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import blob as wire
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.status import CKR_IBM_BLOB_ERROR, CKR_IBM_WKID_MISMATCH
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Draw
from ghostcard.firmware.mechanisms.refusal import Refused

KEY_SIZE = 32
FAMILY = "blob"  # of the self test below
MODE = 0x1  # compliance bits of a domain that enforces nothing: FIPS2009 (AP sheet 7.5)

_INTERIOR = struct.Struct(">BBHIIIII")
_LAYOUT = 1


def nvram_name(domain: int) -> str:
    """Where a card keeps the wrapping key of a domain; cards with equal keys share their blobs."""
    return f"ep11.wrapping-key.{domain:04x}"


def _derived(key: bytes, label: bytes) -> bytes:
    """SP 800-108, 4.1: one round, no context, 256 bits."""
    return hmac.digest(key, b"\0\0\0\1" + label + b"\0" + (256).to_bytes(4, "big"), "sha256")


class WrappingKey:
    """Seals keys into blobs and opens them."""

    __slots__ = ("_encryption", "_iv", "_mac", "pattern", "wkid")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise ValueError(f"a wrapping key has {KEY_SIZE} bytes, got {len(key)}")
        self._encryption = _derived(key, b"blob encryption")
        self._mac = _derived(key, b"blob authentication")
        self._iv = _derived(key, b"blob IV")
        self.pattern = _derived(key, b"verification pattern")
        self.wkid = self.pattern[: wire.WKID_SIZE]

    def seal(self, key: Key, draw: Draw) -> bytes:
        """The blob of a key; its size depends on the kind of key alone."""
        interior = _interior(key)
        iv = hmac.digest(self._iv, draw(wire.IV_SIZE) + interior, "sha256")[: wire.IV_SIZE]
        header = wire.pack_header(wire.NO_SESSION, self.wkid, key.booleans, MODE, iv)
        body = header + self._crypt(iv, interior)
        return body + hmac.digest(self._mac, body, "sha256")

    def open(self, blob: bytes) -> Key:
        """The key of a blob: refused under another wrapping key, or if any bit has changed."""
        try:
            parts = wire.unpack(blob)
        except WireError:
            raise Refused(CKR_IBM_BLOB_ERROR) from None
        genuine = hmac.compare_digest(self.authenticate(blob[: -wire.MAC_SIZE]), parts.mac)
        if not genuine:
            # Another domain's blob is told from a damaged one by its WKID, which is no secret.
            other = not hmac.compare_digest(parts.wkid, self.wkid)
            raise Refused(CKR_IBM_WKID_MISMATCH if other else CKR_IBM_BLOB_ERROR)
        if parts.session != wire.NO_SESSION:
            raise Refused(ck.CKR_SESSION_CLOSED)
        key = _key(self._crypt(parts.iv, parts.encrypted))
        key.blob = blob
        return key

    def authenticate(self, data: bytes) -> bytes:
        """The MAC of what stands in front of it."""
        return hmac.digest(self._mac, data, "sha256")

    def _crypt(self, iv: bytes, data: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        counter = modes.CTR(iv + bytes(16 - wire.IV_SIZE))
        return Cipher(algorithms.AES(self._encryption), counter).encryptor().update(data)


class _Attributes(NamedTuple):
    layout: int
    null_mark: int
    variant: int
    object_class: int
    key_type: int
    bits: int
    booleans: int
    material_bytes: int


def _interior(key: Key) -> bytes:
    attributes = _Attributes(
        _LAYOUT, key.is_null, key.variant, key.object_class, key.key_type, key.bits, key.booleans,
        len(key.material),
    )  # fmt: skip
    head = _INTERIOR.pack(*attributes).ljust(wire.ATTRIBUTES_SIZE, b"\0")
    size = wire.encrypted_bytes(key.key_type, (key.bits + 7) // 8)
    return (head + key.material).ljust(size, b"\0")


def _key(interior: bytes) -> Key:
    found = _Attributes._make(_INTERIOR.unpack_from(interior))
    if found.layout != _LAYOUT:
        raise Refused(CKR_IBM_BLOB_ERROR)
    material = interior[wire.ATTRIBUTES_SIZE :][: found.material_bytes]
    return Key(
        found.object_class, found.key_type, found.bits, material, found.booleans,
        bool(found.null_mark), found.variant,
    )  # fmt: skip


# SHA-256 of the blob of the AES key 00 01 .. 1f, with no rights, under the wrapping key 20 .. 3f,
# the random bytes being zeros: computed from the description above by other code (see the tests).
_KNOWN_BLOB = "566f5c1f800c1c57be06e533c726463aaf7b769bd8860ff7f4028d01358b13a7"


def known_answers() -> bool:
    """A blob comes out as known, opens again, and does not open with its last bit changed."""
    wrapping = WrappingKey(bytes(range(KEY_SIZE, 2 * KEY_SIZE)))
    value = bytes(range(32))
    blob = wrapping.seal(Key(ck.CKO_SECRET_KEY, ck.CKK_AES, 256, value), bytes)
    if hashlib.sha256(blob).hexdigest() != _KNOWN_BLOB or wrapping.open(blob).material != value:
        return False
    try:
        wrapping.open(blob[:-1] + bytes((blob[-1] ^ 1,)))
    except Refused:
        return True
    return False
