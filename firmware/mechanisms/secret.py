"""Secret keys: which values a type may have, and how keys of a type are made."""

from collections.abc import Collection

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.hashes import HASHES
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Draw, Mechanism
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

MAX_BITS = 16384  # of a secret value: its blob must fit the 16,384 bytes a host keeps for one
AES_BYTES = (16, 24, 32)
ANY_BYTES = range(1, MAX_BITS // 8 + 1)
DES_TYPES = frozenset((ck.CKK_DES, ck.CKK_DES2, ck.CKK_DES3))

SIZES: dict[int, Collection[int]] = {
    ck.CKK_GENERIC_SECRET: ANY_BYTES,
    **{each.hmac_key_type: ANY_BYTES for each in HASHES},
    ck.CKK_HKDF: ANY_BYTES,
    ck.CKK_HOTP: ANY_BYTES,
    ck.CKK_AES: AES_BYTES,
    ck.CKK_AES_XTS: (32, 64),
    ck.CKK_DES: (8,),
    ck.CKK_DES2: (16,),
    ck.CKK_DES3: (24,),
    ck.CKK_CHACHA20: (32,),
    ck.CKK_POLY1305: (32,),
}
"""The types of secret keys, and the sizes in bytes their values may have."""

KEY_TYPES = frozenset((ck.CKK_GENERIC_SECRET, *(each.hmac_key_type for each in HASHES)))
"""Secret keys of any length: generic secrets, and the key types of the HMACs."""


def secret_key(key_type: int, value: bytes, is_null: bool = False) -> Key:
    """A secret key of any type the card has; refused if it cannot have the value.

    CKR_KEY_SIZE_RANGE for its size, CKR_ATTRIBUTE_VALUE_INVALID for a wrong parity (DES: FIPS
    46-3) or two equal halves (AES-XTS: FIPS 140-3 implementation guidance, C.I).
    """
    sizes = SIZES.get(key_type)
    if sizes is None:
        raise Refused(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    if len(value) not in sizes:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    if not is_null and _is_spoilt(key_type, value):
        raise Refused(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    return Key(ck.CKO_SECRET_KEY, key_type, len(value) * 8, value, is_null=is_null)


def with_parity(key_type: int, value: bytes) -> bytes:
    """The value as a key of the type has it: of each byte of a DES key the last bit is set so that
    the number of ones is odd; values of other types stay as they are.
    """
    if key_type not in DES_TYPES:
        return value
    return bytes(byte & 0xFE | (byte >> 1).bit_count() & 1 ^ 1 for byte in value)


def _is_spoilt(key_type: int, value: bytes) -> bool:
    if key_type == ck.CKK_AES_XTS:
        half = len(value) // 2
        return value[:half] == value[half:]
    return key_type in DES_TYPES and with_parity(key_type, value) != value


class SecretKeyGen(Mechanism):
    """CKM_*_KEY_GEN: keys of one type, drawn; the sizes of a mechanism are those of its keys."""

    __slots__ = ("_operation", "key_type")
    counts_bytes = True

    def __init__(self, number: int, key_type: int, operation: str = "secret-keygen") -> None:
        unit = 1 if self.counts_bytes else 8
        sizes = SIZES[key_type]
        flags = ck.CKF_HW | ck.CKF_GENERATE
        super().__init__(number, min(sizes) * unit, max(sizes) * unit, flags, key_type)
        self.key_type = key_type
        self._operation = operation

    def keyless_operation(self) -> str:
        return self._operation

    def generate(self, key_bytes: int, draw: Draw) -> Key:
        if key_bytes not in SIZES[self.key_type]:
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        value = with_parity(self.key_type, draw(key_bytes))
        return Key(ck.CKO_SECRET_KEY, self.key_type, key_bytes * 8, value)


class ValueKeyGen(SecretKeyGen):
    """Keys of any length; their mechanisms state bits."""

    __slots__ = ()
    counts_bytes = False


def register(table: Table) -> None:
    """Add CKM_GENERIC_SECRET_KEY_GEN, which makes keys of any of KEY_TYPES (PKCS #11 3.2, 6.8.3).

    Its values are drawn, so there is no answer to know.
    """
    mechanism = ValueKeyGen(ck.CKM_GENERIC_SECRET_KEY_GEN, ck.CKK_GENERIC_SECRET)
    mechanism.key_types = tuple(KEY_TYPES)
    table.register("secret", None, [mechanism])
