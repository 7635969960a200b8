"""Answers of a card checked by cryptography that is not its own: PyCryptodome's, key and all.

Secret keys are drawn here and wrapped into the card, so that their values are known; of pairs the
card gives the public key. Data is drawn anew for each operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from ghostcard import pkcs11 as p
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.exercise import ON, ulong
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.abi.parameters import Ctr, Gcm, Iv, Raw

_BLOCK, _NONCE, _TAG = 16, 12, 16
_SECRET = 32  # bytes of an HMAC's key
_CURVES = {  # object identifiers in DER, RFC 5480
    "p256": "06082a8648ce3d030107",
    "p384": "06052b81040022",
    "p521": "06052b81040023",
}
_ED25519 = "06032b6570"  # RFC 8410
_HASHES = {  # CKM_* of the hash, of its HMAC, module of Cryptodome.Hash and its arguments
    "sha1": (p.CKM_SHA_1, p.CKM_SHA_1_HMAC, "SHA1"),
    "sha224": (p.CKM_SHA224, p.CKM_SHA224_HMAC, "SHA224"),
    "sha256": (p.CKM_SHA256, p.CKM_SHA256_HMAC, "SHA256"),
    "sha384": (p.CKM_SHA384, p.CKM_SHA384_HMAC, "SHA384"),
    "sha512": (p.CKM_SHA512, p.CKM_SHA512_HMAC, "SHA512"),
    "sha3-224": (p.CKM_SHA3_224, p.CKM_SHA3_224_HMAC, "SHA3_224"),
    "sha3-256": (p.CKM_SHA3_256, p.CKM_SHA3_256_HMAC, "SHA3_256"),
    "sha3-384": (p.CKM_SHA3_384, p.CKM_SHA3_384_HMAC, "SHA3_384"),
    "sha3-512": (p.CKM_SHA3_512, p.CKM_SHA3_512_HMAC, "SHA3_512"),
}

Ask = Callable[[bytes], bytes]
IsRight = Callable[[bytes, bytes], bool]


class Exam(NamedTuple):
    """What asks the card with some data, and what tells whether an answer to it is right."""

    ask: Ask
    is_right: IsRight


Prepare = Callable[[Ep11Host, Random], Exam]


class Verified(NamedTuple):
    """How many answers were right."""

    operations: int
    wrong: int
    first_wrong: str  # the data of the first, in hexadecimal


def verify(host: Ep11Host, operation: str, payload: int, total: int, seed: int) -> Verified:
    """Ask for `total` operations with `payload` bytes; KeyError for one that cannot be checked."""
    random = Random(f"{seed} {operation} {payload}")
    exam = EXAMS[operation](host, random)
    wrong, first = 0, ""
    for _ in range(total):
        data = random.randbytes(payload)
        if not exam.is_right(data, exam.ask(data)):
            wrong += 1
            first = first or data.hex()
    return Verified(total, wrong, first)


def _imported(
    host: Ep11Host, random: Random, key_type: int, size: int, use: int
) -> tuple[bytes, bytes]:
    """A secret key that both know: its blob and its value."""
    from Cryptodome.Cipher import PKCS1_v1_5
    from Cryptodome.PublicKey import RSA

    public = {p.CKA_MODULUS_BITS: ulong(2048), p.CKA_PUBLIC_EXPONENT: b"\1\0\1"}
    kek, spki = host.generate_key_pair(
        pack(p.CKM_RSA_PKCS_KEY_PAIR_GEN), public, {p.CKA_UNWRAP: ON}
    )
    value = random.randbytes(size)
    wrapped = PKCS1_v1_5.new(RSA.import_key(spki)).encrypt(value)
    asked = {p.CKA_CLASS: ulong(p.CKO_SECRET_KEY), p.CKA_KEY_TYPE: ulong(key_type), use: ON}
    return host.unwrap_key(asked, pack(p.CKM_RSA_PKCS), kek, wrapped)[0], value


def _hash(name: str) -> Prepare:
    number, _, module = _HASHES[name]

    def prepare(host: Ep11Host, random: Random) -> Exam:
        new, mechanism = _hasher(module), pack(number)
        return Exam(
            lambda data: host.digest_single(mechanism, data),
            lambda data, answer: new(data).digest() == answer,
        )

    return prepare


def _hasher(module: str) -> Callable[..., Any]:
    from importlib import import_module

    new: Callable[..., Any] = import_module(f"Cryptodome.Hash.{module}").new
    return new


def _hmac(name: str) -> Prepare:
    _, number, module = _HASHES[name]

    def prepare(host: Ep11Host, random: Random) -> Exam:
        from importlib import import_module

        from Cryptodome.Hash import HMAC

        key, value = _imported(host, random, p.CKK_GENERIC_SECRET, _SECRET, p.CKA_SIGN)
        mechanism, digest = pack(number), import_module(f"Cryptodome.Hash.{module}")
        return Exam(
            lambda data: host.sign_single(mechanism, key, data),
            lambda data, answer: HMAC.new(value, data, digest).digest() == answer,
        )

    return prepare


def _aes(mode: str, bits: int) -> Prepare:
    def prepare(host: Ep11Host, random: Random) -> Exam:
        from Cryptodome.Cipher import AES

        key, value = _imported(host, random, p.CKK_AES, bits // 8, p.CKA_ENCRYPT)
        iv, nonce = random.randbytes(_BLOCK), random.randbytes(_NONCE)
        mechanisms = {
            "ecb": pack(p.CKM_AES_ECB),
            "cbc": pack(p.CKM_AES_CBC, Iv(iv)),
            "ctr": pack(p.CKM_AES_CTR, Ctr(128, iv)),
            "gcm": pack(p.CKM_AES_GCM, Gcm(8 * _TAG, nonce)),
        }

        def expected(data: bytes) -> bytes:
            if mode == "ecb":
                return bytes(AES.new(value, AES.MODE_ECB).encrypt(data))
            if mode == "cbc":
                return bytes(AES.new(value, AES.MODE_CBC, iv=iv).encrypt(data))
            if mode == "ctr":
                start = int.from_bytes(iv)
                cipher = AES.new(value, AES.MODE_CTR, nonce=b"", initial_value=start)
                return bytes(cipher.encrypt(data))
            return b"".join(AES.new(value, AES.MODE_GCM, nonce=nonce).encrypt_and_digest(data))

        return Exam(
            lambda data: host.encrypt_single(mechanisms[mode], key, data),
            lambda data, answer: expected(data) == answer,
        )

    return prepare


def _cmac(bits: int) -> Prepare:
    def prepare(host: Ep11Host, random: Random) -> Exam:
        from Cryptodome.Cipher import AES
        from Cryptodome.Hash import CMAC

        key, value = _imported(host, random, p.CKK_AES, bits // 8, p.CKA_SIGN)
        return Exam(
            lambda data: host.sign_single(pack(p.CKM_AES_CMAC), key, data),
            lambda data, answer: CMAC.new(value, data, AES).digest() == answer,
        )

    return prepare


def _pair(generate: int, public: dict[int, bytes], mechanism: bytes, checked: str) -> Prepare:
    """A pair of the card's that signs; `checked` by PyCryptodome's scheme of that name."""

    def prepare(host: Ep11Host, random: Random) -> Exam:
        key, spki = host.generate_key_pair(pack(generate), public, {p.CKA_SIGN: ON})
        check = _checker(checked, spki)

        def is_right(data: bytes, answer: bytes) -> bool:
            try:
                check(data, answer)
            except ValueError:
                return False
            return True

        return Exam(lambda data: host.sign_single(mechanism, key, data), is_right)

    return prepare


def _checker(scheme: str, spki: bytes) -> Callable[[bytes, bytes], object]:
    """What raises ValueError for a signature that is wrong."""
    from Cryptodome.Hash import SHA256
    from Cryptodome.PublicKey import ECC, RSA
    from Cryptodome.Signature import DSS, eddsa, pkcs1_15

    if scheme == "rsa":
        rsa = pkcs1_15.new(RSA.import_key(spki))
        return lambda data, signature: rsa.verify(SHA256.new(data), signature)
    if scheme == "ecdsa":
        ecdsa = DSS.new(ECC.import_key(spki), "fips-186-3")
        return lambda data, signature: ecdsa.verify(SHA256.new(data), signature)
    ed25519 = eddsa.new(ECC.import_key(spki), "rfc8032")
    return ed25519.verify


def _exams() -> Iterator[tuple[str, Prepare]]:
    for name in _HASHES:
        yield name, _hash(name)
        yield f"hmac-{name}", _hmac(name)
    for bits in (128, 192, 256):
        for mode in ("ecb", "cbc", "ctr", "gcm"):
            yield f"aes-{bits}-{mode}", _aes(mode, bits)
        yield f"aes-{bits}-cmac", _cmac(bits)
    for bits in (2048, 3072, 4096):
        public = {p.CKA_MODULUS_BITS: ulong(bits), p.CKA_PUBLIC_EXPONENT: b"\1\0\1"}
        signing = pack(p.CKM_SHA256_RSA_PKCS)
        yield f"rsa{bits}-sign", _pair(p.CKM_RSA_PKCS_KEY_PAIR_GEN, public, signing, "rsa")
    for name, digits in _CURVES.items():
        curve = {p.CKA_EC_PARAMS: bytes.fromhex(digits)}
        signing = pack(p.CKM_ECDSA_SHA256)
        yield f"ecdsa-{name}-sign", _pair(p.CKM_EC_KEY_PAIR_GEN, curve, signing, "ecdsa")
    curve = {p.CKA_EC_PARAMS: bytes.fromhex(_ED25519)}
    signing = pack(p.CKM_EDDSA, Raw())
    yield "ed25519-sign", _pair(p.CKM_EC_EDWARDS_KEY_PAIR_GEN, curve, signing, "eddsa")


EXAMS: dict[str, Prepare] = dict(_exams())
