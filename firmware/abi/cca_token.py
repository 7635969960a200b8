"""CCA tokens of AES keys: DATA, of 64 bytes, and CIPHER, of variable length (AP sheet 3.9)."""

from typing import NamedTuple

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.layout import Field, Layout

INTERNAL = 0x01
DATA_VERSION = 0x04
CIPHER_VERSION = 0x05
DATA_FLAGS = 0xC0  # a key is there, encrypted
DATA_SIZE = 64
CIPHER_FIXED = 56
CIPHER_MOST = 725
NO_KEY, UNDER_MASTER_KEY = 0, 3  # key material states
AES_MASTER_KEY = 0x01  # type of the verification pattern
AESKW, SHA256 = 0x02, 0x02
ASSOCIATED_AT = 30  # the associated data begin there, and take 26 bytes without a label
ASSOCIATED_SIZE = 26
ALGORITHM_AES = 0x02
TYPE_CIPHER = 0x0001
# Second management field of a key in parts: how many more it needs at least; 0: it is complete.
TWO_PARTS, ONE_PART, NO_PART = 0xC000, 0x8000, 0x4000


class DataToken(NamedTuple):
    """A DATA key."""

    type: int = INTERNAL
    version: int = DATA_VERSION
    flags: int = DATA_FLAGS
    pattern: bytes = bytes(8)
    wrapped: bytes = bytes(32)
    control_vector: bytes = bytes(8)
    bits: int = 0
    size: int = 0
    check: int = 0


DATA_LAYOUT = Layout(
    "AES DATA token",
    DataToken,
    DATA_SIZE,
    Field("type", 0, 1, "0x01: internal"),
    Field("version", 4, 1, "0x04"),
    Field("flags", 6, 1, "0xC0: an encrypted key"),
    Field("pattern", 8, 8, "of the AES master key", raw=True),
    Field("wrapped", 16, 32, "the key under the master key, AES-CBC", raw=True),
    Field("control_vector", 48, 8, "zero", raw=True),
    Field("bits", 56, 2, "128, 192 or 256"),
    Field("size", 58, 2, "bytes of the key in clear"),
    Field("check", 60, 4, "sum of the fifteen words before"),
)


class CipherToken(NamedTuple):
    """The fixed part of a CIPHER key; the wrapped payload follows."""

    type: int = INTERNAL
    length: int = CIPHER_FIXED
    version: int = CIPHER_VERSION
    state: int = NO_KEY
    pattern_type: int = 0
    pattern: bytes = bytes(8)
    wrap_method: int = 0
    hash: int = 0
    payload_version: int = 0
    associated_version: int = 1
    associated_length: int = ASSOCIATED_SIZE
    payload_bits: int = 0
    algorithm: int = ALGORITHM_AES
    key_type: int = TYPE_CIPHER
    usage_fields: int = 2
    usage1: int = 0xC000
    usage2: int = 0xFF00
    management_fields: int = 3
    management1: int = 0x08C8  # what may be exported: to CPACF, under DES, AES and RSA keys
    management2: int = 0
    management3: int = 0


CIPHER_LAYOUT = Layout(
    "AES CIPHER token",
    CipherToken,
    CIPHER_FIXED,
    Field("type", 0, 1, "0x01: internal"),
    Field("length", 2, 2, "bytes of the token"),
    Field("version", 4, 1, "0x05"),
    Field("state", 8, 1, "0 no key, 3 under the master key"),
    Field("pattern_type", 9, 1, "1: of the AES master key"),
    Field("pattern", 10, 8, "of the AES master key", raw=True),
    Field("wrap_method", 26, 1, "2: AESKW"),
    Field("hash", 27, 1, "2: SHA-256"),
    Field("payload_version", 28, 1, "0: as long as the key asks"),
    Field("associated_version", 30, 1, "1"),
    Field("associated_length", 32, 2, "bytes of associated data, from 30 on"),
    Field("payload_bits", 38, 2, "bits of the wrapped payload"),
    Field("algorithm", 41, 1, "2: AES"),
    Field("key_type", 42, 2, "1: CIPHER"),
    Field("usage_fields", 44, 1, "2"),
    Field("usage1", 45, 2, "usage"),
    Field("usage2", 47, 2, "usage"),
    Field("management_fields", 49, 1, "3"),
    Field("management1", 50, 2, "export control"),
    Field("management2", 52, 2, "the two leading bits: how many parts are missing"),
    Field("management3", 54, 2, "0"),
)
SKELETON = CIPHER_LAYOUT.pack(CipherToken())
"""A CIPHER token without a key, which says what the key is to be."""


def pack_data(token: DataToken) -> bytes:
    """64 bytes; the check is computed."""
    front = DATA_LAYOUT.pack(token._replace(check=0))[:60]
    return front + check_word(front).to_bytes(4, "big")


def check_word(front: bytes) -> int:
    """The token validation value: the sum of its words, modulo 2 ** 32."""
    words = (int.from_bytes(front[at : at + 4], "big") for at in range(0, 60, 4))
    return sum(words) & 0xFFFFFFFF


def unpack_data(block: bytes) -> DataToken:
    """A DATA token; WireError for anything else."""
    token = DATA_LAYOUT.unpack(block)
    known = (token.type, token.version, len(block)) == (INTERNAL, DATA_VERSION, DATA_SIZE)
    if not known or token.check != check_word(block) or token.bits != 8 * token.size:
        raise WireError(ReplyCode.OPERAND_INVALID, "AES DATA token: version, check or size")
    return token


def pack_cipher(token: CipherToken, payload: bytes) -> bytes:
    """Fixed part, whose lengths are set, and payload."""
    sized = token._replace(length=CIPHER_FIXED + len(payload), payload_bits=8 * len(payload))
    return CIPHER_LAYOUT.pack(sized) + payload


def unpack_cipher(block: bytes) -> tuple[CipherToken, bytes]:
    """A CIPHER token for AES, with a key or without; WireError for anything else."""
    token = CIPHER_LAYOUT.unpack(block)
    payload = block[CIPHER_FIXED:]
    kind = (token.type, token.version, token.algorithm, token.key_type)
    if kind != (INTERNAL, CIPHER_VERSION, ALGORITHM_AES, TYPE_CIPHER):
        raise WireError(ReplyCode.OPERAND_INVALID, "AES CIPHER token: of another kind")
    if token.length != len(block) or token.payload_bits != 8 * len(payload):
        raise WireError(ReplyCode.OPERAND_INVALID, "AES CIPHER token: lengths do not agree")
    if len(block) > CIPHER_MOST or token.associated_length != ASSOCIATED_SIZE:
        raise WireError(ReplyCode.OPERAND_INVALID, "AES CIPHER token: labels are not supported")
    return token, payload


def associated(block: bytes) -> bytes:
    """What a key is bound to: the associated data of a packed token."""
    return block[ASSOCIATED_AT : ASSOCIATED_AT + ASSOCIATED_SIZE]
