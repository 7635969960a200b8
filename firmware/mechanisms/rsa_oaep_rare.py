"""RSAES-OAEP with the hashes that the cryptographic library does not offer for it, by pycryptodome.

Imported when needed.
"""

from importlib import import_module
from typing import Protocol, Self

from Cryptodome.Cipher.PKCS1_OAEP import PKCS1OAEP_Cipher
from Cryptodome.Cipher.PKCS1_OAEP import new as oaep
from Cryptodome.PublicKey import RSA
from Cryptodome.Signature.pss import MGF1

from ghostcard.firmware.mechanisms.hashes import SHA512_224, SHA512_256, Hash

_TRUNCATED = {SHA512_224: "224", SHA512_256: "256"}


class HashObject(Protocol):
    """A hash object of pycryptodome, as far as it is used here."""

    digest_size: int

    def new(self, data: bytes = ..., /) -> Self: ...

    def update(self, data: bytes, /) -> object: ...

    def digest(self) -> bytes: ...


def _hash_object(which: Hash) -> HashObject:
    cut = _TRUNCATED.get(which)
    module = import_module(f"Cryptodome.Hash.{'SHA512' if cut else which.name.upper()}")
    made: HashObject = module.new(truncate=cut) if cut else module.new()
    return made


def cipher(numbers: tuple[int, ...], which: Hash, mask: Hash, label: bytes) -> PKCS1OAEP_Cipher:
    """The scheme with a key: n and e, and of a private key d, p and q behind them."""
    key = RSA.construct(numbers, consistency_check=False)  # type: ignore[arg-type]  # 2 or 5
    masking = _hash_object(mask)
    return oaep(key, _hash_object(which), lambda seed, size: MGF1(seed, size, masking), label)  # type: ignore[arg-type]
