"""Keys over finite fields, of DSA and both kinds of Diffie-Hellman: domains, form in card memory.

Material, big-endian, each number at the width of the prime: p, q, g, y, and of a private key x.
Keys of PKCS #3 have no q, and zero in its place. The size of a key is that of p; its variant is
that of q, in bits.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Attributes, Draw, Mechanism
from ghostcard.firmware.mechanisms.power import power
from ghostcard.firmware.mechanisms.refusal import Refused

BITS = {
    ck.CKK_DSA: range(1024, 4097, 1024),  # FIPS 186-4, 4.2, and 4096
    ck.CKK_DH: range(512, 8193),
    ck.CKK_X9_42_DH: range(512, 8193),
}
"""Sizes of p."""

ORDER_BITS = (160, 224, 256)
"""Sizes of q."""

ORDER = {
    ck.CKK_DSA: ("p", "q", "g"),
    ck.CKK_DH: ("p", "g"),
    ck.CKK_X9_42_DH: ("p", "g", "q"),
}
"""The numbers of a domain as they stand in an AlgorithmIdentifier (RFC 3279, 2.3.2 and 2.3.3)."""


class Domain(NamedTuple):
    """Domain parameters: prime p, order q of the base g; 0 where q is not known."""

    p: int
    g: int
    q: int = 0


def public_key(key_type: int, domain: Domain, y: int) -> Key:
    """A public key; refused if it cannot be one of the domain."""
    check(key_type, domain)
    if not 1 < y < domain.p - 1:
        raise Refused(ck.CKR_PUBLIC_KEY_INVALID)
    return _key(ck.CKO_PUBLIC_KEY, key_type, domain, y)


def private_key(key_type: int, domain: Domain, x: int) -> Key:
    """A private key with its public key; refused if x is out of range."""
    check(key_type, domain)
    if not 0 < x < (domain.q or domain.p - 1):
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    y = power(domain.g, x, domain.p, domain.p - 1)
    return _key(ck.CKO_PRIVATE_KEY, key_type, domain, y, x)


def null_domain(bits: int, order: int) -> Domain:
    """Numbers of the sizes of a domain with an order that passes for one: q divides p - 1."""
    q = (1 << order) - 1
    p = (q << bits - order) + 1
    return Domain(p, p - 3, q)


def null_key(key_type: int, domain: Domain) -> Key:
    """A private key of the domain's sizes with no value, for the `null` function track."""
    values = domain.p - 2, (domain.q or domain.p) - 1
    key = _key(ck.CKO_PRIVATE_KEY, key_type, domain, *values)
    key.is_null = True
    return key


def check(key_type: int, domain: Domain) -> None:
    """Refuse a domain whose numbers have impossible sizes; primality is not looked at."""
    p, g, q = domain
    if p.bit_length() not in BITS[key_type]:
        raise Refused(ck.CKR_KEY_SIZE_RANGE)
    has_order = q.bit_length() in ORDER_BITS and (p - 1) % q == 0
    if not (p & 1 and 1 < g < p - 1 and (has_order or key_type == ck.CKK_DH)):
        raise Refused(ck.CKR_DOMAIN_PARAMS_INVALID)


def _key(object_class: int, key_type: int, domain: Domain, *values: int) -> Key:
    width = (domain.p.bit_length() + 7) // 8
    numbers = (domain.p, domain.q, domain.g, *values)
    material = b"".join(number.to_bytes(width, "big") for number in numbers)
    return Key(
        object_class, key_type, domain.p.bit_length(), material, variant=domain.q.bit_length()
    )


def _numbers(key: Key) -> list[int]:
    width = (key.bits + 7) // 8
    starts = range(0, len(key.material), width)
    return [int.from_bytes(key.material[at : at + width], "big") for at in starts]


def domain_of(key: Key) -> Domain:
    """The domain of a key."""
    p, q, g, *_ = _numbers(key)
    return Domain(p, g, q)


def y_of(key: Key) -> int:
    """The public value of a key."""
    return _numbers(key)[3]


def x_of(key: Key) -> int:
    """The private value of a private key."""
    return _numbers(key)[4]


def wanted_bits(wanted: Attributes) -> int:
    """CKA_PRIME_BITS of a template."""
    bits = wanted.get(ck.CKA_PRIME_BITS)
    if not isinstance(bits, int):
        raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
    return bits


def wanted_domain(key_type: int, wanted: Attributes) -> Domain:
    """The domain of the template of a public key; refused if it is none."""
    names = {"p": ck.CKA_PRIME, "g": ck.CKA_BASE, "q": ck.CKA_SUBPRIME}
    values = {name: wanted.get(names[name]) for name in ORDER[key_type]}
    numbers = {
        name: int.from_bytes(value, "big")
        for name, value in values.items()
        if isinstance(value, bytes)
    }
    if len(numbers) < len(values):
        raise Refused(ck.CKR_TEMPLATE_INCOMPLETE)
    domain = Domain(**numbers)
    check(key_type, domain)
    return domain


def draw_below(bound: int, draw: Draw) -> int:
    """A secret in 1 .. bound - 1, with 64 bits to spare (FIPS 186-4, B.1.1)."""
    surplus = int.from_bytes(draw((bound.bit_length() + 64 + 7) // 8), "big")
    return surplus % (bound - 1) + 1


class ParameterGen(Mechanism, ABC):
    """A mechanism that generates a domain (CKO_DOMAIN_PARAMETERS)."""

    __slots__ = ()

    def __init__(self, number: int, minimum: int, maximum: int, key_type: int) -> None:
        super().__init__(number, minimum, maximum, ck.CKF_HW | ck.CKF_GENERATE, key_type)

    @abstractmethod
    def parameter_operation(self, wanted: Attributes) -> str:
        """The name under which the profile prices the generation; refused if it is impossible."""

    @abstractmethod
    def generate_parameters(self, wanted: Attributes) -> Domain:
        """A new domain as the template describes it."""

    @abstractmethod
    def null_parameters(self, wanted: Attributes) -> Domain:
        """Numbers of the right sizes, for the `null` function track."""

    def on_the_wire(self, domain: Domain) -> tuple[bytes, ...]:
        """p, g and q where there is one; p and g at the width of p."""
        width = (domain.p.bit_length() + 7) // 8
        order = (domain.q.bit_length() + 7) // 8
        wire = (domain.p.to_bytes(width, "big"), domain.g.to_bytes(width, "big"))
        return (*wire, domain.q.to_bytes(order, "big")) if order else wire
