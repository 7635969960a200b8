"""Exercises with key pairs: generation, signatures, RSA encryption, ECDH."""

from typing import NamedTuple

from ghostcard import pkcs11 as p
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.exercise import (
    CHECKSUM,
    ON,
    AnyPayload,
    Exercise,
    Material,
    NoMaterial,
    NoPayload,
    Sizes,
    ulong,
)
from ghostcard.driver.imported_pair import ImportedPair
from ghostcard.driver.template import Template
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.blob import blob_bytes
from ghostcard.firmware.abi.operations import CURVES, RSA_BITS
from ghostcard.firmware.abi.parameters import Ecdh
from ghostcard.firmware.abi.spki import spki_bytes

PKCS1_OVERHEAD = 11  # bytes of padding, the least
DERIVED_SIZE = 32


class Pair(NamedTuple):
    """A kind of key pair: how to generate it, and its size as `blob_bytes` counts it."""

    mechanism: bytes
    public: Template
    key_type: int
    size: int

    def generate(self, host: Ep11Host, use: int) -> Material:
        """Blob and SPKI of a pair whose private key may be used for `use` (CKA_*)."""
        return host.generate_key_pair(self.mechanism, self.public, {use: ON})

    @property
    def sizes(self) -> Sizes:
        """Bytes of blob and SPKI."""
        return blob_bytes(self.key_type, self.size), spki_bytes(self.key_type, self.size)


class GeneratePair(NoPayload, NoMaterial):
    """GenerateKeyPair."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        self.pair.generate(host, p.CKA_SIGN)

    def reply_bytes(self, payload: int) -> Sizes:
        return self.pair.sizes


class PairSign(AnyPayload):
    """SignSingle with a private key."""

    def __init__(self, pair: Pair | ImportedPair, mechanism: bytes, signature: int) -> None:
        self.pair = pair
        self.mechanism = mechanism
        self.signature = signature

    def material(self, host: Ep11Host, payload: int) -> Material:
        return self.pair.generate(host, p.CKA_SIGN)

    def material_bytes(self, payload: int) -> Sizes:
        return self.pair.sizes

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.sign_single(self.mechanism, material[0], bytes(payload))

    def reply_bytes(self, payload: int) -> Sizes:
        return (self.signature,)


class PairVerify(PairSign):
    """VerifySingle with a public key."""

    def material(self, host: Ep11Host, payload: int) -> Material:
        blob, spki = self.pair.generate(host, p.CKA_SIGN)
        return blob, spki, host.sign_single(self.mechanism, blob, bytes(payload))

    def material_bytes(self, payload: int) -> Sizes:
        return *self.pair.sizes, self.signature

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.verify_single(self.mechanism, material[1], bytes(payload), material[2])

    def reply_bytes(self, payload: int) -> Sizes:
        return ()


class RsaEncrypt:
    """EncryptSingle with a public key, CKM_RSA_PKCS."""

    mechanism = wire.pack(p.CKM_RSA_PKCS)

    def __init__(self, pair: Pair | ImportedPair) -> None:
        self.pair = pair

    def accepts(self, payload: int) -> bool:
        return 0 <= payload <= self.pair.size - PKCS1_OVERHEAD

    def material(self, host: Ep11Host, payload: int) -> Material:
        return self.pair.generate(host, p.CKA_DECRYPT)

    def material_bytes(self, payload: int) -> Sizes:
        return self.pair.sizes

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.encrypt_single(self.mechanism, material[1], bytes(payload))

    def reply_bytes(self, payload: int) -> Sizes:
        return (self.pair.size,)


class RsaDecrypt(RsaEncrypt):
    """DecryptSingle with a private key, of the longest plaintext there can be."""

    def accepts(self, payload: int) -> bool:
        return payload == self.pair.size

    def material(self, host: Ep11Host, payload: int) -> Material:
        blob, spki = self.pair.generate(host, p.CKA_DECRYPT)
        longest = bytes(self.pair.size - PKCS1_OVERHEAD)
        return blob, spki, host.encrypt_single(self.mechanism, spki, longest)

    def material_bytes(self, payload: int) -> Sizes:
        return *self.pair.sizes, self.pair.size

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.decrypt_single(self.mechanism, material[0], material[2])

    def reply_bytes(self, payload: int) -> Sizes:
        return (self.pair.size - PKCS1_OVERHEAD,)


class Derive(NoPayload):
    """DeriveKey, CKM_ECDH1_DERIVE without a KDF, of a 32-byte secret."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def material(self, host: Ep11Host, payload: int) -> Material:
        return self.pair.generate(host, p.CKA_DERIVE)

    def material_bytes(self, payload: int) -> Sizes:
        return self.pair.sizes

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        point = material[1][-(1 + 2 * self.pair.size) :]
        mechanism = wire.pack(p.CKM_ECDH1_DERIVE, Ecdh(p.CKD_NULL, b"", point))
        host.derive_key(mechanism, {p.CKA_VALUE_LEN: ulong(DERIVED_SIZE)}, material[0])

    def reply_bytes(self, payload: int) -> Sizes:
        return blob_bytes(p.CKK_GENERIC_SECRET, DERIVED_SIZE), CHECKSUM


