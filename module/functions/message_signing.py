"""Message-based signatures and their verification (PKCS #11 3.2, 5.14 and 5.16).

A message is signed by the mechanism that C_MessageSignInit was given, parameters and all; no
mechanism has a parameter of the single message. What is wrong with one message ends that message
and nothing else.
"""

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, Mechanism, ask
from ghostcard.module.messages import SignedMessages
from ghostcard.module.operation import Locked, Operation, Stream
from ghostcard.module.preparation import signature as signing
from ghostcard.module.preparation import verification


class MessageSigning(Chapter):
    """C_MessageSignInit to C_MessageSignFinal, C_MessageVerifyInit to C_MessageVerifyFinal."""

    def message_sign_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        """Start the signing of messages."""
        active = self._session(session)
        if mechanism is None:
            active.signing_messages = None
            return
        if active.signing_messages is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        found = active.key(key)
        active.signing_messages = _started(ask(active, lambda: signing(active, mechanism, found)))

    def sign_message(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        """Sign a message."""
        active = self._session(session)
        messages = _active(active.signing_messages)
        room = messages.operation.room(0)
        if messages.stream is None and (capacity is None or capacity < room):
            return room
        operation = messages.begin()
        return ask(active, lambda: operation.whole(data))

    def sign_message_begin(self, session: int) -> None:
        """Begin a message in parts."""
        active = self._session(session)
        messages = _active(active.signing_messages)
        messages.stream = ask(active, messages.begin().begin)

    def sign_message_next(
        self, session: int, data: bytes, capacity: int | None, is_last: bool
    ) -> bytes | int:
        """Take a part; after the last the signature, or its length and then the part is to be
        given again.
        """
        active = self._session(session)
        messages = _active(active.signing_messages)
        stream = _under_way(messages)
        room = messages.operation.room(0)
        if is_last and (capacity is None or capacity < room):
            return room
        messages.stream = None
        ask(active, lambda: stream.feed(data))
        if is_last:
            return ask(active, stream.final)
        messages.stream = stream
        return b""

    def message_sign_final(self, session: int) -> None:
        """End the signing of messages, and a message under way."""
        active = self._session(session)
        _active(active.signing_messages)
        active.signing_messages = None

    def message_verify_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        """Start the verification of messages."""
        active = self._session(session)
        if mechanism is None:
            active.verifying_messages = None
            return
        if active.verifying_messages is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        found = active.key(key)
        active.verifying_messages = _started(
            ask(active, lambda: verification(active, mechanism, found))
        )

    def verify_message(self, session: int, data: bytes, signature: bytes) -> None:
        """Verify a message; CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE."""
        active = self._session(session)
        operation = _active(active.verifying_messages).begin()
        if len(signature) != operation.room(0):
            raise CryptokiError(ck.CKR_SIGNATURE_LEN_RANGE)
        ask(active, lambda: operation.verify(data, signature))

    def verify_message_begin(self, session: int) -> None:
        """Begin a message in parts."""
        active = self._session(session)
        messages = _active(active.verifying_messages)
        messages.stream = ask(active, messages.begin().begin)

    def verify_message_next(self, session: int, data: bytes, signature: bytes | None) -> None:
        """Take a part; with the last comes the signature, which is checked."""
        active = self._session(session)
        messages = _active(active.verifying_messages)
        stream = _under_way(messages)
        messages.stream = None
        ask(active, lambda: stream.feed(data))
        if signature is None:
            messages.stream = stream
            return
        given = signature
        ask(active, lambda: stream.settle(given))

    def message_verify_final(self, session: int) -> None:
        """End the verification of messages, and a message under way."""
        active = self._session(session)
        _active(active.verifying_messages)
        active.verifying_messages = None


def _started(operation: Operation | Locked) -> SignedMessages:
    if isinstance(operation, Locked):
        return SignedMessages(operation.inner, asks=True)
    return SignedMessages(operation, asks=False)


def _active(messages: SignedMessages | None) -> SignedMessages:
    if messages is None:
        raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
    return messages


def _under_way(messages: SignedMessages) -> Stream:
    if messages.stream is None:
        raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
    return messages.stream
