"""The accelerator image: RSA with keys in clear, by modulus or by primes (AP sheet 2, 3.1, 3.2).

It keeps nothing. The host time of an exponentiation depends on its numbers: who cares for his key
blinds the message, as `ghostcard.firmware.mechanisms.rsa` does. A card's timing follows the
profile, not this.
"""

from ghostcard.emulator.image import Plan, Scheduler, Services
from ghostcard.firmware.abi import errorreply, type50, type80
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.operations import ACCELERATOR_OPERATIONS, ERROR
from ghostcard.firmware.abi.type50 import ModExpo, ModExpoCrt
from ghostcard.firmware.facilities import FACILITIES
from ghostcard.firmware.mechanisms.power import exponentiate
from ghostcard.firmware.pipeline import Pipeline


class AcceleratorImage:
    """`emulator.image.Image` for a card in accelerator mode."""

    mode = "accelerator"
    facilities = FACILITIES["accelerator"]

    def boot(self, services: Services) -> None:
        """Take the prices from the profile; ProfileError if one is missing."""
        self._pipeline = Pipeline(services.profile, ACCELERATOR_OPERATIONS)
        self._is_null = services.function == "null"

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        """Answer a type 50 request: reply of type 80 or 82, operation, bytes of the message.

        The domain does not matter, since there are no secrets. With function `null` everything is
        checked, and the result is zero.
        """
        try:
            request = type50.unpack(block)
            number = self._result(request)
        except WireError as error:
            return errorreply.pack(error.code), ERROR, 0
        size = len(request.message)
        kind = "me" if isinstance(request, ModExpo) else "crt"
        return type80.pack(number.to_bytes(size, "big")), f"rsa{size * 8}-{kind}", size

    def _result(self, request: ModExpo | ModExpoCrt) -> int:
        if isinstance(request, ModExpo):
            exponent, modulus, message = map(_number, request)
            _check_modulus(modulus, message)
            _check(exponent > 0, ReplyCode.OPERAND_INVALID, "the exponent is zero")
            return 0 if self._is_null else pow(message, exponent, modulus)
        p, q, dp, dq, u, message = map(_number, request)
        _check_primes(p, q, dp, dq, u)
        _check_modulus(p * q, message)
        return 0 if self._is_null else _by_primes(p, q, dp, dq, u, message)

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        """The cost of one request."""
        return self._pipeline.plan(operation, payload_bytes)

    def scheduler(self) -> Scheduler | None:
        """The policy that the profile names."""
        return self._pipeline.scheduler()

    def zeroize(self, domain: int) -> None:
        """Nothing to forget."""


def _number(operand: bytes) -> int:
    return int.from_bytes(operand, "big")


def _check(holds: bool, code: ReplyCode, what: str) -> None:
    if not holds:
        raise WireError(code, f"type 50: {what}")


def _check_modulus(modulus: int, message: int) -> None:
    _check(modulus > 0, ReplyCode.OPERAND_INVALID, "the modulus is zero")
    _check(modulus % 2 == 1, ReplyCode.EVEN_MODULUS, "the modulus is even")
    _check(message < modulus, ReplyCode.OPERAND_INVALID, "the message is not below the modulus")


def _check_primes(p: int, q: int, dp: int, dq: int, u: int) -> None:
    _check(min(p, q, dp, dq, u) > 0, ReplyCode.OPERAND_INVALID, "an operand is zero")
    _check(p & q & 1 == 1, ReplyCode.EVEN_MODULUS, "a prime is even")
    # A wrong u gives a result that is right modulo one prime only, which would give the other away.
    _check(u * q % p == 1, ReplyCode.OPERAND_INVALID, "u is not the inverse of q")


def _by_primes(p: int, q: int, dp: int, dq: int, u: int, message: int) -> int:
    """Garner's recombination, with u = q ** -1 mod p."""
    by_p = exponentiate(message % p, dp, p)
    by_q = exponentiate(message % q, dq, q)
    return by_q + (by_p - by_q) * u % p * q
