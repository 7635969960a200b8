"""The hash functions, and every number of PKCS #11 that names one of them in another mechanism."""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm


class Sink(Protocol):
    """What takes the data of a multi-part operation: hashlib's and hmac's objects are sinks."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Hash(NamedTuple):
    """One hash function: sizes in bytes; None where PKCS #11 has no such mechanism."""

    name: str  # of hashlib, but for BLAKE2b, which hashlib has by size
    operation: str  # its row in the profile's service table
    size: int
    digest: int
    hmac: int
    hmac_general: int
    hmac_key_type: int
    key_gen: int
    derivation: int
    rsa_pkcs: int | None = None
    rsa_pss: int | None = None
    ecdsa: int | None = None
    mgf: int | None = None
    kdf: int | None = None


SHA1 = Hash(
    "sha1", "sha1", 20, ck.CKM_SHA_1, ck.CKM_SHA_1_HMAC, ck.CKM_SHA_1_HMAC_GENERAL,
    ck.CKK_SHA_1_HMAC, ck.CKM_SHA_1_KEY_GEN, ck.CKM_SHA1_KEY_DERIVATION,
    ck.CKM_SHA1_RSA_PKCS, ck.CKM_SHA1_RSA_PKCS_PSS, ck.CKM_ECDSA_SHA1,
    ck.CKG_MGF1_SHA1, ck.CKD_SHA1_KDF,
)  # fmt: skip
SHA224 = Hash(
    "sha224", "sha224", 28, ck.CKM_SHA224, ck.CKM_SHA224_HMAC, ck.CKM_SHA224_HMAC_GENERAL,
    ck.CKK_SHA224_HMAC, ck.CKM_SHA224_KEY_GEN, ck.CKM_SHA224_KEY_DERIVATION,
    ck.CKM_SHA224_RSA_PKCS, ck.CKM_SHA224_RSA_PKCS_PSS, ck.CKM_ECDSA_SHA224,
    ck.CKG_MGF1_SHA224, ck.CKD_SHA224_KDF,
)  # fmt: skip
SHA256 = Hash(
    "sha256", "sha256", 32, ck.CKM_SHA256, ck.CKM_SHA256_HMAC, ck.CKM_SHA256_HMAC_GENERAL,
    ck.CKK_SHA256_HMAC, ck.CKM_SHA256_KEY_GEN, ck.CKM_SHA256_KEY_DERIVATION,
    ck.CKM_SHA256_RSA_PKCS, ck.CKM_SHA256_RSA_PKCS_PSS, ck.CKM_ECDSA_SHA256,
    ck.CKG_MGF1_SHA256, ck.CKD_SHA256_KDF,
)  # fmt: skip
SHA384 = Hash(
    "sha384", "sha384", 48, ck.CKM_SHA384, ck.CKM_SHA384_HMAC, ck.CKM_SHA384_HMAC_GENERAL,
    ck.CKK_SHA384_HMAC, ck.CKM_SHA384_KEY_GEN, ck.CKM_SHA384_KEY_DERIVATION,
    ck.CKM_SHA384_RSA_PKCS, ck.CKM_SHA384_RSA_PKCS_PSS, ck.CKM_ECDSA_SHA384,
    ck.CKG_MGF1_SHA384, ck.CKD_SHA384_KDF,
)  # fmt: skip
SHA512 = Hash(
    "sha512", "sha512", 64, ck.CKM_SHA512, ck.CKM_SHA512_HMAC, ck.CKM_SHA512_HMAC_GENERAL,
    ck.CKK_SHA512_HMAC, ck.CKM_SHA512_KEY_GEN, ck.CKM_SHA512_KEY_DERIVATION,
    ck.CKM_SHA512_RSA_PKCS, ck.CKM_SHA512_RSA_PKCS_PSS, ck.CKM_ECDSA_SHA512,
    ck.CKG_MGF1_SHA512, ck.CKD_SHA512_KDF,
)  # fmt: skip
# The truncated forms are SHA-512 with another initial value, and take its time.
SHA512_224 = Hash(
    "sha512_224", "sha512", 28, ck.CKM_SHA512_224, ck.CKM_SHA512_224_HMAC,
    ck.CKM_SHA512_224_HMAC_GENERAL, ck.CKK_SHA512_224_HMAC, ck.CKM_SHA512_224_KEY_GEN,
    ck.CKM_SHA512_224_KEY_DERIVATION,
)  # fmt: skip
SHA512_256 = Hash(
    "sha512_256", "sha512", 32, ck.CKM_SHA512_256, ck.CKM_SHA512_256_HMAC,
    ck.CKM_SHA512_256_HMAC_GENERAL, ck.CKK_SHA512_256_HMAC, ck.CKM_SHA512_256_KEY_GEN,
    ck.CKM_SHA512_256_KEY_DERIVATION,
)  # fmt: skip
SHA3_224 = Hash(
    "sha3_224", "sha3-224", 28, ck.CKM_SHA3_224, ck.CKM_SHA3_224_HMAC, ck.CKM_SHA3_224_HMAC_GENERAL,
    ck.CKK_SHA3_224_HMAC, ck.CKM_SHA3_224_KEY_GEN, ck.CKM_SHA3_224_KEY_DERIVATION,
    ck.CKM_SHA3_224_RSA_PKCS, ck.CKM_SHA3_224_RSA_PKCS_PSS, ck.CKM_ECDSA_SHA3_224,
    ck.CKG_MGF1_SHA3_224, ck.CKD_SHA3_224_KDF,
)  # fmt: skip
SHA3_256 = Hash(
    "sha3_256", "sha3-256", 32, ck.CKM_SHA3_256, ck.CKM_SHA3_256_HMAC, ck.CKM_SHA3_256_HMAC_GENERAL,
    ck.CKK_SHA3_256_HMAC, ck.CKM_SHA3_256_KEY_GEN, ck.CKM_SHA3_256_KEY_DERIVATION,
    ck.CKM_SHA3_256_RSA_PKCS, ck.CKM_SHA3_256_RSA_PKCS_PSS, ck.CKM_ECDSA_SHA3_256,
    ck.CKG_MGF1_SHA3_256, ck.CKD_SHA3_256_KDF,
)  # fmt: skip
SHA3_384 = Hash(
    "sha3_384", "sha3-384", 48, ck.CKM_SHA3_384, ck.CKM_SHA3_384_HMAC, ck.CKM_SHA3_384_HMAC_GENERAL,
    ck.CKK_SHA3_384_HMAC, ck.CKM_SHA3_384_KEY_GEN, ck.CKM_SHA3_384_KEY_DERIVATION,
    ck.CKM_SHA3_384_RSA_PKCS, ck.CKM_SHA3_384_RSA_PKCS_PSS, ck.CKM_ECDSA_SHA3_384,
    ck.CKG_MGF1_SHA3_384, ck.CKD_SHA3_384_KDF,
)  # fmt: skip
SHA3_512 = Hash(
    "sha3_512", "sha3-512", 64, ck.CKM_SHA3_512, ck.CKM_SHA3_512_HMAC, ck.CKM_SHA3_512_HMAC_GENERAL,
    ck.CKK_SHA3_512_HMAC, ck.CKM_SHA3_512_KEY_GEN, ck.CKM_SHA3_512_KEY_DERIVATION,
    ck.CKM_SHA3_512_RSA_PKCS, ck.CKM_SHA3_512_RSA_PKCS_PSS, ck.CKM_ECDSA_SHA3_512,
    ck.CKG_MGF1_SHA3_512, ck.CKD_SHA3_512_KDF,
)  # fmt: skip
# BLAKE2b of every size is one computation with other initial values.
BLAKE2B_160 = Hash(
    "blake2b_160", "blake2b", 20, ck.CKM_BLAKE2B_160, ck.CKM_BLAKE2B_160_HMAC,
    ck.CKM_BLAKE2B_160_HMAC_GENERAL, ck.CKK_BLAKE2B_160_HMAC, ck.CKM_BLAKE2B_160_KEY_GEN,
    ck.CKM_BLAKE2B_160_KEY_DERIVE, kdf=ck.CKD_BLAKE2B_160_KDF,
)  # fmt: skip
BLAKE2B_256 = Hash(
    "blake2b_256", "blake2b", 32, ck.CKM_BLAKE2B_256, ck.CKM_BLAKE2B_256_HMAC,
    ck.CKM_BLAKE2B_256_HMAC_GENERAL, ck.CKK_BLAKE2B_256_HMAC, ck.CKM_BLAKE2B_256_KEY_GEN,
    ck.CKM_BLAKE2B_256_KEY_DERIVE, kdf=ck.CKD_BLAKE2B_256_KDF,
)  # fmt: skip
BLAKE2B_384 = Hash(
    "blake2b_384", "blake2b", 48, ck.CKM_BLAKE2B_384, ck.CKM_BLAKE2B_384_HMAC,
    ck.CKM_BLAKE2B_384_HMAC_GENERAL, ck.CKK_BLAKE2B_384_HMAC, ck.CKM_BLAKE2B_384_KEY_GEN,
    ck.CKM_BLAKE2B_384_KEY_DERIVE, kdf=ck.CKD_BLAKE2B_384_KDF,
)  # fmt: skip
BLAKE2B_512 = Hash(
    "blake2b_512", "blake2b", 64, ck.CKM_BLAKE2B_512, ck.CKM_BLAKE2B_512_HMAC,
    ck.CKM_BLAKE2B_512_HMAC_GENERAL, ck.CKK_BLAKE2B_512_HMAC, ck.CKM_BLAKE2B_512_KEY_GEN,
    ck.CKM_BLAKE2B_512_KEY_DERIVE, kdf=ck.CKD_BLAKE2B_512_KDF,
)  # fmt: skip

