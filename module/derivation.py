"""Keys made of keys (PKCS #11 3.2, 5.18.5, and the clauses of the mechanisms)."""

from collections.abc import Sequence

from ghostcard import pkcs11 as ck
from ghostcard.module import key_parameters, template
from ghostcard.module.attributes import SECRET_BYTES
from ghostcard.module.creation import check_place, complete_secret, is_so, keep
from ghostcard.module.derivation_rules import KEEPS_SECRECY, TLS_KEYS
from ghostcard.module.encoding import FALSE, TRUE, boolean, number, ulong
from ghostcard.module.errors import CryptokiError
from ghostcard.module.keys import checked_size, public_half, size_in
from ghostcard.module.object import Object
from ghostcard.module.rule import mechanism_id, number_at
from ghostcard.module.session import Session
from ghostcard.module.template import Attributes, Template
from ghostcard.module.usage import DERIVE, check_use

_MAC_KEY: Template = (
    (ck.CKA_KEY_TYPE, ulong(ck.CKK_GENERIC_SECRET)),
    (ck.CKA_SIGN, TRUE),
    (ck.CKA_VERIFY, TRUE),
    (ck.CKA_DERIVE, TRUE),
)
_INHERITED = (ck.CKA_SENSITIVE, ck.CKA_EXTRACTABLE)


class Bases:
    """The keys that go into a derivation, and what the mechanism makes of their secrecy."""

    def __init__(self, active: Session, mechanism: bytes, base: Object) -> None:
        check_use(active.slot, mechanism, base, DERIVE)
        self.mechanism, others = key_parameters.resolve(active, mechanism)
        self.number = mechanism_id(mechanism)
        self.base = base
        self.all = [base, *others]

    def protect(self, attributes: Attributes) -> Attributes:
        """The attributes of the new key, as far as the bases allow."""
        if self.number not in KEEPS_SECRECY:
            return attributes
        result = dict(attributes)
        if any(key.has(ck.CKA_SENSITIVE) for key in self.all):
            result[ck.CKA_SENSITIVE] = TRUE
        if not all(key.has(ck.CKA_EXTRACTABLE) for key in self.all):
            result[ck.CKA_EXTRACTABLE] = FALSE
        return result

    def history(self, attributes: Attributes) -> Attributes:
        """What a derived key was always and never: no better than its bases."""
        sensitive = all(key.has(ck.CKA_ALWAYS_SENSITIVE) for key in self.all)
        kept = all(key.has(ck.CKA_NEVER_EXTRACTABLE) for key in self.all)
        return {
            ck.CKA_ALWAYS_SENSITIVE: boolean(sensitive and attributes[ck.CKA_SENSITIVE] == TRUE),
            ck.CKA_NEVER_EXTRACTABLE: boolean(kept and attributes[ck.CKA_EXTRACTABLE] == FALSE),
        }


def derive(active: Session, mechanism: bytes, base: Object, wanted: Template) -> Object:
    """C_DeriveKey, of one key."""
    if mechanism_id(mechanism) == ck.CKM_PUB_KEY_FROM_PRIV_KEY:
        return public_half(active, mechanism, base, wanted)
    bases = Bases(active, mechanism, base)
    if bases.number == ck.CKM_HKDF_DATA:
        return _data(active, bases, wanted)
    if bases.number in TLS_KEYS:
        raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)  # there is no place for its keys
    attributes = _planned(active, bases, wanted)
    blob, checksum = active.slot.host.derive_key(
        bases.mechanism, template.for_card(attributes), base.for_card()
    )
    return _kept(active, bases, attributes, blob, checksum)


