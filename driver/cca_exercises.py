"""Exercises for CCA coprocessors: the requests behind the operations of their image.

Operands are valid, but no key of anybody.
"""

from collections.abc import Callable
from typing import NamedTuple

from ghostcard.driver.cca import CcaHost
from ghostcard.driver.clear_exercises import ClearRsa
from ghostcard.firmware.abi import cca_facility, cca_function, cca_token
from ghostcard.firmware.abi.cca_facility import INVALID, Facility, MasterKey, Registers
from ghostcard.firmware.abi.cca_message import Entry, Parameters, Reply, pack_reply
from ghostcard.firmware.abi.operations import ACCELERATOR_BITS, KEY_IMPORT, QUERY

_KEY_BYTES = 32
_NOTHING = {
    kind: Registers(INVALID, INVALID, INVALID, *[bytes(kind.pattern_bytes)] * 3)
    for kind in MasterKey
}


class CcaExercise(NamedTuple):
    """One operation: which payloads it can have, the one request, and a good reply to it."""

    accepts: Callable[[int], bool]
    ask: Callable[[CcaHost, int], object]
    reply: Callable[[int], bytes]


def _rsa(bits: int, by_primes: bool) -> CcaExercise:
    clear = ClearRsa(bits // 8, by_primes)
    function = cca_function.DECRYPT if by_primes else cca_function.ENCRYPT
    return CcaExercise(
        clear.accepts,
        lambda host, payload: clear.ask(host),
        lambda payload: pack_reply(Reply(Parameters(function, data=bytes(payload)), 0)),
    )


def _random() -> CcaExercise:
    function = Parameters(cca_function.RANDOM_LONG)
    return CcaExercise(
        lambda payload: 0 < payload <= cca_function.RANDOM_MOST,
        CcaHost.random,
        lambda payload: pack_reply(Reply(function, 0, bytes(payload))),
    )


def _key(function: bytes, payload: int, ask: Callable[[CcaHost, int], object]) -> CcaExercise:
    keys = (Entry(cca_function.FLAG_OUT, bytes(cca_token.DATA_SIZE)),)
    reply = pack_reply(Reply(Parameters(function, keys=keys), 0))
    return CcaExercise(lambda asked: asked == payload, ask, lambda payload: reply)


def _query() -> CcaExercise:
    keyword = cca_function.STATICSB
    rules, data = cca_facility.pack(Facility(bytes(8), _NOTHING), keyword)
    reply = pack_reply(Reply(Parameters(cca_function.FACILITY_QUERY, rules, data), 0))
    return CcaExercise(
        lambda payload: payload == 0, lambda host, payload: host.facility(keyword), lambda _: reply
    )


def exercises() -> dict[str, CcaExercise]:
    """By name of the operation."""
    return {
        **{f"rsa{bits}-me": _rsa(bits, False) for bits in ACCELERATOR_BITS},
        **{f"rsa{bits}-crt": _rsa(bits, True) for bits in ACCELERATOR_BITS},
        "random": _random(),
        "aes-keygen": _key(
            cca_function.GENERATE_DATA, 0, lambda host, _: host.generate_data_key(8 * _KEY_BYTES)
        ),
        KEY_IMPORT: _key(
            cca_function.IMPORT_DATA,
            _KEY_BYTES,
            lambda host, size: host.import_data_key(bytes(size)),
        ),
        QUERY: _query(),
    }
