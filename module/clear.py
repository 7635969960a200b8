"""Key values in clear, into the card for C_CreateObject and out of it to be read (AP sheet 7.2).

Both go through a wrap key, an AES-256 key of the card's that lives as long as the process: what
enters is encrypted under it and unwrapped, what leaves is wrapped under it and decrypted. So the
rules for wrapping are the card's own.
"""

import os

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import Ep11Error
from ghostcard.module import der, pkcs8
from ghostcard.module.attributes import SECRET_CLASSES, SECURE_CLASSES, schema_of
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object
from ghostcard.module.slot import Slot
from ghostcard.module.template import Attributes, for_card

_IV_BYTES = 16


def hidden_types(entry: Object) -> frozenset[int]:
    """The attributes of an object that the card alone keeps (note 7 of the attribute table)."""
    if entry.object_class not in SECURE_CLASSES:
        return frozenset()
    rows = schema_of(entry.object_class, entry.key_type).values()
    return frozenset(row.type for row in rows if 7 in row.notes)


def is_readable(entry: Object) -> bool:
    """Whether the key's value may be read: it is extractable and not sensitive."""
    return entry.has(ck.CKA_EXTRACTABLE) and not entry.has(ck.CKA_SENSITIVE)


def reveal(slot: Slot, entry: Object) -> Attributes:
    """The hidden attributes of a readable key; none if the card will not wrap it."""
    try:
        value = extract(slot, entry)
    except Ep11Error as error:
        if error.rv in (ck.CKR_KEY_NOT_WRAPPABLE, ck.CKR_KEY_UNEXTRACTABLE):
            return {}
        raise
    if entry.object_class in SECRET_CLASSES:
        return {ck.CKA_VALUE: value}
    try:
        return pkcs8.secret_attributes(value, entry.key_type)
    except der.DerError as error:
        raise CryptokiError(ck.CKR_DEVICE_ERROR) from error


def extract(slot: Slot, entry: Object) -> bytes:
    """The key's value: bytes of a secret key, PKCS #8 of a private key."""
    wrap_key, mechanism = slot.wrap_key(), _cbc_pad()
    wrapped = slot.host.wrap_key(mechanism, entry.blob, wrap_key)
    return slot.host.decrypt_single(mechanism, wrap_key, wrapped)


def insert(slot: Slot, value: bytes, attributes: Attributes) -> tuple[bytes, bytes]:
    """Make a key of a value in clear: its blob and checksum. CKR_ATTRIBUTE_VALUE_INVALID if the
    card knows no such key.
    """
    if len(value) > slot.part_bytes:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)  # longer than a message
    wrap_key, mechanism = slot.wrap_key(), _cbc_pad()
    wrapped = slot.host.encrypt_single(mechanism, wrap_key, value)
    try:
        return slot.host.unwrap_key(for_card(attributes), mechanism, wrap_key, wrapped)
    except Ep11Error as error:
        if error.rv not in (ck.CKR_WRAPPED_KEY_INVALID, ck.CKR_WRAPPED_KEY_LEN_RANGE):
            raise
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID) from error  # nobody wrapped anything


def _cbc_pad() -> bytes:
    """CKM_AES_CBC_PAD with an IV of its own each time: equal keys do not make equal ciphertexts."""
    return ck.CKM_AES_CBC_PAD.to_bytes(4, "big") + os.urandom(_IV_BYTES)
