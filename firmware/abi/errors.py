"""The one error of the wire: bytes that cannot be parsed, or values that cannot be packed."""


class WireError(ValueError):
    """Bytes break a layout, or a value does not fit one.

    `code` is the reply code (AP sheet 3.6) with which a card refuses the message in an error reply.
    The message names the layout and the rule; it never quotes the bytes, which may hold secrets.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
