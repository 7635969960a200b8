"""What the host must know of one mechanism: its keys, its parameters, the length of its result."""

from collections.abc import Callable
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object

ID_BYTES = 4


class Length(NamedTuple):
    """Lengths of results, in bytes.

    ``single(size)`` of all the data at once; ``update(size)`` of a part, if ``size`` bytes have
    been taken and not been given back, the part included; ``final(size)`` of the end. Those of
    ``single`` and ``final`` are upper bounds unless ``is_exact``.
    """

    single: Callable[[int], int]
    update: Callable[[int], int]
    final: Callable[[int], int]
    is_exact: bool = True


Measure = Callable[[Object | None, bytes, bool], Length]
"""Of key, mechanism and whether it encrypts; False for a decryption."""


class Mechanism(NamedTuple):
    """One mechanism. ``parameters``: the lengths they may have, in bytes on the wire.

    ``length(key, mechanism, encrypts)`` tells the lengths of results. It refuses parameters that no
    card takes (CKR_MECHANISM_PARAM_INVALID), as C_*Init must.
    """

    key_types: frozenset[int]
    parameters: range
    length: Measure


NONE = range(1)
ONE_NUMBER = range(4, 5)
BYTES = range(0, 1 << 16)


def fixed(size: int) -> Length:
    """A result that is ``size`` bytes long and comes at the end."""
    return Length(lambda _: size, lambda _: 0, lambda _: size)


_SAME = Length(lambda size: size, lambda size: size, lambda size: size)


def same(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
    """As many bytes as there were."""
    return _SAME


def always(size: int) -> Measure:
    """A result of one size."""
    length = fixed(size)
    return lambda key, mechanism, encrypts: length


def cut(size: int) -> Measure:
    """A result of at most that size, as long as the parameter says."""

    def length(key: Object | None, mechanism: bytes, encrypts: bool) -> Length:
        wanted = number_at(mechanism, 0)
        expect(0 < wanted <= size)
        return fixed(wanted)

    return length


def mechanism_id(mechanism: bytes) -> int:
    """The CK_MECHANISM_TYPE."""
    return int.from_bytes(mechanism[:ID_BYTES], "big")


def number_at(mechanism: bytes, place: int) -> int:
    """One of the numbers the parameters begin with."""
    start = ID_BYTES + 4 * place
    return int.from_bytes(mechanism[start : start + 4], "big")


def expect(is_right: bool) -> None:
    """Refuse parameters that are not: CKR_MECHANISM_PARAM_INVALID."""
    if not is_right:
        raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
