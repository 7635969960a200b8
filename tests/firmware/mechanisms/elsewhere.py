"""RSA keys whose exponentiations are done elsewhere: here, by Python."""

from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import rsa
from ghostcard.firmware.mechanisms.key import Key


def as_it_is(key: Key) -> Key:
    """A key that computes by itself."""
    return key


def by_python(key: Key) -> Key:
    """The same key, its exponentiations left to `pow`."""
    n, e = rsa.public_numbers(key)
    exponent = e if key.object_class == ck.CKO_PUBLIC_KEY else rsa.all_numbers(key)[2]
    size = rsa.width(key.bits)

    def power(message: bytes) -> bytes:
        assert len(message) == size
        return pow(int.from_bytes(message, "big"), exponent, n).to_bytes(size, "big")

    key.power = power
    return key


Place = Callable[[Key], Key]
PLACES: tuple[Place, ...] = (as_it_is, by_python)
