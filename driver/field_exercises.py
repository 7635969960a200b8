"""Exercises with keys over finite fields: DSA and Diffie-Hellman (PKCS #3), and their domains."""

from collections.abc import Callable
from functools import cache

from ghostcard import pkcs11 as p
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.exercise import Exercise, Material, NoMaterial, NoPayload, Sizes, ulong
from ghostcard.driver.exercise_domains import domain
from ghostcard.driver.pair_exercises import Derive, GeneratePair, Pair, PairSign, PairVerify
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.operations import DH_BITS, DSA_BITS, DSA_GENERATED_BITS

_DSA_ORDER = {1024: 20, 2048: 32, 3072: 32}
_SAFE_PRIME_BITS = 2048
_DSA_USES = ("keygen", "sign", "verify")
_DH_USES = ("keygen", "derive")


class GenerateParameters(NoPayload, NoMaterial):
    """GenerateKey of domain parameters: prime and base, and the order where there is one."""

    def __init__(self, mechanism: int, bits: int, order: int) -> None:
        self.mechanism = wire.pack(mechanism)
        self.bits = bits
        self.order = order

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.generate_key(self.mechanism, 0, {p.CKA_PRIME_BITS: ulong(self.bits)})

    def reply_bytes(self, payload: int) -> Sizes:
        numbers = [bytes(self.bits // 8)] * 2 + [bytes(self.order)] * bool(self.order)
        return len(ber.pack(numbers)), 0


def _dsa(bits: int) -> dict[str, Exercise]:
    field = domain(bits)
    prime, order, base = field
    public = {p.CKA_PRIME: prime, p.CKA_SUBPRIME: order, p.CKA_BASE: base}
    keygen = wire.pack(p.CKM_DSA_KEY_PAIR_GEN)
    pair = Pair(keygen, public, p.CKK_DSA, bits // 8, field=field)
    mechanism = wire.pack(p.CKM_DSA_SHA256)
    return {
        f"dsa{bits}-keygen": GeneratePair(pair),
        f"dsa{bits}-sign": PairSign(pair, mechanism, 2 * len(order)),
        f"dsa{bits}-verify": PairVerify(pair, mechanism, 2 * len(order)),
    }


def _dh(bits: int) -> dict[str, Exercise]:
    prime, _, base = domain(bits)
    public = {p.CKA_PRIME: prime, p.CKA_BASE: base}
    keygen = wire.pack(p.CKM_DH_PKCS_KEY_PAIR_GEN)
    pair = Pair(keygen, public, p.CKK_DH, bits // 8, field=(prime, b"", base))
    return {f"dh{bits}-keygen": GeneratePair(pair), f"dh{bits}-derive": Derive(pair)}


def _dsa_parameters(bits: int) -> dict[str, Exercise]:
    generate = GenerateParameters(p.CKM_DSA_PARAMETER_GEN, bits, _DSA_ORDER[bits])
    return {f"dsa{bits}-paramgen": generate}


def _dh_parameters(bits: int) -> dict[str, Exercise]:
    return {"dh-paramgen": GenerateParameters(p.CKM_DH_PKCS_PARAMETER_GEN, bits, 0)}


_Maker = Callable[[int], dict[str, Exercise]]
_MAKERS: dict[str, tuple[_Maker, int]] = {
    "dh-paramgen": (_dh_parameters, _SAFE_PRIME_BITS),
    **{f"dsa{bits}-{what}": (_dsa, bits) for bits in DSA_BITS for what in _DSA_USES},
    **{f"dsa{bits}-paramgen": (_dsa_parameters, bits) for bits in DSA_GENERATED_BITS},
    **{f"dh{bits}-{what}": (_dh, bits) for bits in DH_BITS for what in _DH_USES},
}
OPERATIONS = tuple(_MAKERS)


@cache
def _made(maker: _Maker, bits: int) -> dict[str, Exercise]:
    return maker(bits)


def exercise(operation: str) -> Exercise | None:
    """Made when it is asked for: a domain of 8192 bits takes more than a second."""
    maker = _MAKERS.get(operation)
    return None if maker is None else _made(*maker)[operation]
