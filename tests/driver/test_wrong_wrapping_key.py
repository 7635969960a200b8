"""A blob under another wrapping key than an APQN's: another queue serves, and if none can, the key
may have a newer blob (AP sheet 7.2, 7.5).
"""

from collections.abc import Callable

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.driver.administration import DomainAdministrator
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import Ep11Error
from ghostcard.driver.exchange import Params
from ghostcard.driver.native import NativePort
from ghostcard.emulator.image import Image, Plan, Services
from ghostcard.emulator.record import Recorder
from ghostcard.firmware.abi import reply, request
from ghostcard.firmware.abi.admin import Command
from ghostcard.firmware.abi.controlpoints import ControlPoint
from ghostcard.firmware.abi.status import (
    CKR_IBM_TARGET_INVALID,
    CKR_IBM_WK_NOT_INITIALIZED,
    CKR_IBM_WKID_MISMATCH,
)
from ghostcard.machine import Machine

AES_KEY_GEN = ck.CKM_AES_KEY_GEN.to_bytes(4, "big")
ECB = ck.CKM_AES_ECB.to_bytes(4, "big")
CMAC = ck.CKM_AES_CMAC.to_bytes(4, "big")
SHA256 = ck.CKM_SHA256.to_bytes(4, "big")
USES = dict.fromkeys((ck.CKA_ENCRYPT, ck.CKA_DECRYPT, ck.CKA_SIGN, ck.CKA_VERIFY), b"\1")
FIRST, SECOND = 0x000, 0x100
BLOCK = bytes(16)


@pytest.fixture(params=["real", "null"])
def machine(request: pytest.FixtureRequest) -> Machine:
    """Two cards that share a wrapping key."""
    return Machine.simulation(cards=2, function=request.param)


@pytest.fixture
def host(machine: Machine) -> Ep11Host:
    return Ep11Host(machine.native, (FIRST, SECOND))


def administrator(machine: Machine, qid: int) -> DomainAdministrator:
    return DomainAdministrator(Ep11Host(machine.native, (qid,)), qid & 0xFF)


def change(machine: Machine, qid: int) -> None:
    """Another wrapping key for one APQN alone."""
    admin = administrator(machine, qid)
    pattern = admin.generate()
    admin.commit(pattern)
    admin.finalize(pattern)


def aes(host: Ep11Host) -> bytes:
    return host.generate_key(AES_KEY_GEN, 32, USES)[0]


def everything(host: Ep11Host, key: bytes) -> list[object]:
    """Each way in which a request is made with a key, each on both queues in turn."""
    results: list[object] = []
    for _ in range(4):
        sealed = host.encrypt_single(ECB, key, BLOCK)
        mac = host.sign_single(CMAC, key, BLOCK)
        host.verify_single(CMAC, key, BLOCK, mac)
        encryption = host.encrypt_init(ECB, key)
        parts = encryption.update(BLOCK) + encryption.final()
        signature = host.sign_init(CMAC, key)
        signature.update(BLOCK)
        results.append((sealed, mac, parts, signature.final()))
        results.append(host.get_attribute_value(key, (ck.CKA_ENCRYPT,)))
    return results


@pytest.mark.parametrize("odd", [FIRST, SECOND])
@pytest.mark.parametrize("how", ["changed", "cleared"])
def test_the_other_queue_serves(machine: Machine, host: Ep11Host, odd: int, how: str) -> None:
    key = aes(host)
    before = everything(host, key)
    if how == "changed":
        change(machine, odd)
    else:
        administrator(machine, odd).command(Command.CLEAR_WK)
    assert everything(host, key) == before
    assert [len(aes(host)) for _ in range(4)] == [len(key)] * 4


@pytest.mark.parametrize("step", ["single", "ask", "init"])
def test_the_error_comes_if_none_can(machine: Machine, host: Ep11Host, step: str) -> None:
    key = aes(host)
    asks: dict[str, Callable[[], object]] = {
        "single": lambda: host.encrypt_single(ECB, key, BLOCK),
        "ask": lambda: host.get_attribute_value(key, (ck.CKA_ENCRYPT,)),
        "init": lambda: host.encrypt_init(ECB, key),
    }
    change(machine, FIRST)
    change(machine, SECOND)
    for _ in range(2):
        with pytest.raises(Ep11Error) as refused:
            asks[step]()
        assert refused.value.rv == CKR_IBM_WKID_MISMATCH
    for qid in (FIRST, SECOND):
        administrator(machine, qid).command(Command.CLEAR_WK)
    for _ in range(2):
        with pytest.raises(Ep11Error) as refused:
            asks[step]()
        assert refused.value.rv == CKR_IBM_WK_NOT_INITIALIZED


