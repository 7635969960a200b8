"""What keeps an operation from being done in one piece, and that it then goes in requests."""

from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.driver.native import NativePort
from ghostcard.driver.whole import LONGEST, MAX_KINDS
from ghostcard.emulator import meter
from ghostcard.emulator.image import NOT_PERFORMED
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.ep11.image import Ep11Image
from ghostcard.firmware.mechanisms.table import SelfTestFailed
from ghostcard.machine import Machine
from tests.driver.conftest import Stand

SHA256 = ck.CKM_SHA256.to_bytes(4, "big")
AES_ECB = ck.CKM_AES_ECB.to_bytes(4, "big")
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4, example
DIGEST = (verbs.DIGEST_SINGLE, SHA256, b"")


class Host:
    """Digests "abc" in one piece, or says how often it went in requests."""

    def __init__(self, cards: int = 1) -> None:
        self.machine = Machine.simulation(cards=cards, function="real", seed=1)
        self.host = Ep11Host(self.machine.native, self.machine.targets(0))
        self.asked = 0

    def digest(self, data: bytes = b"abc") -> str:
        single = self.host.prepare_digest()
        assert single.whole is not None
        out = bytearray(32)

        def in_requests() -> bytes:
            self.asked += 1
            return single(SHA256, data)

        assert single.whole(SHA256, memoryview(data), memoryview(out), in_requests) == 32
        return out.hex()

    def records(self) -> int:
        self.machine.native.finish()
        return len(self.machine.recorder)


def test_the_first_goes_in_requests_and_the_others_are_accounted_for_as_these() -> None:
    host = Host()
    assert [host.digest() for _ in range(3)] == [ABC] * 3
    assert (host.asked, host.records()) == (1, 3)
    host.digest(b"abcd")
    assert (host.asked, host.records()) == (2, 4)


def test_a_queue_that_is_away_is_passed_over() -> None:
    host = Host(cards=2)
    host.digest()
    host.machine.native.withdraw(0, True)
    assert [host.digest() for _ in range(4)] == [ABC] * 4
    assert set(host.machine.recorder.array()["qid"][1:]) == {256}
    host.machine.native.withdraw(1, True)
    with pytest.raises(DriverError, match="no queue is available"):
        host.digest()


ENCRYPTING = {ck.CKA_ENCRYPT: b"\1"}
AES_CBC = ck.CKM_AES_CBC.to_bytes(4, "big") + bytes(16)


def asked_of_queues(folder: Path, in_one_piece: bool) -> tuple[dict[int, int], bytes]:
    """What the meter says of each queue after chains of three requests and streams of two, some
    with a queue offline; and the records.
    """
    machine = Machine.simulation(cards=3, function="real", seed=1)
    counter = meter.Meter(str(folder), lambda qid, operation, payload: (1, payload))
    port = NativePort(machine.bus, machine.recorder, counter)
    host = Ep11Host(port, machine.targets(0))
    key, _ = host.generate_key(ck.CKM_AES_KEY_GEN.to_bytes(4, "big"), 32, ENCRYPTING)
    single = host.prepare_encrypt(key)
    digest = host.prepare_digest()
    assert single.whole is not None
    assert digest.whole is not None
    data, out = memoryview(bytes(96)), memoryview(bytearray(96))

    def chain() -> bytes:
        return b"".join(single(AES_CBC, bytes(32)) for _ in range(3))

    def stream() -> bytes:
        return host.digest_init(SHA256).whole(bytes(96))

    for offline in (frozenset[int](), frozenset((256,)), frozenset((0, 256)), frozenset[int]()):
        port.switch_off(offline)
        for _ in range(4):
            if in_one_piece:
                single.whole(AES_CBC, data, out, chain)
                digest.whole(SHA256, data, out, stream)
            else:
                chain()
                stream()
    port.finish()
    return meter.requests(str(folder)), machine.recorder.to_bytes()


def test_queues_are_chosen_and_counted_as_for_the_requests(tmp_path: Path) -> None:
    whole, requests = (asked_of_queues(tmp_path / str(one), one) for one in (True, False))
    assert whole == requests
    assert sum(whole[0].values()) == 1 + 16 * (3 + 2)


