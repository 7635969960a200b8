"""One-time passwords by counter (PKCS #11 3.2, "HOTP"; RFC 4226).

The token keeps the counter and gives it to the card each time. What is signed is nothing; the
signature is the password, in decimal digits.
"""

import hmac

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as pack
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.mechanisms.hashes import Sink
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.mechanism import Gather, Mechanism, parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import MAX_BITS, ValueKeyGen, secret_key
from ghostcard.firmware.mechanisms.table import Table

DIGITS = range(6, 9)  # RFC 4226, 5.3


class Hotp(Mechanism):
    """CKM_HOTP."""

    __slots__ = ()

    def __init__(self) -> None:
        flags = ck.CKF_HW | ck.CKF_SIGN | ck.CKF_VERIFY
        super().__init__(ck.CKM_HOTP, 8, MAX_BITS, flags, ck.CKK_HOTP)

    def operation(self, key: Key, use: str) -> str:
        return "hmac-sha1"

    def feed_operation(self, key: Key, use: str) -> str:
        return QUERY

    def _parsed(self, params: bytes) -> wire.Hotp:
        parsed = parameters(self.number, params, wire.Hotp)
        if parsed.digits not in DIGITS:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return parsed

    def signature_bytes(self, key: Key, params: bytes) -> int:
        return self._parsed(params).digits

    def signer(self, key: Key, params: bytes) -> Signer:
        from cryptography.hazmat.primitives.hashes import SHA1
        from cryptography.hazmat.primitives.twofactor.hotp import HOTP

        parsed = self._parsed(params)
        # what the library asks of a key's length RFC 4226 recommends (4, R6)
        made = HOTP(key.material, parsed.digits, SHA1(), enforce_key_length=False)
        counter = int.from_bytes(parsed.counter, "big")

        def sign(data: bytes) -> bytes:
            if data:
                raise Refused(ck.CKR_DATA_LEN_RANGE)
            return made.generate(counter)

        return sign

    def verifier(self, key: Key, params: bytes) -> Verifier:
        sign, size = self.signer(key, params), self.signature_bytes(key, params)

        def verify(data: bytes, password: bytes) -> None:
            if len(password) != size:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            if not hmac.compare_digest(sign(data), password):
                raise Refused(ck.CKR_SIGNATURE_INVALID)

        return verify

    def sink(self, key: Key, params: bytes) -> Sink:
        return Gather()

    def closer(self, key: Key, params: bytes) -> Signer:
        return self.signer(key, params)

    def checker(self, key: Key, params: bytes) -> Verifier:
        return self.verifier(key, params)


# RFC 4226, appendix D: the password of counter 7.
_SECRET = b"12345678901234567890"
_COUNTER = (7).to_bytes(8, "big")
_PASSWORD = b"162583"


def known_answers() -> bool:
    """That password comes out."""
    params = pack.pack(ck.CKM_HOTP, wire.Hotp(6, _COUNTER))[4:]
    return Hotp().signer(secret_key(ck.CKK_HOTP, _SECRET), params)(b"") == _PASSWORD


def register(table: Table) -> None:
    """Add CKM_HOTP and CKM_HOTP_KEY_GEN."""
    keygen = ValueKeyGen(ck.CKM_HOTP_KEY_GEN, ck.CKK_HOTP)
    table.register("hotp", known_answers, [keygen, Hotp()])
