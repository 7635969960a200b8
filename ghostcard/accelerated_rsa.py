"""RSA of a host's software by its accelerators: what an opened key computes with (`Key.power`)."""

import errno
from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.driver.accelerator import AcceleratorHost
from ghostcard.driver.errors import DriverError
from ghostcard.firmware.abi.type50 import MAX_MODULUS
from ghostcard.firmware.mechanisms import rsa
from ghostcard.firmware.mechanisms.key import Key, Power
from ghostcard.firmware.mechanisms.refusal import Refused

Numbers = tuple[int, ...]

# In the place of operands where nothing is computed: the least that a card takes for numbers.
_NULL_PUBLIC: Numbers = (3, 1)  # n, e
_NULL_PRIME: Numbers = (3, 1, 1, 1, 1)  # p, q, d mod p-1, d mod q-1, 1/q mod p


class AcceleratedRsa:
    """Equips RSA keys of up to 4096 bits; ``is_null``: their values are of no account."""

    def __init__(self, host: AcceleratorHost, is_null: bool) -> None:
        self._host = host
        self._is_null = is_null

    def equip(self, key: Key) -> None:
        """Have the cards do the key's exponentiations; larger ones are left to the host."""
        size = rsa.width(key.bits)
        if key.key_type != ck.CKK_RSA or size > MAX_MODULUS:
            return
        if key.object_class == ck.CKO_PUBLIC_KEY:
            numbers = _NULL_PUBLIC if self._is_null else rsa.public_numbers(key)
            key.power = self._by_modulus(numbers, size)
        else:
            numbers = _NULL_PRIME if self._is_null else _larger_first(*rsa.all_numbers(key)[3:])
            key.power = self._by_primes(numbers, size)

    def _by_modulus(self, numbers: Numbers, size: int) -> Power:
        n, e = _operands(numbers, size)
        ask = self._host.mod_expo
        return lambda message: _told(lambda: ask(n, e, message))

    def _by_primes(self, numbers: Numbers, size: int) -> Power:
        p, q, dp, dq, u = _operands(numbers, (size + 1) // 2)
        ask = self._host.mod_expo_crt
        return lambda message: _told(lambda: ask(p, q, dp, dq, u, message))


def _operands(numbers: Numbers, size: int) -> tuple[bytes, ...]:
    return tuple(number.to_bytes(size, "big") for number in numbers)


def _larger_first(p: int, q: int, dp: int, dq: int, u: int) -> Numbers:
    """The same primes with p > q: it is p that requests have more room for (AP sheet 3.1)."""
    return (p, q, dp, dq, u) if p > q else (q, p, dq, dp, pow(p, -1, q))


def _told(ask: Callable[[], bytes]) -> bytes:
    """What the cards answer; what happens on the way becomes the software's return value."""
    try:
        return ask()
    except DriverError as error:
        is_gone = error.code == errno.ENODEV
        raise Refused(ck.CKR_DEVICE_REMOVED if is_gone else ck.CKR_DEVICE_ERROR) from None
