"""Key blobs: the clear view of a wrapped key (AP sheet 3.8), and how large each kind of key is.

`encrypted` is what the card's wrapping hides, attributes and key, and its size depends on the kind
of key alone: padded, so that no length on the wire follows a random value. The blob ends with a MAC
over everything before it.
"""

from typing import NamedTuple

from ghostcard import pkcs11 as p
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.layout import Field, Layout

HEADER_SIZE = 80
MAC_SIZE = 32
SESSION_SIZE = 32
WKID_SIZE = 16
IV_SIZE = 14
VERSION = 0x1234
NO_SESSION = bytes(SESSION_SIZE)

ATTRIBUTES_SIZE = 80  # room for the hidden attributes in front of the key value
VALUE_STEP = 64  # key values are padded to a multiple of this


class Header(NamedTuple):
    """The 80 clear bytes in front of the encrypted part."""

    session: bytes
    wkid: bytes
    booleans: int
    mode: int
    version: int
    iv: bytes


LAYOUT = Layout(
    "key blob",
    Header,
    HEADER_SIZE,
    Field("session", 0, 32, "session id, zeros if not bound to one", raw=True),
    Field("wkid", 32, 16, "start of the wrapping key's verification pattern", raw=True),
    Field("booleans", 48, 8, "boolean attributes; the effective ones in the low 32 bits"),
    Field("mode", 56, 8, "compliance bits"),
    Field("version", 64, 2, "0x1234"),
    Field("iv", 66, 14, "IV or salt of the encryption", raw=True),
)


class Blob(NamedTuple):
    """A key blob in its clear view; sizes in bytes: session 32, wkid 16, iv 14, mac 32."""

    session: bytes
    wkid: bytes
    booleans: int
    mode: int
    iv: bytes
    encrypted: bytes
    mac: bytes


def pack_header(session: bytes, wkid: bytes, booleans: int, mode: int, iv: bytes) -> bytes:
    """The 80 bytes that, with the encrypted part behind them, the MAC covers."""
    return LAYOUT.pack(Header(session, wkid, booleans, mode, VERSION, iv))


def pack(blob: Blob) -> bytes:
    """The bytes of a blob; WireError if a field has a wrong size or the session begins as DER."""
    if blob.session[:1] == b"\x30" or len(blob.mac) != MAC_SIZE:
        raise WireError(ReplyCode.FORMAT_FIELD, "key blob: impossible session id or MAC")
    header = pack_header(blob.session, blob.wkid, blob.booleans, blob.mode, blob.iv)
    return header + blob.encrypted + blob.mac


def unpack(block: bytes) -> Blob:
    """Parse the clear view; WireError if too short, of another version, or an SPKI."""
    if len(block) < HEADER_SIZE + MAC_SIZE:
        raise WireError(ReplyCode.MALFORMED_MSG, f"key blob: {len(block)} bytes are too few")
    header = LAYOUT.unpack(block)
    if header.version != VERSION or is_public(block):
        raise WireError(ReplyCode.MALFORMED_MSG, "key blob: unknown version")
    session, wkid, booleans, mode, _, iv = header
    encrypted = block[HEADER_SIZE:-MAC_SIZE]
    return Blob(session, wkid, booleans, mode, iv, encrypted, block[-MAC_SIZE:])


def is_public(block: bytes) -> bool:
    """Whether a key parameter is an SPKI rather than a blob: only an SPKI begins with 0x30."""
    return block[:1] == b"\x30"


def value_bytes(key_type: int, size: int) -> int:
    """Room for the key value in the encrypted part, a multiple of 64.

    `size` is in bytes: of the modulus for RSA, of the prime for DSA and Diffie-Hellman, of the
    field for EC, of the public key for the post-quantum types, of the key for the rest. The
    room holds the key as PKCS #8 with its public part, or any smaller form.
    """
    if key_type in (p.CKK_DSA, p.CKK_DH, p.CKK_X9_42_DH):  # prime, order, base, both values
        needed = 5 * size
    elif (
        key_type == p.CKK_RSA
    ):  # modulus, private exponent, five half-size numbers, public exponent
        needed = 4 * size + (size + 1) // 2 + 128
    elif key_type == p.CKK_EC:  # private number and public point
        needed = 3 * size + 64
    elif key_type in (p.CKK_EC_EDWARDS, p.CKK_EC_MONTGOMERY, p.CKK_ML_KEM, p.CKK_SLH_DSA):
        needed = 2 * size + 64  # of the latter two: the private key in full
    elif key_type == p.CKK_ML_DSA:  # the seed and the public key
        needed = size + 64
    else:
        needed = max(size, 1)
    return -(-needed // VALUE_STEP) * VALUE_STEP


def encrypted_bytes(key_type: int, size: int) -> int:
    """Size of the encrypted part: 144 for every secret key of up to 64 bytes."""
    return ATTRIBUTES_SIZE + value_bytes(key_type, size)


def blob_bytes(key_type: int, size: int) -> int:
    """Size of the whole blob: 256 for every secret key of up to 64 bytes."""
    return HEADER_SIZE + encrypted_bytes(key_type, size) + MAC_SIZE
