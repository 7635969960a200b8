"""Objects from templates: created, copied, changed (PKCS #11 3.2, 4.1 and 5.7)."""

import os

from ghostcard import pkcs11 as ck
from ghostcard.module import clear, pkcs8, spki, template
from ghostcard.module.attributes import CARD_BOOLEANS, SECRET_BYTES, SECRET_CLASSES
from ghostcard.module.curves import KEY_TYPES as CURVE_TYPES
from ghostcard.module.curves import curve_of
from ghostcard.module.encoding import EMPTY, FALSE, TRUE, number, ulong
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object
from ghostcard.module.session import Session
from ghostcard.module.template import Attributes, Template

_UNIQUE_BYTES = 16
CHECK_VALUE_BYTES = 3
_MUST_AGREE = (
    *(ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT, ck.CKA_PARAMETER_SET),
    *(ck.CKA_PRIME, ck.CKA_SUBPRIME, ck.CKA_BASE),
)


def create(active: Session, wanted: Template) -> Object:
    """A new object from its attributes; a key in clear goes into the card."""
    attributes = template.complete(template.read(wanted), template.CREATED, is_so(active))
    check_place(active, attributes)
    object_class = number(attributes[ck.CKA_CLASS])
    blob = b""
    if object_class == ck.CKO_PUBLIC_KEY:
        attributes = complete_public(attributes)
        _check_usable(active, attributes)
    elif object_class in SECRET_CLASSES:
        attributes, blob = _import_secret(active, attributes)
    elif object_class == ck.CKO_PRIVATE_KEY:
        attributes, blob = _import_private(active, attributes)
    elif object_class == ck.CKO_DOMAIN_PARAMETERS:
        attributes = complete_domain(attributes)
        _check_usable(active, attributes)
    return keep(active, attributes, blob)


def copy(active: Session, source: Object, wanted: Template) -> Object:
    """A copy of an object that differs in what the template says."""
    attributes = template.copied(source.attributes, wanted, is_so(active))
    check_place(active, attributes)
    return keep(active, attributes, _blob_with(active, source, attributes))


def change(active: Session, entry: Object, wanted: Template) -> None:
    """Change attributes of an object; the card learns of those it enforces."""

    def revised(before: Attributes) -> tuple[Attributes, bytes]:
        attributes = before | template.changed(before, wanted, is_so(active))
        return attributes, _blob_with(active, entry, attributes)

    active.change(entry, revised)


def is_so(active: Session) -> bool:
    """Whether the security officer is logged in."""
    return active.token.user == ck.CKU_SO


def check_place(active: Session, attributes: Attributes) -> None:
    """Refuse what the session may not have: CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN."""
    active.may_write(attributes[ck.CKA_TOKEN] == TRUE, attributes[ck.CKA_PRIVATE] == TRUE)


def keep(active: Session, attributes: Attributes, blob: bytes) -> Object:
    """Give the object its CKA_UNIQUE_ID and its place in the session or on the token."""
    unique = os.urandom(_UNIQUE_BYTES).hex().encode()
    return active.add(attributes | {ck.CKA_UNIQUE_ID: unique}, blob)


def complete_public(attributes: Attributes) -> Attributes:
    """A public key's attributes in their normal form, and those that follow from the others."""
    try:
        info = spki.build(attributes)
    except CryptokiError as error:
        raise _unless_known(error) from None
    if attributes.get(ck.CKA_PUBLIC_KEY_INFO) not in (None, EMPTY, info):
        raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    key_type = number(attributes[ck.CKA_KEY_TYPE])
    return (
        spki.public_attributes(info, key_type)
        | attributes
        | _normal_point(info, attributes)
        | {ck.CKA_PUBLIC_KEY_INFO: info}
    )


def complete_private(attributes: Attributes, info: bytes) -> Attributes:
    """A private key's attributes with what its public key says; both must agree."""
    key_type = number(attributes[ck.CKA_KEY_TYPE])
    public = spki.public_attributes(info, key_type)
    info = spki.build(public | {ck.CKA_KEY_TYPE: attributes[ck.CKA_KEY_TYPE]})  # as DER has it
    public.pop(ck.CKA_MODULUS_BITS, None)
    public.pop(ck.CKA_VALUE, None)  # of a public key; a private key's is hidden
    if key_type != ck.CKK_RSA and ck.CKA_EC_PARAMS in attributes:
        public[ck.CKA_EC_PARAMS] = attributes[
            ck.CKA_EC_PARAMS
        ]  # the way the caller names the curve
    for type in _MUST_AGREE:
        if attributes.get(type, public.get(type)) != public.get(type):
            raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    return attributes | public | {ck.CKA_PUBLIC_KEY_INFO: info}


