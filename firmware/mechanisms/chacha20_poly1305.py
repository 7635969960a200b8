"""ChaCha20-Poly1305 (PKCS #11 3.2; RFC 8439, 2.8).

In one piece it is the library's; encryption in parts is composed of its two halves.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms.aead import HeldDecryption
from ghostcard.firmware.mechanisms.block import CRYPT, WRAP
from ghostcard.firmware.mechanisms.chacha20 import BLOCK, KEY_BYTES, opened
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.mechanism import CipherStream, Mechanism, parameters
from ghostcard.firmware.mechanisms.poly1305 import TAG
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

NONCE = 12  # bytes; the standard's 8 and 24 are not in the library
_STEP = 16  # to whole ones of which Poly1305 is filled up


class ChaChaPoly(Mechanism):
    """CKM_CHACHA20_POLY1305: ciphertext, then the tag of 16 bytes."""

    __slots__ = ()
    counts_bytes = True

    def __init__(self, flags: int) -> None:
        super().__init__(ck.CKM_CHACHA20_POLY1305, KEY_BYTES, KEY_BYTES, flags, ck.CKK_CHACHA20)

    def operation(self, key: Key, use: str) -> str:
        return "chacha20-poly1305"

    def encrypter(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        seal = ChaCha20Poly1305(key.material).encrypt

        def encrypt(params: bytes, data: bytes) -> bytes:
            nonce, aad = _asked(params)
            return seal(nonce, data, aad)

        return encrypt

    def decrypter(self, key: Key) -> Transform:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        unseal = ChaCha20Poly1305(key.material).decrypt

        def decrypt(params: bytes, data: bytes) -> bytes:
            nonce, aad = _asked(params)
            if len(data) < TAG:
                raise Refused(ck.CKR_ENCRYPTED_DATA_LEN_RANGE)
            try:
                return unseal(nonce, data, aad)
            except InvalidTag:
                raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None

        return decrypt

    def encryption(self, key: Key, params: bytes) -> CipherStream:
        return ChaChaPolyEncryption(key.material, *_asked(params))

    def decryption(self, key: Key, params: bytes) -> CipherStream:
        _asked(params)
        return HeldDecryption(self.decrypter(key), params)

    def encrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        _asked(params)
        return size + TAG

    def decrypted_bytes(self, key: Key, params: bytes, size: int) -> int:
        _asked(params)
        return max(size - TAG, 0)

    def released_bytes(self, use: str, size: int) -> int:
        return 0 if use == "decrypt" else size


def _asked(params: bytes) -> wire.ChaCha20Poly1305:
    asked = parameters(ck.CKM_CHACHA20_POLY1305, params, wire.ChaCha20Poly1305)
    if len(asked.nonce) != NONCE:
        raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
    return asked


class ChaChaPolyEncryption:
    """In parts: ciphertext at once, the tag at the end."""

    __slots__ = ("_aad_bytes", "_context", "_data_bytes", "_poly")

    def __init__(self, value: bytes, nonce: bytes, aad: bytes) -> None:
        from cryptography.hazmat.primitives.poly1305 import Poly1305

        self._context = opened(value, bytes(4) + nonce)
        self._poly = Poly1305(self._context.update(bytes(BLOCK))[:KEY_BYTES])
        self._poly.update(aad + _fill(len(aad)))
        self._aad_bytes = len(aad)
        self._data_bytes = 0

    def update(self, data: bytes, /) -> bytes:
        made = self._context.update(data)
        self._poly.update(made)
        self._data_bytes += len(data)
        return made

    def finish(self) -> bytes:
        lengths = (self._aad_bytes, self._data_bytes)
        sizes = b"".join(length.to_bytes(8, "little") for length in lengths)
        self._poly.update(_fill(self._data_bytes) + sizes)
        return self._poly.finalize()


def _fill(size: int) -> bytes:
    return bytes(-size % _STEP)


# RFC 8439, 2.8.2.
_KEY = bytes(range(0x80, 0xA0))
_NONCE = bytes.fromhex("070000004041424344454647")
_AAD = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
_PLAIN = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    b"sunscreen would be it."
)
_SEALED = bytes.fromhex(
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
    "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
    "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
    "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"
)


def known_answers() -> bool:
    """The case above is encrypted in both ways, and decrypted; a changed tag is refused."""
    mechanism, key = ChaChaPoly(CRYPT), secret_key(ck.CKK_CHACHA20, _KEY)
    params = pack(ck.CKM_CHACHA20_POLY1305, wire.ChaCha20Poly1305(_NONCE, _AAD))[4:]
    stream = mechanism.encryption(key, params)
    parts = stream.update(_PLAIN[:5]) + stream.update(_PLAIN[5:]) + stream.finish()
    if mechanism.encrypter(key)(params, _PLAIN) != _SEALED or parts != _SEALED:
        return False
    decrypt = mechanism.decrypter(key)
    try:
        decrypt(params, _SEALED[:-1] + bytes((_SEALED[-1] ^ 1,)))
    except Refused:
        return decrypt(params, _SEALED) == _PLAIN
    return False


def register(table: Table) -> None:
    """Add CKM_CHACHA20_POLY1305."""
    table.register("chacha20-poly1305", known_answers, [ChaChaPoly(CRYPT | WRAP)])
