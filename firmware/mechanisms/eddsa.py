"""EdDSA on both curves (PKCS #11 3.2, 6.3.10 and 6.3.16; RFC 8032).

Without parameters, and with an empty context, the pure scheme. The cryptographic library has the
pure schemes without a context alone; what has a context or hashes the data first is pycryptodome's.
"""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, cast

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms import octet_keys
from ghostcard.firmware.mechanisms.curves import ED448, ED25519, OctetCurve, octet_of_key
from ghostcard.firmware.mechanisms.hashes import Sink
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.mechanism import Gather, Signing, parameters
from ghostcard.firmware.mechanisms.octet_keys import OctetKeyPairGen
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey, Ed448PublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

    from ghostcard.firmware.mechanisms.prehashed import Sha512
    from ghostcard.firmware.mechanisms.prehashed import Shake256 as EndedShake256

MAX_CONTEXT = 255
PREHASH_BYTES = 64  # of SHA-512, and of SHAKE256 as RFC 8032, 5.2 has it


class Variant(NamedTuple):
    """Which of the schemes of a curve the parameters name."""

    prehash: bool
    context: bytes


class Shake256:
    """The sink of the pre-hashed scheme on edwards448."""

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash = hashlib.shake_256()

    def update(self, data: bytes, /) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return self._hash.digest(PREHASH_BYTES)


_PREHASHES: dict[OctetCurve, Callable[[], Sink]] = {ED25519: hashlib.sha512, ED448: Shake256}


class Eddsa(Signing):
    """CKM_EDDSA with an Ed25519 or an Ed448 key."""

    __slots__ = ()

    def operation(self, key: Key, use: str) -> str:
        return f"{octet_of_key(key).name}-{use}"

    def signature_bytes(self, key: Key, params: bytes) -> int:
        self._variant(params)
        return 2 * octet_of_key(key).size

    def _variant(self, params: bytes) -> Variant:
        if not params:
            return Variant(False, b"")
        parsed = parameters(self.number, params, wire.Eddsa)
        if parsed.prehash not in (ck.CK_FALSE, ck.CK_TRUE) or len(parsed.context) > MAX_CONTEXT:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return Variant(bool(parsed.prehash), parsed.context)

    def sink(self, key: Key, params: bytes) -> Sink:
        return _PREHASHES[octet_of_key(key)]() if self._variant(params).prehash else Gather()

    def signer(self, key: Key, params: bytes) -> Signer:
        close = self.closer(key, params)
        if not self._variant(params).prehash:
            return close
        start = _PREHASHES[octet_of_key(key)]

        def sign(data: bytes) -> bytes:
            sink = start()
            sink.update(data)
            return close(sink.digest())

        return sign

    def verifier(self, key: Key, params: bytes) -> Verifier:
        check = self.checker(key, params)
        if not self._variant(params).prehash:
            return check
        start = _PREHASHES[octet_of_key(key)]

        def verify(data: bytes, signature: bytes) -> None:
            sink = start()
            sink.update(data)
            check(sink.digest(), signature)

        return verify

    def closer(self, key: Key, params: bytes) -> Signer:
        variant = self._variant(params)
        if variant == Variant(False, b""):
            handle = cast("Ed25519PrivateKey | Ed448PrivateKey", octet_keys.private_handle(key))
            return handle.sign
        from Cryptodome.Signature import eddsa

        private = eddsa.import_private_key(octet_keys.secret_of(key))
        scheme = eddsa.new(private, "rfc8032", variant.context)
        curve = octet_of_key(key)
        return lambda data: scheme.sign(_message(curve, variant, data))

    def checker(self, key: Key, params: bytes) -> Verifier:
        verify = self._verify(key, self._variant(params))
        size = 2 * octet_of_key(key).size

        def check(data: bytes, signature: bytes) -> None:
            if len(signature) != size:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            if not verify(data, signature):
                raise Refused(ck.CKR_SIGNATURE_INVALID)

        return check

    def _verify(self, key: Key, variant: Variant) -> Callable[[bytes, bytes], bool]:
        from cryptography.exceptions import InvalidSignature

        handle = cast("Ed25519PublicKey | Ed448PublicKey", octet_keys.public_handle(key))
        if variant != Variant(False, b""):
            return _verify_variant(key, variant)

        def verify(data: bytes, signature: bytes) -> bool:
            try:
                handle.verify(signature, data)
            except InvalidSignature:
                return False
            return True

        return verify


def _verify_variant(key: Key, variant: Variant) -> Callable[[bytes, bytes], bool]:
    from Cryptodome.Signature import eddsa

    try:
        public = eddsa.import_public_key(key.material)
    except ValueError:
        raise Refused(ck.CKR_PUBLIC_KEY_INVALID) from None
    scheme = eddsa.new(public, "rfc8032", variant.context)
    curve = octet_of_key(key)

    def verify(data: bytes, signature: bytes) -> bool:
        try:
            scheme.verify(_message(curve, variant, data), signature)
        except ValueError:
            return False
        return True

    return verify


def _message(curve: OctetCurve, variant: Variant, data: bytes) -> "bytes | Sha512 | EndedShake256":
    """What the scheme signs: the data, or as a hash object the hash that it is."""
    if not variant.prehash:
        return data
    from ghostcard.firmware.mechanisms import prehashed

    return prehashed.Sha512(data) if curve is ED25519 else prehashed.Shake256(data)


# RFC 8032, 7.1, test 2 (Ed25519, message 0x72), and 7.4, "1 octet" (Ed448, message 0x03).
_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
_SEED_448 = bytes.fromhex(
    "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463a"
    "fbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e"
)
_PUBLIC_448 = bytes.fromhex(
    "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c086"
    "6aea01eb00742802b8438ea4cb82169c235160627b4c3a9480"
)
_SIGNATURE_448 = bytes.fromhex(
    "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f435"
    "2541b143c4b981b7e18f62de8ccdf633fc1bf037ab7cd779805e0dbcc0aae1cb"
    "cee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0f"
    "f3348ab21aa4adafd1d234441cf807c03a00"
)


def _mechanism() -> Eddsa:
    least, most = octet_keys.LEAST_BITS, octet_keys.MOST_BITS
    mechanism = Eddsa(ck.CKM_EDDSA, least, most, None, ck.CKK_EC_EDWARDS)
    mechanism.flags |= octet_keys.FLAGS
    return mechanism


def _comes_out(
    curve: OctetCurve, secret: bytes, public: bytes, message: bytes, signature: bytes
) -> bool:
    private = octet_keys.private_key(curve, secret)
    other = Key(ck.CKO_PUBLIC_KEY, ck.CKK_EC_EDWARDS, curve.bits, public)
    mechanism = _mechanism()
    try:
        mechanism.verifier(other, b"")(message, signature)
    except Refused:
        return False
    signed = mechanism.signer(private, b"")(message)
    return signed == signature and octet_keys.public_of(private) == public


def known_answers() -> bool:
    """Public keys and signatures come out as above, and the signatures verify."""
    return _comes_out(ED25519, _SEED, _PUBLIC, b"\x72", _SIGNATURE) and _comes_out(
        ED448, _SEED_448, _PUBLIC_448, b"\x03", _SIGNATURE_448
    )


def register(table: Table) -> None:
    """Add Edwards key pair generation and CKM_EDDSA."""
    keygen = OctetKeyPairGen(ck.CKM_EC_EDWARDS_KEY_PAIR_GEN, ck.CKK_EC_EDWARDS)
    table.register("eddsa", known_answers, [keygen, _mechanism()])