def test_that_a_blob_is_under_another_key_is_the_stronger_word(
    machine: Machine, host: Ep11Host
) -> None:
    """One APQN has no key, the other a different one: whichever is asked first."""
    key = aes(host)
    administrator(machine, FIRST).command(Command.CLEAR_WK)
    change(machine, SECOND)
    for _ in range(2):
        with pytest.raises(Ep11Error) as refused:
            host.encrypt_single(ECB, key, BLOCK)
        assert refused.value.rv == CKR_IBM_WKID_MISMATCH


class Elsewhere:
    """An image that is no target for anything."""

    def __init__(self, image: Image) -> None:
        self.mode, self.facilities = image.mode, image.facilities
        self.asked = 0

    def boot(self, services: Services) -> None:
        """It has booted."""

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        self.asked += 1
        return reply.pack(request.unpack(block)[0], CKR_IBM_TARGET_INVALID), "error", 0

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        raise AssertionError("nothing of it is recorded")

    def zeroize(self, domain: int) -> None:
        """It has nothing."""


@pytest.mark.parametrize("odd", [FIRST, SECOND])
def test_another_queue_serves_what_is_no_target(machine: Machine, odd: int) -> None:
    """AP sheet 7.2; where no queue is one, the error comes."""
    host = Ep11Host(NativePort(machine.bus, Recorder(0)), (FIRST, SECOND))
    key = aes(host)
    before = everything(host, key)
    cards = machine.bus.cards
    cards[odd >> 8].image = image = Elsewhere(cards[odd >> 8].image)
    assert everything(host, key) == before
    assert image.asked > 4
    cards[1 - (odd >> 8)].image = image
    with pytest.raises(Ep11Error) as refused:
        host.encrypt_single(ECB, key, BLOCK)
    assert refused.value.rv == CKR_IBM_TARGET_INVALID


def test_another_refusal_is_not_tried_elsewhere(machine: Machine, host: Ep11Host) -> None:
    """A control point of one card is not circumvented by asking the next."""
    key = aes(host)
    administrator(machine, FIRST).forbid((ControlPoint.ENCRYPT_SYMM,))
    seen = []
    for _ in range(4):
        try:
            host.encrypt_single(ECB, key, BLOCK)
            seen.append(0)
        except Ep11Error as error:
            seen.append(error.rv)
    assert sorted(seen) == [0, 0, ck.CKR_FUNCTION_CANCELED, ck.CKR_FUNCTION_CANCELED]


def test_a_digest_needs_no_key(machine: Machine, host: Ep11Host) -> None:
    expected = host.digest_single(SHA256, b"abc")
    administrator(machine, FIRST).command(Command.CLEAR_WK)
    assert [host.digest_single(SHA256, b"abc") for _ in range(2)] == [expected] * 2
    digest = host.digest_init(SHA256)
    digest.update(b"abc")
    assert digest.final() == expected


def renewing(machine: Machine, blobs: dict[bytes, bytes], asked: list[Params]) -> Ep11Host:
    """A host that knows of the blobs of today, and notes when it was asked for them."""

    def renew(params: Params) -> Params | None:
        asked.append(params)
        now = tuple(blobs.get(param, param) for param in params)
        return None if now == params else now

    host = Ep11Host(machine.native, (FIRST,))
    host.renew_by(renew)
    return host


def test_a_blob_of_yesterday_is_renewed_and_the_request_repeated(machine: Machine) -> None:
    blobs: dict[bytes, bytes] = {}
    asked: list[Params] = []
    host = renewing(machine, blobs, asked)
    key, admin = aes(host), administrator(machine, FIRST)
    before = everything(host, key)
    pattern = admin.generate()
    admin.commit(pattern)
    blobs[key] = host.reencrypt_single(key)
    prepared = host.prepare_encrypt(key)
    admin.finalize(pattern)
    assert everything(host, key) == before
    assert prepared(ECB, BLOCK) == prepared(ECB, BLOCK)
    assert all(key in params for params in asked)


def test_what_cannot_be_renewed_is_asked_for_once(machine: Machine) -> None:
    asked: list[Params] = []
    host = renewing(machine, {}, asked)
    key = aes(host)
    change(machine, FIRST)
    with pytest.raises(Ep11Error, match="another wrapping key"):
        host.sign_single(CMAC, key, BLOCK)
    assert [key in params for params in asked] == [True]
