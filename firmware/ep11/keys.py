"""Verbs that make keys of nothing: GenerateKey, GenerateKeyPair."""

import hashlib

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import attributes as wire
from ghostcard.firmware.abi import ber, verbs
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.abi.status import CKR_IBM_PARAM_NOT_SUPPORTED
from ghostcard.firmware.ep11 import rights
from ghostcard.firmware.ep11.answer import Answer, Params, Verb, absent, number
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.ep11.workbench import Workbench
from ghostcard.firmware.mechanisms.block import AES, DES, DES3, encrypt_block
from ghostcard.firmware.mechanisms.ffc import ParameterGen
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Draw, Mechanism, no_parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key

CHECK_BYTES = 3  # PKCS #11 3.2, 4.11.1
_CIPHERS = {key_type: cipher for cipher in (AES, DES, DES3) for key_type in cipher.key_types}


def checksum(key: Key) -> bytes:
    """Check value (3 bytes) and bits (u32) of a secret key.

    The check value is that of CKA_CHECK_VALUE: for a block cipher a block of zeros, encrypted; the
    SHA-1 hash of the value for the other keys; zeros for a key without a value.
    """
    if key.is_null:
        check = bytes(CHECK_BYTES)
    elif key.key_type in _CIPHERS:
        cipher = _CIPHERS[key.key_type]
        check = encrypt_block(cipher, key.material, bytes(cipher.block))
    else:
        check = hashlib.sha1(key.material, usedforsecurity=False).digest()
    return check[:CHECK_BYTES] + key.bits.to_bytes(4, "big")


def check_class(asked: wire.Attributes, object_class: int, key_types: frozenset[int]) -> int | None:
    """The key type a template names; refused if it, or the class, contradicts the verb."""
    if asked.number(ck.CKA_CLASS) not in (None, object_class):
        raise Refused(ck.CKR_TEMPLATE_INCONSISTENT)
    key_type = asked.number(ck.CKA_KEY_TYPE)
    if key_type is not None and key_type not in key_types:
        raise Refused(ck.CKR_TEMPLATE_INCONSISTENT)
    return key_type


class KeyVerbs:
    """Generation; new keys leave the card as blobs."""

    def __init__(self, workbench: Workbench, draw: Draw) -> None:
        self._workbench = workbench
        self._draw = draw

    def table(self) -> dict[int, Verb]:
        """The verbs by function id."""
        return {
            verbs.GENERATE_KEY: self.generate,
            verbs.GENERATE_KEY_PAIR: self.generate_pair,
        }

    def _maker(self, mechanism: bytes, flag: int) -> Mechanism:
        found = self._workbench.find(mechanism)
        if not found.flags & flag:
            raise Refused(ck.CKR_MECHANISM_INVALID)
        return found

    def generate(self, domain: Domain, params: Params) -> Answer:
        variant, key_bytes, mechanism, attributes, pin = params
        absent(pin)
        asked = wire.unpack(attributes)
        found = self._maker(mechanism, ck.CKF_GENERATE)
        if isinstance(found, ParameterGen):
            no_parameters(mechanism[4:])
            return self._parameters(found, asked)
        key = self._new(found, mechanism[4:], _key_bytes(number(key_bytes), asked))
        key_type = check_class(asked, ck.CKO_SECRET_KEY, frozenset(found.key_types))
        if key_type is not None:
            key = secret_key(key_type, key.material, key.is_null)
        key.booleans = rights.of_new_key(asked, local=True)
        blob = domain.seal_new(key)
        if variant != verbs.VARIANT_RESULT:
            return _size(variant, len(blob))
        return (blob, checksum(key)), found.keyless_operation(), 0

    def _new(self, found: Mechanism, params: bytes, key_bytes: int) -> Key:
        if not self._workbench.is_null:
            return found.generate_from(params, key_bytes, self._draw)
        key = found.null_key(params, key_bytes)
        key.is_null = True
        return key

    def _parameters(self, found: ParameterGen, asked: wire.Attributes) -> Answer:
        """Domain parameters, which are no key: a SEQUENCE of numbers in the place of the blob."""
        check_class(asked, ck.CKO_DOMAIN_PARAMETERS, frozenset(found.key_types))
        wanted = dict(asked.numbers)
        operation = found.parameter_operation(wanted)
        make = found.null_parameters if self._workbench.is_null else found.generate_parameters
        return (ber.pack(found.on_the_wire(make(wanted))), b""), operation, 0

    def generate_pair(self, domain: Domain, params: Params) -> Answer:
        mechanism, public_attributes, private_attributes, pin = params
        absent(pin)
        public, secret = wire.unpack(public_attributes), wire.unpack(private_attributes)
        found = self._maker(mechanism, ck.CKF_GENERATE_KEY_PAIR)
        no_parameters(mechanism[4:])
        key_types = frozenset(found.key_types)
        check_class(public, ck.CKO_PUBLIC_KEY, key_types)
        check_class(secret, ck.CKO_PRIVATE_KEY, key_types)
        booleans = rights.of_new_key(secret, local=True)
        wanted: dict[int, int | bytes] = {**dict(public.numbers), **dict(public.strings)}
        value_bits = secret.number(ck.CKA_VALUE_BITS)
        if value_bits is not None:
            wanted[ck.CKA_VALUE_BITS] = value_bits
        operation = found.pair_operation(wanted)
        if self._workbench.is_null:
            pair = found.null_pair(wanted)
        else:
            pair = found.generate_pair(wanted, self._draw)
        pair.private.booleans = booleans
        return (domain.seal_new(pair.private), pair.spki), operation, 0


def _key_bytes(key_bytes: int, asked: wire.Attributes) -> int:
    """The size both parameter and template may name, and must not name differently."""
    size = asked.number(ck.CKA_VALUE_LEN)
    if size is None:
        if not key_bytes:
            raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
        return key_bytes
    if key_bytes not in (0, size):
        raise Refused(ck.CKR_TEMPLATE_INCONSISTENT)
    return size


def _size(variant: bytes, size: int) -> Answer:
    if variant != verbs.VARIANT_SIZE:
        raise Refused(CKR_IBM_PARAM_NOT_SUPPORTED)
    return (size.to_bytes(4, "big"), b""), QUERY, 0
