"""Keys that are the hash of a key (PKCS #11 3.2, "SHA-256 Key Derivation" and its kin)."""

import hashlib
from collections.abc import Callable
from typing import Protocol

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.derivation import MAX_BYTES, SecretDerivation, within
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, opener
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import no_parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table


class HashDerivation(SecretDerivation):
    """CKM_SHA*_KEY_DERIVATION, CKM_BLAKE2B_*_KEY_DERIVE: the hash from its leading end."""

    __slots__ = ("hash",)

    def __init__(self, which: Hash) -> None:
        super().__init__(which.derivation)
        self.hash = which

    def derived_bytes(self, key: Key, params: bytes, key_bytes: int | None) -> int:
        no_parameters(params)
        return within(key_bytes, self.hash.size, self.hash.size)

    def derive(self, key: Key, params: bytes, key_bytes: int | None) -> bytes:
        size = self.derived_bytes(key, params, key_bytes)
        return opener(self.hash)(key.material).digest()[:size]


class Shake(Protocol):
    """A SHAKE that has taken its input."""

    def digest(self, length: int, /) -> bytes: ...


class ShakeDerivation(SecretDerivation):
    """CKM_SHAKE_*_KEY_DERIVATION: as many bytes as the template wants, which must say so."""

    __slots__ = ("shake",)

    def __init__(self, number: int, shake: Callable[[bytes], Shake]) -> None:
        super().__init__(number)
        self.shake = shake

    def derived_bytes(self, key: Key, params: bytes, key_bytes: int | None) -> int:
        no_parameters(params)
        if key_bytes is None:
            raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
        return within(key_bytes, key_bytes, MAX_BYTES)

    def derive(self, key: Key, params: bytes, key_bytes: int | None) -> bytes:
        size = self.derived_bytes(key, params, key_bytes)
        return self.shake(key.material).digest(size)


SHAKES = (
    ShakeDerivation(ck.CKM_SHAKE_128_KEY_DERIVATION, hashlib.shake_128),
    ShakeDerivation(ck.CKM_SHAKE_256_KEY_DERIVATION, hashlib.shake_256),
)

# FIPS 180-4 and 202 examples (NIST CSRC): of the key "abc". SHAKE: FIPS 202, of no bits at all in
# NIST's example; of "abc" here, computed by OpenSSL 3.0.
_ABC = b"abc"
_SHA256_ABC = bytes.fromhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
_SHAKE128_ABC = bytes.fromhex("5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8")


def known_answers() -> bool:
    """A hash and a SHAKE come out as above."""
    key = secret_key(ck.CKK_GENERIC_SECRET, _ABC)
    hashed = next(HashDerivation(each) for each in HASHES if each.name == "sha256")
    return (
        hashed.derive(key, b"", None) == _SHA256_ABC
        and SHAKES[0].derive(key, b"", 32) == _SHAKE128_ABC
    )


def register(table: Table) -> None:
    """Add a derivation for each hash, and those of SHAKE."""
    table.register("hash-derivation", known_answers, [*map(HashDerivation, HASHES), *SHAKES])
