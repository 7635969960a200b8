"""Exercises with key pairs: generation, signatures, RSA encryption, key agreement."""

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
from ghostcard.driver.imported_pair import BELOW, ImportedPair
from ghostcard.driver.template import Template
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.blob import blob_bytes
from ghostcard.firmware.abi.operations import CURVES, EDWARDS, MONTGOMERY, RSA_BITS
from ghostcard.firmware.abi.parameters import Ecdh, Raw
from ghostcard.firmware.abi.spki import ffc_spki_bytes, spki_bytes

PKCS1_OVERHEAD = 11  # bytes of padding, the least
DERIVED_SIZE = 24  # the shortest secret of a curve


class Pair(NamedTuple):
    """A kind of key pair: how to generate it, and its size as `blob_bytes` counts it.

    `curve` is the identifier of its curve; `field` prime, order and base of its finite field.
    """

    mechanism: bytes
    public: Template
    key_type: int
    size: int
    curve: bytes = b""
    field: tuple[bytes, bytes, bytes] | None = None

    def generate(self, host: Ep11Host, use: int) -> Material:
        """Blob and SPKI of a pair whose private key may be used for `use` (CKA_*)."""
        return host.generate_key_pair(self.mechanism, self.public, {use: ON})

    @property
    def sizes(self) -> Sizes:
        """Bytes of blob and SPKI."""
        if self.field is not None:
            spki = ffc_spki_bytes(self.field)
        else:
            spki = spki_bytes(self.key_type, self.size, self.curve)
        return blob_bytes(self.key_type, self.size), spki

    def public_value(self, spki: bytes) -> bytes:
        """The public key as it stands at the end of the SPKI: a point, octets, a number."""
        return spki[-(1 + 2 * self.size if self.key_type == p.CKK_EC else self.size) :]


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
    """DeriveKey of a 24-byte secret by a key agreement: CKM_ECDH1_DERIVE without a KDF, or
    CKM_DH_PKCS_DERIVE.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def material(self, host: Ep11Host, payload: int) -> Material:
        return self.pair.generate(host, p.CKA_DERIVE)

    def material_bytes(self, payload: int) -> Sizes:
        return self.pair.sizes

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        public = self.pair.public_value(material[1])
        if self.pair.key_type == p.CKK_DH:
            mechanism = wire.pack(p.CKM_DH_PKCS_DERIVE, Raw(public))
        else:
            mechanism = wire.pack(p.CKM_ECDH1_DERIVE, Ecdh(p.CKD_NULL, b"", public))
        host.derive_key(mechanism, {p.CKA_VALUE_LEN: ulong(DERIVED_SIZE)}, material[0])

    def reply_bytes(self, payload: int) -> Sizes:
        return blob_bytes(p.CKK_GENERIC_SECRET, DERIVED_SIZE), CHECKSUM


_CURVES = {  # identifier in DER, bytes of a coordinate
    "p192": ("06082a8648ce3d030101", 24),
    "p224": ("06052b81040021", 28),
    "p256": ("06082a8648ce3d030107", 32),
    "p384": ("06052b81040022", 48),
    "p521": ("06052b81040023", 66),
    "secp256k1": ("06052b8104000a", 32),
    "brainpool256": ("06092b2403030208010107", 32),
    "brainpool384": ("06092b240303020801010b", 48),
    "brainpool512": ("06092b240303020801010d", 64),
    "ed25519": ("06032b6570", 32),
    "ed448": ("06032b6571", 57),
    "x25519": ("06032b656e", 32),
    "x448": ("06032b656f", 56),
}


CURVE_NAMES = {bytes.fromhex(digits): name for name, (digits, _) in _CURVES.items()}
"""Identifier of a curve in DER -> its name in operations."""


def _on_curve(name: str, mechanism: int, key_type: int) -> Pair:
    digits, size = _CURVES[name]
    curve = bytes.fromhex(digits)
    return Pair(wire.pack(mechanism), {p.CKA_EC_PARAMS: curve}, key_type, size, curve)


def _rsa(bits: int) -> dict[str, Exercise]:
    public = {p.CKA_MODULUS_BITS: ulong(bits), p.CKA_PUBLIC_EXPONENT: b"\1\0\1"}
    generated = Pair(wire.pack(p.CKM_RSA_PKCS_KEY_PAIR_GEN), public, p.CKK_RSA, bits // 8)
    pair = ImportedPair(bits) if bits in BELOW else generated
    mechanism = wire.pack(p.CKM_SHA256_RSA_PKCS)
    return {
        f"rsa{bits}-keygen": GeneratePair(generated),
        f"rsa{bits}-sign": PairSign(pair, mechanism, bits // 8),
        f"rsa{bits}-verify": PairVerify(pair, mechanism, bits // 8),
        f"rsa{bits}-encrypt": RsaEncrypt(pair),
        f"rsa{bits}-decrypt": RsaDecrypt(pair),
    }


def _ec(curve: str) -> dict[str, Exercise]:
    pair = _on_curve(curve, p.CKM_EC_KEY_PAIR_GEN, p.CKK_EC)
    mechanism = wire.pack(p.CKM_ECDSA_SHA256)
    return {
        f"ec-{curve}-keygen": GeneratePair(pair),
        f"ecdsa-{curve}-sign": PairSign(pair, mechanism, 2 * pair.size),
        f"ecdsa-{curve}-verify": PairVerify(pair, mechanism, 2 * pair.size),
        f"ecdh-{curve}": Derive(pair),
    }


def _edwards(curve: str) -> dict[str, Exercise]:
    pair = _on_curve(curve, p.CKM_EC_EDWARDS_KEY_PAIR_GEN, p.CKK_EC_EDWARDS)
    mechanism = wire.pack(p.CKM_EDDSA, Raw())
    return {
        f"{curve}-keygen": GeneratePair(pair),
        f"{curve}-sign": PairSign(pair, mechanism, 2 * pair.size),
        f"{curve}-verify": PairVerify(pair, mechanism, 2 * pair.size),
    }


def _montgomery(curve: str) -> dict[str, Exercise]:
    pair = _on_curve(curve, p.CKM_EC_MONTGOMERY_KEY_PAIR_GEN, p.CKK_EC_MONTGOMERY)
    return {f"{curve}-keygen": GeneratePair(pair), f"{curve}-derive": Derive(pair)}


def exercises() -> dict[str, Exercise]:
    """By name of the operation."""
    table: dict[str, Exercise] = {}
    for bits in RSA_BITS:
        table |= _rsa(bits)
    for curve in CURVES:
        table |= _ec(curve)
    for curve in EDWARDS:
        table |= _edwards(curve)
    for curve in MONTGOMERY:
        table |= _montgomery(curve)
    return table
