"""The layers of a call with more data than a message holds, for `ghostcard.benchmarks.stages`.

It is done in one piece, from and to the caller's memory (`ghostcard.driver.whole`): there is no
block and no reply, and in a run it is accounted for as the requests it would have taken.
"""

from collections.abc import Callable
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.multipart import Digest, Encryption
from ghostcard.driver.native import NativePort
from ghostcard.driver.whole import Whole
from ghostcard.emulator.image import WholeImage
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine

CASES = (("aes-256-gcm", 65536), ("aes-256-cbc", 65536), ("sha256", 65536))
PART_BYTES = 57344  # what the library puts into one request
TAG_BYTES = 16


class Operation(NamedTuple):
    """What `Whole` asks for, and what asks for the same in requests."""

    verb: int
    mechanism: bytes
    key: bytes
    in_requests: Callable[[bytes], bytes]


def layers(operation: str, payload: int) -> dict[str, Callable[[], object]]:
    """One call, without cryptography, at each layer from the host library down."""
    machine = Machine.simulation(function="null")
    targets = machine.targets(0)
    (qid,) = targets
    silent = NativePort(machine.bus, Recorder(capacity=0))
    noting = NativePort(machine.bus, Recorder(capacity=1))  # all but one are made and not kept
    verb, mechanism, key, ask = _operation(operation, Ep11Host(silent, targets))
    content = bytes(payload)
    result, noted = silent.noting(lambda: ask(content), targets)
    assert noted is not None
    known = {len(result): noted}
    data, out = memoryview(content), memoryview(bytearray(payload + TAG_BYTES))
    asked = (verb, mechanism, key, data, out)
    whole = Whole(silent, verb, key, targets)
    whole(mechanism, data, out, lambda: ask(content))  # from now on its kind is known
    perform, image = machine.bus.perform_whole, machine.bus.cards[qid >> 8].image
    assert isinstance(image, WholeImage)
    return {
        "host": lambda: whole(mechanism, data, out, bytes),
        "noted": lambda: noting.perform_whole(*asked, targets, known),
        "port": lambda: silent.perform_whole(*asked, targets, known),
        "render": lambda: None,
        "bus": lambda: perform(qid, *asked),
        "image": lambda: image.perform_whole(qid & 0xFF, *asked),
    }


def _operation(operation: str, host: Ep11Host) -> Operation:
    if operation == "sha256":
        how, single = _mechanism(ck.CKM_SHA256), host.prepare_digest()
        return Operation(
            single.function, how, b"", lambda data: _in_parts(host.digest_init(how), data)
        )
    key, _ = host.generate_key(_mechanism(ck.CKM_AES_KEY_GEN), 32, {ck.CKA_ENCRYPT: b"\1"})
    single = host.prepare_encrypt(key)
    if operation == "aes-256-cbc":
        how = _mechanism(ck.CKM_AES_CBC) + bytes(16)
        return Operation(
            single.function,
            how,
            key,
            lambda data: single(how, data[:PART_BYTES]) + single(how, data[PART_BYTES:]),
        )
    how = _mechanism(ck.CKM_AES_GCM, 8 * TAG_BYTES, 12) + bytes(12)
    return Operation(
        single.function, how, key, lambda data: _in_parts(host.encrypt_init(how, key), data)
    )


def _mechanism(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def _in_parts(context: Digest | Encryption, data: bytes) -> bytes:
    return (context.update(data[:PART_BYTES]) or b"") + context.whole(data[PART_BYTES:])
