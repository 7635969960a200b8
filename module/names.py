"""Numbers of the standard as people read them: CKM_AES_GCM, CKR_OK, CKA_LABEL."""

from functools import cache

from ghostcard import pkcs11 as ck
from ghostcard.module.attributes import CKA_IBM_PROTKEY_EXTRACTABLE

_OURS = {"CKA": {CKA_IBM_PROTKEY_EXTRACTABLE: "CKA_IBM_PROTKEY_EXTRACTABLE"}}


@cache
def names(prefix: str) -> dict[int, str]:
    """Number -> name of every constant ``<prefix>_...``; of several names the standard's first."""
    found: dict[int, str] = dict(_OURS.get(prefix, {}))
    for name, value in vars(ck).items():
        if name.startswith(f"{prefix}_"):
            found.setdefault(value, name)
    return found


def name(prefix: str, number: int) -> str:
    """The name of a number; one that has none in hexadecimal."""
    return names(prefix).get(number) or f"0x{number:x}"


def flags(prefix: str, value: int) -> str:
    """The names of a word's bits, joined by |; 0 if none is set."""
    bits = [name(prefix, 1 << bit) for bit in range(value.bit_length()) if value >> bit & 1]
    return "|".join(bits) or "0"
