"""Master keys of a CCA domain: four kinds, each in a register for the new, current and old key.

They lie in NVRAM under `nvram_name`. Nothing here changes them: that is done with smart cards, not
by request blocks. A domain that has no current keys gets them at its first boot.
"""

from ghostcard.emulator.nvram import Nvram
from ghostcard.firmware.abi.cca_facility import EMPTY, FULL, INVALID, VALID, MasterKey, Registers

KEY_SIZES = {MasterKey.SYM: 24, MasterKey.ASYM: 24, MasterKey.AES: 32, MasterKey.APKA: 32}
NEW, CURRENT, OLD = "new", "cur", "old"


def nvram_name(domain: int, kind: MasterKey, register: str = CURRENT) -> str:
    """Where a key is kept."""
    return f"cca.{domain:02x}.{kind.name.lower()}.{register}"


def pattern(kind: MasterKey, key: bytes) -> bytes:
    """The verification pattern of a key: the beginning of its SHA-256."""
    from hashlib import sha256

    return sha256(key).digest()[: kind.pattern_bytes]


def registers(nvram: Nvram, domain: int, kind: MasterKey) -> Registers:
    """What the three registers hold, as a facility query tells it."""
    keys = [nvram.read(nvram_name(domain, kind, name)) for name in (NEW, CURRENT, OLD)]
    patterns = (pattern(kind, key) if key else bytes(kind.pattern_bytes) for key in keys)
    new, current, old = keys
    states = (FULL if new else EMPTY, VALID if current else INVALID, VALID if old else INVALID)
    return Registers(*states, *patterns)
