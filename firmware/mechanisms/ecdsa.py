"""ECDSA on the prime curves (PKCS #11 3.2, 6.3.12 and 6.3.13; FIPS 186-5, 6).

Signatures are r and s, each at the width of the order, which is that of the field on these curves.
"""

from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import ec
from ghostcard.firmware.mechanisms.curves import (
    LEAST_BITS,
    MOST_BITS,
    P256,
    P521,
    Curve,
    of_key,
)
from ghostcard.firmware.mechanisms.hashes import SHA256, SIGNATURE_HASHES, Hash, algorithm
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.mechanism import Signing, no_parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

_HASH_OF = {each.size: each for each in SIGNATURE_HASHES[:5]}  # any of a size will do
_DIGEST_SIZES = sorted(_HASH_OF)


def _digest_bytes(curve: Curve) -> int:
    """The digest size a curve is used with: the least that fills its order, or the largest."""
    return next((size for size in _DIGEST_SIZES if size >= curve.size), _DIGEST_SIZES[-1])


class Ecdsa(Signing):
    """ECDSA_SHAx; without a hash CKM_ECDSA, whose data is a hash already."""

    __slots__ = ()

    def __init__(self, number: int, which: Hash | None) -> None:
        super().__init__(number, LEAST_BITS, MOST_BITS, which, ck.CKK_EC)
        self.flags |= ec.FLAGS

    def operation(self, key: Key, use: str) -> str:
        return f"ecdsa-{of_key(key).name}-{use}"

    def signature_bytes(self, key: Key, params: bytes) -> int:
        no_parameters(params)
        return 2 * of_key(key).size

    def closer(self, key: Key, params: bytes) -> Signer:
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

        no_parameters(params)
        curve = of_key(key)
        sign, fit = ec.private_handle(key).sign, _fitted(curve)
        size, width = _digest_bytes(curve), curve.size
        how = ECDSA(Prehashed(algorithm(_HASH_OF[size])))

        def close(digest: bytes) -> bytes:
            if len(digest) != size:
                digest = fit(digest)
            return from_der(sign(digest, how), width)

        return close

    def checker(self, key: Key, params: bytes) -> Verifier:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import (
            Prehashed,
            encode_dss_signature,
        )

        no_parameters(params)
        curve = of_key(key)
        verify, fit = ec.public_handle(key).verify, _fitted(curve)
        size, width = _digest_bytes(curve), curve.size
        how = ECDSA(Prehashed(algorithm(_HASH_OF[size])))

        def check(digest: bytes, signature: bytes) -> None:
            if len(digest) != size:
                digest = fit(digest)
            if len(signature) != 2 * width:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            r = int.from_bytes(signature[:width], "big")
            s = int.from_bytes(signature[width:], "big")
            try:
                verify(encode_dss_signature(r, s), digest, how)
            except InvalidSignature:
                raise Refused(ck.CKR_SIGNATURE_INVALID) from None

        return check


def _fitted(curve: Curve) -> Callable[[bytes], bytes]:
    """Brings data of any length to the digest size of the curve (PKCS #11 3.2, 6.3.12).

    What is shorter than the order is filled up with zeros on the left, what is longer is cut, and
    neither changes the number that is signed; nor does what the digest has beyond the order.
    """
    size = _digest_bytes(curve)
    width = min(curve.size, size)

    def fit(data: bytes) -> bytes:
        # On P-521 the 64 bytes of SHA-512 do not fill the order, so longer data cannot be cut.
        if not data or (curve is P521 and len(data) > size):
            raise Refused(ck.CKR_DATA_LEN_RANGE)
        return data[:width].rjust(width, b"\0").ljust(size, b"\0")

    return fit


def from_der(signature: bytes, width: int) -> bytes:
    """r || s from the DER SEQUENCE of two INTEGERs that the cryptographic library gives."""
    at = 3 if signature[1] < 0x80 else 4  # length of r
    end = at + 1 + signature[at]
    r = signature[at + 1 : end]
    s = signature[end + 2 :]
    return r[-width:].rjust(width, b"\0") + s[-width:].rjust(width, b"\0")


# RFC 6979, A.2.5: P-256, SHA-256, message "sample".
_SCALAR = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
_SIGNATURE = bytes.fromhex(
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
)


def known_answers() -> bool:
    """The signature above verifies, a fresh one does, and a changed one is refused."""
    mechanism = Ecdsa(ck.CKM_ECDSA_SHA256, SHA256)
    private = ec.private_key(P256, _SCALAR)
    public = Key(ck.CKO_PUBLIC_KEY, ck.CKK_EC, P256.bits, ec.point_of(private))
    verify = mechanism.verifier(public, b"")
    try:
        verify(b"sample", _SIGNATURE)
        verify(b"sample", mechanism.signer(private, b"")(b"sample"))
    except Refused:
        return False
    try:
        verify(b"sample", _SIGNATURE[:-1] + b"\0")
    except Refused:
        return True
    return False


def register(table: Table) -> None:
    """Add key pair generation, CKM_ECDSA and ECDSA_SHAx."""
    flags = ec.FLAGS | ck.CKF_GENERATE_KEY_PAIR
    keygens = [
        ec.EcKeyPairGen(number, LEAST_BITS, MOST_BITS, flags, ck.CKK_EC)
        for number in (ck.CKM_EC_KEY_PAIR_GEN, ck.CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS)
    ]
    hashed = [Ecdsa(each.ecdsa, each) for each in SIGNATURE_HASHES if each.ecdsa is not None]
    table.register("ecdsa", known_answers, [*keygens, Ecdsa(ck.CKM_ECDSA, None), *hashed])
