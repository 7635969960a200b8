"""RSA with keys in clear, on numbers: what accelerators and CCA coprocessors compute for anybody.

The host time of an exponentiation depends on its numbers: who cares for his key blinds the message,
as `ghostcard.firmware.mechanisms.rsa` does. A card's timing follows the profile, not this.

Operands are big-endian bytes of any length.
WireError, with the reply code of a card, for operands that no card takes.
"""

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.type50 import ModExpo, ModExpoCrt
from ghostcard.firmware.mechanisms.power import exponentiate


def result(request: ModExpo | ModExpoCrt, is_null: bool) -> int:
    """`message ** exponent mod modulus`, by modulus or by primes; 0 if `is_null`, after the same
    checks.
    """
    if isinstance(request, ModExpo):
        exponent, modulus, message = map(_number, request)
        _check_modulus(modulus, message)
        _check(exponent > 0, ReplyCode.OPERAND_INVALID, "the exponent is zero")
        return 0 if is_null else exponentiate(message, exponent, modulus)
    p, q, dp, dq, u, message = map(_number, request)
    _check_primes(p, q, dp, dq, u)
    _check_modulus(p * q, message)
    return 0 if is_null else _by_primes(p, q, dp, dq, u, message)


def _number(operand: bytes) -> int:
    return int.from_bytes(operand, "big")


def _check(holds: bool, code: ReplyCode, what: str) -> None:
    if not holds:
        raise WireError(code, f"clear RSA: {what}")


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
