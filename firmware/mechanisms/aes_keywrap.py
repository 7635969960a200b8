"""AES key wrap with and without padding (PKCS #11 3.2, 6.13.12; RFC 3394, RFC 5649)."""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.aes import BLOCK, WRAP, AesMode
from ghostcard.firmware.mechanisms.key import Key, Transform
from ghostcard.firmware.mechanisms.mechanism import no_parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table

HALF = BLOCK // 2


class KeyWrap(AesMode):
    """CKM_AES_KEY_WRAP: values of whole half blocks, two at least."""

    __slots__ = ()

    def wrapper(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.keywrap import aes_key_wrap

        def wrap(params: bytes, value: bytes) -> bytes:
            no_parameters(params)
            if len(value) % HALF or len(value) < BLOCK:
                raise Refused(ck.CKR_KEY_SIZE_RANGE)
            return aes_key_wrap(key.material, value)

        return wrap

    def unwrapper(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

        def unwrap(params: bytes, wrapped: bytes) -> bytes:
            no_parameters(params)
            try:
                return aes_key_unwrap(key.material, wrapped)
            except InvalidUnwrap:
                raise Refused(ck.CKR_WRAPPED_KEY_INVALID) from None

        return unwrap

    def wrapped_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size + HALF


class KeyWrapPadded(AesMode):
    """CKM_AES_KEY_WRAP_KWP: values of any length."""

    __slots__ = ()

    def wrapper(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

        def wrap(params: bytes, value: bytes) -> bytes:
            no_parameters(params)
            return aes_key_wrap_with_padding(key.material, value)

        return wrap

    def unwrapper(self, key: Key) -> Transform:
        from cryptography.hazmat.primitives.keywrap import (
            InvalidUnwrap,
            aes_key_unwrap_with_padding,
        )

        def unwrap(params: bytes, wrapped: bytes) -> bytes:
            no_parameters(params)
            try:
                return aes_key_unwrap_with_padding(key.material, wrapped)
            except InvalidUnwrap:
                raise Refused(ck.CKR_WRAPPED_KEY_INVALID) from None

        return unwrap

    def wrapped_bytes(self, key: Key, params: bytes, size: int) -> int:
        return size + -size % HALF + HALF


# RFC 3394, 4.6 (256 bits of key data under a 256-bit key); RFC 5649, 6 (7 octets, 192-bit key).
_KEK = bytes(range(32))
_VALUE = bytes.fromhex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f")
_WRAPPED = bytes.fromhex(
    "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"
)
_PAD_KEK = bytes.fromhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
_PAD_VALUE = bytes.fromhex("466f7250617369")
_PAD_WRAPPED = bytes.fromhex("afbeb0f07dfbf5419200f2ccb50bb24f")


def _mechanisms() -> list[AesMode]:
    return [
        KeyWrap(ck.CKM_AES_KEY_WRAP, "ecb", ck.CKF_HW | WRAP),
        KeyWrapPadded(ck.CKM_AES_KEY_WRAP_KWP, "ecb", ck.CKF_HW | WRAP),
    ]


def known_answers() -> bool:
    """Both cases above, there and back."""
    cases = zip(
        _mechanisms(),
        ((_KEK, _VALUE, _WRAPPED), (_PAD_KEK, _PAD_VALUE, _PAD_WRAPPED)),
        strict=True,
    )
    return all(
        mechanism.wrapper(key := secret_key(ck.CKK_AES, kek))(b"", value) == wrapped
        and mechanism.unwrapper(key)(b"", wrapped) == value
        for mechanism, (kek, value, wrapped) in cases
    )


def register(table: Table) -> None:
    """Add CKM_AES_KEY_WRAP and CKM_AES_KEY_WRAP_KWP."""
    table.register("aes-keywrap", known_answers, _mechanisms())
