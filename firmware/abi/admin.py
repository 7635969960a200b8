"""Admin (function 41): commands that change a card or one of its domains (AP sheet 7.5).

Parameters: command u32; payload; transaction counter, 16 bytes or none; signatures. The layouts of
payloads and signatures are ours, everything big-endian. A refusal's reply has the reason code, u32,
for its one parameter.

The commands are the sheet's, and one of ours that changes a figure of the model: payload value u64,
then the figure's dotted name in ASCII; answered with the value before, u64. A request fetched by a
core after that one was is priced by the new value; an engine time that was stated as a rating is
changed as `fixed_ns`.
"""

import struct
from enum import IntEnum, IntFlag
from typing import NamedTuple

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError

VALUE_BYTES = 8
PATTERN_SIZE = 32
COUNTER_SIZE = 16
IDENTIFIER_SIZE = 32  # of an administrator
PARTS_MAX = 20  # key parts of one import
PAIRS = struct.Struct(">II")  # attribute and value
QUERY = 0x10000


class Command(IntEnum):
    """What an administrator can ask for, with payload -> answer."""

    DOM_ADMIN_LOGIN = 2  # SPKI of an administrator -> its identifier, 32 bytes
    DOM_ADMIN_LOGOUT = 4  # identifier -> nothing
    DOM_SET_ATTR = 8  # attribute u32, value u32, ... -> nothing
    GEN_DOM_IMPORTER = 9  # nothing -> SPKI of the importer key
    GEN_WK = 10  # nothing -> verification pattern of the next wrapping key
    EXPORT_WK = 11  # SPKI of each receiver -> a part for each
    IMPORT_WK = 12  # parts, each for the importer key -> verification pattern
    COMMIT_WK = 13  # verification pattern -> nothing
    FINALIZE_WK = 14  # verification pattern -> nothing
    DOM_ZEROIZE = 16
    DOM_CTRLPOINT_SET = 17  # control points, 16 bytes
    DOM_CTRLPOINT_ADD = 18
    DOM_CTRLPOINT_DEL = 19
    REENCRYPT = 25  # key blob -> the same key under the next wrapping key
    CLEAR_WK = 27
    CLEAR_NEXT_WK = 28
    EXPORT_NEXT_WK = 38
    SET_FIGURE = 0x8001  # ours; needs no signature, as it changes the model and no secret

    QUERY_DOM_ADMIN = QUERY | 2  # identifiers, 32 bytes each
    QUERY_DOM_IMPORTER_CERT = QUERY | 4  # SPKI
    QUERY_DOM_CTRLPOINTS = QUERY | 6  # 16 bytes
    QUERY_WK = QUERY | 7  # verification pattern
    QUERY_NEXT_WK = QUERY | 8  # verification pattern
    QUERY_DOM_ATTRS = QUERY | 10  # attribute u32, value u32, ...


class Attribute(IntEnum):
    """Administrative attributes of a domain."""

    SIGNATURE_THRESHOLD = 1
    REVOCATION_THRESHOLD = 2
    PERMISSIONS = 3


class Permission(IntFlag):
    """What the attribute PERMISSIONS allows."""

    WK_IMPORT = 0x1
    WK_EXPORT = 0x2
    ONE_PART = 0x4
    RANDOM_WK = 0x8


USUAL_PERMISSIONS = Permission.WK_IMPORT | Permission.ONE_PART | Permission.RANDOM_WK
"""Of a domain nobody has changed. A real card's lacks RANDOM_WK and ONE_PART: an emulator's first
user has no smart cards."""


class Reason(IntEnum):
    """Why an administrative command was refused."""

    NONE = 0
    NO_IMPORTER = 1
    COUNTER_TOO_OLD = 19
    TOO_FEW_SIGNATURES = 21
    SIGNATURE_REJECTED = 22
    WRONG_IMPRINT_STATE = 34
    CONTROL_POINT_NOT_ALLOWED = 37
    ADMIN_LIST_FULL = 39
    NO_ADDING = 46
    NO_DELETING = 47
    WK_MISMATCH = 48
    WK_MISSING = 49
    NEXT_WK_MISSING = 50
    RANDOM_WK_PROHIBITED = 52
    COMMITTED_WK_MISSING = 64
    WK_IMPORT_PROHIBITED = 80
    REENCRYPT_REJECTED = 86
    WK_EXPORT_PROHIBITED = 131


SENTENCES: dict[int, str] = {
    Reason.NO_IMPORTER: "The domain has no importer key.",
    Reason.COUNTER_TOO_OLD: "The transaction counter is not above the last one.",
    Reason.TOO_FEW_SIGNATURES: "There are not enough signatures.",
    Reason.SIGNATURE_REJECTED: "A signature is not that of an administrator of the domain.",
    Reason.WRONG_IMPRINT_STATE: "The imprint mode does not allow this.",
    Reason.CONTROL_POINT_NOT_ALLOWED: "A control point is among those that cannot be allowed.",
    Reason.ADMIN_LIST_FULL: "The list of administrators is full.",
    Reason.NO_ADDING: "The control points do not allow adding control points.",
    Reason.NO_DELETING: "The control points do not allow deleting control points.",
    Reason.WK_MISMATCH: "The verification pattern is that of another wrapping key.",
    Reason.WK_MISSING: "There is no current wrapping key.",
    Reason.NEXT_WK_MISSING: "There is no next wrapping key.",
    Reason.RANDOM_WK_PROHIBITED: "The permissions do not allow a random wrapping key.",
    Reason.COMMITTED_WK_MISSING: "The next wrapping key is not committed.",
    Reason.WK_IMPORT_PROHIBITED: "The permissions do not allow this import.",
    Reason.REENCRYPT_REJECTED: "The blob cannot be re-enciphered.",
    Reason.WK_EXPORT_PROHIBITED: "The permissions do not allow the export.",
}


class Signature(NamedTuple):
    """An administrator's signature: ECDSA or RSA PKCS #1, over the SHA-256 of `signed`."""

    administrator: bytes  # identifier: SHA-256 of the SPKI
    value: bytes


def signed(domain: int, command: int, counter: bytes, payload: bytes) -> bytes:
    """What the administrators sign."""
    return b"Ghostcard Admin" + struct.pack(">II", domain, command) + counter + payload


def identifier(spki: bytes) -> bytes:
    """How an administrator is named."""
    import hashlib  # 4 ms and a library: not where nobody administers

    return hashlib.sha256(spki).digest()


def pack_list(items: tuple[bytes, ...]) -> bytes:
    """Byte strings one after the other, each behind its length, u32."""
    return b"".join(struct.pack(">I", len(item)) + item for item in items)


def unpack_list(data: bytes) -> tuple[bytes, ...]:
    """The inverse; WireError if the lengths do not add up."""
    items: list[bytes] = []
    place = 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        place += 4 + size
        if place > len(data):
            raise WireError(ReplyCode.MALFORMED_MSG, "Admin: a list that is cut off")
        items.append(data[place - size : place])
    return tuple(items)


def pack_signatures(signatures: tuple[Signature, ...]) -> bytes:
    """Identifier and value of each in turn, as a list."""
    return pack_list(tuple(part for signature in signatures for part in signature))


def unpack_signatures(data: bytes) -> tuple[Signature, ...]:
    """The inverse; WireError if it is no list of pairs."""
    parts = unpack_list(data)
    if len(parts) % 2:
        raise WireError(ReplyCode.MALFORMED_MSG, "Admin: an odd number of signature parts")
    return tuple(Signature(*parts[at : at + 2]) for at in range(0, len(parts), 2))
