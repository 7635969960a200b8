"""A verification that was given its signature first (PKCS #11 3.2, 5.15.5 to 5.15.8)."""

from ghostcard.module.operation import Operation, Stream


class Verification:
    """The signature, and the verification that it is for: `Operation` until the first part."""

    __slots__ = ("operation", "signature")

    def __init__(self, operation: Operation | Stream, signature: bytes) -> None:
        self.operation = operation
        self.signature = signature
