"""Type 50: clear RSA requests to an accelerator (AP sheet 3.1).

Six formats: modular exponentiation (MEB1-3) and Chinese remainder (CRB1-3), each for moduli of up
to 128, 256 or 512 bytes. Operands are unsigned, right-justified in fixed places, zero-filled on
the left; their range is chosen by the length of the modulus in bytes.
"""

from typing import NamedTuple, TypeAlias

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.layout import Field, Layout

TYPE = 0x50
HEADER_SIZE = 16
MAX_MODULUS = 512
WIDTHS = (128, 256, 512)  # bytes of modulus and message in a format


class Header(NamedTuple):
    """The 16 bytes in front of the operands."""

    type: int
    length: int
    ignored: int
    keyblock: int


LAYOUT = Layout(
    "type 50 header",
    Header,
    HEADER_SIZE,
    Field("type", 1, 1, "0x50"),
    Field("length", 2, 2, "bytes of the whole message"),
    Field("ignored", 5, 1, "any value"),
    Field("keyblock", 8, 2, "0x0001-3 MEB1-3, 0x0011-3 CRB1-3"),
    strict=True,
)


class ModExpo(NamedTuple):
    """`message ** exponent mod modulus`; all three of one width: 128, 256 or 512 bytes."""

    exponent: bytes
    modulus: bytes
    message: bytes


class ModExpoCrt(NamedTuple):
    """The same by primes: message of 128, 256 or 512 bytes, all else half as wide."""

    p: bytes
    q: bytes
    dp: bytes
    dq: bytes
    u: bytes  # q ** -1 mod p
    message: bytes


Request: TypeAlias = ModExpo | ModExpoCrt

_ME_KEYBLOCKS = {128: 0x0001, 256: 0x0002, 512: 0x0003}
_CRT_KEYBLOCKS = {128: 0x0011, 256: 0x0012, 512: 0x0013}


class Format(NamedTuple):
    """One of the six formats: its key-block type, what it asks, the width of each operand."""

    keyblock: int
    request: type[ModExpo] | type[ModExpoCrt]
    widths: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of the whole message."""
        return HEADER_SIZE + sum(self.widths)


FORMATS: dict[int, Format] = {
    **{k: Format(k, ModExpo, (w, w, w)) for w, k in _ME_KEYBLOCKS.items()},
    **{k: Format(k, ModExpoCrt, (w // 2,) * 5 + (w,)) for w, k in _CRT_KEYBLOCKS.items()},
}


def width(modulus_bytes: int) -> int:
    """128, 256 or 512: the message width for a modulus of 1..512 bytes; else WireError."""
    for candidate in WIDTHS:
        if 0 < modulus_bytes <= candidate:
            return candidate
    raise WireError(
        ReplyCode.OPERAND_SIZE, f"type 50: a modulus of {modulus_bytes} bytes, 1..{MAX_MODULUS} fit"
    )


def pack(request: Request, modulus_bytes: int) -> bytes:
    """The message in the format for a modulus of `modulus_bytes`; operands may be shorter.

    WireError if an operand is wider than its place.
    """
    keyblocks = _ME_KEYBLOCKS if isinstance(request, ModExpo) else _CRT_KEYBLOCKS
    form = FORMATS[keyblocks[width(modulus_bytes)]]
    for name, operand, place in zip(request._fields, request, form.widths, strict=True):
        if len(operand) > place:
            raise WireError(
                ReplyCode.OPERAND_SIZE, f"type 50: {name} has {len(operand)} bytes, {place} fit"
            )
    header = LAYOUT.pack(Header(TYPE, form.size, 0, form.keyblock))
    operands = (v.rjust(w, b"\0") for v, w in zip(request, form.widths, strict=True))
    return header + b"".join(operands)


def unpack(block: bytes) -> Request:
    """Parse, operands in their full width; WireError with the code of AP sheet 3.6."""
    if not block:
        raise WireError(ReplyCode.ZERO_BUFFER_LEN, "type 50: an empty message")
    if block[1:2] not in (b"", b"\x50"):
        raise WireError(ReplyCode.MESSAGE_TYPE, "not a type 50 message")
    header = LAYOUT.unpack(block)
    form = FORMATS.get(header.keyblock)
    if form is None:
        raise WireError(ReplyCode.FORMAT_FIELD, f"type 50: no format {header.keyblock:#06x}")
    if len(block) < header.length:
        raise WireError(ReplyCode.PACKET_TRUNCATED, "type 50: shorter than its length field")
    if not header.length == len(block) == form.size:
        raise WireError(ReplyCode.MESSAGE_LENGTH, f"type 50: this format has {form.size} bytes")
    return form.request(*_operands(block, form))


def _operands(block: bytes, form: Format) -> list[bytes]:
    found = []
    at = HEADER_SIZE
    for place in form.widths:
        found.append(block[at : at + place])
        at += place
    return found