def derive_many(
    active: Session, mechanism: bytes, base: Object, wanted: Sequence[Template]
) -> tuple[list[Object], bytes]:
    """C_DeriveKey, of several keys at once or with data besides: the keys of a TLS connection and
    its IVs, the version in a premaster secret, SP 800-108 with additional keys.
    """
    bases = Bases(active, mechanism, base)
    if bases.number in TLS_KEYS:
        wanted = _connection(bases, *wanted)
    planned = [_planned(active, bases, each) for each in wanted]
    made, data = active.slot.host.derive_keys(
        bases.mechanism, [template.for_card(each) for each in planned], base.for_card()
    )
    keys: list[Object] = []
    try:
        for attributes, (blob, checksum) in zip(planned, made, strict=True):
            keys.append(_kept(active, bases, attributes, blob, checksum))
    except BaseException:
        for key in keys:
            active.token.remove(key)
        raise
    return keys, data


def _planned(active: Session, bases: Bases, wanted: Template) -> Attributes:
    """The attributes of the key to be, checked before the card is asked for anything."""
    given = template.read(wanted)
    template.add(given, bases.base.template(ck.CKA_DERIVE_TEMPLATE))
    template.expect(given, ck.CKA_CLASS, ck.CKO_SECRET_KEY)
    given.setdefault(ck.CKA_KEY_TYPE, ulong(ck.CKK_GENERIC_SECRET))
    attributes = bases.protect(template.complete(given, template.DERIVED, is_so(active)))
    check_place(active, attributes)
    if ck.CKA_VALUE_LEN in attributes:
        checked_size(attributes)
    elif len(SECRET_BYTES.get(number(attributes[ck.CKA_KEY_TYPE]), ())) > 1:
        raise CryptokiError(ck.CKR_TEMPLATE_INCOMPLETE)
    return attributes


def _kept(
    active: Session, bases: Bases, attributes: Attributes, blob: bytes, checksum: bytes
) -> Object:
    complete = complete_secret(attributes, checksum, size_in(checksum))
    return keep(active, complete | bases.history(complete), blob)


def _connection(bases: Bases, wanted: Template) -> list[Template]:
    """The templates of the keys of a TLS connection: two for MACs, two as the caller describes
    them; those without bits are left out. All are as secret as the master secret.
    """
    given = template.read(wanted)
    for type in _INHERITED:
        if given.setdefault(type, bases.base.attributes[type]) != bases.base.attributes[type]:
            raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    mac_bits, key_bits = number_at(bases.mechanism, 1), number_at(bases.mechanism, 2)
    shared = [
        (type, given[type]) for type in (*_INHERITED, ck.CKA_TOKEN, ck.CKA_PRIVATE) if type in given
    ]
    mac = [*_MAC_KEY, *shared, (ck.CKA_VALUE_LEN, ulong(mac_bits // 8))]
    uses = (ck.CKA_ENCRYPT, ck.CKA_DECRYPT, ck.CKA_DERIVE)
    key = dict.fromkeys(uses, TRUE) | given
    if _has_length(key):
        key[ck.CKA_VALUE_LEN] = ulong(key_bits // 8)
    return [mac, mac] * bool(mac_bits) + [tuple(key.items())] * (2 if key_bits else 0)


def _has_length(given: Attributes) -> bool:
    key_type = given.get(ck.CKA_KEY_TYPE, ulong(ck.CKK_GENERIC_SECRET))
    kind = {ck.CKA_CLASS: ulong(ck.CKO_SECRET_KEY), ck.CKA_KEY_TYPE: key_type}
    return ck.CKA_VALUE_LEN in template.kind_of(kind)


def _data(active: Session, bases: Bases, wanted: Template) -> Object:
    """CKM_HKDF_DATA: an object with the output as its value, whose length CKA_VALUE_LEN says."""
    given = template.read(wanted)
    length = given.pop(ck.CKA_VALUE_LEN, None)
    template.expect(given, ck.CKA_CLASS, ck.CKO_DATA)
    if length is None:
        raise CryptokiError(ck.CKR_TEMPLATE_INCOMPLETE)
    if ck.CKA_VALUE in given:
        raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    attributes = template.complete(given, template.CREATED, is_so(active))
    check_place(active, attributes)
    asked = {ck.CKA_VALUE_LEN: length}
    value = active.slot.host.derive_data(bases.mechanism, asked, bases.base.for_card())
    return keep(active, attributes | {ck.CKA_VALUE: value}, b"")
