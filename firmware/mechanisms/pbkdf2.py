"""Keys from passwords: PBKDF2 (PKCS #11 3.2, "PKCS #5 Mechanisms"; RFC 8018, 5.2)."""

import hashlib

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as pack
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms.hashes import (
    SHA1,
    SHA224,
    SHA256,
    SHA384,
    SHA512,
    SHA512_224,
    SHA512_256,
    Hash,
)
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Draw, Mechanism, parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import MAX_BITS, SIZES, secret_key
from ghostcard.firmware.mechanisms.table import Table

MAX_ITERATIONS = 10_000_000  # some seconds; a card must not be kept from its work for longer

PRFS: dict[int, Hash] = {
    ck.CKP_PKCS5_PBKD2_HMAC_SHA1: SHA1,
    ck.CKP_PKCS5_PBKD2_HMAC_SHA224: SHA224,
    ck.CKP_PKCS5_PBKD2_HMAC_SHA256: SHA256,
    ck.CKP_PKCS5_PBKD2_HMAC_SHA384: SHA384,
    ck.CKP_PKCS5_PBKD2_HMAC_SHA512: SHA512,
    ck.CKP_PKCS5_PBKD2_HMAC_SHA512_224: SHA512_224,
    ck.CKP_PKCS5_PBKD2_HMAC_SHA512_256: SHA512_256,
}


class Pbkdf2(Mechanism):
    """CKM_PKCS5_PBKD2: a generation whose key depends on its parameters alone."""

    __slots__ = ()

    def __init__(self) -> None:
        flags = ck.CKF_HW | ck.CKF_GENERATE
        key_types = frozenset(SIZES) - {ck.CKK_HOTP}
        super().__init__(ck.CKM_PKCS5_PBKD2, 8, MAX_BITS, flags, *key_types)

    def keyless_operation(self) -> str:
        return "derive"

    def _parsed(self, params: bytes) -> tuple[wire.Pbkdf2, Hash]:
        parsed = parameters(self.number, params, wire.Pbkdf2)
        which = PRFS.get(parsed.prf)
        if (
            which is None
            or parsed.source != ck.CKZ_SALT_SPECIFIED
            or parsed.prf_data
            or not 0 < parsed.iterations <= MAX_ITERATIONS
        ):
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return parsed, which

    def generate_from(self, params: bytes, key_bytes: int, draw: Draw) -> Key:
        parsed, which = self._parsed(params)
        if not 0 < key_bytes <= MAX_BITS // 8:
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        value = hashlib.pbkdf2_hmac(
            which.name, parsed.password, parsed.salt, parsed.iterations, key_bytes
        )
        return secret_key(ck.CKK_GENERIC_SECRET, value)

    def null_key(self, params: bytes, key_bytes: int) -> Key:
        self._parsed(params)
        return secret_key(ck.CKK_GENERIC_SECRET, bytes(key_bytes))


# RFC 6070, 2: test case 2 (HMAC-SHA-1, 2 iterations).
_PASSWORD, _SALT = b"password", b"salt"
_OUTPUT = bytes.fromhex("ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957")


def known_answers() -> bool:
    """The output of the test case comes out."""
    parsed = wire.Pbkdf2(
        ck.CKZ_SALT_SPECIFIED, 2, ck.CKP_PKCS5_PBKD2_HMAC_SHA1, _SALT, b"", _PASSWORD
    )
    params = pack.pack(ck.CKM_PKCS5_PBKD2, parsed)[4:]
    return Pbkdf2().generate_from(params, len(_OUTPUT), bytes).material == _OUTPUT


def register(table: Table) -> None:
    """Add CKM_PKCS5_PBKD2."""
    table.register("pbkdf2", known_answers, [Pbkdf2()])
