"""The attribute table: every row walked, and the rules between attributes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.module import attributes as table
from ghostcard.module import template
from ghostcard.module.encoding import EMPTY, FALSE, TRUE, ulong
from ghostcard.module.errors import CryptokiError
from ghostcard.module.template import CREATED, DERIVED, GENERATED, UNWRAPPED, Attributes, Origin

_EXAMPLES = {
    table.BOOL: TRUE,
    table.ULONG: ulong(1),
    table.DATE: b"20261123",
    table.BYTES: b"bytes",
    table.BIG: b"\x03",
    table.MECHANISMS: ulong(ck.CKM_ECDSA),
}
_WRONG = {
    table.BOOL: (b"", b"\x02", bytes(2)),
    table.ULONG: (b"", bytes(4), bytes(9)),
    table.DATE: (b"2026112", b"20261399", b"20260100", b"2026112x"),
    table.BYTES: (),
    table.BIG: (b"", b"\0", bytes(4)),
    table.MECHANISMS: (bytes(4), bytes(9)),
}
ROWS = [(*kind, row) for kind, schema in sorted(table.SCHEMAS.items()) for row in schema.values()]
_IDS = [f"{object_class}-{subtype}-{row.type:#x}" for object_class, subtype, row in ROWS]
_KINDS = {ck.CKA_CLASS, ck.CKA_KEY_TYPE, ck.CKA_CERTIFICATE_TYPE}


def named(object_class: int, subtype: int) -> Attributes:
    """The attributes that say what an object is."""
    by = table.subtype_of(object_class)
    kind = {ck.CKA_CLASS: ulong(object_class)}
    return kind if by is None else kind | {by: ulong(subtype)}


def least(object_class: int, subtype: int, origin: Origin) -> Attributes:
    """The shortest template with which such an object can come to be."""
    rows = table.schema_of(object_class, subtype).values()
    demanded = {row.type: _EXAMPLES[row.kind] for row in rows if origin.demands in row.notes}
    return demanded | named(object_class, subtype)


def refusal_of(given: Attributes, origin: Origin, is_so: bool = False) -> int:
    """The CK_RV of a template; CKR_OK if it is taken."""
    try:
        template.complete(given, origin, is_so)
    except CryptokiError as error:
        return error.rv
    return ck.CKR_OK


@pytest.mark.parametrize(("object_class", "subtype", "row"), ROWS, ids=_IDS)
@pytest.mark.parametrize("origin", [CREATED, GENERATED, UNWRAPPED, DERIVED])
def test_notes_1_to_6(
    object_class: int, subtype: int, row: table.Attribute, origin: Origin
) -> None:
    """What is demanded must be there, what is forbidden may not."""
    given = least(object_class, subtype, origin)
    assert refusal_of(dict(given), origin) == ck.CKR_OK
    if origin.demands in row.notes:
        del given[row.type]
        assert refusal_of(given, origin) == ck.CKR_TEMPLATE_INCOMPLETE
    elif row.type not in _KINDS:
        given[row.type] = _EXAMPLES[row.kind]
        expected = ck.CKR_ATTRIBUTE_READ_ONLY if origin.forbids in row.notes else ck.CKR_OK
        is_so = 10 in row.notes
        given |= {ck.CKA_PRIVATE: TRUE} if row.type == ck.CKA_ALWAYS_AUTHENTICATE else {}
        assert refusal_of(given, origin, is_so) == expected


@pytest.mark.parametrize(("object_class", "subtype", "row"), ROWS, ids=_IDS)
def test_values_of_a_wrong_form(object_class: int, subtype: int, row: table.Attribute) -> None:
    if 2 in row.notes:
        return  # never accepted at creation: test_notes_1_to_6
    for value in _WRONG[row.kind]:
        given = least(object_class, subtype, CREATED) | {row.type: value}
        assert refusal_of(given, CREATED, is_so=True) == ck.CKR_ATTRIBUTE_VALUE_INVALID


@pytest.mark.parametrize(("object_class", "subtype", "row"), ROWS, ids=_IDS)
def test_what_may_be_changed(object_class: int, subtype: int, row: table.Attribute) -> None:
    """Notes 8, 10 and 13: by C_SetAttributeValue, by the SO, by C_CopyObject."""
    whole = template.complete(least(object_class, subtype, CREATED), CREATED, True)
    new = [(row.type, whole.get(row.type) or _EXAMPLES[row.kind])]
    for change, allowing in ((template.changed, {8, 10}), (template.copied, {8, 10, 13})):
        try:
            change(whole, new, True)
            rv = ck.CKR_OK
        except CryptokiError as error:
            rv = error.rv
        assert rv == (ck.CKR_OK if row.notes & allowing else ck.CKR_ATTRIBUTE_READ_ONLY)


@pytest.mark.parametrize(("object_class", "subtype", "row"), ROWS, ids=_IDS)
def test_one_way_attributes(object_class: int, subtype: int, row: table.Attribute) -> None:
    """Notes 11 and 12."""
    ways = {11: (TRUE, FALSE), 12: (FALSE, TRUE)}
    for note, (old, new) in ways.items():
        if note not in row.notes:
            continue
        whole = template.complete(least(object_class, subtype, CREATED), CREATED, True)
        for change in (template.changed, template.copied):
            start = whole | {row.type: old, ck.CKA_COPYABLE: TRUE}
            if row.type == ck.CKA_COPYABLE and change == template.copied:
                continue  # an object that may not be copied has no copy to look at
            with pytest.raises(CryptokiError) as caught:
                change(start | {row.type: old}, [(row.type, new)], True)
            assert caught.value.rv == ck.CKR_ATTRIBUTE_READ_ONLY
            change(whole | {row.type: new}, [(row.type, old)], True)


@pytest.mark.parametrize(("object_class", "subtype", "row"), ROWS, ids=_IDS)
def test_only_the_so_trusts(object_class: int, subtype: int, row: table.Attribute) -> None:
    """Note 10."""
    if 10 in row.notes:
        given = least(object_class, subtype, CREATED) | {row.type: TRUE}
        assert refusal_of(dict(given), CREATED, is_so=False) == ck.CKR_ATTRIBUTE_READ_ONLY
        assert refusal_of(dict(given), CREATED, is_so=True) == ck.CKR_OK


def test_defaults_of_the_standard() -> None:
    """PKCS #11 3.2, 4.4, 4.8 to 4.10: the defaults that are not the token's choice."""
    secret = template.complete(least(ck.CKO_SECRET_KEY, ck.CKK_AES, CREATED), CREATED, False)
    for type in (ck.CKA_TOKEN, ck.CKA_SENSITIVE, ck.CKA_DERIVE, ck.CKA_TRUSTED):
        assert secret[type] == FALSE
    for type in (ck.CKA_MODIFIABLE, ck.CKA_COPYABLE, ck.CKA_DESTROYABLE):
        assert secret[type] == TRUE
    for type in (ck.CKA_LABEL, ck.CKA_ID, ck.CKA_START_DATE, ck.CKA_ALLOWED_MECHANISMS):
        assert secret[type] == EMPTY
    assert secret[ck.CKA_KEY_GEN_MECHANISM] == ulong(ck.CK_UNAVAILABLE_INFORMATION)