def complete_secret(attributes: Attributes, checksum: bytes, size: int) -> Attributes:
    """A secret key's attributes with its length in bytes and its check value, which a template may
    foretell.
    """
    value = checksum[:CHECK_VALUE_BYTES]
    foretold = attributes.get(ck.CKA_CHECK_VALUE)
    if foretold == EMPTY:  # the caller wants none (PKCS #11 3.2, 4.10.2)
        value = EMPTY
    elif foretold not in (None, value):
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    if attributes.get(ck.CKA_VALUE_LEN, ulong(size)) != ulong(size):
        raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    length = {ck.CKA_VALUE_LEN: ulong(size)} if has_length(attributes) else {}
    return attributes | {ck.CKA_CHECK_VALUE: value} | length


def has_length(attributes: Attributes) -> bool:
    """Whether secret keys of this type have a CKA_VALUE_LEN; those of a fixed length do not."""
    return ck.CKA_VALUE_LEN in template.kind_of(attributes)


def complete_domain(attributes: Attributes) -> Attributes:
    """Domain parameters with the sizes of their primes, in bits."""
    sizes = {ck.CKA_PRIME: ck.CKA_PRIME_BITS, ck.CKA_SUBPRIME: ck.CKA_SUBPRIME_BITS}
    return attributes | {
        size: ulong(int.from_bytes(attributes[prime], "big").bit_length())
        for prime, size in sizes.items()
        if prime in attributes
    }


def _check_usable(active: Session, attributes: Attributes) -> None:
    """CKR_ATTRIBUTE_VALUE_INVALID for a public key, or a domain, that no card could use; of cards
    that compute nothing a program has only such.
    """
    from ghostcard.module import public_keys  # not at start-up

    if active.slot.has_values and public_keys.flaw(attributes):
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)


def _import_secret(active: Session, attributes: Attributes) -> tuple[Attributes, bytes]:
    value = attributes.pop(ck.CKA_VALUE)
    sizes = SECRET_BYTES.get(number(attributes[ck.CKA_KEY_TYPE]))
    if not value or (sizes and len(value) not in sizes):
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    blob, checksum = clear.insert(active.slot, value, attributes)
    return complete_secret(attributes, checksum, len(value)), blob


def _import_private(active: Session, attributes: Attributes) -> tuple[Attributes, bytes]:
    if number(attributes[ck.CKA_KEY_TYPE]) in CURVE_TYPES:
        curve_of(attributes[ck.CKA_EC_PARAMS], number(attributes[ck.CKA_KEY_TYPE]))
    value = pkcs8.build(attributes)
    kept = {
        type: value
        for type, value in attributes.items()
        if 7 not in template.kind_of(attributes)[type].notes
    }
    blob, info = clear.insert(active.slot, value, kept)
    return complete_private(kept, info), blob


def _normal_point(info: bytes, attributes: Attributes) -> Attributes:
    """CKA_EC_POINT as DER, in whichever form it was given."""
    if ck.CKA_EC_POINT not in attributes:
        return {}
    key_type = number(attributes[ck.CKA_KEY_TYPE])
    return {ck.CKA_EC_POINT: spki.public_attributes(info, key_type)[ck.CKA_EC_POINT]}


def _blob_with(active: Session, entry: Object, attributes: Attributes) -> bytes:
    """The key blob for changed attributes: a new one if the card enforces any of them."""
    changed = {
        type: value
        for type, value in attributes.items()
        if type in CARD_BOOLEANS and value != entry.attributes.get(type, FALSE)
    }
    if not (entry.blob and changed):
        return entry.blob
    return active.slot.host.set_attribute_value(entry.blob, changed)


def _unless_known(error: CryptokiError) -> CryptokiError:
    known = (
        ck.CKR_CURVE_NOT_SUPPORTED,
        ck.CKR_DOMAIN_PARAMS_INVALID,
        ck.CKR_PARAMETER_SET_NOT_SUPPORTED,
        ck.CKR_TEMPLATE_INCONSISTENT,
    )
    return error if error.rv in known else CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
