"""What an RSA key is used with: the schemes of RFC 8017 as data, and who can use a key with one.

A key in card memory has its private and public handle from the cryptographic library
(`rsa_library`); one whose exponentiations are done elsewhere has those of `rsa_elsewhere`.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from ghostcard.firmware.mechanisms.hashes import Hash
from ghostcard.firmware.mechanisms.key import Signer, Verifier

Cipher = Callable[[bytes], bytes]


class Pkcs1(NamedTuple):
    """PKCS #1 v1.5. What is signed is a hash, or without one the data itself, a DigestInfo."""

    hash: Hash | None = None


class Pss(NamedTuple):
    """RSASSA-PSS of a hash; the mask's hash may be another."""

    hash: Hash
    mask: Hash
    salt_bytes: int


class Oaep(NamedTuple):
    """RSAES-OAEP; hash and mask hash may differ, the label may be empty."""

    hash: Hash
    mask: Hash
    label: bytes = b""


class PrivateHandle(Protocol):
    """A private key for use. Sizes of what it is given have been checked."""

    def signer(self, scheme: Pkcs1 | Pss) -> Signer:
        """Signs the hash of the scheme."""
        ...

    def decrypter(self, scheme: Pkcs1 | Oaep) -> Cipher:
        """Decrypts; CKR_ENCRYPTED_DATA_INVALID whatever is wrong. With PKCS #1 v1.5 bad padding is
        not an error: the answer is then bytes that depend on key and ciphertext alone (implicit
        rejection), which leaves nothing to an attacker who can ask often.
        """
        ...


class PublicHandle(Protocol):
    """A public key for use. Sizes of what it is given have been checked."""

    def verifier(self, scheme: Pkcs1 | Pss) -> Verifier:
        """Checks a signature of the hash of the scheme: CKR_SIGNATURE_INVALID."""
        ...

    def encrypter(self, scheme: Pkcs1 | Oaep) -> Cipher:
        """Encrypts."""
        ...
