"""PINs: what a PIN unlocks, how often it may be wrong, and nothing of the PIN itself.

The token key, which encrypts private objects, is kept once per role, sealed with AES-256-GCM under
a key that scrypt (RFC 7914) makes of the PIN and a salt. A PIN is right if it opens the seal: there
is nothing else to compare it with.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError

MIN_LENGTH = 4
MAX_LENGTH = 255

_SALT_BYTES = 16
_NONCE_BYTES = 12
_KEY_BYTES = 32
SCRYPT_N = 1 << 14
"""Cost of a PIN: 16 MiB and about 50 ms. Another value makes the PINs of every store wrong."""

_SCRYPT_R, _SCRYPT_P = 8, 1
_SCRYPT_MEMORY = 64 << 20


class SealedKey(NamedTuple):
    """A role's seal: salt of scrypt, nonce and sealed token key, wrong tries since the last right
    one.
    """

    salt: bytes
    key: bytes
    tries: int

    @property
    def is_set(self) -> bool:
        """Whether there is a PIN at all."""
        return bool(self.salt)

    def is_locked(self, tries: int) -> bool:
        """Whether it was wrong that often."""
        return self.tries >= tries


def new_token_key() -> bytes:
    """A key for the private objects of a token, 32 bytes."""
    return os.urandom(_KEY_BYTES)


def check_length(pin: bytes | None) -> bytes:
    """The PIN; CKR_ARGUMENTS_BAD without one (there is no protected path), CKR_PIN_LEN_RANGE."""
    if pin is None:
        raise CryptokiError(ck.CKR_ARGUMENTS_BAD)
    if not MIN_LENGTH <= len(pin) <= MAX_LENGTH:
        raise CryptokiError(ck.CKR_PIN_LEN_RANGE)
    return pin


def seal(pin: bytes, token_key: bytes, role: str) -> SealedKey:
    """Seal the token key under a new PIN."""
    salt = os.urandom(_SALT_BYTES)
    return SealedKey(salt, encrypt(stretch(pin, salt), token_key, role.encode()), 0)


def stretch(pin: bytes, salt: bytes) -> bytes:
    """The key a PIN makes; slow on purpose."""
    import hashlib  # 4 ms: not at start-up

    return hashlib.scrypt(
        pin,
        salt=salt,
        n=SCRYPT_N,
        r=_SCRYPT_R,
        p=_SCRYPT_P,
        maxmem=_SCRYPT_MEMORY,
        dklen=_KEY_BYTES,
    )


def unseal(key: bytes, sealed: SealedKey, role: str) -> bytes | None:
    """The token key; None if the PIN was wrong."""
    return decrypt(key, sealed.key, role.encode())


def encrypt(key: bytes, data: bytes, context: bytes) -> bytes:
    """AES-256-GCM with a random nonce in front."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, context)


def decrypt(key: bytes, data: bytes, context: bytes) -> bytes | None:
    """What `encrypt` was given; None if key, data or context are not those."""
    return decrypter(key, context)(data)


def decrypter(key: bytes, context: bytes) -> Callable[[bytes], bytes | None]:
    """`decrypt` for much data of one key and context: to prepare the key takes twice as long as to
    decrypt an object.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    refusals, apply = (InvalidTag, ValueError), AESGCM(key).decrypt

    def opened(data: bytes) -> bytes | None:
        try:
            return apply(data[:_NONCE_BYTES], data[_NONCE_BYTES:], context)
        except refusals:
            return None

    return opened
