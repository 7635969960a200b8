"""Wrapping with a key pair and an AES key of the moment (PKCS #11 3.2, 6.1.15, 6.3.21 to 6.3.23).

An AES key is encrypted by RSA, or agreed upon with a key pair made for it; the value is wrapped
under it with CKM_AES_KEY_WRAP_KWP. What comes out is the encrypted key, or the public key of that
pair (of prime curves the uncompressed point), and behind it the wrapped value.
"""

import os
from abc import ABC, abstractmethod

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as codec
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms import ec, ecdh, kdf, octet_keys, rsa, rsa_oaep
from ghostcard.firmware.mechanisms.curves import (
    LEAST_BITS,
    MOST_BITS,
    P256,
    coordinate_bytes,
    octet_of_key,
    of_key,
)
from ghostcard.firmware.mechanisms.hashes import SHA256
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.mechanism import Mechanism, parameters
from ghostcard.firmware.mechanisms.public import RSA_BITS
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.rsa_schemes import Oaep
from ghostcard.firmware.mechanisms.secret import AES_BYTES
from ghostcard.firmware.mechanisms.table import Table

HALF = 8  # bytes of half an AES block, by which wrapped values grow
FLAGS = ck.CKF_HW | ck.CKF_WRAP | ck.CKF_UNWRAP


def aes_bytes(bits: int) -> int:
    """Bytes of an AES key of that size; refused if there is none such."""
    if bits % 8 or bits // 8 not in AES_BYTES:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    return bits // 8


def wrapped_bytes(size: int) -> int:
    """Size of a value of `size` bytes under AES key wrap with padding."""
    return size + -size % HALF + HALF


def _wrap(key: bytes, value: bytes) -> bytes:
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

    return aes_key_wrap_with_padding(key, value)


def _unwrap(key: bytes, wrapped: bytes) -> bytes:
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding

    try:
        return aes_key_unwrap_with_padding(key, wrapped)
    except InvalidUnwrap:
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID) from None


class HybridWrap(Mechanism, ABC):
    """A first part of the length `_first_bytes`, then the value under the AES key it stands for."""

    __slots__ = ()

    def wrapped_bytes(self, key: Key, params: bytes, size: int) -> int:
        return self._first_bytes(key, params) + wrapped_bytes(size)

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        return max(size - self._first_bytes(key, params) - HALF, 0)

    @abstractmethod
    def _first_bytes(self, key: Key, params: bytes) -> int:
        """Bytes of the first part."""

    def wrapper(self, key: Key) -> Transform:
        def wrap(params: bytes, value: bytes) -> bytes:
            first, secret = self._made(key, params)
            return first + _wrap(secret, value)

        return wrap

    @abstractmethod
    def _made(self, key: Key, params: bytes) -> tuple[bytes, bytes]:
        """A first part, and the AES key it stands for."""

    def unwrapper(self, key: Key) -> Transform:
        def unwrap(params: bytes, wrapped: bytes) -> bytes:
            size = self._first_bytes(key, params)
            if len(wrapped) < size + 2 * HALF or (len(wrapped) - size) % HALF:
                raise Refused(ck.CKR_WRAPPED_KEY_LEN_RANGE)
            return _unwrap(self._found(key, params, wrapped[:size]), wrapped[size:])

        return unwrap

    @abstractmethod
    def _found(self, key: Key, params: bytes, first: bytes) -> bytes:
        """The AES key of a first part; CKR_WRAPPED_KEY_INVALID."""


class RsaAesKeyWrap(HybridWrap):
    """CKM_RSA_AES_KEY_WRAP: the first part is the AES key under CKM_RSA_PKCS_OAEP."""

    __slots__ = ()

    def __init__(self) -> None:
        bits = RSA_BITS[0], RSA_BITS[-1]
        super().__init__(ck.CKM_RSA_AES_KEY_WRAP, *bits, FLAGS, ck.CKK_RSA)

    def _parsed(self, params: bytes) -> tuple[int, Oaep]:
        parsed = parameters(self.number, params, wire.RsaAes)
        return aes_bytes(parsed.aes_bits), rsa_oaep.scheme_of(wire.Oaep(*parsed[1:]))

    def _first_bytes(self, key: Key, params: bytes) -> int:
        size, scheme = self._parsed(params)
        if size > rsa_oaep.room(key, scheme):
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        return rsa.width(key.bits)

    def _made(self, key: Key, params: bytes) -> tuple[bytes, bytes]:
        self._first_bytes(key, params)
        size, scheme = self._parsed(params)
        secret = os.urandom(size)
        return rsa_oaep.encrypt(key, scheme, secret), secret

    def _found(self, key: Key, params: bytes, first: bytes) -> bytes:
        size, scheme = self._parsed(params)
        try:
            secret = rsa_oaep.decrypt(key, scheme, first)
        except Refused as refusal:
            if refusal.rv != ck.CKR_ENCRYPTED_DATA_INVALID:
                raise
            secret = b""
        if len(secret) != size:
            raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
        return secret


