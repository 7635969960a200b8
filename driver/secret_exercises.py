"""Exercises with secret keys or none: HMAC, hashes, random, wrapping, queries."""

from ghostcard import pkcs11 as p
from ghostcard.driver.ep11 import RANDOM_CHUNK, Ep11Host
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
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.blob import blob_bytes
from ghostcard.firmware.abi.parameters import Iv

SECRET_SIZE = 32
SECRET_BLOB = blob_bytes(p.CKK_GENERIC_SECRET, SECRET_SIZE)
BLOCK = 16  # AES
WRAPPED = SECRET_SIZE + BLOCK  # CBC_PAD fills up a whole block
CBC_PAD = wire.pack(p.CKM_AES_CBC_PAD, Iv(bytes(BLOCK)))
AES_KEY_GEN = wire.pack(p.CKM_AES_KEY_GEN)


class GenerateSecret(NoPayload, NoMaterial):
    """GenerateKey of a secret key of 32 bytes."""

    def __init__(self, mechanism: bytes) -> None:
        self.mechanism = mechanism

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.generate_key(self.mechanism, SECRET_SIZE, {p.CKA_ENCRYPT: ON})

    def reply_bytes(self, payload: int) -> Sizes:
        return SECRET_BLOB, CHECKSUM


class Mac(AnyPayload):
    """SignSingle with a generic secret key of 32 bytes."""

    def __init__(self, mechanism: bytes, size: int) -> None:
        self.mechanism = mechanism
        self.size = size

    def material(self, host: Ep11Host, payload: int) -> Material:
        keygen = wire.pack(p.CKM_GENERIC_SECRET_KEY_GEN)
        return (host.generate_key(keygen, SECRET_SIZE, {p.CKA_SIGN: ON})[0],)

    def material_bytes(self, payload: int) -> Sizes:
        return (SECRET_BLOB,)

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.sign_single(self.mechanism, material[0], bytes(payload))

    def reply_bytes(self, payload: int) -> Sizes:
        return (self.size,)


class DeriveSecret(NoPayload):
    """DeriveKey of a generic secret of 32 bytes, by its SHA-256."""

    def material(self, host: Ep11Host, payload: int) -> Material:
        keygen = wire.pack(p.CKM_GENERIC_SECRET_KEY_GEN)
        return (host.generate_key(keygen, SECRET_SIZE, {p.CKA_DERIVE: ON})[0],)

    def material_bytes(self, payload: int) -> Sizes:
        return (SECRET_BLOB,)

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.derive_key(wire.pack(p.CKM_SHA256_KEY_DERIVATION), {}, material[0])

    def reply_bytes(self, payload: int) -> Sizes:
        return SECRET_BLOB, CHECKSUM


class Hash(AnyPayload, NoMaterial):
    """DigestSingle."""

    def __init__(self, mechanism: bytes, size: int) -> None:
        self.mechanism = mechanism
        self.size = size

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.digest_single(self.mechanism, bytes(payload))

    def reply_bytes(self, payload: int) -> Sizes:
        return (self.size,)


class Random(NoMaterial):
    """GenerateRandom."""

    def accepts(self, payload: int) -> bool:
        return 0 < payload <= RANDOM_CHUNK

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.generate_random(payload)

    def reply_bytes(self, payload: int) -> Sizes:
        return (payload,)


class Wrap:
    """WrapKey of a generic secret of 32 bytes, CKM_AES_CBC_PAD; the payload is what comes out."""

    def accepts(self, payload: int) -> bool:
        return payload == WRAPPED

    def material(self, host: Ep11Host, payload: int) -> Material:
        kek, _ = host.generate_key(AES_KEY_GEN, SECRET_SIZE, {p.CKA_WRAP: ON, p.CKA_UNWRAP: ON})
        keygen = wire.pack(p.CKM_GENERIC_SECRET_KEY_GEN)
        key, _ = host.generate_key(keygen, SECRET_SIZE, {p.CKA_EXTRACTABLE: ON})
        return kek, key

    def material_bytes(self, payload: int) -> Sizes:
        return SECRET_BLOB, SECRET_BLOB

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.wrap_key(CBC_PAD, material[1], material[0])

    def reply_bytes(self, payload: int) -> Sizes:
        return (WRAPPED,)


class Unwrap(Wrap):
    """UnwrapKey of the same."""

    def material(self, host: Ep11Host, payload: int) -> Material:
        kek, key = super().material(host, payload)
        return kek, key, host.wrap_key(CBC_PAD, key, kek)

    def material_bytes(self, payload: int) -> Sizes:
        return SECRET_BLOB, SECRET_BLOB, WRAPPED

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        attributes = {p.CKA_KEY_TYPE: ulong(p.CKK_GENERIC_SECRET), p.CKA_SIGN: ON}
        host.unwrap_key(attributes, CBC_PAD, material[0], material[2])

    def reply_bytes(self, payload: int) -> Sizes:
        return SECRET_BLOB, CHECKSUM


class Query(NoPayload, NoMaterial):
    """GetMechanismInfo."""

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.get_mechanism_info(p.CKM_AES_GCM)

    def reply_bytes(self, payload: int) -> Sizes:
        return (12,)


_HASHES: dict[str, tuple[int, int, int]] = {  # hash, HMAC, bytes of digest
    "sha1": (p.CKM_SHA_1, p.CKM_SHA_1_HMAC, 20),
    "sha224": (p.CKM_SHA224, p.CKM_SHA224_HMAC, 28),
    "sha256": (p.CKM_SHA256, p.CKM_SHA256_HMAC, 32),
    "sha384": (p.CKM_SHA384, p.CKM_SHA384_HMAC, 48),
    "sha512": (p.CKM_SHA512, p.CKM_SHA512_HMAC, 64),
    "sha3-224": (p.CKM_SHA3_224, p.CKM_SHA3_224_HMAC, 28),
    "sha3-256": (p.CKM_SHA3_256, p.CKM_SHA3_256_HMAC, 32),
    "sha3-384": (p.CKM_SHA3_384, p.CKM_SHA3_384_HMAC, 48),
    "sha3-512": (p.CKM_SHA3_512, p.CKM_SHA3_512_HMAC, 64),
    "blake2b": (p.CKM_BLAKE2B_512, p.CKM_BLAKE2B_512_HMAC, 64),
}


def exercises() -> dict[str, Exercise]:
    """By name of the operation."""
    table: dict[str, Exercise] = {
        "aes-keygen": GenerateSecret(AES_KEY_GEN),
        "secret-keygen": GenerateSecret(wire.pack(p.CKM_GENERIC_SECRET_KEY_GEN)),
        "random": Random(),
        "wrap": Wrap(),
        "unwrap": Unwrap(),
        "derive": DeriveSecret(),
        "query": Query(),
    }
    for name, (digest, mac, size) in _HASHES.items():
        table[name] = Hash(wire.pack(digest), size)
        table[f"hmac-{name}"] = Mac(wire.pack(mac), size)
    return table
