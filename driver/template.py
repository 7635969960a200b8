"""PKCS #11 templates as the card takes them: an attribute block (AP sheet 3.7).

A template maps CKA_* to the value in the form of the C interface: CK_BBOOL one byte, CK_ULONG eight
bytes in the host's order, anything else bytes. The card is told what it enforces or needs; the rest
(labels, identifiers, dates) stays with the host.
"""

import errno
import sys
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from ghostcard import pkcs11 as p
from ghostcard.driver.errors import DriverError
from ghostcard.firmware.abi import attributes as wire
from ghostcard.firmware.abi.attributes import BY_ATTRIBUTE, Attributes, Boolean
from ghostcard.firmware.abi.errors import WireError

Template: TypeAlias = Mapping[int, bytes]

ULONG_SIZE = 8
NUMBERS = frozenset(
    (
        p.CKA_CLASS,
        p.CKA_KEY_TYPE,
        p.CKA_VALUE_LEN,
        p.CKA_MODULUS_BITS,
        p.CKA_PARAMETER_SET,
        p.CKA_PRIME_BITS,
        p.CKA_SUBPRIME_BITS,
        p.CKA_VALUE_BITS,
    )
)
STRINGS = frozenset(
    (p.CKA_PUBLIC_EXPONENT, p.CKA_EC_PARAMS, p.CKA_PRIME, p.CKA_SUBPRIME, p.CKA_BASE)
)

# The card alone decides these; a host that sends them is refused.
_CARD_SETS = (
    Boolean.NEVER_EXTRACTABLE
    | Boolean.NEVER_MODIFIABLE
    | Boolean.LOCAL
    | Boolean.ALWAYS_RETAINED
    | Boolean.PROTKEY_NEVER_EXTRACTABLE
)
BOOLEANS: dict[int, int] = {
    attribute: bit for attribute, bit in BY_ATTRIBUTE.items() if not bit & _CARD_SETS
}


def pack(template: Template) -> bytes:
    """The attribute block of a template; DriverError(EINVAL) if a value has an impossible size."""
    mask = values = 0
    numbers: list[tuple[int, int]] = []
    strings: list[tuple[int, bytes]] = []
    for attribute, value in sorted(template.items()):  # one template, one block
        if attribute in BOOLEANS:
            mask |= BOOLEANS[attribute]
            values |= BOOLEANS[attribute] if _boolean(attribute, value) else 0
        elif attribute in NUMBERS:
            numbers.append((attribute, _number(attribute, value)))
        elif attribute in STRINGS:
            strings.append((attribute, value))
    try:
        return wire.pack(Attributes(mask, values, tuple(numbers), tuple(strings)))
    except WireError as error:
        raise DriverError(errno.EINVAL, str(error)) from None


def question(attributes: Iterable[int]) -> bytes:
    """The attribute block that asks for attributes: their bits in the mask, numbers as 0."""
    asked = tuple(attributes)
    mask = sum(BY_ATTRIBUTE[each] for each in set(asked) if each in BY_ATTRIBUTE)
    return wire.pack(Attributes(mask, 0, tuple((each, 0) for each in asked if each in NUMBERS)))


def unpack(block: bytes) -> dict[int, bytes]:
    """The template of an attribute block; WireError if it is malformed."""
    attributes = wire.unpack(block)
    found = {
        attribute: bytes((bool(attributes.values & bit),))
        for attribute, bit in BY_ATTRIBUTE.items()
        if attributes.mask & bit
    }
    for attribute, number in attributes.numbers:
        found[attribute] = number.to_bytes(ULONG_SIZE, sys.byteorder)
    found.update(attributes.strings)
    return found


def _boolean(attribute: int, value: bytes) -> bool:
    if len(value) != 1:
        raise DriverError(errno.EINVAL, f"attribute {attribute:#x}: {len(value)} bytes, a CK_BBOOL")
    return value != b"\0"


def _number(attribute: int, value: bytes) -> int:
    number = int.from_bytes(value, sys.byteorder)
    if len(value) != ULONG_SIZE or number > 0xFFFFFFFF:
        raise DriverError(
            errno.EINVAL, f"attribute {attribute:#x}: no CK_ULONG that fits the card's 32 bits"
        )
    return number