class EcdhAesKeyWrap(HybridWrap):
    """CKM_ECDH_AES_KEY_WRAP and its kin: the first part is the public key of a new pair."""

    __slots__ = ()

    def __init__(self, number: int, *key_types: int) -> None:
        super().__init__(number, LEAST_BITS, MOST_BITS, FLAGS | ec.FLAGS, *key_types)

    def _parsed(self, params: bytes) -> wire.EcdhAes:
        return parameters(self.number, params, wire.EcdhAes)

    def _first_bytes(self, key: Key, params: bytes) -> int:
        parsed = self._parsed(params)
        size = coordinate_bytes(key)
        kdf.derived_bytes(parsed.kdf, parsed.shared, size, aes_bytes(parsed.aes_bits))
        return 1 + 2 * size if key.key_type == ck.CKK_EC else size

    def _made(self, key: Key, params: bytes) -> tuple[bytes, bytes]:
        self._first_bytes(key, params)
        moment, public = _pair_like(key)
        return public, self._secret(moment, key.material, params)

    def _found(self, key: Key, params: bytes, first: bytes) -> bytes:
        try:
            return self._secret(key, first, params)
        except Refused:
            raise Refused(ck.CKR_WRAPPED_KEY_INVALID) from None

    def _secret(self, private: Key, public: bytes, params: bytes) -> bytes:
        """The leading bytes of what both sides derive."""
        parsed = self._parsed(params)
        size = aes_bytes(parsed.aes_bits)
        secret = ecdh.shared_secret(private, public)
        if parsed.kdf == ck.CKD_NULL:
            return secret[:size]
        return kdf.derive(parsed.kdf, secret, parsed.shared, size)


def _pair_like(key: Key) -> tuple[Key, bytes]:
    """A new pair on the curve of a key: the private key, and the public one as it travels."""
    if key.key_type == ck.CKK_EC:
        curve = of_key(key)
        surplus = int.from_bytes(os.urandom(curve.size + 8), "big")
        private = ec.private_key(curve, surplus % (curve.order - 1) + 1)
        return private, ec.point_of(private)
    octet = octet_of_key(key)
    private = octet_keys.private_key(octet, os.urandom(octet.size))
    return private, octet_keys.public_of(private)


def known_answers() -> bool:
    """A value that was wrapped for a pair comes back, and not with its last byte changed.

    Both steps have known answers of their own, in the families they come from.
    """
    mechanism = EcdhAesKeyWrap(ck.CKM_ECDH_AES_KEY_WRAP, ck.CKK_EC)
    private = ec.private_key(P256, 12345)
    public = Key(ck.CKO_PUBLIC_KEY, ck.CKK_EC, P256.bits, ec.point_of(private))
    params = codec.pack(mechanism.number, wire.EcdhAes(256, SHA256.kdf or 0))[4:]
    wrapped = mechanism.wrapper(public)(params, b"value")
    unwrap = mechanism.unwrapper(private)
    try:
        unwrap(params, wrapped[:-1] + bytes((wrapped[-1] ^ 1,)))
    except Refused:
        return unwrap(params, wrapped) == b"value"
    return False


def register(table: Table) -> None:
    """Add CKM_RSA_AES_KEY_WRAP and CKM_ECDH[_COF|_X]_AES_KEY_WRAP."""
    table.register(
        "hybrid-wrap",
        known_answers,
        [
            RsaAesKeyWrap(),
            EcdhAesKeyWrap(ck.CKM_ECDH_AES_KEY_WRAP, ck.CKK_EC),
            EcdhAesKeyWrap(ck.CKM_ECDH_COF_AES_KEY_WRAP, ck.CKK_EC),
            EcdhAesKeyWrap(ck.CKM_ECDH_X_AES_KEY_WRAP, ck.CKK_EC_MONTGOMERY),
        ],
    )
