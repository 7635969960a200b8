"""Secure AES keys of a CCA domain: wrapping and unwrapping under its AES master key (AP sheet 3.9).

A DATA key lies in its token under AES-CBC with a zero IV, filled with zeros to 32 bytes. A CIPHER
key lies under AES key wrap (RFC 3394): eight bytes of header, the SHA-256 of the associated data
and the key, which makes 512, 576 or 640 bits. What is in the header is ours.
"""

from hmac import compare_digest

from ghostcard.firmware.abi import cca_token
from ghostcard.firmware.abi.cca_function import BAD_TOKEN, OTHER_MASTER_KEY
from ghostcard.firmware.abi.cca_token import CipherToken, DataToken
from ghostcard.firmware.cca.refusal import Refused

_HASH_SIZE = 32
_HEADER_SIZE = 8


def seal_data(master: bytes, pattern: bytes, key: bytes) -> bytes:
    """A DATA token for a key of 16, 24 or 32 bytes."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    encryptor = Cipher(algorithms.AES(master), modes.CBC(bytes(16))).encryptor()
    wrapped = encryptor.update(key.ljust(32, b"\0")) + encryptor.finalize()
    token = DataToken(pattern=pattern, wrapped=wrapped, bits=8 * len(key), size=len(key))
    return cca_token.pack_data(token)


def open_data(master: bytes, pattern: bytes, block: bytes) -> bytes:
    """The key of a DATA token; refused under another master key."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    token = cca_token.unpack_data(block)
    if token.pattern != pattern:
        raise Refused(OTHER_MASTER_KEY)
    decryptor = Cipher(algorithms.AES(master), modes.CBC(bytes(16))).decryptor()
    padded = decryptor.update(token.wrapped) + decryptor.finalize()
    return padded[: token.size]


def seal_cipher(master: bytes, pattern: bytes, kind: CipherToken, key: bytes) -> bytes:
    """A CIPHER token of that kind for a key of 16, 24 or 32 bytes."""
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    token = kind._replace(
        state=cca_token.UNDER_MASTER_KEY,
        pattern_type=cca_token.AES_MASTER_KEY,
        pattern=pattern,
        wrap_method=cca_token.AESKW,
        hash=cca_token.SHA256,
    )
    payload = bytes(_HEADER_SIZE + _HASH_SIZE + len(key))
    unsealed = cca_token.pack_cipher(token, payload + bytes(8))  # the wrap adds 8 bytes
    header = len(key).to_bytes(_HEADER_SIZE, "big")
    payload = aes_key_wrap(master, header + _bound_to(unsealed) + key)
    return unsealed[: cca_token.CIPHER_FIXED] + payload


def open_cipher(master: bytes, pattern: bytes, block: bytes) -> tuple[CipherToken, bytes]:
    """What a CIPHER token says of its key, and the key; refused if it is not as it was sealed."""
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

    token, wrapped = cca_token.unpack_cipher(block)
    if token.state != cca_token.UNDER_MASTER_KEY:
        raise Refused(BAD_TOKEN)
    if token.pattern != pattern:
        raise Refused(OTHER_MASTER_KEY)
    try:
        payload = aes_key_unwrap(master, wrapped)
    except (InvalidUnwrap, ValueError):
        raise Refused(BAD_TOKEN) from None
    key = payload[_HEADER_SIZE + _HASH_SIZE :]
    front = len(key).to_bytes(_HEADER_SIZE, "big") + _bound_to(block)
    if not compare_digest(payload[: len(front)], front):
        raise Refused(BAD_TOKEN)
    return token, key


def _bound_to(block: bytes) -> bytes:
    from hashlib import sha256

    return sha256(cca_token.associated(block)).digest()
