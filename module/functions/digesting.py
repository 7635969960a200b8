"""Message digesting (PKCS #11 3.2, 5.12)."""

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import DriverError
from ghostcard.module import clear
from ghostcard.module.attributes import SECRET_CLASSES
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, Mechanism, ask, end, misplaced, part
from ghostcard.module.operation import Operation
from ghostcard.module.preparation import digestion


class Digesting(Chapter):
    """C_DigestInit to C_DigestFinal."""

    def digest_init(self, session: int, mechanism: Mechanism) -> None:
        """Start a digest."""
        active = self._session(session)
        if mechanism is None:
            active.digesting = None
            return
        if active.digesting is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        active.digesting = digestion(active, mechanism)

    def digest(
        self,
        session: int,
        data: bytes | memoryview,
        capacity: int | None,
        out: memoryview | None = None,
    ) -> bytes | int:
        """Digest everything at once and end."""
        active = self._session(session)
        operation = active.digesting
        if operation.__class__ is not Operation:
            active.digesting = None
            raise misplaced(operation)
        room = operation.room(0)
        if capacity is None or capacity < room:
            return room
        active.digesting = None
        try:
            return operation.whole(data) if isinstance(data, bytes) else operation.place(data, out)
        except DriverError as error:
            raise active.refusal(error) from error

    def digest_update(self, session: int, data: bytes) -> None:
        """Digest a part."""
        part(self._session(session), "digesting", lambda it: it.feed(data))

    def digest_key(self, session: int, key: int) -> None:
        """Digest the value of a secret key that may be read; CKR_KEY_INDIGESTIBLE for any other."""
        active = self._session(session)
        entry = active.key(key)
        if active.digesting is None:
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        if entry.object_class not in SECRET_CLASSES or not clear.is_readable(entry):
            active.digesting = None
            raise CryptokiError(ck.CKR_KEY_INDIGESTIBLE)
        value = ask(active, lambda: clear.extract(active.slot, entry))
        part(active, "digesting", lambda it: it.feed(value))

    def digest_final(self, session: int, capacity: int | None) -> bytes | int:
        """Fetch the digest and end."""
        return end(self._session(session), "digesting", lambda it: it.finish(capacity))
