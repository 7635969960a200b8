"""Keys the card makes: generated, unwrapped; and keys it wraps (PKCS #11 3.2, 5.18)."""

from ghostcard import pkcs11 as ck
from ghostcard.module import der, spki, template
from ghostcard.module.attributes import SECRET_BYTES, SECURE_CLASSES
from ghostcard.module.creation import (
    CHECK_VALUE_BYTES,
    check_place,
    complete_domain,
    complete_private,
    complete_public,
    complete_secret,
    has_length,
    is_so,
    keep,
)
from ghostcard.module.curves import curve_of
from ghostcard.module.encoding import FALSE, TRUE, boolean, number, ulong
from ghostcard.module.errors import CryptokiError
from ghostcard.module.field_rules import DOMAINS
from ghostcard.module.object import Object
from ghostcard.module.rule import Mechanism, mechanism_id
from ghostcard.module.session import Session
from ghostcard.module.template import Attributes, Origin, Template
from ghostcard.module.usage import TELL_PUBLIC_HALF, UNWRAP, WRAP, check_use, offered

MAX_SECRET_BYTES = 2048
"""The longest secret key a blob of the card holds."""

_USUAL_EXPONENT = b"\x01\x00\x01"


def generate(active: Session, mechanism: bytes, wanted: Template) -> Object:
    """C_GenerateKey."""
    rule = offered(active.slot, mechanism, ck.CKF_GENERATE)
    given = template.read(wanted)
    if mechanism_id(mechanism) in DOMAINS:
        return _generate_domain(active, mechanism, given, rule)
    template.expect(given, ck.CKA_CLASS, _natural_class(rule))
    given.setdefault(ck.CKA_KEY_TYPE, ulong(_natural_type(rule)))
    attributes = _planned(active, given, template.GENERATED, rule)
    size = checked_size(attributes)
    blob, checksum = active.slot.host.generate_key(mechanism, size, template.for_card(attributes))
    attributes = complete_secret(attributes, checksum, size)
    return keep(active, attributes | _born_here(attributes, mechanism), blob)


def _generate_domain(
    active: Session, mechanism: bytes, given: Attributes, rule: Mechanism
) -> Object:
    """Domain parameters, which are no secret: the card answers with the numbers."""
    template.expect(given, ck.CKA_CLASS, ck.CKO_DOMAIN_PARAMETERS)
    given.setdefault(ck.CKA_KEY_TYPE, ulong(_natural_type(rule)))
    attributes = _planned(active, given, template.GENERATED, rule)
    _check_bits(active, mechanism, attributes, ck.CKA_PRIME_BITS)
    order = attributes.get(ck.CKA_SUBPRIME_BITS)
    if order is not None and number(order) >= number(attributes[ck.CKA_PRIME_BITS]):
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    numbers, _ = active.slot.host.generate_key(mechanism, 0, attributes)
    reader = der.Reader(der.read(numbers, der.SEQUENCE))
    for name in (ck.CKA_PRIME, ck.CKA_BASE, ck.CKA_SUBPRIME):
        if not reader.is_at_end:
            attributes[name] = reader.take(der.OCTET_STRING).lstrip(b"\0")
    return keep(active, complete_domain(attributes) | {ck.CKA_LOCAL: TRUE}, b"")


