"""RSASSA-PSS (PKCS #11 3.2, 6.1.12 and 6.1.13; RFC 8017, 8.1)."""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms import rsa, rsa_vectors
from ghostcard.firmware.mechanisms.hashes import (
    SIGNATURE_HASHES,
    Hash,
    of_mechanism,
    of_mgf,
)
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.mechanism import Signing, parameters
from ghostcard.firmware.mechanisms.public import RSA_BITS
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.rsa_schemes import Pss
from ghostcard.firmware.mechanisms.table import Table


class RsaPss(Signing):
    """SHAx_RSA_PKCS_PSS; without a hash CKM_RSA_PKCS_PSS, whose data is a hash already."""

    __slots__ = ()

    def __init__(self, number: int, which: Hash | None) -> None:
        super().__init__(number, RSA_BITS[0], RSA_BITS[-1], which, ck.CKK_RSA)

    def operation(self, key: Key, use: str) -> str:
        return rsa.operation(key, use)

    def signature_bytes(self, key: Key, params: bytes) -> int:
        self._parsed(key, params)
        return rsa.width(key.bits)

    def _parsed(self, key: Key, params: bytes) -> Pss:
        """Hash of the data, hash of the mask, salt bytes; refused if they do not fit the key."""
        parsed = parameters(self.number, params, wire.Pss)
        which, mask = of_mechanism(parsed.hash), of_mgf(parsed.mgf)
        encoded = (key.bits - 1 + 7) // 8
        fits = which.size + parsed.salt_bytes + 2 <= encoded
        if not fits or self.hash not in (None, which):
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return Pss(which, mask, parsed.salt_bytes)

    def closer(self, key: Key, params: bytes) -> Signer:
        scheme = self._parsed(key, params)
        sign, digest_bytes = rsa.private_handle(key).signer(scheme), scheme.hash.size

        def close(digest: bytes) -> bytes:
            if len(digest) != digest_bytes:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return sign(digest)

        return close

    def checker(self, key: Key, params: bytes) -> Verifier:
        scheme = self._parsed(key, params)
        verify, digest_bytes = rsa.public_handle(key).verifier(scheme), scheme.hash.size
        size = rsa.width(key.bits)

        def check(digest: bytes, signature: bytes) -> None:
            if len(digest) != digest_bytes:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            if len(signature) != size:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            verify(digest, signature)

        return check


def known_answers() -> bool:
    """The RSA Laboratories case in `rsa_vectors` verifies, and a fresh signature does."""
    sha1 = SIGNATURE_HASHES[0]
    mechanism = RsaPss(ck.CKM_SHA1_RSA_PKCS_PSS, sha1)
    private, public = rsa_vectors.SIGNING_KEY.pair()
    params = pack(mechanism.number, wire.Pss(sha1.digest, ck.CKG_MGF1_SHA1, sha1.size))[4:]
    verify = mechanism.verifier(public, params)
    message = rsa_vectors.PSS_MESSAGE
    try:
        verify(message, rsa_vectors.PSS_SIGNATURE)
        verify(message, mechanism.signer(private, params)(message))
    except Refused:
        return False
    return True


def register(table: Table) -> None:
    """Add CKM_RSA_PKCS_PSS and SHAx_RSA_PKCS_PSS."""
    hashed = [RsaPss(each.rsa_pss, each) for each in SIGNATURE_HASHES if each.rsa_pss is not None]
    table.register("rsa-pss", known_answers, [RsaPss(ck.CKM_RSA_PKCS_PSS, None), *hashed])
