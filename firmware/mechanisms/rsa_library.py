"""RSA keys for use by the cryptographic library; OAEP with its rarer hashes by `rsa_oaep_rare`.

Imported when needed.
"""

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import rsa
from ghostcard.firmware.mechanisms.hashes import HASHES, algorithm
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.rsa_schemes import Cipher, Oaep, Pkcs1, Pss

if TYPE_CHECKING:
    from Cryptodome.Cipher.PKCS1_OAEP import PKCS1OAEP_Cipher
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

# OAEP of the cryptographic library has SHA-1 and SHA-2; pycryptodome's takes any hash.
_OAEP_HASHES = HASHES[:5]
_PKCS1 = padding.PKCS1v15()


class LibraryPrivateKey:
    """Implements `PrivateHandle`. The blob's MAC vouches for the numbers, so no check."""

    def __init__(self, key: Key) -> None:
        self._numbers = rsa.all_numbers(key)[:5]
        self._key = rsa.private_numbers(key).private_key(unsafe_skip_rsa_key_validation=True)

    def signer(self, scheme: Pkcs1 | Pss) -> Signer:
        sign, padded, how = self._key.sign, _signing(scheme), _hashing(scheme)
        return lambda digest: sign(digest, padded, how)

    def decrypter(self, scheme: Pkcs1 | Oaep) -> Cipher:
        if isinstance(scheme, Oaep) and not _is_common(scheme):
            return _answering(_rare(self._numbers, scheme).decrypt)
        decrypt, padded = self._key.decrypt, _encrypting(scheme)
        return _answering(lambda data: decrypt(data, padded))


class LibraryPublicKey:
    """Implements `PublicHandle`; CKR_PUBLIC_KEY_INVALID if the numbers cannot be an RSA key."""

    def __init__(self, key: Key) -> None:
        modulus, exponent = self._numbers = rsa.public_numbers(key)
        try:
            self._key = RSAPublicNumbers(exponent, modulus).public_key()
        except ValueError:
            raise Refused(ck.CKR_PUBLIC_KEY_INVALID) from None

    def verifier(self, scheme: Pkcs1 | Pss) -> Verifier:
        verify = self._verifier(scheme)

        def check(digest: bytes, signature: bytes) -> None:
            try:
                verify(digest, signature)
            except InvalidSignature:
                raise Refused(ck.CKR_SIGNATURE_INVALID) from None

        return check

    def _verifier(self, scheme: Pkcs1 | Pss) -> Verifier:
        if scheme.hash is None:
            return _recovering(self._key)
        verify, padded = self._key.verify, _signing(scheme)
        how = Prehashed(algorithm(scheme.hash))
        return lambda digest, signature: verify(signature, digest, padded, how)

    def encrypter(self, scheme: Pkcs1 | Oaep) -> Cipher:
        if isinstance(scheme, Oaep) and not _is_common(scheme):
            return _rare(self._numbers, scheme).encrypt
        encrypt, padded = self._key.encrypt, _encrypting(scheme)
        return lambda data: encrypt(data, padded)


def _recovering(key: "RSAPublicKey") -> Verifier:
    """Compares the data with what the signature holds, as there is no hash to check it by."""
    how = NoDigestInfo()

    def verify(data: bytes, signature: bytes) -> None:
        if key.recover_data_from_signature(signature, _PKCS1, how) != data:
            raise InvalidSignature

    return verify


def _answering(decrypt: Cipher) -> Cipher:
    def decrypted(data: bytes) -> bytes:
        try:
            return decrypt(data)
        except ValueError:
            raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None

    return decrypted


def _signing(scheme: Pkcs1 | Pss) -> padding.PKCS1v15 | padding.PSS:
    if isinstance(scheme, Pkcs1):
        return _PKCS1
    return padding.PSS(padding.MGF1(algorithm(scheme.mask)), scheme.salt_bytes)


def _hashing(scheme: Pkcs1 | Pss) -> Prehashed | NoDigestInfo:
    return NoDigestInfo() if scheme.hash is None else Prehashed(algorithm(scheme.hash))


def _encrypting(scheme: Pkcs1 | Oaep) -> padding.PKCS1v15 | padding.OAEP:
    if isinstance(scheme, Pkcs1):
        return _PKCS1
    mask, which = algorithm(scheme.mask), algorithm(scheme.hash)
    return padding.OAEP(padding.MGF1(mask), which, scheme.label or None)


def _is_common(scheme: Oaep) -> bool:
    return scheme.hash in _OAEP_HASHES and scheme.mask in _OAEP_HASHES


def _rare(numbers: tuple[int, ...], scheme: Oaep) -> "PKCS1OAEP_Cipher":
    from ghostcard.firmware.mechanisms import rsa_oaep_rare

    return rsa_oaep_rare.cipher(numbers, *scheme)