@pytest.mark.parametrize("object_class", [ck.CKO_PRIVATE_KEY, ck.CKO_SECRET_KEY])
@pytest.mark.parametrize("type", [ck.CKA_VALUE, ck.CKA_PRIME_1, ck.CKA_PRIVATE_EXPONENT])
def test_hidden_attributes_are_noted(object_class: int, type: int) -> None:
    """Whatever holds key material has note 7 wherever it appears in a key."""
    for (in_class, _), schema in table.SCHEMAS.items():
        if in_class == object_class and type in schema:
            assert 7 in schema[type].notes


def _given(**attributes: bytes) -> Attributes:
    return {getattr(ck, f"CKA_{name}"): value for name, value in attributes.items()}


_AES = named(ck.CKO_SECRET_KEY, ck.CKK_AES)


@pytest.mark.parametrize(
    ("given", "rv"),
    [
        ({}, ck.CKR_TEMPLATE_INCOMPLETE),
        (_given(CLASS=ulong(ck.CKO_SECRET_KEY)), ck.CKR_TEMPLATE_INCOMPLETE),
        (_given(CLASS=b"\x04"), ck.CKR_ATTRIBUTE_VALUE_INVALID),
        (_given(CLASS=ulong(77)), ck.CKR_ATTRIBUTE_VALUE_INVALID),
        (named(ck.CKO_SECRET_KEY, ck.CKK_DES3), ck.CKR_ATTRIBUTE_VALUE_INVALID),
        (_AES | {ck.CKA_MODULUS: b"\x03"}, ck.CKR_TEMPLATE_INCONSISTENT),
        (_AES | {ck.CKA_VENDOR_DEFINED | 1: b""}, ck.CKR_ATTRIBUTE_TYPE_INVALID),
        (_AES | {ck.CKA_WRAP_TEMPLATE: b""}, ck.CKR_ATTRIBUTE_TYPE_INVALID),
        (_AES | {0x12345: b""}, ck.CKR_ATTRIBUTE_TYPE_INVALID),
        (
            least(ck.CKO_PRIVATE_KEY, ck.CKK_EC, CREATED)
            | _given(ALWAYS_AUTHENTICATE=TRUE, PRIVATE=FALSE),
            ck.CKR_TEMPLATE_INCONSISTENT,
        ),
        (
            least(ck.CKO_SECRET_KEY, ck.CKK_AES, CREATED)
            | _given(START_DATE=b"20270101", END_DATE=b"20261231"),
            ck.CKR_TEMPLATE_INCONSISTENT,
        ),
        (
            least(ck.CKO_SECRET_KEY, ck.CKK_AES, CREATED)
            | {table.CKA_IBM_PROTKEY_EXTRACTABLE: TRUE},
            ck.CKR_OK,
        ),
    ],
)
def test_templates_of_creation(given: Attributes, rv: int) -> None:
    assert hex(refusal_of(given, CREATED)) == hex(rv)