HASHES = (
    *(SHA1, SHA224, SHA256, SHA384, SHA512, SHA512_224, SHA512_256),
    *(SHA3_224, SHA3_256, SHA3_384, SHA3_512),
    *(BLAKE2B_160, BLAKE2B_256, BLAKE2B_384, BLAKE2B_512),
)
SIGNATURE_HASHES = tuple(each for each in HASHES if each.rsa_pkcs is not None)

_BY_DIGEST = {each.digest: each for each in HASHES if each.operation != "blake2b"}
_BY_MGF = {each.mgf: each for each in SIGNATURE_HASHES}


def of_mechanism(number: int) -> Hash:
    """The hash a mechanism parameter names by its digest mechanism; else refused."""
    return _found(_BY_DIGEST.get(number))


def of_mgf(number: int) -> Hash:
    """The hash of a CKG_MGF1_* number; else refused."""
    return _found(_BY_MGF.get(number))


def _found(found: Hash | None) -> Hash:
    if found is None:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    return found


def opener(which: Hash) -> "Callable[..., hashlib._Hash | hashlib.blake2b]":
    """A function that starts the hash over the bytes it is given."""
    if which.operation == "blake2b":
        return partial(hashlib.blake2b, digest_size=which.size)
    direct: Callable[..., hashlib._Hash] | None = getattr(hashlib, which.name, None)
    if direct is not None:
        return direct
    return lambda data=b"": hashlib.new(which.name, data)


def algorithm(which: Hash) -> "HashAlgorithm":
    """The hash as `cryptography` wants it, which has no BLAKE2b of other sizes than its largest."""
    from cryptography.hazmat.primitives import hashes

    made: HashAlgorithm = getattr(hashes, which.name.upper())()
    return made
