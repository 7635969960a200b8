"""Secret keys for the holder of a key pair (PKCS #11 3.2, 5.18.8 and 5.18.9)."""

from ghostcard import pkcs11 as ck
from ghostcard.module import template
from ghostcard.module.creation import check_place, complete_secret, is_so, keep
from ghostcard.module.encoding import FALSE, ulong
from ghostcard.module.keys import size_in
from ghostcard.module.object import Object
from ghostcard.module.session import Session
from ghostcard.module.template import Attributes, Template
from ghostcard.module.usage import DECAPSULATE, ENCAPSULATE, check_use

_HISTORY: Attributes = {
    ck.CKA_ALWAYS_SENSITIVE: FALSE,
    ck.CKA_NEVER_EXTRACTABLE: FALSE,
    ck.CKA_LOCAL: FALSE,
}
"""Of a secret that two tokens share."""


def encapsulate(
    active: Session, mechanism: bytes, public: Object, wanted: Template, capacity: int | None
) -> tuple[Object, bytes] | int:
    """C_EncapsulateKey: the new key and its ciphertext; the length of this, and no key, if
    ``capacity`` is less or None.
    """
    rule = check_use(active.slot, mechanism, public, ENCAPSULATE)
    attributes = _planned(active, wanted, public.template(ck.CKA_ENCAPSULATE_TEMPLATE))
    size = rule.length(public, mechanism, True).single(0)
    if capacity is None or capacity < size:
        return size
    blob, checksum, ciphertext = active.slot.host.encapsulate(
        mechanism, attributes, public.for_card()
    )
    return _kept(active, attributes, blob, checksum), ciphertext


def decapsulate(
    active: Session, mechanism: bytes, private: Object, wanted: Template, ciphertext: bytes
) -> Object:
    """C_DecapsulateKey."""
    check_use(active.slot, mechanism, private, DECAPSULATE)
    attributes = _planned(active, wanted, private.template(ck.CKA_DECAPSULATE_TEMPLATE))
    made = active.slot.host.decapsulate(mechanism, attributes, private.for_card(), ciphertext)
    return _kept(active, attributes, *made)


def _planned(active: Session, wanted: Template, demanded: bytes) -> Attributes:
    """The attributes of the key to be, checked before the card is asked for anything; ``demanded``:
    the template of the pair for keys made with it.
    """
    given = template.read(wanted)
    template.add(given, demanded)
    template.expect(given, ck.CKA_CLASS, ck.CKO_SECRET_KEY)
    given.setdefault(ck.CKA_KEY_TYPE, ulong(ck.CKK_GENERIC_SECRET))
    attributes = template.complete(given, template.DERIVED, is_so(active))
    check_place(active, attributes)
    return attributes


def _kept(active: Session, attributes: Attributes, blob: bytes, checksum: bytes) -> Object:
    complete = complete_secret(attributes, checksum, size_in(checksum))
    return keep(active, complete | _HISTORY, blob)
