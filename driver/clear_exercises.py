"""Exercises with RSA keys in clear. Operands are valid, but no key of anybody."""

from typing import TYPE_CHECKING

from ghostcard.firmware.abi.operations import ACCELERATOR_BITS

if TYPE_CHECKING:
    from ghostcard.driver.accelerator import AcceleratorHost
    from ghostcard.driver.cca import CcaHost

_EXPONENT = 65537


class ClearRsa:
    """One exponentiation with a modulus of `size` bytes, or two half as wide by primes."""

    def __init__(self, size: int, by_primes: bool) -> None:
        self.size = size
        self.by_primes = by_primes

    def accepts(self, payload: int) -> bool:
        """The message fills its place in the request whatever its value."""
        return payload == self.size

    def ask(self, host: "AcceleratorHost | CcaHost") -> None:
        """The one request."""
        data = bytes(self.size - 1) + b"\2"
        if self.by_primes:
            half = self.size // 2
            # Odd and without a divisor in common: all that the card asks of primes.
            high, low = (1 << 8 * half) - 1, (1 << 8 * half) - 3
            values = (high, low, high - 2, low - 2, pow(low, -1, high))
            p, q, dp, dq, u = (value.to_bytes(half, "big") for value in values)
            host.mod_expo_crt(p, q, dp, dq, u, data)
        else:
            exponent = _EXPONENT.to_bytes(self.size, "big")
            host.mod_expo(b"\xff" * self.size, exponent, data)


def exercises() -> dict[str, ClearRsa]:
    """By name of the operation."""
    return {
        f"rsa{bits}-{kind}": ClearRsa(bits // 8, kind == "crt")
        for bits in ACCELERATOR_BITS
        for kind in ("me", "crt")
    }
