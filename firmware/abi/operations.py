"""Operations: the names under which a profile lists service times, and how requests are weighed.

An operation is what a card does for one request, as docs/design.md, section 2, lists them. The
weight factor is per EP11 function (AP sheet 4.2), the measurement category per operation
(AP sheet 6.3 and 7.1).
"""

from collections.abc import Iterator
from enum import IntEnum

from ghostcard.firmware.abi.parameter_sets import ML_DSA, ML_KEM, SLH_DSA

RSA_BITS = (1024, 2048, 3072, 4096, 8192, 16384)
DSA_BITS = (1024, 2048, 3072, 4096)
DSA_GENERATED_BITS = (1024, 2048, 3072)
DH_BITS = (1024, 2048, 3072, 4096, 8192)
CURVES = (
    *("p192", "p224", "p256", "p384", "p521"),
    *("secp256k1", "brainpool256", "brainpool384", "brainpool512"),
)
EDWARDS = ("ed25519", "ed448")
MONTGOMERY = ("x25519", "x448")
AES_BITS = (128, 192, 256)
AES_MODES = ("ecb", "cbc", "ctr", "gcm", "ccm", "ofb", "cfb", "cfb8", "cmac", "kw")
XTS_BITS = (128, 256)  # of one half of the key
DES3_MODES = ("ecb", "cbc", "ofb", "cfb", "cfb8", "cmac")
CHACHA = ("chacha20", "chacha20-poly1305", "poly1305")
HASHES = (
    *("sha1", "sha224", "sha256", "sha384", "sha512"),
    *("sha3-224", "sha3-256", "sha3-384", "sha3-512", "blake2b"),
)
ACCELERATOR_BITS = (1024, 2048, 4096)
KEY_IMPORT = "key-import"

ERROR = "error"
QUERY = "query"

FACTOR_LOW = 10
FACTOR_MEDIUM = 100
FACTOR_HIGH = 500

_LOW = frozenset((1, 2, *range(36, 41)))
_HIGH = frozenset((*range(17, 23), 26, *range(30, 36), 45, 46, 47))


class Category(IntEnum):
    """Measurement categories of an EP11 card."""

    NONE = 0
    ASYMMETRIC_SLOW = 1
    ASYMMETRIC_FAST = 2
    SYMMETRIC_PARTIAL = 3
    SYMMETRIC_COMPLETE = 4
    ASYMMETRIC_KEYGEN = 5


def weight_factor(function: int) -> int:
    """10, 100 or 500: the weight of a request is this times the card's SECKEY speed rating."""
    if function in _LOW:
        return FACTOR_LOW
    return FACTOR_HIGH if function in _HIGH else FACTOR_MEDIUM


def _asymmetric() -> Iterator[tuple[str, Category]]:
    for bits in RSA_BITS:
        for verb in ("sign", "decrypt"):
            yield f"rsa{bits}-{verb}", Category.ASYMMETRIC_SLOW
        for verb in ("verify", "encrypt"):
            yield f"rsa{bits}-{verb}", Category.ASYMMETRIC_FAST
        yield f"rsa{bits}-keygen", Category.ASYMMETRIC_KEYGEN
    for curve in CURVES:
        yield f"ecdsa-{curve}-sign", Category.ASYMMETRIC_SLOW
        yield f"ecdsa-{curve}-verify", Category.ASYMMETRIC_FAST
        yield f"ecdh-{curve}", Category.ASYMMETRIC_SLOW
        yield f"ec-{curve}-keygen", Category.ASYMMETRIC_KEYGEN
    for curve in EDWARDS:
        yield f"{curve}-sign", Category.ASYMMETRIC_SLOW
        yield f"{curve}-verify", Category.ASYMMETRIC_FAST
        yield f"{curve}-keygen", Category.ASYMMETRIC_KEYGEN
    for curve in MONTGOMERY:
        yield f"{curve}-derive", Category.ASYMMETRIC_SLOW
        yield f"{curve}-keygen", Category.ASYMMETRIC_KEYGEN


