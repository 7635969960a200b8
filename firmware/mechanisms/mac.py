"""Message authentication codes: what those of hashes and of block ciphers have in common."""

import hmac

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.mechanism import Mechanism, no_parameters, parameters
from ghostcard.firmware.mechanisms.refusal import Refused

FLAGS = ck.CKF_HW | ck.CKF_SIGN | ck.CKF_VERIFY


class Mac(Mechanism):
    """A MAC of at most `whole` bytes, of which `usual` are given; 0: as many as the parameter
    says (CK_MAC_GENERAL_PARAMS). A family says how it is computed: `sink`, and `keyed` if it knows
    a quicker way for a whole message.
    """

    __slots__ = ("usual", "whole")

    def __init__(
        self, number: int, minimum: int, maximum: int, whole: int, usual: int, *key_types: int
    ) -> None:
        super().__init__(number, minimum, maximum, FLAGS, *key_types)
        self.whole = whole
        self.usual = usual

    def signature_bytes(self, key: Key, params: bytes) -> int:
        if self.usual:
            no_parameters(params)
            return self.usual
        length = parameters(self.number, params, wire.MacLength).length
        if not 0 < length <= self.whole:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return length

    def keyed(self, key: Key, params: bytes) -> Signer:
        """The function that computes the whole MAC of a message."""

        def mac(data: bytes) -> bytes:
            sink = self.sink(key, params)
            sink.update(data)
            return sink.digest()

        return mac

    def feed_operation(self, key: Key, use: str) -> str:
        return self.operation(key, use)

    def signer(self, key: Key, params: bytes) -> Signer:
        size = self.signature_bytes(key, params)
        mac = self.keyed(key, params)
        return mac if size == self.whole else lambda data: mac(data)[:size]

    def verifier(self, key: Key, params: bytes) -> Verifier:
        mac = self.keyed(key, params)
        check = self.checker(key, params)
        return lambda data, signature: check(mac(data), signature)

    def closer(self, key: Key, params: bytes) -> Signer:
        size = self.signature_bytes(key, params)
        return lambda mac: mac[:size]

    def checker(self, key: Key, params: bytes) -> Verifier:
        size = self.signature_bytes(key, params)

        def check(mac: bytes, signature: bytes) -> None:
            if len(signature) != size:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            if not hmac.compare_digest(mac[:size], signature):
                raise Refused(ck.CKR_SIGNATURE_INVALID)

        return check
