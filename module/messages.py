"""Message-based operations that are active in a session (PKCS #11 3.2, 5.9, 5.11, 5.14, 5.16).

Each message is an operation of its own (`operation.py`); here is what lasts from C_Message*Init to
C_Message*Final, and the message that is under way between Begin and the last Next.
"""

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError
from ghostcard.module.message import IvSource, MessageParameter
from ghostcard.module.object import Object
from ghostcard.module.operation import Operation, Stream


class AeadMessages:
    """Encryption or decryption of messages with a key; ``stream`` is the message under way."""

    __slots__ = ("ivs", "key", "mechanism", "stream")

    def __init__(self, mechanism: int, key: Object, ivs: IvSource) -> None:
        self.mechanism = mechanism
        self.key = key
        self.ivs = ivs
        self.stream: MessageStream | None = None


class MessageStream:
    """A message in parts: the stream of the card, its IV, and bytes in but not out."""

    __slots__ = ("pending", "stream", "tag_bytes")

    def __init__(self, stream: Stream, parameter: MessageParameter) -> None:
        self.stream = stream
        self.tag_bytes = parameter.tag_bits // 8
        self.pending = 0


class SignedMessages:
    """Signatures, or their verification, of messages with a key.

    ``asks``: each message wants the user's PIN first (CKA_ALWAYS_AUTHENTICATE), and ``is_locked``
    while it was not given.
    """

    __slots__ = ("asks", "is_locked", "operation", "stream")

    def __init__(self, operation: Operation, asks: bool) -> None:
        self.operation = operation
        self.asks = self.is_locked = asks
        self.stream: Stream | None = None

    def begin(self) -> Operation:
        """The operation for one more message. CKR_OPERATION_ACTIVE while one is under way,
        CKR_USER_NOT_LOGGED_IN without the PIN.
        """
        if self.stream is not None:
            raise CryptokiError(ck.CKR_OPERATION_ACTIVE)
        if self.is_locked:
            raise CryptokiError(ck.CKR_USER_NOT_LOGGED_IN)
        self.is_locked = self.asks
        return self.operation


Messages = AeadMessages | SignedMessages
