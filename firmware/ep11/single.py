"""Verbs that do a whole operation in one request: *Single, GenerateRandom, SeedRandom.

These are the hot path of every one-shot call: a key and mechanism seen before cost two look-ups.
"""

from ghostcard import pkcs11 as ck
from ghostcard.emulator.randomness import RandomSource
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.abi.status import CKR_IBM_PARAM_NOT_SUPPORTED, CKR_IBM_TRANSPORT_LIMIT
from ghostcard.firmware.ep11.answer import Answer, Params, Verb, number
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.ep11.workbench import Workbench
from ghostcard.firmware.mechanisms.mechanism import Hasher
from ghostcard.firmware.mechanisms.refusal import Refused

MAX_RANDOM = 8192  # bytes of one GenerateRandom; more than PKCS #11 programs ask for at once


class SingleVerbs:
    """The verbs ending in Single; GenerateRandom,
    SeedRandom.
    """

    def __init__(self, workbench: Workbench, source: RandomSource) -> None:
        self._workbench = workbench
        self._source = source
        self._hashers: dict[bytes, tuple[Hasher, str]] = {}

    def table(self) -> dict[int, Verb]:
        """The verbs by function id."""
        return {
            verbs.SIGN_SINGLE: self.sign,
            verbs.VERIFY_SINGLE: self.verify,
            verbs.ENCRYPT_SINGLE: self.encrypt,
            verbs.DECRYPT_SINGLE: self.decrypt,
            verbs.DIGEST_SINGLE: self.digest,
            verbs.GENERATE_RANDOM: self.random,
            verbs.SEED_RANDOM: self.seed,
        }

    def sign(self, domain: Domain, params: Params) -> Answer:
        mechanism, blob, data = params
        key = domain.key(blob)
        sign, operation = key.signers.get(mechanism) or self._workbench.signer(key, mechanism)
        try:
            return (sign(data),), operation, len(data)
        except Refused as refusal:
            raise refusal.during(operation, len(data)) from None

    def verify(self, domain: Domain, params: Params) -> Answer:
        mechanism, blob, data, signature = params
        key = domain.key(blob)
        verify, operation = key.verifiers.get(mechanism) or self._workbench.verifier(key, mechanism)
        try:
            verify(data, signature)
        except Refused as refusal:
            raise refusal.during(operation, len(data)) from None
        return (), operation, len(data)

    def encrypt(self, domain: Domain, params: Params) -> Answer:
        variant, mechanism, blob, data = params
        key = domain.key(blob)
        made = key.encrypters.get(mechanism[:4]) or self._workbench.encrypter(key, mechanism)
        if variant != verbs.VARIANT_RESULT:
            found = self._workbench.find(mechanism)
            return _size(variant, found.encrypted_bytes(key, mechanism[4:], len(data)))
        encrypt, operation = made
        try:
            return (encrypt(mechanism[4:], data),), operation, len(data)
        except Refused as refusal:
            raise refusal.during(operation, len(data)) from None

    def decrypt(self, domain: Domain, params: Params) -> Answer:
        variant, mechanism, blob, data = params
        key = domain.key(blob)
        made = key.decrypters.get(mechanism[:4]) or self._workbench.decrypter(key, mechanism)
        if variant != verbs.VARIANT_RESULT:
            # The size before the padding is off: a bound, since the data is not looked at.
            return _size(variant, len(data))
        decrypt, operation = made
        try:
            return (decrypt(mechanism[4:], data),), operation, len(data)
        except Refused as refusal:
            raise refusal.during(operation, len(data)) from None

    def digest(self, domain: Domain, params: Params) -> Answer:
        mechanism, data = params
        digest, operation = self.hasher(mechanism)
        return (digest(data),), operation, len(data)

    def hasher(self, mechanism: bytes) -> tuple[Hasher, str]:
        """The function that hashes, and its operation."""
        hasher = self._hashers.get(mechanism)
        if hasher is None:  # as many as there are digest mechanisms: they have no parameters
            hasher = self._hashers[mechanism] = self._workbench.hasher(mechanism)
        return hasher

    def random(self, domain: Domain, params: Params) -> Answer:
        count = number(params[0])
        if count > MAX_RANDOM:
            raise Refused(CKR_IBM_TRANSPORT_LIMIT)
        drawn = bytes(count) if self._workbench.is_null else self._source.bytes(count)
        return (drawn,), "random", count

    def seed(self, domain: Domain, params: Params) -> Answer:
        """Mixed in; nothing becomes easier to foretell by it."""
        if not self._workbench.is_null:
            self._source.stir(params[0])
        return (), QUERY, 0


def _size(variant: bytes, size: int) -> Answer:
    """The answer to a size query: the bytes a caller needs room for, as u32."""
    if variant != verbs.VARIANT_SIZE:
        bad = len(variant) != 4
        raise Refused(ck.CKR_ARGUMENTS_BAD if bad else CKR_IBM_PARAM_NOT_SUPPORTED)
    return (size.to_bytes(4, "big"),), QUERY, 0
