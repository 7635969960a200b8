"""How firmware says no: one exception that carries the return value of the reply."""


class Refused(Exception):
    """A request the card answers with `rv` (PKCS #11 CKR_* or AP sheet 7.3) and no data.

    The message is the number alone: nothing a caller sent, and no part of a key, gets into it.
    """

    def __init__(self, rv: int) -> None:
        super().__init__(f"refused with {rv:#010x}")
        self.rv = rv
        self.operation: str | None = None
        self.payload_bytes = 0
        self.reason: int | None = None  # of an administrative command (AP sheet 7.5)

    def during(self, operation: str, payload_bytes: int) -> "Refused":
        """The same refusal, by an operation that had begun: the card's engine worked for it."""
        self.operation = operation
        self.payload_bytes = payload_bytes
        return self
