"""Message-based encryption and decryption (PKCS #11 3.2, 5.9 and 5.11).

What is wrong with one message ends that message and nothing else.
"""

from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, Mechanism, Result, ask
from ghostcard.module.functions.ciphers import encrypted
from ghostcard.module.message import IvSource, MessageParameter, for_card, probe
from ghostcard.module.messages import AeadMessages, MessageStream
from ghostcard.module.operation import Locked, Operation
from ghostcard.module.preparation import decryption, encryption
from ghostcard.module.rule import mechanism_id
from ghostcard.module.session import Session
from ghostcard.module.usage import MESSAGE_DECRYPT, MESSAGE_ENCRYPT, Use, check_use


class MessageCiphers(Chapter):
    """C_MessageEncryptInit to C_MessageEncryptFinal, and the same for decryption."""

    def message_encrypt_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        """Start the encryption of messages; of the mechanism only the number counts."""
        active = self._session(session)
        if mechanism is None:
            active.encrypting_messages = None
            return
        if active.encrypting_messages is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        active.encrypting_messages = _begun(active, mechanism, key, MESSAGE_ENCRYPT)

    def encrypt_message(
        self,
        session: int,
        parameter: MessageParameter,
        aad: bytes,
        data: bytes,
        capacity: int | None,
    ) -> tuple[bytes, bytes, bytes] | int:
        """Encrypt a message: ciphertext, IV and tag; or the length of the ciphertext."""
        active = self._session(session)
        messages = _idle(active.encrypting_messages)
        for_card(messages.mechanism, parameter, aad, len(data))
        if capacity is None or capacity < len(data):
            return len(data)
        parameter = parameter._replace(iv=_next_iv(active, messages, parameter))
        operation = _sealing(active, messages, parameter, aad, len(data))
        sealed = ask(active, lambda: operation.whole(data))
        return sealed[: len(data)], parameter.iv, sealed[len(data) :]

    def encrypt_message_begin(self, session: int, parameter: MessageParameter, aad: bytes) -> bytes:
        """Begin a message in parts: its IV."""
        active = self._session(session)
        messages = _idle(active.encrypting_messages)
        for_card(messages.mechanism, parameter, aad, None)
        parameter = parameter._replace(iv=_next_iv(active, messages, parameter))
        operation = _sealing(active, messages, parameter, aad, None)
        messages.stream = MessageStream(ask(active, operation.begin), parameter)
        return parameter.iv

    def encrypt_message_next(
        self, session: int, tag_bytes: int, data: bytes, capacity: int | None, is_last: bool
    ) -> tuple[bytes, bytes] | int:
        """Encrypt a part: ciphertext, and of the last part the tag, for which there is room for
        ``tag_bytes``; or the length of the ciphertext.
        """
        active = self._session(session)
        messages, message = _under_way(active.encrypting_messages)
        if tag_bytes != message.tag_bytes:
            raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
        if not is_last:
            part = _stepped(active, messages, lambda: message.stream.take(data, capacity))
            if isinstance(part, int):
                return part
            message.pending += len(data) - len(part)
            return part, b""
        room = message.pending + len(data)
        if capacity is None or capacity < room:
            return room
        messages.stream = None
        sealed = ask(active, lambda: message.stream.feed(data) + message.stream.final())
        return sealed[:room], sealed[room:]

    def message_encrypt_final(self, session: int) -> None:
        """End the encryption of messages, and a message under way."""
        active = self._session(session)
        if active.encrypting_messages is None:
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        active.encrypting_messages = None

    def message_decrypt_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        """Start the decryption of messages."""
        active = self._session(session)
        if mechanism is None:
            active.decrypting_messages = None
            return
        if active.decrypting_messages is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        active.decrypting_messages = _begun(active, mechanism, key, MESSAGE_DECRYPT)

    def decrypt_message(
        self,
        session: int,
        parameter: MessageParameter,
        aad: bytes,
        data: bytes,
        capacity: int | None,
    ) -> bytes | int:
        """Decrypt a message; CKR_AEAD_DECRYPT_FAILED if its tag does not fit."""
        active = self._session(session)
        messages = _idle(active.decrypting_messages)
        operation = _opening(active, messages, parameter, aad, len(data))
        if capacity is None or capacity < len(data):
            return len(data)
        return _opened(active, lambda: operation.whole(data + parameter.tag))

    def decrypt_message_begin(self, session: int, parameter: MessageParameter, aad: bytes) -> None:
        """Begin a message in parts."""
        active = self._session(session)
        messages = _idle(active.decrypting_messages)
        operation = _opening(active, messages, parameter, aad, None)
        messages.stream = MessageStream(ask(active, operation.begin), parameter)

    def decrypt_message_next(
        self, session: int, tag: bytes, data: bytes, capacity: int | None, is_last: bool
    ) -> bytes | int:
        """Decrypt a part. Nothing comes out before the tag, which the last part brings, has been
        checked, and then all.
        """
        active = self._session(session)
        messages, message = _under_way(active.decrypting_messages)
        if len(tag) != message.tag_bytes:
            raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
        if not is_last:
            part = _stepped(active, messages, lambda: message.stream.feed(data))
            message.pending += len(data) - len(part)
            return part
        room = message.pending + len(data)
        if capacity is None or capacity < room:
            return room
        messages.stream = None
        stream = message.stream
        return _opened(active, lambda: stream.feed(data + tag) + stream.final())

    def message_decrypt_final(self, session: int) -> None:
        """End the decryption of messages, and a message under way."""
        active = self._session(session)
        if active.decrypting_messages is None:
            raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
        active.decrypting_messages = None


