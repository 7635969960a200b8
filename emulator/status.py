"""What AP instructions answer: response codes, status word, hardware information, QCI block.

Pure functions of numbers; layouts of AP sheet 1.3, 1.4 and 1.5. IBM bit 0 is the most significant.
"""

from collections.abc import Iterable
from typing import Final

# Queue status word (32 bits), AP sheet 1.3
QUEUE_EMPTY: Final = 0x80000000  # E: no requests and no replies on the queue
REPLIES_WAITING: Final = 0x40000000  # R: a reply can be dequeued
QUEUE_FULL: Final = 0x20000000  # F: as many messages in hardware as the queue is deep
ASYNCHRONOUS_ERROR: Final = 0x02000000  # A: the response code is that of an earlier instruction
INTERRUPTS_ENABLED: Final = 0x01000000  # I
RESPONSE_CODE_SHIFT: Final = 16  # bits 8..15

# Response codes, AP sheet 1.3
NORMAL: Final = 0x00  # done
Q_NOT_AVAIL: Final = 0x01  # the APQN is not configured to this system
RESET_IN_PROGRESS: Final = 0x02  # the queue is being reset
DECONFIGURED: Final = 0x03  # the adapter is in standby
CHECKSTOPPED: Final = 0x04  # the adapter has a hardware error
BUSY: Final = 0x05  # a change of state is in progress
INVALID_ADDRESS: Final = 0x06  # AQIC: no such place for the indicator
OTHERWISE_CHANGED: Final = 0x07  # interrupts are in the requested state already
INVALID_GISA: Final = 0x08  # AQIC of a guest
Q_BOUND_TO_ANOTHER: Final = 0x09  # 09..0B, 30..36: Secure Execution
STATE_CHANGE_IN_PROGRESS: Final = 0x0A
Q_NOT_BOUND: Final = 0x0B
Q_FULL: Final = 0x10  # NQAP: the queue is full
NO_PENDING_REPLY: Final = 0x10  # DQAP: nothing to dequeue
INDEX_TOO_BIG: Final = 0x11  # there is no such queue index
NO_FIRST_PART: Final = 0x13  # NQAP in parts: without a first one
MESSAGE_TOO_BIG: Final = 0x15  # the request is larger than a queue element
REQ_FAC_NOT_INST: Final = 0x16  # the special bit, and the card has no special commands
Q_BIND_ERROR: Final = 0x30
Q_NOT_AVAIL_FOR_ASSOC: Final = 0x31
Q_NOT_EMPTY: Final = 0x32
BIND_LIMIT_EXCEEDED: Final = 0x33
INVALID_ASSOC_SECRET: Final = 0x34
ASSOC_SECRET_NOT_UNIQUE: Final = 0x35
ASSOC_FAILED: Final = 0x36
INVALID_DOMAIN: Final = 0x42  # NQAP: the target or control domain is not permitted
PARTIAL_REPLY: Final = 0xFF  # DQAP: the buffer is full and the reply has more (no card's code)
TRANSIENT = frozenset((RESET_IN_PROGRESS, BUSY, Q_FULL))
"""Codes after which a driver comes back to the same queue."""
RESPONSE_NAMES = {
    NORMAL: "NORMAL",
    Q_NOT_AVAIL: "Q_NOT_AVAIL",
    RESET_IN_PROGRESS: "RESET_IN_PROGRESS",
    DECONFIGURED: "DECONFIGURED",
    CHECKSTOPPED: "CHECKSTOPPED",
    BUSY: "BUSY",
    INVALID_ADDRESS: "INVALID_ADDRESS",
    OTHERWISE_CHANGED: "OTHERWISE_CHANGED",
    INVALID_GISA: "INVALID_GISA",
    Q_BOUND_TO_ANOTHER: "Q_BOUND_TO_ANOTHER",
    STATE_CHANGE_IN_PROGRESS: "STATE_CHANGE_IN_PROGRESS",
    Q_NOT_BOUND: "Q_NOT_BOUND",
    Q_FULL: "Q_FULL / NO_PENDING_REPLY",
    INDEX_TOO_BIG: "INDEX_TOO_BIG",
    NO_FIRST_PART: "NO_FIRST_PART",
    MESSAGE_TOO_BIG: "MESSAGE_TOO_BIG",
    REQ_FAC_NOT_INST: "REQ_FAC_NOT_INST",
    Q_BIND_ERROR: "Q_BIND_ERROR",
    Q_NOT_AVAIL_FOR_ASSOC: "Q_NOT_AVAIL_FOR_ASSOC",
    Q_NOT_EMPTY: "Q_NOT_EMPTY",
    BIND_LIMIT_EXCEEDED: "BIND_LIMIT_EXCEEDED",
    INVALID_ASSOC_SECRET: "INVALID_ASSOC_SECRET",
    ASSOC_SECRET_NOT_UNIQUE: "ASSOC_SECRET_NOT_UNIQUE",
    ASSOC_FAILED: "ASSOC_FAILED",
    INVALID_DOMAIN: "INVALID_DOMAIN",
    PARTIAL_REPLY: "PARTIAL_REPLY",
}