def test_what_a_card_refused_on_the_way_is_not_remembered() -> None:
    """One of two cards has no wrapping key for the blob: it says so each time it is asked."""
    machine = Machine.simulation(cards=2, function="real", seed=1)
    other = Machine.simulation(function="real", seed=2)
    one = Ep11Host(other.native, other.targets(0))
    key, _ = one.generate_key(ck.CKM_AES_KEY_GEN.to_bytes(4, "big"), 32, ENCRYPTING)
    single = Ep11Host(machine.native, machine.targets(0)).prepare_encrypt(key)
    assert single.whole is not None
    data, out = memoryview(bytes(64)), memoryview(bytearray(64))
    for _ in range(2):
        before = len(machine.recorder)
        with pytest.raises(Ep11Error):
            single.whole(AES_ECB, data, out, lambda: single(AES_ECB, bytes(64)))
        assert len(machine.recorder) == before + 2


def test_requests_that_were_refused_are_no_notes() -> None:
    host = Host()
    port, targets = host.machine.native, host.machine.targets(0)

    def fails_and_succeeds() -> bytes:
        with pytest.raises(Ep11Error):
            host.host.digest_single(AES_ECB, b"abc")
        return host.host.digest_single(SHA256, b"abc")

    assert port.noting(fails_and_succeeds, targets) == (bytes.fromhex(ABC), None)


def test_notes_are_of_the_thread_and_end_with_an_error() -> None:
    host = Host()
    port, targets = host.machine.native, host.machine.targets(0)
    with pytest.raises(ZeroDivisionError):
        port.noting(lambda: 1 // 0, targets)
    result, noted = port.noting(lambda: host.host.digest_single(SHA256, b"abc"), targets)
    assert result.hex() == ABC
    assert noted is not None
    assert [request[:3] for request in noted.requests] == [(verbs.DIGEST_SINGLE, "sha256", 3)]
    host.digest()
    assert host.records() == 2


def test_what_is_remembered_is_bounded() -> None:
    host = Host()
    for size in range(MAX_KINDS + 1):
        host.digest(bytes(size))
    host.digest(bytes(MAX_KINDS))
    assert host.asked == MAX_KINDS + 1
    host.digest(b"")
    assert host.asked == MAX_KINDS + 2
    data = memoryview(bytes(LONGEST + 1))
    single = host.host.prepare_digest()
    assert single.whole is not None
    for _ in range(2):
        before = host.asked

        def in_requests() -> bytes:
            host.asked += 1
            return bytes(32)

        single.whole(SHA256, data, memoryview(bytearray(32)), in_requests)
        assert host.asked == before + 1


def test_an_image_that_has_failed_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    image = host.machine.bus.cards[0].image
    assert isinstance(image, Ep11Image)
    data, out = memoryview(b"abc"), memoryview(bytearray(32))
    assert image.perform_whole(0, *DIGEST, data, out) == 32
    assert out.hex() == ABC
    assert image.perform_whole(1, *DIGEST, data, out) == NOT_PERFORMED  # no such domain
    assert image.perform_whole(0, verbs.ADMIN, SHA256, b"", data, out) == NOT_PERFORMED
    assert image.perform_whole(0, verbs.DIGEST_SINGLE, AES_ECB, b"", data, out) == NOT_PERFORMED
    assert image.perform_whole(0, *DIGEST, data, memoryview(bytearray(31))) == NOT_PERFORMED
    image._fail(SelfTestFailed("digest"))
    assert image.perform_whole(0, *DIGEST, data, out) == NOT_PERFORMED


def test_an_image_that_knows_only_requests_is_left_alone(stand: Stand) -> None:
    data, out = memoryview(b"abc"), memoryview(bytearray(32))
    assert stand.bus.perform_whole(0, *DIGEST, data, out) == NOT_PERFORMED
    assert stand.bus.perform_whole(99, *DIGEST, data, out) == NOT_PERFORMED
