"""CCA functions: codes, keywords, flags, sizes, weights, answers (AP sheet 3.4, 3.9, 4.2).

What the kernel asks of a coprocessor; layouts inside the parameters are in `cca_message`.
"""

from enum import IntEnum
from typing import NamedTuple

from ghostcard.firmware.abi.operations import FACTOR_HIGH, FACTOR_LOW, FACTOR_MEDIUM

RULE_BYTES = 8


def rule(word: str) -> bytes:
    """A keyword of the rule array, filled with blanks."""
    return word.encode("ascii").ljust(RULE_BYTES)


ENCRYPT = b"PK"  # RSA by modulus
DECRYPT = b"PD"  # RSA by primes
RANDOM_LONG = b"RL"
GENERATE_DATA = b"KG"
IMPORT_DATA = b"CM"
GENERATE_CIPHER = b"GK"
IMPORT_PART = b"IP"
FACILITY_QUERY = b"FQ"

RULE_ENCRYPT = rule("MRP")
RULE_DECRYPT = rule("ZERO-PAD")
RULE_RANDOM = rule("RANDOM")
AES = rule("AES")
OP = rule("OP")
FIRST, ADD_PART, COMPLETE = rule("FIRST"), rule("ADD-PART"), rule("COMPLETE")
MIN3PART = rule("MIN3PART")
STATICSA, STATICSB = rule("STATICSA"), rule("STATICSB")
AESDATA = rule("AESDATA")
TOKEN = rule("TOKEN")
KEYLN = {16: rule("KEYLN16"), 24: rule("KEYLN24"), 32: rule("KEYLN32")}

FLAG_IN, FLAG_OUT = 0x0010, 0x0030  # of entries of the key block
FLAG_KEY_BITS, FLAG_CLEAR_KEY = 0x0064, 0x0063  # of entries of IMPORT_PART's data

KEY_BYTES = tuple(KEYLN)
RANDOM_MOST = 8192  # bytes of one request; the kernel asks for 4096
QUERY_ROOM = 4096  # bytes of data that a facility query brings along
RSA_REPLY_ROOM = 0x77C - 88
KEY_ROOM = 220 + 512  # CPRBX and the parameters that the kernel has room for
MIN_MODULUS, MAX_MODULUS = 16, 512  # bytes


class Code(NamedTuple):
    """Return and reason code of a refusal."""

    rtcode: int
    rscode: int


# The numbers are CCA's; which of them a refusal has is known for RSA alone: these are "caller's
# data bad" to the driver. The others are ours.
BAD_KEY = Code(8, 65)
BAD_DATA = Code(8, 66)
BAD_SIZE = Code(8, 72)
BAD_TOKEN = Code(8, 770)
UNKNOWN_RULE = Code(8, 33)
OTHER_MASTER_KEY = Code(8, 48)
CALLERS_FAULT = frozenset((BAD_KEY, BAD_DATA, BAD_SIZE, BAD_TOKEN, Code(12, 769)))
OUTPUT_ABOVE_2K = 0x14F  # a reason of which the driver makes EINVAL on cards with 4096 bits


class Weight(IntEnum):
    """What a CPRB weighs by, after the request classes of RSA and random numbers, which are 0 ... 6
    (`driver.ratings.RequestClass`)."""

    LOW = 48
    MEDIUM = 49
    HIGH = 50


FACTORS = {Weight.LOW: FACTOR_LOW, Weight.MEDIUM: FACTOR_MEDIUM, Weight.HIGH: FACTOR_HIGH}
_LOW = "AB AI AM CA CD CT CX DK EX FC FQ LG LK LQ OH PO PS PX SC SD SE SP"
_HIGH = (
    "AK CE CI CM HG HI HM HP HQ IT IX KC KD KE KG KH KI KN KP KR KT KX MP MS MV MX PD PE PF PG "
    "PI PK PM RT SG SI SK SM SV SX TC TK VG"
)
_WEIGHTS = {
    **dict.fromkeys(_LOW.encode("ascii").split(), Weight.LOW),
    **dict.fromkeys(_HIGH.encode("ascii").split(), Weight.HIGH),
}


def weight(code: bytes) -> Weight:
    """The weight of a CPRB by its function code (AP sheet 4.2)."""
    return _WEIGHTS.get(code, Weight.MEDIUM)
