"""Shapes are what the host library sends and the images answer, on every function track."""

import errno
from functools import cache

import pytest

from ghostcard.driver import shapes
from ghostcard.driver.errors import DriverError
from ghostcard.firmware.abi import operations
from ghostcard.machine import Machine

PAYLOADS = (
    51,
    48,
    32,
    1024,
    0,
    128,
    256,
    384,
    512,
    2048,
)  # tried in turn: some operation takes each


def payload_of(operation: str) -> int:
    exercise = shapes.exercise_of(operation)
    assert exercise is not None
    return next(payload for payload in PAYLOADS if exercise.accepts(payload))


@pytest.mark.parametrize("function_track", ["null", "real"])
@pytest.mark.parametrize("operation", shapes.operations("cca"))
def test_the_shapes_of_a_cca_coprocessor(function_track: str, operation: str) -> None:
    machine = Machine.simulation("cex8c", domains=2, function=function_track)
    exercise = shapes.exercise_of(operation, "cca")
    assert exercise is not None
    payload = next(payload for payload in PAYLOADS if exercise.accepts(payload))
    targets = machine.targets(0)
    function, render = shapes.renderer(operation, payload, machine.native, targets, "cca")
    for domain in (0, 1):
        block = render(domain)
        _, reply, performed, processed = machine.bus.perform(domain, block)
        assert (performed, processed, reply[1]) == (operation, payload, 0x86)
        assert shapes.shape(operation, payload, "cca") == (function, len(block), len(reply))


def test_what_only_simulations_ask_of_a_cca_coprocessor() -> None:
    assert shapes.shape("aes-256-cbc", 64, "cca") == shapes.shape("aes-256-cbc", 64)
    assert shapes.shape("rsa2048-me", 256, "cca") != shapes.shape("rsa2048-me", 256)


def is_clear(operation: str) -> bool:
    return operation in operations.ACCELERATOR_OPERATIONS


@cache
def machine_of(function: str, accelerates: bool) -> Machine:
    profile = "cex8a" if accelerates else "cex8p"
    return Machine.simulation(profile, domains=2, function=function)


# These take seconds to minutes: searches for primes, whose sizes are seen without them, and the
# slowest signatures, which the request to verify one carries.
SLOW = (
    *("rsa8192-keygen", "rsa16384-keygen", "dsa3072-paramgen"),
    *(f"slhdsa-{hash}-{bits}s-sign" for hash in ("sha2", "shake") for bits in (128, 192, 256)),
)


@pytest.mark.parametrize(
    ("function_track", "operation"),
    [
        (track, operation)
        for track in ("null", "real")
        for operation in shapes.operations()
        if track == "null" or operation not in SLOW
    ],
)
def test_a_shape_is_what_travels(function_track: str, operation: str) -> None:
    machine = machine_of(function_track, is_clear(operation))
    payload = payload_of(operation)
    function, render = shapes.renderer(operation, payload, machine.native, machine.targets(0))
    for domain in (0, 1):
        block = render(domain)
        code, reply, performed, processed = machine.bus.perform(domain, block)
        assert code == 0
        assert reply[1] in (0x80, 0x86)
        assert (performed, processed) == (operation, payload)
        shape = shapes.shape(operation, payload)
        assert shape == (function, len(block), len(reply))


@pytest.mark.parametrize("payload", [0, 1, 15, 100, 127, 128, 255, 256, 3000, 8192])
@pytest.mark.parametrize("function_track", ["null", "real"])
def test_shapes_follow_the_payload(function_track: str, payload: int) -> None:
    machine = machine_of(function_track, False)
    for operation in ("aes-256-gcm", "sha1", "hmac-sha512", "rsa2048-sign", "ecdsa-p256-verify"):
        _, render = shapes.renderer(operation, payload, machine.native, machine.targets(0))
        _, reply, performed, processed = machine.bus.perform(0, render(0))
        assert (performed, processed) == (operation, payload)
        assert shapes.shape(operation, payload)[1:] == (len(render(0)), len(reply))


def test_every_operation_but_one_can_be_asked_for() -> None:
    """No request is refused on purpose."""
    known = {*operations.EP11_OPERATIONS, *operations.ACCELERATOR_OPERATIONS}
    assert known - set(shapes.operations()) == {"error"}


@pytest.mark.parametrize(
    ("operation", "payload", "message"),
    [
        ("error", 0, "there is no request for operation 'error'"),
        ("RSA", 0, "there is no request for operation 'RSA'"),
        ("aes-128-cbc", 15, "aes-128-cbc cannot process 15 bytes"),
        ("aes-keygen", 1, "aes-keygen cannot process 1 bytes"),
        ("rsa2048-decrypt", 255, "rsa2048-decrypt cannot process 255 bytes"),
        ("rsa2048-encrypt", 246, "rsa2048-encrypt cannot process 246 bytes"),
        ("random", 8193, "random cannot process 8193 bytes"),
        ("sha1", -1, "sha1 cannot process -1 bytes"),
        ("rsa1024-me", 127, "rsa1024-me cannot process 127 bytes"),
    ],
)
def test_impossible_requests(operation: str, payload: int, message: str) -> None:
    with pytest.raises(DriverError) as caught:
        shapes.shape(operation, payload)
    assert caught.value.code == errno.EINVAL
    assert caught.value.message == message


def test_a_payload_beyond_one_message() -> None:
    with pytest.raises(DriverError) as caught:
        shapes.shape("sha256", 61440)
    assert caught.value.code == errno.EMSGSIZE


def test_the_memory_of_shapes_is_bounded() -> None:
    for payload in range(shapes.MAX_SHAPES + 10):
        assert shapes.shape("sha1", payload).function == 10
    assert len(shapes._shapes) <= shapes.MAX_SHAPES
