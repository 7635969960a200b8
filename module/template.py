"""Templates against the attribute table: what a caller may say of a new, copied or changed object.

Pure functions of values; every refusal is a CryptokiError with the code of PKCS #11 3.2, 4.1.1 to
4.1.3.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module import attributes as table
from ghostcard.module import flat
from ghostcard.module.encoding import EMPTY, FALSE, TRUE, ULONG_BYTES, is_date, number, ulong
from ghostcard.module.errors import CryptokiError

Template = Sequence[tuple[int, bytes]]
Attributes = dict[int, bytes]
"""All attributes of an object but the hidden ones, as the bytes a template holds."""


class Origin(NamedTuple):
    """How an object comes to be: the notes that forbid and that demand an attribute."""

    forbids: int
    demands: int


CREATED = Origin(2, 1)
GENERATED = Origin(4, 3)
UNWRAPPED = Origin(6, 5)
DERIVED = Origin(
    6, 0
)  # the standard has no notes for C_DeriveKey; what unwrapping forbids is forbidden

_CHECKS: dict[str, Callable[[bytes], bool]] = {
    table.BOOL: lambda value: value in (TRUE, FALSE),
    table.ULONG: lambda value: len(value) == ULONG_BYTES,
    table.DATE: is_date,
    table.BYTES: lambda value: True,
    table.BIG: lambda value: bool(value.lstrip(b"\0")),
    table.MECHANISMS: lambda value: len(value) % ULONG_BYTES == 0,
    table.ULONGS: lambda value: len(value) % ULONG_BYTES == 0,
    table.TEMPLATE: lambda value: _check_nested(value),
}

_ONE_OF = 14


def read(template: Template) -> Attributes:
    """The template as a mapping; an attribute given twice with two values is
    CKR_TEMPLATE_INCONSISTENT.
    """
    given: Attributes = {}
    for type, value in template:
        if given.setdefault(type, value) != value:
            raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    return given


def expect(given: Attributes, type: int, value: int) -> None:
    """Set a CK_ULONG attribute that the call itself decides; a template that says otherwise is
    inconsistent.
    """
    if given.setdefault(type, ulong(value)) != ulong(value):
        raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)


def add(given: Attributes, value: bytes) -> None:
    """What a key's template (CKA_UNWRAP_TEMPLATE and its kind) says of keys made with it; where the
    caller says otherwise, CKR_TEMPLATE_INCONSISTENT.
    """
    for type, demanded in flat.unpack(value):
        if given.setdefault(type, demanded) != demanded:
            raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)


def matches(attributes: Attributes, value: bytes) -> bool:
    """Whether an object has all the attributes of a template (CKA_WRAP_TEMPLATE), as a search would
    find it (PKCS #11 3.2, 5.7.7).
    """
    return all(attributes.get(type) == wanted for type, wanted in flat.unpack(value))


def for_card(attributes: Attributes) -> Attributes:
    """The attributes as the card knows them: a secret key is CKO_SECRET_KEY, whatever its class."""
    if number(attributes[ck.CKA_CLASS]) not in table.SECRET_CLASSES:
        return attributes
    return attributes | {ck.CKA_CLASS: ulong(ck.CKO_SECRET_KEY)}


def kind_of(given: Mapping[int, bytes]) -> table.Schema:
    """The rows for the class and subtype the template names."""
    object_class = _named(given, ck.CKA_CLASS)
    subtype = table.subtype_of(object_class)
    return table.schema_of(object_class, 0 if subtype is None else _named(given, subtype))


def complete(given: Attributes, origin: Origin, is_so: bool) -> Attributes:
    """All attributes of the new object: what was given, checked, and the defaults of the rest."""
    schema = kind_of(given)
    if number(given[ck.CKA_CLASS]) in table.TOKEN_CLASSES:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    for type, value in given.items():
        row = _row(schema, type)
        if origin.forbids in row.notes:
            raise CryptokiError(ck.CKR_ATTRIBUTE_READ_ONLY)
        _check(row, value, is_so)
    _demand(schema, given, origin)
    result = {row.type: row.default for row in schema.values() if row.default is not None}
    result |= {type: _normal(schema[type], value) for type, value in given.items()}
    _check_relations(result)
    return result


def changed(attributes: Attributes, template: Template, is_so: bool) -> Attributes:
    """What C_SetAttributeValue may change: the new values alone."""
    if attributes[ck.CKA_MODIFIABLE] == FALSE:
        raise CryptokiError(ck.CKR_ACTION_PROHIBITED)
    return _changes(attributes, template, is_so, allowing=frozenset((8, 10)))


def copied(attributes: Attributes, template: Template, is_so: bool) -> Attributes:
    """All attributes of a copy; CKR_ACTION_PROHIBITED if the object may not be copied."""
    if attributes[ck.CKA_COPYABLE] == FALSE:
        raise CryptokiError(ck.CKR_ACTION_PROHIBITED)
    changes = _changes(attributes, template, is_so, allowing=frozenset((8, 10, 13)))
    if attributes[ck.CKA_PRIVATE] == TRUE and changes.get(ck.CKA_PRIVATE) == FALSE:
        raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)  # what the PIN protects stays protected
    return attributes | changes


def restored(attributes: Attributes) -> Attributes:
    """The attributes of an object of the store, with those that are younger than it. Refuses what
    no object of a token can be: attributes of another class, missing or misshapen ones.
    """
    schema = kind_of(attributes)
    check_layout(schema, attributes)
    for type in table.LATER & schema.keys():
        attributes.setdefault(type, schema[type].default or EMPTY)
    for type, value in attributes.items():
        _check(schema[type], value, is_so=True)
    return attributes


def check_layout(schema: table.Schema, types: Iterable[int]) -> None:
    """Refuse what an object of the store cannot have, and what it must have and lacks."""
    there = frozenset(types)
    for type in there:
        _row(schema, type)
    for row in schema.values():
        is_there = row.default is not None or (1 in row.notes and 7 not in row.notes)
        if is_there and row.type not in there and row.type not in table.LATER:
            raise CryptokiError(ck.CKR_TEMPLATE_INCOMPLETE)


def hidden(schema: Iterable[table.Attribute]) -> frozenset[int]:
    """The attributes of the key itself (note 7), which no object keeps in clear."""
    return frozenset(row.type for row in schema if 7 in row.notes)


def _changes(
    attributes: Attributes, template: Template, is_so: bool, allowing: frozenset[int]
) -> Attributes:
    schema = kind_of(attributes)
    given = read(template)
    for type, value in given.items():
        row = _row(schema, type)
        if not row.notes & allowing:
            raise CryptokiError(ck.CKR_ATTRIBUTE_READ_ONLY)
        _check(row, value, is_so)
        _check_one_way(row, attributes.get(type), value)
    _check_relations(attributes | given)
    return given


def _check_one_way(row: table.Attribute, old: bytes | None, new: bytes) -> None:
    if (11 in row.notes and (old, new) == (TRUE, FALSE)) or (
        12 in row.notes and (old, new) == (FALSE, TRUE)
    ):
        raise CryptokiError(ck.CKR_ATTRIBUTE_READ_ONLY)


def _row(schema: table.Schema, type: int) -> table.Attribute:
    try:
        return schema[type]
    except KeyError:
        pass
    if type in table.KNOWN:  # an attribute of some other class of object
        raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    raise CryptokiError(ck.CKR_ATTRIBUTE_TYPE_INVALID)


def _check(row: table.Attribute, value: bytes, is_so: bool) -> None:
    if not _CHECKS[row.kind](value):
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    if 10 in row.notes and value == TRUE and not is_so:
        raise CryptokiError(ck.CKR_ATTRIBUTE_READ_ONLY)


def _demand(schema: table.Schema, given: Attributes, origin: Origin) -> None:
    for row in schema.values():
        if origin.demands in row.notes and row.type not in given:
            raise CryptokiError(ck.CKR_TEMPLATE_INCOMPLETE)
    some = [row.type for row in schema.values() if _ONE_OF in row.notes]
    if some and origin is CREATED and not any(type in given for type in some):
        raise CryptokiError(ck.CKR_TEMPLATE_INCOMPLETE)


def _check_nested(value: bytes) -> bool:
    for type, inner in read(flat.unpack(value)).items():
        if type not in table.KNOWN:
            raise CryptokiError(ck.CKR_ATTRIBUTE_TYPE_INVALID)
        if not _CHECKS[table.KNOWN[type]](inner):
            return False
    return True


def _check_relations(attributes: Attributes) -> None:
    """Rules between attributes."""
    if attributes.get(ck.CKA_ALWAYS_AUTHENTICATE) == TRUE and attributes[ck.CKA_PRIVATE] == FALSE:
        raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    first, last = (attributes.get(type, EMPTY) for type in (ck.CKA_START_DATE, ck.CKA_END_DATE))
    if first and last and first > last:
        raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    object_class = number(attributes[ck.CKA_CLASS])
    if object_class == ck.CKO_CERTIFICATE:
        _check_certificate(attributes)
    elif object_class == ck.CKO_TRUST:
        _check_trust(attributes)


def _check_certificate(attributes: Attributes) -> None:
    """It is there, or behind a URL with the hashes of its keys (PKCS #11 3.2, 4.6.3)."""
    if not attributes[ck.CKA_VALUE] and not attributes.get(ck.CKA_URL):
        raise CryptokiError(ck.CKR_TEMPLATE_INCOMPLETE)


def _check_trust(attributes: Attributes) -> None:
    """Trust in a certificate needs its hash; distrust does not (PKCS #11 3.2, 4.7)."""
    states = {
        number(attributes[type])
        for type in range(ck.CKA_TRUST_SERVER_AUTH, ck.CKA_TRUST_OCSP_SIGNING + 1)
    }
    if max(states) > ck.CKT_TRUST_MUST_VERIFY_TRUST:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    needs_no_hash = states <= {ck.CKT_TRUST_UNKNOWN, ck.CKT_NOT_TRUSTED}
    if not needs_no_hash and not attributes[ck.CKA_HASH_OF_CERTIFICATE]:
        raise CryptokiError(ck.CKR_TEMPLATE_INCOMPLETE)


def _named(given: Mapping[int, bytes], type: int) -> int:
    value = given.get(type)
    if value is None:
        raise CryptokiError(ck.CKR_TEMPLATE_INCOMPLETE)
    if len(value) != ULONG_BYTES:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    return number(value)


def _normal(row: table.Attribute, value: bytes) -> bytes:
    return value.lstrip(b"\0") if row.kind == table.BIG else value
