"""What a request weighs on a card: request classes, speed ratings, weights (AP sheet 4.2, 4.6).

A *function* names what is asked: on an EP11 card the EP11 function id (1 ... 47), on an accelerator
the request class of the RSA operation (0 ... 5), on a CCA coprocessor such a class, that of random
numbers (6), or how much any other CPRB weighs (48 ... 50). Weights are relative numbers without a
unit.
"""

from enum import IntEnum

from ghostcard.firmware.abi.cca_function import FACTORS
from ghostcard.firmware.abi.operations import FACTOR_MEDIUM, weight_factor

FUNCTIONS = 64  # ids the tables have room for; the highest valid EP11 function is 44


class RequestClass(IntEnum):
    """The columns of the table of speed ratings."""

    MEX_1K = 0
    MEX_2K = 1
    MEX_4K = 2
    CRT_1K = 3
    CRT_2K = 4
    CRT_4K = 5
    RNG = 6
    SECKEY = 7


# Hardware type -> ratings in the order of RequestClass; smaller is faster. CEX4 is 10, CEX8 is 14.
ACCELERATOR_RATINGS: dict[int, tuple[int, ...]] = {
    10: (14, 19, 249, 42, 228, 1458, 0, 0),
    11: (8, 9, 20, 18, 66, 458, 0, 0),
    12: (6, 9, 20, 17, 65, 438, 0, 0),
    13: (6, 8, 17, 15, 54, 362, 0, 0),
    14: (6, 8, 17, 15, 54, 362, 0, 0),
}
EP11_RATINGS: dict[int, tuple[int, ...]] = {
    10: (0, 0, 0, 0, 0, 0, 0, 50),
    11: (0, 0, 0, 0, 0, 0, 0, 10),
    12: (0, 0, 0, 0, 0, 0, 0, 9),
    13: (0, 0, 0, 0, 0, 0, 0, 8),
    14: (0, 0, 0, 0, 0, 0, 0, 8),
}

CCA_RATINGS: dict[int, tuple[int, ...]] = {
    10: (59, 69, 308, 83, 278, 2204, 209, 40),
    11: (24, 31, 50, 37, 90, 479, 27, 10),
    12: (16, 20, 32, 27, 77, 455, 24, 9),
    13: (14, 16, 26, 23, 64, 376, 23, 8),
    14: (14, 16, 26, 23, 64, 376, 23, 8),
}
TIMING_RATINGS = dict.fromkeys(EP11_RATINGS, (1,) * len(RequestClass))  # no rating: all alike

_RSA_4K = 0x60000000  # facility bits M and C together: modulus up to 512 bytes (AP sheet 2)
_CLASSES_4K = (RequestClass.MEX_4K, RequestClass.CRT_4K)


_RATINGS = {
    "ep11": EP11_RATINGS,
    "accelerator": ACCELERATOR_RATINGS,
    "cca": CCA_RATINGS,
    "timing": TIMING_RATINGS,
}


def rsa_class(modulus_bytes: int, crt: bool) -> RequestClass:
    """The class of an RSA operation by the length of its modulus, 1 ... 512 bytes."""
    if not 0 < modulus_bytes <= 512:
        raise ValueError(f"modulus of {modulus_bytes} bytes; 1 to 512 are possible")
    size = 0 if modulus_bytes <= 128 else 1 if modulus_bytes <= 256 else 2
    return RequestClass(size + 3 * crt)


def weights(mode: str, hardware_type: int, facilities: int) -> tuple[int | None, ...]:
    """The weight of each function on a card; None where the card does not serve the function.

    ValueError for a mode or hardware type that the driver does not know.
    """
    table = _RATINGS.get(mode)
    if table is None or hardware_type not in table:
        raise ValueError(f"no speed ratings for a card of type {hardware_type} in mode {mode!r}")
    ratings = table[hardware_type]
    if mode == "accelerator":
        return _rsa_weights(ratings, facilities & _RSA_4K == _RSA_4K)
    rating = ratings[RequestClass.SECKEY]
    if mode == "ep11":
        return tuple(weight_factor(function) * rating for function in range(FUNCTIONS))
    if mode == "cca":
        return _cca_weights(ratings)
    return (FACTOR_MEDIUM * rating,) * FUNCTIONS


def _cca_weights(ratings: tuple[int, ...]) -> tuple[int, ...]:
    """EP11 requests are simulated on such cards too, and weigh a medium CPRB each."""
    rating = ratings[RequestClass.SECKEY]
    found = [FACTOR_MEDIUM * rating] * FUNCTIONS
    found[: RequestClass.SECKEY] = ratings[: RequestClass.SECKEY]
    for weight, factor in FACTORS.items():
        found[weight] = factor * rating
    return tuple(found)


def _rsa_weights(ratings: tuple[int, ...], up_to_4k: bool) -> tuple[int | None, ...]:
    served = [
        rating if up_to_4k or RequestClass(index) not in _CLASSES_4K else None
        for index, rating in enumerate(ratings[: RequestClass.RNG])
    ]
    return (*served, *[None] * (FUNCTIONS - len(served)))