def generate_pair(
    active: Session, mechanism: bytes, public_wanted: Template, private_wanted: Template
) -> tuple[Object, Object]:
    """C_GenerateKeyPair: public and private key."""
    rule = offered(active.slot, mechanism, ck.CKF_GENERATE_KEY_PAIR)
    public, private = template.read(public_wanted), template.read(private_wanted)
    template.expect(public, ck.CKA_CLASS, ck.CKO_PUBLIC_KEY)
    template.expect(private, ck.CKA_CLASS, ck.CKO_PRIVATE_KEY)
    for given in (public, private):
        given.setdefault(ck.CKA_KEY_TYPE, ulong(_natural_type(rule)))
    if _natural_type(rule) == ck.CKK_RSA:
        public.setdefault(ck.CKA_PUBLIC_EXPONENT, _USUAL_EXPONENT)
    public = _planned(active, public, template.GENERATED, rule)
    private = _planned(active, private, template.GENERATED, rule)
    _check_bits(active, mechanism, public, ck.CKA_MODULUS_BITS)
    blob, info = active.slot.host.generate_key_pair(mechanism, _for_card(public), private)
    born = {ck.CKA_LOCAL: TRUE, ck.CKA_KEY_GEN_MECHANISM: ulong(mechanism_id(mechanism))}
    if ck.CKA_EC_PARAMS in public:
        private[ck.CKA_EC_PARAMS] = public[ck.CKA_EC_PARAMS]
    private = complete_private(private, info)
    key_type = number(public[ck.CKA_KEY_TYPE])
    public = complete_public(spki.public_attributes(info, key_type) | public)
    kept = keep(active, private | _born_here(private, mechanism), blob)
    try:
        return keep(active, public | born, b""), kept
    except BaseException:
        active.token.remove(kept)
        raise


def unwrap(
    active: Session, mechanism: bytes, wrapping_key: Object, wrapped: bytes, wanted: Template
) -> Object:
    """C_UnwrapKey."""
    check_use(active.slot, mechanism, wrapping_key, UNWRAP)
    given = template.read(wanted)
    template.add(given, wrapping_key.template(ck.CKA_UNWRAP_TEMPLATE))
    if ck.CKA_CLASS not in given:
        raise CryptokiError(ck.CKR_TEMPLATE_INCOMPLETE)
    if given[ck.CKA_CLASS] not in map(ulong, SECURE_CLASSES):
        raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    attributes = _planned(active, given, template.UNWRAPPED, None)
    if ck.CKA_VALUE_LEN in attributes:
        checked_size(attributes)
    blob, checksum = active.slot.host.unwrap_key(
        template.for_card(attributes), mechanism, wrapping_key.for_card(), wrapped
    )
    if number(attributes[ck.CKA_CLASS]) == ck.CKO_PRIVATE_KEY:
        return keep(active, complete_private(attributes, checksum), blob)
    return keep(active, complete_secret(attributes, checksum, size_in(checksum)), blob)


def public_half(active: Session, mechanism: bytes, base: Object, wanted: Template) -> Object:
    """C_DeriveKey, of the public key of a private key."""
    given = template.read(wanted)
    check_use(active.slot, mechanism, base, TELL_PUBLIC_HALF)
    template.expect(given, ck.CKA_CLASS, ck.CKO_PUBLIC_KEY)
    template.expect(given, ck.CKA_KEY_TYPE, base.key_type)
    attributes = _planned(active, given, template.DERIVED, None)
    info, _ = active.slot.host.derive_key(mechanism, template.for_card(attributes), base.blob)
    told = spki.public_attributes(info, base.key_type)
    for type, value in told.items():
        if type != ck.CKA_EC_PARAMS and attributes.get(type, value) != value:
            raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    if ck.CKA_EC_PARAMS in base.attributes:
        told[ck.CKA_EC_PARAMS] = base.attributes[ck.CKA_EC_PARAMS]
    return keep(active, complete_public(told | attributes), b"")


def wrap(active: Session, mechanism: bytes, wrapping_key: Object, key: Object) -> bytes:
    """C_WrapKey."""
    check_use(active.slot, mechanism, wrapping_key, WRAP)
    if not key.blob:
        raise CryptokiError(ck.CKR_KEY_NOT_WRAPPABLE)
    if not key.has(ck.CKA_EXTRACTABLE):
        raise CryptokiError(ck.CKR_KEY_UNEXTRACTABLE)
    if key.has(ck.CKA_WRAP_WITH_TRUSTED) and not wrapping_key.has(ck.CKA_TRUSTED):
        raise CryptokiError(ck.CKR_KEY_NOT_WRAPPABLE)
    if not template.matches(key.attributes, wrapping_key.template(ck.CKA_WRAP_TEMPLATE)):
        raise CryptokiError(ck.CKR_KEY_HANDLE_INVALID)  # PKCS #11 3.2, 5.18.3
    return active.slot.host.wrap_key(mechanism, key.blob, wrapping_key.for_card())


