"""Object management functions (PKCS #11 3.2, 5.7)."""

from collections.abc import Sequence
from itertools import islice

from ghostcard import pkcs11 as ck
from ghostcard.module import clear, creation, template
from ghostcard.module.attributes import TOKEN_CLASSES
from ghostcard.module.encoding import FALSE, ULONG_BYTES, ulong
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, ask
from ghostcard.module.object import Object
from ghostcard.module.session import Session
from ghostcard.module.template import Attributes, Template

_TOKEN_CLASSES = frozenset(map(ulong, TOKEN_CLASSES))
_ENTRY_BYTES = 16
"""What an attribute takes beside its value, for C_GetObjectSize: type and length."""


class Objects(Chapter):
    """C_CreateObject to C_FindObjectsFinal."""

    def create_object(self, session: int, template: Template) -> int:
        """A new object from its attributes; a key given in clear goes into the card and stays
        there.
        """
        active = self._session(session)
        return ask(active, lambda: creation.create(active, template)).handle

    def copy_object(self, session: int, object: int, template: Template) -> int:
        """A copy that differs in what the template says."""
        active = self._session(session)
        return ask(active, lambda: creation.copy(active, active.object(object), template)).handle

    def destroy_object(self, session: int, object: int) -> None:
        """Remove an object; CKR_ACTION_PROHIBITED if CKA_DESTROYABLE is CK_FALSE."""
        active = self._session(session)
        entry = active.object(object)
        active.may_write(entry.is_on_token, entry.is_private)
        if entry.attributes[ck.CKA_DESTROYABLE] == FALSE:
            raise CryptokiError(ck.CKR_ACTION_PROHIBITED)
        active.token.remove(entry)

    def get_object_size(self, session: int, object: int) -> int:
        """Bytes of the attributes and of the key blob."""
        entry = self._session(session).object(object)
        values = entry.attributes.values()
        return len(entry.blob) + sum(_ENTRY_BYTES + len(value) for value in values)

    def get_attribute_value(
        self, session: int, object: int, types: Sequence[int]
    ) -> list[bytes | int]:
        """Per attribute its value, or the CKR why there is none: hidden, or not an attribute of the
        object.
        """
        active = self._session(session)
        entry = active.object(object)
        attributes = entry.attributes
        hidden: Attributes | None = None
        values: list[bytes | int] = []
        for type in types:
            value: bytes | int | None = attributes.get(type)
            if value is None:
                value = ck.CKR_ATTRIBUTE_TYPE_INVALID
                if type in clear.hidden_types(entry):
                    if hidden is None:
                        hidden = _revealed(active, entry)
                    value = hidden.get(type, ck.CKR_ATTRIBUTE_SENSITIVE)
            values.append(value)
        return values

    def set_attribute_value(self, session: int, object: int, template: Template) -> None:
        """Change attributes; all of them or, after an error, none."""
        active = self._session(session)
        entry = active.object(object)
        active.may_write(entry.is_on_token, entry.is_private)
        ask(active, lambda: creation.change(active, entry, template))

    def find_objects_init(self, session: int, template: Template) -> None:
        """Start a search for the objects that have all these attributes."""
        active = self._session(session)
        if active.found is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        sought = _sought(template)
        if sought.get(ck.CKA_CLASS) in _TOKEN_CLASSES:
            active.found = iter(ask(active, active.slot.builtin).find(sought))
        else:  # without what is gone when C_FindObjects comes to it: private ones after C_Logout
            active.found = filter(active.token.knows, active.token.find(sought))

    def find_objects(self, session: int, maximum: int) -> list[int]:
        """The next handles of the search, at most ``maximum``."""
        active = self._session(session)
        found = active.found
        if found is None:
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        return list(islice(found, maximum))

    def find_objects_final(self, session: int) -> None:
        """End the search."""
        active = self._session(session)
        if active.found is None:
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        active.found = None


def _sought(wanted: Template) -> Attributes:
    given = template.read(wanted)
    if len(given.get(ck.CKA_CLASS, bytes(ULONG_BYTES))) != ULONG_BYTES:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    return given


def _revealed(active: Session, entry: Object) -> Attributes:
    """The hidden attributes of a key that may be read, else none."""
    if not clear.is_readable(entry):
        return {}
    return ask(active, lambda: clear.reveal(active.slot, entry))
