"""The little DER that public and private keys need (X.690): definite lengths, single-byte tags."""

INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = b"\x05\x00"
OBJECT_IDENTIFIER = 0x06
PRINTABLE_STRING = 0x13
SEQUENCE = 0x30


class DerError(ValueError):
    """The bytes are not the DER that was expected."""


def encode(tag: int, *contents: bytes) -> bytes:
    """One value: tag, shortest length, contents."""
    body = b"".join(contents)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def integer(value: int) -> bytes:
    """A non-negative INTEGER."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def bit_string(value: bytes) -> bytes:
    """A BIT STRING of whole bytes."""
    return encode(BIT_STRING, b"\0", value)


class Reader:
    """Reads the values of some DER one after the other; raises DerError at the first surprise."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    @property
    def is_at_end(self) -> bool:
        return self._offset == len(self._data)

    def take(self, tag: int) -> bytes:
        """The contents of the next value, which must have this tag."""
        data, start = self._data, self._offset
        if len(data) < start + 2 or data[start] != tag:
            raise DerError(f"expected tag 0x{tag:02x}")
        size, start = data[start + 1], start + 2
        if size >= 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[start : start + count], "big")
            start += count
            if size < 0x80 or count > 4 or size.bit_length() <= 8 * (count - 1):
                raise DerError("a length is not in its shortest form")
        if len(data) < start + size:
            raise DerError("a value is cut off")
        self._offset = start + size
        return data[start : start + size]

    def enter(self, tag: int) -> "Reader":
        """A reader of the contents of the next value."""
        return Reader(self.take(tag))

    def integer(self) -> int:
        """The next value, a non-negative INTEGER."""
        body = self.take(INTEGER)
        if not body or body[0] & 0x80 or (len(body) > 1 and body[0] == 0 and body[1] < 0x80):
            raise DerError("expected a non-negative INTEGER in its shortest form")
        return int.from_bytes(body, "big")

    def bit_string(self) -> bytes:
        """The next value, a BIT STRING of whole bytes."""
        body = self.take(BIT_STRING)
        if body[:1] != b"\0":
            raise DerError("expected a BIT STRING of whole bytes")
        return body[1:]

    def end(self) -> None:
        """There must be nothing more."""
        if not self.is_at_end:
            raise DerError("bytes are left over")


def read(data: bytes, tag: int) -> bytes:
    """The contents of data that is exactly one value with this tag."""
    reader = Reader(data)
    contents = reader.take(tag)
    reader.end()
    return contents


def is_one_value(data: bytes) -> bool:
    """Whether data is exactly one value, whatever its tag."""
    try:
        read(data, data[0] if data else 0)
    except DerError:
        return False
    return True


def object_identifier(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return encode(OBJECT_IDENTIFIER, *(_arc(arc) for arc in (40 * first + second, *rest)))


def _arc(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.insert(0, 0x80 | value & 0x7F)
    return bytes(digits)
