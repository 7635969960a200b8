"""Hashes in front of a signature: HashML-DSA (FIPS 204, 5.4), HashSLH-DSA (FIPS 205, 10.2).

What is signed of a hashed message names the hash by its object identifier. SHAKE128 gives 256 bits
here and SHAKE256 512.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.hashes import Sink


class Prehash(NamedTuple):
    """One hash; None where PKCS #11 has no such mechanism. `operation`: what a part of it costs."""

    name: str  # of hashlib
    arc: int  # the last of its identifier, below 2.16.840.1.101.3.4.2
    size: int
    operation: str
    digest: int | None
    ml_dsa: int | None
    slh_dsa: int | None

    @property
    def oid(self) -> bytes:
        """The object identifier in DER."""
        return bytes.fromhex("06096086480165030402") + bytes((self.arc,))


PREHASHES = (
    Prehash(
        "sha224", 4, 28, "sha224",
        ck.CKM_SHA224, ck.CKM_HASH_ML_DSA_SHA224, ck.CKM_HASH_SLH_DSA_SHA224,
    ),
    Prehash(
        "sha256", 1, 32, "sha256",
        ck.CKM_SHA256, ck.CKM_HASH_ML_DSA_SHA256, ck.CKM_HASH_SLH_DSA_SHA256,
    ),
    Prehash(
        "sha384", 2, 48, "sha384",
        ck.CKM_SHA384, ck.CKM_HASH_ML_DSA_SHA384, ck.CKM_HASH_SLH_DSA_SHA384,
    ),
    Prehash(
        "sha512", 3, 64, "sha512",
        ck.CKM_SHA512, ck.CKM_HASH_ML_DSA_SHA512, ck.CKM_HASH_SLH_DSA_SHA512,
    ),
    Prehash("sha512_224", 5, 28, "sha512", ck.CKM_SHA512_224, None, None),
    Prehash("sha512_256", 6, 32, "sha512", ck.CKM_SHA512_256, None, None),
    Prehash(
        "sha3_224", 7, 28, "sha3-224",
        ck.CKM_SHA3_224, ck.CKM_HASH_ML_DSA_SHA3_224, ck.CKM_HASH_SLH_DSA_SHA3_224,
    ),
    Prehash(
        "sha3_256", 8, 32, "sha3-256",
        ck.CKM_SHA3_256, ck.CKM_HASH_ML_DSA_SHA3_256, ck.CKM_HASH_SLH_DSA_SHA3_256,
    ),
    Prehash(
        "sha3_384", 9, 48, "sha3-384",
        ck.CKM_SHA3_384, ck.CKM_HASH_ML_DSA_SHA3_384, ck.CKM_HASH_SLH_DSA_SHA3_384,
    ),
    Prehash(
        "sha3_512", 10, 64, "sha3-512",
        ck.CKM_SHA3_512, ck.CKM_HASH_ML_DSA_SHA3_512, ck.CKM_HASH_SLH_DSA_SHA3_512,
    ),
    Prehash(
        "shake_128", 11, 32, "sha3-256",
        None, ck.CKM_HASH_ML_DSA_SHAKE128, ck.CKM_HASH_SLH_DSA_SHAKE128,
    ),
    Prehash(
        "shake_256", 12, 64, "sha3-256",
        None, ck.CKM_HASH_ML_DSA_SHAKE256, ck.CKM_HASH_SLH_DSA_SHAKE256,
    ),
)  # fmt: skip
BY_DIGEST = {each.digest: each for each in PREHASHES if each.digest is not None}


class PrehashSink:
    """Hashes the parts of a message; its digest is what `finish` makes of the hash."""

    __slots__ = ("_finish", "_hash", "update")

    def __init__(self, which: Prehash, finish: Callable[[bytes], bytes]) -> None:
        shake = {"shake_128": hashlib.shake_128, "shake_256": hashlib.shake_256}.get(which.name)
        if shake is None:
            found = hashlib.new(which.name)
            self.update: Callable[[bytes], None] = found.update
            self._hash = found.digest
        else:
            extensible = shake()
            self.update = extensible.update
            self._hash = lambda: extensible.digest(which.size)
        self._finish = finish

    def digest(self) -> bytes:
        return self._finish(self._hash())


def message(which: Prehash, context: bytes, digest: bytes) -> bytes:
    """M' of a hashed message (FIPS 204, algorithm 4, line 23)."""
    return b"\1" + bytes((len(context),)) + context + which.oid + digest


def sink(which: Prehash, finish: Callable[[bytes], bytes]) -> Sink:
    """A sink that hashes."""
    return PrehashSink(which, finish)
