"""One-time passwords: the counter that the token keeps, and their structures (PKCS #11 3.2, HOTP).

CK_OTP_PARAMS and CK_OTP_SIGNATURE_INFO are arrays of (type, pointer, length) behind a pointer and a
count. `mechanism.c` and C_Verify hand them over as they are; `memory` reads what they point to.
A password is made in the form of the structure, with pointers that count from its start.
"""

from collections.abc import Callable, Iterable
from struct import Struct
from typing import ClassVar

from ghostcard import pkcs11 as ck
from ghostcard.driver.errors import Ep11Error
from ghostcard.module.encoding import number, ulong
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object
from ghostcard.module.operation import Password
from ghostcard.module.rule import ID_BYTES, expect
from ghostcard.module.session import Session
from ghostcard.module.template import Attributes
from ghostcard.module.usage import SIGN, VERIFY, check_use

LOOK_AHEAD = 10
"""Passwords beyond the counter that are tried, as RFC 4226, 7.4, has it."""

COUNTER_BYTES = 8
MAX_ENTRIES = 16
_DIGITS = range(6, 9)
_HEAD, _ENTRY = Struct("=QQ"), Struct("=QQQ")

Memory = Callable[[int, int], bytes]


def _nowhere(address: int, length: int) -> bytes:
    raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)


class Host:
    """The application's memory, address and length -> bytes; the edge to C says how it is read."""

    memory: ClassVar[Memory] = staticmethod(_nowhere)


class Image(bytes):
    """A CK_OTP_SIGNATURE_INFO with all that belongs to it; pointers count from its start."""

    def placed_at(self, address: int) -> bytes:
        """The same for a buffer at that address."""
        start, count = _HEAD.unpack_from(self)
        entries = (_ENTRY.unpack_from(self, start + place * _ENTRY.size) for place in range(count))
        moved = (_ENTRY.pack(kind, value + address, size) for kind, value, size in entries)
        end = start + count * _ENTRY.size
        return _HEAD.pack(start + address, count) + b"".join(moved) + self[end:]


def image(entries: Iterable[tuple[int, bytes]]) -> Image:
    """The structure of these parameters."""
    given = list(entries)
    place = _HEAD.size + len(given) * _ENTRY.size
    head, values = [_HEAD.pack(_HEAD.size, len(given))], []
    for kind, value in given:
        head.append(_ENTRY.pack(kind, place, len(value)))
        values.append(value)
        place += len(value)
    return Image(b"".join((*head, *values)))


def entries(structure: bytes) -> dict[int, bytes]:
    """The parameters of a structure; CKR_MECHANISM_PARAM_INVALID."""
    if not structure:
        return {}
    expect(len(structure) >= _HEAD.size)
    start, count = _HEAD.unpack_from(structure)
    expect(count <= MAX_ENTRIES)
    found: dict[int, bytes] = {}
    for place in range(count):
        entry = Host.memory(start + place * _ENTRY.size, _ENTRY.size)
        kind, pointer, size = _ENTRY.unpack(entry)
        expect(size <= 1 << 16)
        found[kind] = Host.memory(pointer, size) if size else b""
    return found


