"""Verbs of key encapsulation: Encapsulate, Decapsulate (PKCS #11 3.2, 5.18.8 and 5.18.9).

The shared secret becomes a secret key and never leaves the card in clear.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import attributes as wire
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.ep11 import rights
from ghostcard.firmware.ep11.answer import Answer, Params, Verb
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.ep11.keys import checksum
from ghostcard.firmware.ep11.workbench import Workbench
from ghostcard.firmware.mechanisms.mechanism import Draw
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key


class EncapsulationVerbs:
    """A secret for the holder of a key pair, and the same secret in his hands."""

    def __init__(self, workbench: Workbench, draw: Draw) -> None:
        self._workbench = workbench
        self._draw = draw

    def table(self) -> dict[int, Verb]:
        """The verbs by function id."""
        return {verbs.ENCAPSULATE: self.encapsulate, verbs.DECAPSULATE: self.decapsulate}

    def encapsulate(self, domain: Domain, params: Params) -> Answer:
        mechanism, attributes, blob = params
        key = domain.key(blob)
        found = self._workbench.usable(mechanism, key, ck.CKF_ENCAPSULATE, rights.ENCAPSULATE)
        if self._workbench.is_null:
            secret_bytes, ciphertext_bytes = found.encapsulated_bytes(key, mechanism[4:])
            secret, ciphertext = bytes(secret_bytes), bytes(ciphertext_bytes)
        else:
            secret, ciphertext = found.encapsulate(key, mechanism[4:], self._draw)
        values = (*self._sealed(domain, attributes, secret), ciphertext)
        return values, found.operation(key, "encapsulate"), 0

    def decapsulate(self, domain: Domain, params: Params) -> Answer:
        mechanism, attributes, blob, ciphertext = params
        key = domain.key(blob)
        found = self._workbench.usable(mechanism, key, ck.CKF_DECAPSULATE, rights.DECAPSULATE)
        operation = found.operation(key, "decapsulate")
        secret_bytes, ciphertext_bytes = found.encapsulated_bytes(key, mechanism[4:])
        if len(ciphertext) != ciphertext_bytes:
            raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE).during(operation, 0)
        if self._workbench.is_null:
            secret = bytes(secret_bytes)
        else:
            try:
                secret = found.decapsulate(key, mechanism[4:], ciphertext)
            except Refused as refusal:
                raise refusal.during(operation, 0) from None
        return self._sealed(domain, attributes, secret), operation, 0

    def _sealed(self, domain: Domain, attributes: bytes, secret: bytes) -> tuple[bytes, bytes]:
        """Blob and checksum of the secret as the key a template describes."""
        asked = wire.unpack(attributes)
        if asked.number(ck.CKA_CLASS) not in (None, ck.CKO_SECRET_KEY):
            raise Refused(ck.CKR_TEMPLATE_INCONSISTENT)
        key_type = asked.number(ck.CKA_KEY_TYPE)
        size = asked.number(ck.CKA_VALUE_LEN)
        if size is not None and size > len(secret):
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        made = secret_key(
            ck.CKK_GENERIC_SECRET if key_type is None else key_type,
            secret[:size],
            self._workbench.is_null,
        )
        made.booleans = rights.of_new_key(asked, local=False)
        return domain.seal_new(made), checksum(made)
