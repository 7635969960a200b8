"""Verbs that make keys of keys: DeriveKey, DeriveKeys (PKCS #11 3.2, 5.18.5)."""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import attributes as wire
from ghostcard.firmware.abi import ber, verbs
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.ep11 import rights
from ghostcard.firmware.ep11.answer import Answer, Params, Verb, absent
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.ep11.keys import check_class, checksum
from ghostcard.firmware.ep11.workbench import Workbench
from ghostcard.firmware.mechanisms import private
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Derivation, Mechanism, no_parameters
from ghostcard.firmware.mechanisms.pubkey import PublicFromPrivate
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import SIZES, secret_key, with_parity

MAX_TEMPLATES = 16  # keys that one request may make


class DerivationVerbs:
    """One key of a base, or several at once."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench

    def table(self) -> dict[int, Verb]:
        """The verbs by function id."""
        return {verbs.DERIVE_KEY: self.derive, verbs.DERIVE_KEYS: self.derive_many}

    def derive(self, domain: Domain, params: Params) -> Answer:
        mechanism, attributes, base_blob, pin = params
        absent(pin)
        asked = wire.unpack(attributes)
        if isinstance(self._workbench.find(mechanism), PublicFromPrivate):
            return _public_half(domain.key(base_blob), asked, mechanism[4:])
        found, bases = self._bases(domain, mechanism, base_blob)
        size = _size(asked)
        operation = found.operation(bases[0], "derive")
        try:
            value = self._derived(found, bases, mechanism[4:], size)
            key = self._new(found, bases, asked, value)
        except Refused as refusal:
            raise refusal.during(operation, 0) from None
        return (domain.seal_new(key), checksum(key)), operation, 0

    def derive_many(self, domain: Domain, params: Params) -> Answer:
        mechanism, templates, base_blob, pin = params
        absent(pin)
        blocks = ber.unpack(templates)
        if len(blocks) > MAX_TEMPLATES:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        asked = [wire.unpack(block) for block in blocks]
        found, bases = self._bases(domain, mechanism, base_blob)
        sizes = tuple(_size(each) or 0 for each in asked)
        operation = found.operation(bases[0], "derive")
        try:
            made = self._derived_many(found, bases, mechanism[4:], sizes)
            keys = [
                self._new(found, bases, each, value)
                # what makes data alone takes its size from the template, and makes no key
                for each, value in zip(asked, made.values, strict=bool(made.values))
            ]
        except Refused as refusal:
            raise refusal.during(operation, 0) from None
        parts = (part for key in keys for part in (domain.seal_new(key), checksum(key)))
        return (ber.pack(parts), made.data), operation, 0

    def _bases(
        self, domain: Domain, mechanism: bytes, base_blob: bytes
    ) -> tuple[Mechanism, tuple[Key, ...]]:
        """The mechanism, the base key and those in its parameters, all for derivation."""
        base = domain.key(base_blob)
        found = self._workbench.usable(mechanism, base, ck.CKF_DERIVE, rights.DERIVE)
        others = tuple(map(domain.key, found.other_keys(mechanism[4:])))
        for other in others:
            if other.object_class != ck.CKO_SECRET_KEY:
                raise Refused(ck.CKR_KEY_TYPE_INCONSISTENT)
            if not other.booleans & rights.DERIVE:
                raise Refused(ck.CKR_KEY_FUNCTION_NOT_PERMITTED)
        return found, (base, *others)

    def _derived(
        self, found: Mechanism, bases: tuple[Key, ...], params: bytes, size: int | None
    ) -> bytes:
        base, *others = bases
        if self._workbench.is_null:
            return bytes(found.derived_with(base, tuple(others), params, size))
        return found.derive_with(base, tuple(others), params, size)

    def _derived_many(
        self, found: Mechanism, bases: tuple[Key, ...], params: bytes, sizes: tuple[int, ...]
    ) -> Derivation:
        base, *others = bases
        if not self._workbench.is_null:
            return found.derive_many(base, tuple(others), params, sizes)
        values, data = found.derived_many(base, tuple(others), params, sizes)
        return Derivation(tuple(map(bytes, values)), bytes(data))

    def _new(
        self, found: Mechanism, bases: tuple[Key, ...], asked: wire.Attributes, value: bytes
    ) -> Key:
        """The key of a derived value; its rights are those asked for, as far as its bases allow."""
        key_type = _key_type(asked)
        is_null = self._workbench.is_null
        key = secret_key(key_type, value if is_null else with_parity(key_type, value), is_null)
        never_out = all(each.booleans & rights.NEVER_EXTRACTABLE for each in bases)
        if found.keeps_secrecy and not all(each.booleans & rights.EXTRACTABLE for each in bases):
            asked = asked._replace(values=asked.values & ~rights.EXTRACTABLE)
        key.booleans = rights.of_new_key(asked, local=False, never_out=never_out)
        return key


def _public_half(base: Key, asked: wire.Attributes, params: bytes) -> Answer:
    """The SPKI of a private key in the place of the blob."""
    no_parameters(params)
    if base.object_class != ck.CKO_PRIVATE_KEY:
        raise Refused(ck.CKR_KEY_TYPE_INCONSISTENT)
    check_class(asked, ck.CKO_PUBLIC_KEY, frozenset((base.key_type,)))
    return (private.spki(base), b""), QUERY, 0


def _key_type(asked: wire.Attributes) -> int:
    key_type = asked.number(ck.CKA_KEY_TYPE)
    return ck.CKK_GENERIC_SECRET if key_type is None else key_type


def _size(asked: wire.Attributes) -> int | None:
    """The size a template names, or that of its type; None where the mechanism decides."""
    if asked.number(ck.CKA_CLASS) not in (None, ck.CKO_SECRET_KEY):
        raise Refused(ck.CKR_TEMPLATE_INCONSISTENT)
    size = asked.number(ck.CKA_VALUE_LEN)
    sizes = SIZES.get(_key_type(asked))
    if size is None and sizes is not None and not isinstance(sizes, range):
        if len(sizes) > 1:
            raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
        return next(iter(sizes))
    return size
