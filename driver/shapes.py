"""What a host library puts on the wire for an operation, without a card: function and sizes.

The library itself builds the request, around dummies of the right sizes, and the codecs of the wire
build the reply; so a shape has the lengths of what really travels. `renderer` gives real blocks.
"""

import errno
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ghostcard.driver import (
    cca_exercises,
    cipher_exercises,
    clear_exercises,
    field_exercises,
    pair_exercises,
    quantum_safe_exercises,
    secret_exercises,
)
from ghostcard.driver.accelerator import AcceleratorHost
from ghostcard.driver.cca import CcaHost
from ghostcard.driver.cca_exercises import CcaExercise
from ghostcard.driver.clear_exercises import ClearRsa
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError
from ghostcard.driver.exercise import Exercise, Sizes
from ghostcard.driver.port import Port
from ghostcard.firmware.abi import admin, reply, type50, type80
from ghostcard.firmware.abi.request import Head

MAX_SHAPES = 4096  # remembered; then all are forgotten

CCA = "cca"

Render = Callable[[int], bytes]
AnyExercise = Exercise | ClearRsa | CcaExercise


class Shape(NamedTuple):
    """`function` as `ghostcard.driver.ratings` counts them; whole blocks, in bytes."""

    function: int
    request_bytes: int
    reply_bytes: int


_EXERCISES: dict[str, Exercise | ClearRsa] = {
    **pair_exercises.exercises(),
    **quantum_safe_exercises.exercises(),
    **cipher_exercises.exercises(),
    **secret_exercises.exercises(),
    **clear_exercises.exercises(),
}
_CCA_EXERCISES: dict[str, CcaExercise] = cca_exercises.exercises()
_shapes: dict[tuple[str, int, bool], Shape] = {}


def operations(mode: str = "") -> tuple[str, ...]:
    """The operations that can be asked for; of "cca" those of the CCA image."""
    return tuple(_CCA_EXERCISES) if mode == CCA else (*_EXERCISES, *field_exercises.OPERATIONS)


def shape(operation: str, payload_bytes: int, mode: str = "") -> Shape:
    """The shape of a request for an operation that processes so many bytes.

    ``mode`` is the card's. It matters where two kinds of card are asked for the same by different
    blocks: only "cca" does. What a CCA coprocessor cannot be asked for has the shape that the
    operation has elsewhere, for simulations that know no more than its price.

    DriverError: EINVAL for an operation that nobody can ask for or a payload it cannot have,
    EMSGSIZE for a payload that does not fit in one message.
    """
    key = (operation, payload_bytes, mode == CCA)
    known = _shapes.get(key)
    if known is None:
        if len(_shapes) >= MAX_SHAPES:
            _shapes.clear()
        known = _shapes[key] = _measured(operation, payload_bytes, mode)
    return known


def renderer(
    operation: str, payload_bytes: int, port: Port, targets: tuple[int, ...], mode: str = ""
) -> tuple[int, Render]:
    """Function and real request block by domain; what the request needs is made through `port`.

    The material is of the key domain that `targets` share. Raises as `shape`, and what the card
    answers to the making of the material.
    """
    exercise = _exercise(operation, payload_bytes, mode)
    capture = _Capture()
    if isinstance(exercise, CcaExercise):
        capture.reply = exercise.reply(payload_bytes)
        exercise.ask(CcaHost(capture, targets), payload_bytes)
    elif isinstance(exercise, ClearRsa):
        exercise.ask(AcceleratorHost(capture, targets))
    else:
        material = exercise.material(Ep11Host(port, targets), payload_bytes)
        capture.sizes = exercise.reply_bytes(payload_bytes)
        exercise.ask(Ep11Host(capture, targets), material, payload_bytes)
    return capture.function, capture.render


def asker(
    operation: str, payload_bytes: int, port: Port, targets: tuple[int, ...]
) -> Callable[[], None]:
    """What asks for the same through the host library, reply and all, each time it is called; of
    EP11 operations. Raises as `renderer`.
    """
    exercise = _exercise(operation, payload_bytes)
    if isinstance(exercise, ClearRsa | CcaExercise):
        raise DriverError(errno.EINVAL, f"{operation} is asked for with every number of the key")
    host = Ep11Host(port, targets)
    return partial(exercise.ask, host, exercise.material(host, payload_bytes), payload_bytes)


def figure_request(domain: int, key: str, value: int) -> tuple[int, bytes, int]:
    """Function, block and bytes of the reply of `Ep11Host.set_figure`; raises as that."""
    capture = _Capture()
    capture.sizes = (admin.VALUE_BYTES,)
    Ep11Host(capture, (domain,)).set_figure(key, value)
    return capture.function, capture.render(domain), capture.reply_bytes


def exercise_of(operation: str, mode: str = "") -> AnyExercise | None:
    """How a host asks for an operation; None if there is no such request."""
    if mode == CCA and operation in _CCA_EXERCISES:
        return _CCA_EXERCISES[operation]
    return _EXERCISES.get(operation) or field_exercises.exercise(operation)


def _exercise(operation: str, payload_bytes: int, mode: str = "") -> AnyExercise:
    exercise = exercise_of(operation, mode)
    if exercise is None:
        raise DriverError(errno.EINVAL, f"there is no request for operation {operation!r}")
    if not exercise.accepts(payload_bytes):
        raise DriverError(errno.EINVAL, f"{operation} cannot process {payload_bytes} bytes")
    return exercise


def _measured(operation: str, payload_bytes: int, mode: str) -> Shape:
    exercise = _exercise(operation, payload_bytes, mode)
    capture = _Capture()
    if isinstance(exercise, CcaExercise):
        capture.reply = exercise.reply(payload_bytes)
        exercise.ask(CcaHost(capture, (0,)), payload_bytes)
    elif isinstance(exercise, ClearRsa):
        exercise.ask(AcceleratorHost(capture, (0,)))
    else:
        capture.sizes = exercise.reply_bytes(payload_bytes)
        dummies = tuple(map(bytes, exercise.material_bytes(payload_bytes)))
        exercise.ask(Ep11Host(capture, (0,)), dummies, payload_bytes)
    return Shape(capture.function, len(capture.render(0)), capture.reply_bytes)


class _Capture:
    """A port that keeps the one request and answers with zeros of `sizes`, or with `reply`.

    Without either it is an accelerator's, whose result is as wide as the message.
    """

    def __init__(self) -> None:
        self.sizes: Sizes | None = None
        self.reply = b""
        self.function = 0
        self.reply_bytes = 0
        self.render: Render = lambda domain: b""

    def call(self, function: int, render: Render, targets: tuple[int, ...]) -> tuple[bytes, int]:
        """Keep and answer."""
        self.function, self.render = function, render
        domain = targets[0] & 0xFF
        if self.reply:
            block = self.reply
        elif self.sizes is None:
            block = type80.pack(bytes(_message_bytes(render(domain))))
        else:
            block = reply.pack(Head(function, domain), 0, tuple(map(bytes, self.sizes)))
        self.reply_bytes = len(block)
        return block, targets[0]


def _message_bytes(block: bytes) -> int:
    return len(type50.unpack(block).message)