def test_an_attribute_given_twice() -> None:
    assert template.read([(1, b"a"), (1, b"a")]) == {1: b"a"}
    with pytest.raises(CryptokiError) as caught:
        template.read([(1, b"a"), (1, b"b")])
    assert caught.value.rv == ck.CKR_TEMPLATE_INCONSISTENT


def test_a_private_object_has_no_public_copy() -> None:
    whole = template.complete(least(ck.CKO_SECRET_KEY, ck.CKK_AES, CREATED), CREATED, False)
    assert whole[ck.CKA_PRIVATE] == TRUE
    with pytest.raises(CryptokiError) as caught:
        template.copied(whole, [(ck.CKA_PRIVATE, FALSE)], False)
    assert caught.value.rv == ck.CKR_TEMPLATE_INCONSISTENT


@pytest.mark.parametrize(
    ("flag", "change"),
    [(ck.CKA_MODIFIABLE, template.changed), (ck.CKA_COPYABLE, template.copied)],
)
def test_what_may_not_be_touched(flag: int, change: object) -> None:
    whole = template.complete(least(ck.CKO_DATA, 0, CREATED), CREATED, False) | {flag: FALSE}
    with pytest.raises(CryptokiError) as caught:
        change(whole, [(ck.CKA_LABEL, b"x")], False)  # type: ignore[operator]
    assert caught.value.rv == ck.CKR_ACTION_PROHIBITED


_TYPES = st.sampled_from(sorted(table.KNOWN)) | st.integers(0, 2**64 - 1)
_VALUES = st.sampled_from([TRUE, FALSE, *(ulong(n) for n in range(5)), b"20261123"]) | st.binary(
    max_size=20
)
TEMPLATES = st.lists(st.tuples(_TYPES, _VALUES), max_size=12)


@given(TEMPLATES, st.sampled_from([CREATED, GENERATED, UNWRAPPED, DERIVED]), st.booleans())
def test_any_template_is_taken_or_refused(
    wanted: list[tuple[int, bytes]], origin: Origin, is_so: bool
) -> None:
    try:
        whole = template.complete(template.read(wanted), origin, is_so)
    except CryptokiError as error:
        assert 0 < error.rv < ck.CKR_VENDOR_DEFINED
        return
    assert template.kind_of(whole).keys() >= whole.keys()


@given(st.sampled_from(sorted(table.SCHEMAS)), TEMPLATES, st.booleans())
def test_any_change_is_taken_or_refused(
    kind: tuple[int, int], wanted: list[tuple[int, bytes]], is_so: bool
) -> None:
    whole = template.complete(least(*kind, CREATED), CREATED, True)
    for change in (template.changed, template.copied):
        try:
            after = whole | change(whole, wanted, is_so)
        except CryptokiError as error:
            assert 0 < error.rv < ck.CKR_VENDOR_DEFINED
            continue
        assert after.keys() == whole.keys() | {type for type, _ in wanted}