def _begun(active: Session, mechanism: bytes, key: int, use: Use) -> AeadMessages:
    number = mechanism_id(mechanism)
    found = active.key(key)
    ask(active, lambda: check_use(active.slot, probe(number), found, use))
    return AeadMessages(number, found, IvSource(active.slot.host.generate_random))


def _idle(messages: AeadMessages | None) -> AeadMessages:
    """What is active, if no message is under way in it."""
    if messages is None:
        raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
    if messages.stream is not None:
        raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
    return messages


def _under_way(messages: AeadMessages | None) -> tuple[AeadMessages, MessageStream]:
    if messages is None or messages.stream is None:
        raise CryptokiError(ck.CKR_OPERATION_NOT_INITIALIZED)
    return messages, messages.stream


def _next_iv(active: Session, messages: AeadMessages, parameter: MessageParameter) -> bytes:
    return ask(active, lambda: messages.ivs.next(parameter))


def _sealing(
    active: Session,
    messages: AeadMessages,
    parameter: MessageParameter,
    aad: bytes,
    size: int | None,
) -> Operation:
    wire = for_card(messages.mechanism, parameter, aad, size)
    return _whole(ask(active, lambda: encryption(active, wire, messages.key)))


def _opening(
    active: Session,
    messages: AeadMessages,
    parameter: MessageParameter,
    aad: bytes,
    size: int | None,
) -> Operation:
    wire = for_card(messages.mechanism, parameter, aad, size)
    return _whole(ask(active, lambda: decryption(active, wire, messages.key)))


def _whole(operation: Operation | Locked) -> Operation:
    if isinstance(operation, Locked):  # a private key's; no mechanism of theirs takes messages
        raise CryptokiError(ck.CKR_USER_NOT_LOGGED_IN)
    return operation


def _opened(active: Session, step: Callable[[], bytes]) -> bytes:
    """What is wrong with the data is told as the tag that does not fit."""
    try:
        return ask(active, step)
    except CryptokiError as error:
        found = encrypted(error)
        if found.rv == ck.CKR_ENCRYPTED_DATA_INVALID:
            raise CryptokiError(ck.CKR_AEAD_DECRYPT_FAILED) from error
        raise found from error


def _stepped(active: Session, messages: AeadMessages, step: Callable[[], Result]) -> Result:
    """A part of a message; an error ends the message."""
    stream, messages.stream = messages.stream, None
    result = ask(active, step)
    messages.stream = stream
    return result