class Otp:
    """C_SignInit or C_VerifyInit with CKM_HOTP."""

    __slots__ = ("_counter", "_digits", "_key")

    def __init__(self, active: Session, mechanism: bytes, key: Object, verifies: bool) -> None:
        check_use(active.slot, mechanism, key, VERIFY if verifies else SIGN)
        given = entries(mechanism[ID_BYTES:])
        self._key = key
        self._digits = _digits(given, key)
        self._counter = _counter(given, key)

    @property
    def room(self) -> int:
        """Bytes of the structure that comes out."""
        return _HEAD.size + 2 * _ENTRY.size + self._digits + COUNTER_BYTES

    def sign(self, active: Session, data: bytes) -> Image:
        """The next password, or that of the counter that was asked for, and its counter."""
        if data:
            raise CryptokiError(ck.CKR_DATA_LEN_RANGE)
        if self._counter is not None:
            return self._made(active, self._counter)
        made = image(())

        def next_one(kept: Attributes) -> tuple[Attributes, bytes]:
            nonlocal made
            counter = _kept(kept)
            made = self._made(active, counter)
            return _moved_on(kept, counter + 1), self._key.blob

        active.token.change(self._key, next_one)
        return made

    def verify(self, active: Session, data: bytes, signature: bytes) -> None:
        """CKR_SIGNATURE_INVALID unless the password is the next, or not far behind it; the counter
        then moves beyond it. A counter that the application gave as a parameter counts alone.
        """
        if data:
            raise CryptokiError(ck.CKR_DATA_LEN_RANGE)
        told = entries(signature)
        password = told.get(ck.CK_OTP_VALUE, b"")
        if self._counter is not None:
            if not self._holds(active, self._counter, password):
                raise CryptokiError(ck.CKR_SIGNATURE_INVALID)
            return

        def beyond_it(kept: Attributes) -> tuple[Attributes, bytes]:
            for counter in _candidates(_kept(kept), told.get(ck.CK_OTP_COUNTER)):
                if self._holds(active, counter, password):
                    return _moved_on(kept, counter + 1), self._key.blob
            raise CryptokiError(ck.CKR_SIGNATURE_INVALID)

        active.token.change(self._key, beyond_it)

    def _made(self, active: Session, counter: int) -> Image:
        password = active.slot.host.sign_single(self._asked(counter), self._key.for_card(), b"")
        told = ((ck.CK_OTP_VALUE, password), (ck.CK_OTP_COUNTER, _encoded(counter)))
        return image(told)

    def _holds(self, active: Session, counter: int, password: bytes) -> bool:
        key = self._key.for_card()
        try:
            active.slot.host.verify_single(self._asked(counter), key, b"", password)
        except Ep11Error as error:
            if error.rv == ck.CKR_SIGNATURE_LEN_RANGE:
                raise CryptokiError(ck.CKR_SIGNATURE_LEN_RANGE) from error
            if error.rv != ck.CKR_SIGNATURE_INVALID:
                raise
            return False
        return True

    def _asked(self, counter: int) -> bytes:
        """The mechanism as the card takes it."""
        head = ck.CKM_HOTP.to_bytes(4, "big") + self._digits.to_bytes(4, "big")
        return head + _encoded(counter)


def password(active: Session, mechanism: bytes, key: Object, verifies: bool) -> Password:
    """C_SignInit or C_VerifyInit with a key for one-time passwords."""
    otp = Otp(active, mechanism, key, verifies)
    return Password(
        otp.room, lambda data: otp.sign(active, data), lambda *both: otp.verify(active, *both)
    )


def _digits(given: dict[int, bytes], key: Object) -> int:
    """Digits of the password; only decimal passwords are made."""
    form = given.get(ck.CK_OTP_OUTPUT_FORMAT, key.attributes[ck.CKA_OTP_FORMAT])
    length = given.get(ck.CK_OTP_OUTPUT_LENGTH, key.attributes[ck.CKA_OTP_LENGTH])
    expect(form == ulong(ck.CK_OTP_FORMAT_DECIMAL))
    expect(given.get(ck.CK_OTP_FLAGS, ulong(0)) == ulong(0))
    known = (ck.CK_OTP_OUTPUT_FORMAT, ck.CK_OTP_OUTPUT_LENGTH, ck.CK_OTP_FLAGS, ck.CK_OTP_COUNTER)
    expect(all(kind in known for kind in given))
    expect(len(length) == len(ulong(0)) and number(length) in _DIGITS)
    return number(length)


def _counter(given: dict[int, bytes], key: Object) -> int | None:
    """The counter that the application wants, None for the token's."""
    wish = given.get(ck.CK_OTP_COUNTER)
    requirement = number(key.attributes[ck.CKA_OTP_COUNTER_REQUIREMENT])
    expect(wish is not None or requirement != ck.CK_OTP_PARAM_MANDATORY)
    if wish is None or requirement == ck.CK_OTP_PARAM_IGNORED:
        return None
    expect(len(wish) == COUNTER_BYTES)
    return int.from_bytes(wish, "big")


def _candidates(kept: int, told: bytes | None) -> range:
    """The counters that may have made a password. What comes with it must not be from the past."""
    if told is None:
        return range(kept, kept + LOOK_AHEAD + 1)
    counter = int.from_bytes(told, "big")
    return range(counter, counter + 1) if counter >= kept else range(0)


def _kept(attributes: Attributes) -> int:
    return int.from_bytes(attributes[ck.CKA_OTP_COUNTER], "big")


def _encoded(counter: int) -> bytes:
    return (counter % (1 << 8 * COUNTER_BYTES)).to_bytes(COUNTER_BYTES, "big")


def _moved_on(attributes: Attributes, counter: int) -> Attributes:
    return attributes | {ck.CKA_OTP_COUNTER: _encoded(counter)}
