"""The parameter of one message, and the IVs a token makes for messages (PKCS #11 3.2, 5.9, 5.11).

A message is an encryption of its own, with an IV or nonce of its own, of which the tag stands
apart; what the card does for it is what it does for C_Encrypt.
"""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError

if TYPE_CHECKING:
    from ghostcard.firmware.abi.parameters import Parameters

GCM, CCM, CHACHA = 48, 56, 24
"""Bytes of CK_GCM_MESSAGE_PARAMS, CK_CCM_MESSAGE_PARAMS, CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS,
which so tell themselves apart.
"""


class MessageParameter(NamedTuple):
    """One of these structures: its bytes, the length of the data where it must be told (CCM), IV
    or nonce with the bits of it that are fixed, CKG_*, bits of the tag, and the tag of a message to
    decrypt.
    """

    structure: int
    data_bytes: int
    iv: bytes
    fixed_bits: int
    generator: int
    tag_bits: int
    tag: bytes


class Form(NamedTuple):
    """How a mechanism takes messages: its structure, and the parameters the card gets for one of
    so many bytes.
    """

    structure: int
    parameters: "Callable[[MessageParameter, bytes, int], Parameters]"


# The structures of the wire are loaded with the first message: 3 ms of the start, and few use them.


def _gcm(it: MessageParameter, aad: bytes, size: int) -> "Parameters":
    from ghostcard.firmware.abi.parameters import Gcm

    return Gcm(it.tag_bits, it.iv, aad)


def _ccm(it: MessageParameter, aad: bytes, size: int) -> "Parameters":
    from ghostcard.firmware.abi.parameters import Ccm

    return Ccm(size, it.tag_bits // 8, it.iv, aad)


def _chacha(it: MessageParameter, aad: bytes, size: int) -> "Parameters":
    from ghostcard.firmware.abi.parameters import ChaCha20Poly1305

    return ChaCha20Poly1305(it.iv, aad)


FORMS: dict[int, Form] = {
    ck.CKM_AES_GCM: Form(GCM, _gcm),
    ck.CKM_AES_CCM: Form(CCM, _ccm),
    ck.CKM_CHACHA20_POLY1305: Form(CHACHA, _chacha),
}
"""The mechanisms that encrypt messages."""


def _packed(mechanism: int, parameters: "Parameters") -> bytes:
    from ghostcard.firmware.abi.mechanism import pack

    return pack(mechanism, parameters)


def form_of(mechanism: int) -> Form:
    """CKR_MECHANISM_INVALID if the mechanism does not encrypt messages."""
    try:
        return FORMS[mechanism]
    except KeyError:
        raise CryptokiError(ck.CKR_MECHANISM_INVALID) from None


def probe(mechanism: int) -> bytes:
    """The mechanism as the card takes it, for a usual message of no bytes: to ask what depends on
    no message.
    """
    form = form_of(mechanism)
    usual = MessageParameter(form.structure, 0, bytes(12), 0, ck.CKG_NO_GENERATE, 128, b"")
    return _packed(mechanism, form.parameters(usual, b"", 0))


def for_card(mechanism: int, parameter: MessageParameter, aad: bytes, size: int | None) -> bytes:
    """The mechanism of one message of ``size`` bytes of data, or as many as the parameter tells.

    CKR_MECHANISM_PARAM_INVALID for the structure of another mechanism, or another length than it
    tells.
    """
    form = form_of(mechanism)
    if parameter.structure != form.structure:
        raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
    if form.structure == CCM and size not in (None, parameter.data_bytes):
        raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
    told = parameter.data_bytes if size is None else size
    return _packed(mechanism, form.parameters(parameter, aad, told))


class IvSource:
    """The IVs of one message-based encryption; ``draw`` gives random bytes.

    CKG_GENERATE_COUNTER counts from 0 in the bits that are not fixed, CKG_GENERATE_COUNTER_XOR
    XORs that count onto the bits of the first message's IV, CKG_GENERATE_RANDOM draws them, and
    CKG_GENERATE, the token's choice, counts from a number drawn at the first message: no IV comes
    twice here, whichever threads ask, and hardly with another encryption under the same key.
    """

    __slots__ = ("_base", "_count", "_draw", "_lock", "_start")

    def __init__(self, draw: Callable[[int], bytes]) -> None:
        self._draw = draw
        self._lock = Lock()
        self._count = 0
        self._base: int | None = None
        self._start: int | None = None

    def next(self, parameter: MessageParameter) -> bytes:
        """The IV of the next message. CKR_MECHANISM_PARAM_INVALID for a generator unknown, or that
        has no bits to set; CKR_TOKEN_RESOURCE_EXCEEDED when all counts have been given out.
        """
        if parameter.generator == ck.CKG_NO_GENERATE:
            return parameter.iv
        size = len(parameter.iv)
        free_bits = 8 * size - parameter.fixed_bits
        if free_bits <= 0 or parameter.generator > ck.CKG_GENERATE_COUNTER_XOR:
            raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
        given = int.from_bytes(parameter.iv, "big")
        mask = (1 << free_bits) - 1
        with self._lock:
            if self._count > mask:
                raise CryptokiError(ck.CKR_TOKEN_RESOURCE_EXCEEDED)
            made = given & ~mask | self._free(parameter.generator, given, size) & mask
            self._count += parameter.generator != ck.CKG_GENERATE_RANDOM
        return made.to_bytes(size, "big")

    def _free(self, generator: int, given: int, size: int) -> int:
        """The bits that are not fixed, under others."""
        if generator == ck.CKG_GENERATE_COUNTER:
            return self._count
        if generator == ck.CKG_GENERATE_COUNTER_XOR:
            if self._base is None:
                self._base = given
            return self._base ^ self._count
        if generator == ck.CKG_GENERATE_RANDOM:
            return self._drawn(size)
        if self._start is None:
            self._start = self._drawn(size)
        return self._start + self._count

    def _drawn(self, size: int) -> int:
        return int.from_bytes(self._draw(size), "big")