_OIDS = {"p256": "06082a8648ce3d030107", "p384": "06052b81040022", "p521": "06052b81040023"}
_FIELD = {"p256": 32, "p384": 48, "p521": 66}
_ED25519_OID = "06032b6570"


def _rsa_pair(bits: int) -> Pair | ImportedPair:
    if bits == 8 * ImportedPair.size:
        return ImportedPair()
    public = {p.CKA_MODULUS_BITS: ulong(bits), p.CKA_PUBLIC_EXPONENT: b"\1\0\1"}
    return Pair(wire.pack(p.CKM_RSA_PKCS_KEY_PAIR_GEN), public, p.CKK_RSA, bits // 8)


def _rsa(bits: int) -> dict[str, Exercise]:
    pair = _rsa_pair(bits)
    mechanism = wire.pack(p.CKM_SHA256_RSA_PKCS)
    table: dict[str, Exercise] = {
        f"rsa{bits}-sign": PairSign(pair, mechanism, bits // 8),
        f"rsa{bits}-verify": PairVerify(pair, mechanism, bits // 8),
        f"rsa{bits}-encrypt": RsaEncrypt(pair),
        f"rsa{bits}-decrypt": RsaDecrypt(pair),
    }
    if isinstance(pair, Pair):
        table[f"rsa{bits}-keygen"] = GeneratePair(pair)
    return table


def _ec(curve: str) -> dict[str, Exercise]:
    params = {p.CKA_EC_PARAMS: bytes.fromhex(_OIDS[curve])}
    pair = Pair(wire.pack(p.CKM_EC_KEY_PAIR_GEN), params, p.CKK_EC, _FIELD[curve])
    mechanism = wire.pack(p.CKM_ECDSA_SHA256)
    return {
        f"ec-{curve}-keygen": GeneratePair(pair),
        f"ecdsa-{curve}-sign": PairSign(pair, mechanism, 2 * pair.size),
        f"ecdsa-{curve}-verify": PairVerify(pair, mechanism, 2 * pair.size),
        f"ecdh-{curve}": Derive(pair),
    }


def _ed25519() -> dict[str, Exercise]:
    params = {p.CKA_EC_PARAMS: bytes.fromhex(_ED25519_OID)}
    pair = Pair(wire.pack(p.CKM_EC_EDWARDS_KEY_PAIR_GEN), params, p.CKK_EC_EDWARDS, 32)
    return {
        "ed25519-keygen": GeneratePair(pair),
        "ed25519-sign": PairSign(pair, wire.pack(p.CKM_EDDSA), 64),
        "ed25519-verify": PairVerify(pair, wire.pack(p.CKM_EDDSA), 64),
    }


def exercises() -> dict[str, Exercise]:
    """By name of the operation."""
    table = _ed25519()
    for bits in RSA_BITS:
        table |= _rsa(bits)
    for curve in CURVES:
        table |= _ec(curve)
    return table