def _planned(
    active: Session, given: Attributes, origin: Origin, rule: Mechanism | None
) -> Attributes:
    """The attributes of the key to be, checked before the card is asked for anything."""
    attributes = template.complete(_without_known_length(given), origin, is_so(active))
    if rule is not None and number(attributes[ck.CKA_KEY_TYPE]) not in rule.key_types:
        raise CryptokiError(ck.CKR_TEMPLATE_INCONSISTENT)
    check_place(active, attributes)
    return attributes


def _without_known_length(given: Attributes) -> Attributes:
    """Without CKA_VALUE_LEN if it says what the key type says: keys of one length have no such
    attribute, and pkcs11-tool gives it to DES keys all the same.
    """
    sizes = SECRET_BYTES.get(number(given.get(ck.CKA_KEY_TYPE, ulong(ck.CKK_GENERIC_SECRET))), ())
    if len(sizes) != 1 or given.get(ck.CKA_VALUE_LEN) != ulong(sizes[0]):
        return given
    return {type: value for type, value in given.items() if type != ck.CKA_VALUE_LEN}


def _natural_class(rule: Mechanism) -> int:
    """The class of the keys that a generation mechanism makes."""
    return ck.CKO_OTP_KEY if ck.CKK_HOTP in rule.key_types else ck.CKO_SECRET_KEY


def _natural_type(rule: Mechanism) -> int:
    """The key type a generation mechanism makes if the template does not say."""
    is_generic = ck.CKK_GENERIC_SECRET in rule.key_types
    return ck.CKK_GENERIC_SECRET if is_generic else next(iter(rule.key_types))


def checked_size(attributes: Attributes) -> int:
    """Length of a secret key in bytes: CKA_VALUE_LEN, or that of its type.

    CKR_TEMPLATE_INCOMPLETE without either, CKR_KEY_SIZE_RANGE for what no key of the type can have.
    """
    if not has_length(attributes):
        return SECRET_BYTES[number(attributes[ck.CKA_KEY_TYPE])][0]
    if ck.CKA_VALUE_LEN not in attributes:
        raise CryptokiError(ck.CKR_TEMPLATE_INCOMPLETE)
    size = number(attributes[ck.CKA_VALUE_LEN])
    sizes = SECRET_BYTES.get(number(attributes[ck.CKA_KEY_TYPE]))
    if (sizes and size not in sizes) or not 0 < size <= MAX_SECRET_BYTES:
        raise CryptokiError(ck.CKR_KEY_SIZE_RANGE)
    return size


def _check_bits(active: Session, mechanism: bytes, attributes: Attributes, type: int) -> None:
    """CKR_KEY_SIZE_RANGE for an RSA key or a prime of a size the cards do not make."""
    info = active.slot.mechanism_info(mechanism_id(mechanism))
    bits = attributes.get(type)
    if bits is not None and not info.min_key_size <= number(bits) <= info.max_key_size:
        raise CryptokiError(ck.CKR_KEY_SIZE_RANGE)


def _for_card(public: Attributes) -> Attributes:
    """The public template as the card takes it: a curve by its object identifier."""
    if ck.CKA_EC_PARAMS not in public:
        return public
    curve = curve_of(public[ck.CKA_EC_PARAMS], number(public[ck.CKA_KEY_TYPE]))
    return public | {ck.CKA_EC_PARAMS: curve.oid}


def size_in(checksum: bytes) -> int:
    """Bytes of a secret key; its bits follow the check value."""
    return int.from_bytes(checksum[CHECK_VALUE_BYTES:], "big") // 8


def _born_here(attributes: Attributes, mechanism: bytes) -> Attributes:
    """The history of a key the card generated."""
    return {
        ck.CKA_LOCAL: TRUE,
        ck.CKA_KEY_GEN_MECHANISM: ulong(mechanism_id(mechanism)),
        ck.CKA_ALWAYS_SENSITIVE: attributes[ck.CKA_SENSITIVE],
        ck.CKA_NEVER_EXTRACTABLE: boolean(attributes[ck.CKA_EXTRACTABLE] == FALSE),
    }
