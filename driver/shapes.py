"""What a host library puts on the wire for an operation, without a card: function and sizes.

The library itself builds the request, around dummies of the right sizes, and the codecs of the wire
build the reply; so a shape has the lengths of what really travels. `renderer` gives real blocks.
"""

import errno
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ghostcard.driver import (
    cipher_exercises,
    clear_exercises,
    field_exercises,
    pair_exercises,
    quantum_safe_exercises,
    secret_exercises,
)
from ghostcard.driver.accelerator import AcceleratorHost
from ghostcard.driver.clear_exercises import ClearRsa
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError
from ghostcard.driver.exercise import Exercise, Sizes
from ghostcard.driver.port import Port
from ghostcard.firmware.abi import admin, reply, type50, type80
from ghostcard.firmware.abi.request import Head

MAX_SHAPES = 4096  # remembered; then all are forgotten

Render = Callable[[int], bytes]


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
_shapes: dict[tuple[str, int], Shape] = {}


def operations() -> tuple[str, ...]:
    """The operations that can be asked for."""
    return (*_EXERCISES, *field_exercises.OPERATIONS)


def shape(operation: str, payload_bytes: int) -> Shape:
    """The shape of a request for an operation that processes so many bytes.

    DriverError: EINVAL for an operation that nobody can ask for or a payload it cannot have,
    EMSGSIZE for a payload that does not fit in one message.
    """
    known = _shapes.get((operation, payload_bytes))
    if known is None:
        if len(_shapes) >= MAX_SHAPES:
            _shapes.clear()
        known = _shapes[operation, payload_bytes] = _measured(operation, payload_bytes)
    return known


def renderer(
    operation: str, payload_bytes: int, port: Port, targets: tuple[int, ...]
) -> tuple[int, Render]:
    """Function and real request block by domain; what the request needs is made through `port`.

    The material is of the key domain that `targets` share. Raises as `shape`, and what the card
    answers to the making of the material.
    """
    exercise = _exercise(operation, payload_bytes)
    capture = _Capture()
    if isinstance(exercise, ClearRsa):
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
    if isinstance(exercise, ClearRsa):
        raise DriverError(errno.EINVAL, f"{operation} is asked for with every number of the key")
    host = Ep11Host(port, targets)
    return partial(exercise.ask, host, exercise.material(host, payload_bytes), payload_bytes)


def figure_request(domain: int, key: str, value: int) -> tuple[int, bytes, int]:
    """Function, block and bytes of the reply of `Ep11Host.set_figure`; raises as that."""
    capture = _Capture()
    capture.sizes = (admin.VALUE_BYTES,)
    Ep11Host(capture, (domain,)).set_figure(key, value)
    return capture.function, capture.render(domain), capture.reply_bytes


def exercise_of(operation: str) -> Exercise | ClearRsa | None:
    """How a host asks for an operation; None if there is no such request."""
    return _EXERCISES.get(operation) or field_exercises.exercise(operation)


def _exercise(operation: str, payload_bytes: int) -> Exercise | ClearRsa:
    exercise = exercise_of(operation)
    if exercise is None:
        raise DriverError(errno.EINVAL, f"there is no request for operation {operation!r}")
    if not exercise.accepts(payload_bytes):
        raise DriverError(errno.EINVAL, f"{operation} cannot process {payload_bytes} bytes")
    return exercise


def _measured(operation: str, payload_bytes: int) -> Shape:
    exercise = _exercise(operation, payload_bytes)
    capture = _Capture()
    if isinstance(exercise, ClearRsa):
        exercise.ask(AcceleratorHost(capture, (0,)))
    else:
        capture.sizes = exercise.reply_bytes(payload_bytes)
        dummies = tuple(map(bytes, exercise.material_bytes(payload_bytes)))
        exercise.ask(Ep11Host(capture, (0,)), dummies, payload_bytes)
    return Shape(capture.function, len(capture.render(0)), capture.reply_bytes)


class _Capture:
    """A port that keeps the one request and answers with zeros of `sizes`.

    Without `sizes` it is an accelerator's, whose result is as wide as the message.
    """

    def __init__(self) -> None:
        self.sizes: Sizes | None = None
        self.function = 0
        self.reply_bytes = 0
        self.render: Render = lambda domain: b""

    def call(self, function: int, render: Render, targets: tuple[int, ...]) -> tuple[bytes, int]:
        """Keep and answer."""
        self.function, self.render = function, render
        domain = targets[0] & 0xFF
        if self.sizes is None:
            block = type80.pack(bytes(_message_bytes(render(domain))))
        else:
            block = reply.pack(Head(function, domain), 0, tuple(map(bytes, self.sizes)))
        self.reply_bytes = len(block)
        return block, targets[0]


def _message_bytes(block: bytes) -> int:
    return len(type50.unpack(block).message)