# Function facility word (upper half of the hardware information), AP sheet 1.4
APSC: Final = 0x80000000  # S: special command
RSA_ME_4K: Final = 0x40000000  # M: accelerator RSA-ME up to 4096 bits
RSA_CRT_4K: Final = 0x20000000  # C: accelerator RSA-CRT up to 4096 bits
CCA_MODE: Final = 0x10000000  # D
ACCELERATOR_MODE: Final = 0x08000000  # A
EP11_MODE: Final = 0x04000000  # X
APXA: Final = 0x02000000  # N: more than 64 adapters and 16 domains
MODE_FACILITY = {
    "ep11": EP11_MODE,
    "accelerator": ACCELERATOR_MODE,
    "cca": CCA_MODE,
    "timing": APXA,  # no AP adapter at all, so none of the modes: only its times are of interest
}

MESSAGE_UNIT_BYTES: Final = 4096  # unit of the field `ml`
MESSAGE_UNITS_MAX: Final = 15  # four bits
DEPTH_MAX: Final = 16  # the field `qd` is four bits and holds depth - 1

# QCI block, AP sheet 1.5
QCI_BYTES: Final = 128
QCI_APSC: Final = 0x80000000
QCI_APXA: Final = 0x40000000
ADAPTER_MAX: Final = 255
DOMAIN_MAX: Final = 255


def response_code(status: int) -> int:
    """The response code, bits 8..15, of a queue status word."""
    return status >> RESPONSE_CODE_SHIFT & 0xFF


def hardware_info(
    facilities: int, hardware_type: int, domains: int, max_message_bytes: int, depth: int
) -> int:
    """The 64-bit GR2 of TAPQ (AP sheet 1.4): fac 32, at 8, nd 8, - 4, ml 4, - 4, qd 4 bits.

    `domains` is their number (`nd` is the highest), `max_message_bytes` a multiple of 4096 up to 15
    x 4096, `depth` 1..16 (`qd` is depth - 1).
    """
    message_units = max_message_bytes // MESSAGE_UNIT_BYTES
    return (
        facilities << 32
        | hardware_type << 24
        | (domains - 1) << 16
        | message_units << 8
        | (depth - 1)
    )


def qci_block(
    flags: int, highest_domain: int, adapters: Iterable[int], domains: Iterable[int]
) -> bytes:
    """The 128 bytes of QCI (AP sheet 1.5): flags, Na, Nd, adapter, usage and control masks.

    Na is 255: with APXA the bus takes any adapter number. Every usage domain is a control domain
    too.
    """
    usage = mask(domains)
    return b"".join(
        (
            flags.to_bytes(4, "big"),
            bytes((ADAPTER_MAX, highest_domain)),
            bytes(10),
            mask(adapters),
            usage,
            usage,
            bytes(16),
        )
    )


def configured(block: bytes) -> list[int]:
    """The APQNs that a QCI block allows for, as qids in order: adapters times usage domains."""
    adapters, domains = numbers(block[16:48]), numbers(block[48:80])
    return [adapter << 8 | domain for adapter in adapters for domain in domains]


def numbers(mask: bytes) -> list[int]:
    """The bits set in a 256-bit mask, in order, counted from the left."""
    bits = int.from_bytes(mask, "big")
    return [number for number in range(256) if bits >> (255 - number) & 1]


def mask(numbers: Iterable[int]) -> bytes:
    """A 256-bit mask, bit n counted from the left."""
    bits = 0
    for number in numbers:
        bits |= 1 << (255 - number)
    return bits.to_bytes(32, "big")
