"""A row of the table of mechanisms: what the host must know of one."""

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


class Mechanism(NamedTuple):
    """One mechanism. ``parameters``: the lengths they may have, in bytes on the wire.

    ``length(key, mechanism, encrypts)`` tells the lengths of results; False for a decryption. It
    refuses parameters that no card takes (CKR_MECHANISM_PARAM_INVALID), as C_*Init must.
    """

    key_types: frozenset[int]
    parameters: range
    length: Callable[[Object | None, bytes, bool], Length]


def fixed(size: int) -> Length:
    """A result that is ``size`` bytes long and comes at the end."""
    return Length(lambda _: size, lambda _: 0, lambda _: size)


def number_at(mechanism: bytes, place: int) -> int:
    """One of the numbers the parameters begin with."""
    start = ID_BYTES + 4 * place
    return int.from_bytes(mechanism[start : start + 4], "big")


def expect(is_right: bool) -> None:
    """CKR_MECHANISM_PARAM_INVALID unless it is right."""
    if not is_right:
        raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
