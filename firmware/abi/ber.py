"""EP11 payloads: a BER SEQUENCE of OCTET STRINGs (AP sheet 3.7).

Packing always takes the shortest length form. Parsing takes any of the three forms the wire knows,
also a longer one than needed, as kernel requests carry; nothing else, and no byte left over.
"""

from collections.abc import Iterable

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError

SEQUENCE = 0x30
OCTET_STRING = 0x04
MAX_LENGTH = 0xFFFF  # of one value: the largest length form is 0x82 nnnn


def head(tag: int, length: int) -> bytes:
    """Tag and length: 2 bytes below 128, else 3 or 4; WireError above 65,535."""
    if length < 0x80:
        return bytes((tag, length))
    if length < 0x100:
        return bytes((tag, 0x81, length))
    if length <= MAX_LENGTH:
        return bytes((tag, 0x82, length >> 8, length & 0xFF))
    raise WireError(
        ReplyCode.MESSAGE_LENGTH, f"BER: a value of {length} bytes, the most is {MAX_LENGTH}"
    )


def octets(value: bytes) -> bytes:
    """One OCTET STRING."""
    return head(OCTET_STRING, len(value)) + value


def pack(values: Iterable[bytes]) -> bytes:
    """A SEQUENCE of the values as OCTET STRINGs."""
    body = b"".join(map(octets, values))
    return head(SEQUENCE, len(body)) + body


def unpack(payload: bytes) -> tuple[bytes, ...]:
    """The values of a payload that is exactly one SEQUENCE of OCTET STRINGs; else WireError."""
    return tuple(payload[start:end] for start, end in spans(payload))


def spans(payload: bytes, at: int = 0) -> list[tuple[int, int]]:
    """Where each value of the SEQUENCE at `at`, which must end the payload, starts and ends."""
    position, end = value_span(payload, at, SEQUENCE)
    if end != len(payload):
        raise WireError(ReplyCode.MALFORMED_MSG, "BER: bytes after the SEQUENCE")
    found = []
    while position < end:
        start, position = value_span(payload, position, OCTET_STRING)
        found.append((start, position))
    return found


def value_span(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Start and end of the value whose tag stands at `at`; WireError if it does not fit `data`."""
    if len(data) < at + 2 or data[at] != tag:
        raise WireError(ReplyCode.MALFORMED_MSG, f"BER: no tag {tag:#04x} at offset {at}")
    first = data[at + 1]
    start = at + 2
    if first >= 0x80:
        if first not in (0x81, 0x82):
            raise WireError(ReplyCode.MALFORMED_MSG, f"BER: unknown length form {first:#04x}")
        start += first - 0x80
    # A length cut off by the end of the data reads too small a number, but its start is then
    # behind the end as well, so the check below refuses it.
    length = int.from_bytes(data[at + 2 : start], "big") if first >= 0x80 else first
    if start + length > len(data):
        raise WireError(ReplyCode.MALFORMED_MSG, f"BER: the value at offset {at} ends too late")
    return start, start + length
