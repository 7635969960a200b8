"""RSA keys whose exponentiations are done elsewhere (`Key.power`): padding here, numbers there.

Imported when needed.
"""

import os

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import rsa
from ghostcard.firmware.mechanisms import rsa_encodings as encodings
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.rsa_schemes import Cipher, Oaep, Pkcs1, Pss


class ElsewherePrivateKey:
    """Implements `PrivateHandle`."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._size = rsa.width(key.bits)

    def signer(self, scheme: Pkcs1 | Pss) -> Signer:
        key, encode = self._key, _signing(scheme, self._key.bits)
        return lambda digest: rsa.private_operation(key, encode(digest))

    def decrypter(self, scheme: Pkcs1 | Oaep) -> Cipher:
        if isinstance(scheme, Oaep):
            return lambda data: _genuine(encodings.oaep_decoded(self._opened(data), scheme))
        secret = rsa.all_numbers(self._key)[2].to_bytes(self._size, "big")
        return lambda data: encodings.pkcs1_decoded(self._opened(data), data, secret)

    def _opened(self, data: bytes) -> bytes:
        try:
            return rsa.private_operation(self._key, data)
        except Refused as refusal:
            known = refusal.rv == ck.CKR_DATA_INVALID
            raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID if known else refusal.rv) from None


class ElsewherePublicKey:
    """Implements `PublicHandle`; CKR_PUBLIC_KEY_INVALID if the numbers cannot be an RSA key."""

    def __init__(self, key: Key) -> None:
        modulus, exponent = rsa.public_numbers(key)
        if modulus % 2 == 0 or exponent % 2 == 0 or not 3 <= exponent < modulus:
            raise Refused(ck.CKR_PUBLIC_KEY_INVALID)
        self._key = key
        self._size = rsa.width(key.bits)

    def verifier(self, scheme: Pkcs1 | Pss) -> Verifier:
        key, bits = self._key, self._key.bits

        def check(digest: bytes, signature: bytes) -> None:
            encoded = rsa.recovered(key, signature)
            if isinstance(scheme, Pss):
                is_genuine = encodings.is_pss(encoded, digest, scheme, bits)
            else:
                is_genuine = encoded == encodings.pkcs1_signed(digest, scheme.hash, len(encoded))
            if not is_genuine:
                raise Refused(ck.CKR_SIGNATURE_INVALID)

        return check

    def encrypter(self, scheme: Pkcs1 | Oaep) -> Cipher:
        key, size = self._key, self._size
        if isinstance(scheme, Pkcs1):
            return lambda data: rsa.public_operation(key, encodings.pkcs1_filled(data, size))
        seed_bytes = scheme.hash.size

        def encrypt(data: bytes) -> bytes:
            encoded = encodings.oaep(data, scheme, os.urandom(seed_bytes), size)
            return rsa.public_operation(key, encoded)

        return encrypt


def _signing(scheme: Pkcs1 | Pss, bits: int) -> Signer:
    if isinstance(scheme, Pss):
        salt_bytes = scheme.salt_bytes
        return lambda digest: encodings.pss(digest, scheme, os.urandom(salt_bytes), bits)
    which, size = scheme.hash, rsa.width(bits)
    return lambda digest: encodings.pkcs1_signed(digest, which, size)


def _genuine(message: bytes | None) -> bytes:
    if message is None:
        raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID)
    return message
