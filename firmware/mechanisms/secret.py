"""Secret keys with no structure: generic secrets, and the key types of the HMACs."""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.hashes import HASHES
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Draw, Mechanism
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

MAX_BITS = 16384  # of a secret value: its blob must fit the 16,384 bytes a host keeps for one
KEY_TYPES = frozenset((ck.CKK_GENERIC_SECRET, *(each.hmac_key_type for each in HASHES)))
AES_BYTES = (16, 24, 32)


def secret_key(key_type: int, value: bytes, is_null: bool = False) -> Key:
    """A secret key of any type the card has; refused if the value has a wrong size."""
    size = len(value)
    if key_type == ck.CKK_AES:
        if size not in AES_BYTES:
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
    elif key_type not in KEY_TYPES:
        raise Refused(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    elif not 0 < size <= MAX_BITS // 8:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    return Key(ck.CKO_SECRET_KEY, key_type, size * 8, value, is_null=is_null)


class GenericKeyGen(Mechanism):
    """CKM_GENERIC_SECRET_KEY_GEN (PKCS #11 3.2, 6.8.3)."""

    __slots__ = ()

    def keyless_operation(self) -> str:
        return "secret-keygen"

    def generate(self, key_bytes: int, draw: Draw) -> Key:
        if not 0 < key_bytes <= MAX_BITS // 8:
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        return secret_key(ck.CKK_GENERIC_SECRET, draw(key_bytes))


def register(table: Table) -> None:
    """Add CKM_GENERIC_SECRET_KEY_GEN; its values are drawn, so there is no answer to know."""
    flags = ck.CKF_HW | ck.CKF_GENERATE
    mechanism = GenericKeyGen(ck.CKM_GENERIC_SECRET_KEY_GEN, 8, MAX_BITS, flags, *KEY_TYPES)
    table.register("secret", None, [mechanism])