def _finite_field() -> Iterator[tuple[str, Category]]:
    for bits in DSA_BITS:
        yield f"dsa{bits}-sign", Category.ASYMMETRIC_SLOW
        yield f"dsa{bits}-verify", Category.ASYMMETRIC_FAST
        yield f"dsa{bits}-keygen", Category.ASYMMETRIC_KEYGEN
    for bits in DSA_GENERATED_BITS:
        yield f"dsa{bits}-paramgen", Category.ASYMMETRIC_KEYGEN
    for bits in DH_BITS:
        yield f"dh{bits}-derive", Category.ASYMMETRIC_SLOW
        yield f"dh{bits}-keygen", Category.ASYMMETRIC_KEYGEN
    yield "dh-paramgen", Category.ASYMMETRIC_KEYGEN


def _post_quantum() -> Iterator[tuple[str, Category]]:
    for each in ML_KEM:
        yield f"{each.name}-keygen", Category.ASYMMETRIC_KEYGEN
        yield f"{each.name}-encapsulate", Category.ASYMMETRIC_FAST
        yield f"{each.name}-decapsulate", Category.ASYMMETRIC_SLOW
    for each in (*ML_DSA, *SLH_DSA):
        yield f"{each.name}-keygen", Category.ASYMMETRIC_KEYGEN
        yield f"{each.name}-sign", Category.ASYMMETRIC_SLOW
        yield f"{each.name}-verify", Category.ASYMMETRIC_FAST


def _symmetric() -> Iterator[tuple[str, Category]]:
    for bits in AES_BITS:
        for mode in AES_MODES:
            yield f"aes-{bits}-{mode}", Category.SYMMETRIC_COMPLETE
    for bits in XTS_BITS:
        yield f"aes-{bits}-xts", Category.SYMMETRIC_COMPLETE
    for mode in DES3_MODES:
        yield f"des3-{mode}", Category.SYMMETRIC_COMPLETE
    for name in CHACHA:
        yield name, Category.SYMMETRIC_COMPLETE
    for name in HASHES:
        yield name, Category.SYMMETRIC_PARTIAL
        yield f"hmac-{name}", Category.SYMMETRIC_COMPLETE
    for name in ("aes-keygen", "secret-keygen", "random", "wrap", "unwrap", "derive"):
        yield name, Category.SYMMETRIC_COMPLETE
    for name in (QUERY, ERROR):
        yield name, Category.NONE


CATEGORIES: dict[str, Category] = dict(
    (*_asymmetric(), *_finite_field(), *_post_quantum(), *_symmetric())
)

EP11_OPERATIONS: tuple[str, ...] = tuple(CATEGORIES)

# In the order of an accelerator's measurement entries (AP sheet 6.3), then the refused request.
ACCELERATOR_OPERATIONS: tuple[str, ...] = (
    "rsa1024-me",
    "rsa2048-me",
    "rsa1024-crt",
    "rsa2048-crt",
    "rsa4096-me",
    "rsa4096-crt",
    ERROR,
)

# What requests of the kernel's ask of a CCA coprocessor; its clear RSA is an accelerator's.
CCA_OPERATIONS: tuple[str, ...] = (
    *ACCELERATOR_OPERATIONS,
    *("random", "aes-keygen", KEY_IMPORT, QUERY),
)


def category(mode: str, operation: str) -> int:
    """In which entry of a card's measurements an operation counts, from 1, or 0 (AP sheet 6.3)."""
    if mode == "ep11":
        return CATEGORIES.get(operation, Category.NONE)
    if mode == "cca":
        return int(operation != ERROR)
    if mode == "accelerator" and operation in ACCELERATOR_OPERATIONS and operation != ERROR:
        return ACCELERATOR_OPERATIONS.index(operation) + 1
    return 0
