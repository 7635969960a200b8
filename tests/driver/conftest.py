"""A machine with a stand-in for the firmware: its blocks say in words what they ask for."""

import struct
import threading
from collections.abc import Callable

import pytest

from ghostcard.driver.dispatcher import Dispatcher, dispatch_queues
from ghostcard.driver.native import NativePort
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.emulator.bus import Bus
from ghostcard.emulator.card import Card
from ghostcard.emulator.image import Plan, Services
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.profile import Profile, load
from ghostcard.emulator.randomness import RandomSource
from ghostcard.emulator.record import Recorder
from ghostcard.emulator.timeline import Timeline
from ghostcard.firmware.abi import errorreply
from ghostcard.firmware.pipeline import Pipeline

SIGN, OPENING = 31, 23  # EP11 functions: SignSingle, SignInit
REQUEST_BYTES, REPLY_BYTES = 400, 300


class WordyImage:
    """Takes blocks of the form b"operation payload", padded; refuses b"refuse <code>"."""

    mode = "ep11"
    facilities = 0x06800000

    def boot(self, services: Services) -> None:
        self._pipeline = Pipeline(services.profile, ())
        self.blocks: list[tuple[int, bytes]] = []

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        self.blocks.append((domain, block))
        word, number = block.split()[:2]
        if word == b"refuse":
            return errorreply.pack(int(number, 16)), "error", 0
        if word == b"babble":
            return bytes(REPLY_BYTES), "error", 0
        return good_reply(), word.decode(), int(number)

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        return self._pipeline.plan(operation, payload_bytes)

    def zeroize(self, domain: int) -> None:
        """Nothing to forget."""


def good_reply() -> bytes:
    """The outside of a type-86 reply with an EP11 CPRB, as far as the driver looks."""
    blocks = struct.pack(">II", REPLY_BYTES - 0x30, 0x30)  # count1, offset1
    head = b"\0\x86\x02".ljust(0x10, b"\0") + blocks
    return (head.ljust(0x30, b"\0") + b"\0\x20\x04").ljust(REPLY_BYTES, b"\0")


def block(text: str) -> Callable[[int], bytes]:
    """A renderer of the block that says so, the same for each domain."""
    return lambda domain: text.encode().ljust(REQUEST_BYTES)


class Stand:
    """A bus with cards of a profile, and what a host needs to use them."""

    def __init__(self, profile: Profile, cards: int = 1, domains: int = 1) -> None:
        self.bus = Bus()
        self.recorder = Recorder()
        for adapter in range(cards):
            memory, random = Nvram(), RandomSource(adapter)
            image = WordyImage()
            self.bus.plug(Card(adapter, profile, image, memory, random, tuple(range(domains))))
        self.targets = tuple(a << 8 | d for a in range(cards) for d in range(domains))
        self.dispatcher = Dispatcher(dispatch_queues(self.bus))

    def image(self, adapter: int = 0) -> WordyImage:
        image = self.bus.cards[adapter].image
        assert isinstance(image, WordyImage)
        return image

    def port(self, interrupts: bool = True) -> SimulatedPort:
        return SimulatedPort(Timeline(), self.bus, self.dispatcher, self.recorder, interrupts)


def in_threads(port: NativePort, threads: int, body: Callable[[int], None]) -> None:
    """Run body(n) in threads that enter the port in order and then start together."""
    entered = [threading.Event() for _ in range(threads)]
    start = threading.Barrier(threads)
    failures: list[BaseException] = []

    def main(number: int) -> None:
        try:
            if number:
                entered[number - 1].wait()
            port.enter()
            entered[number].set()
            start.wait()
            body(number)
        except BaseException as error:
            failures.append(error)

    crew = [threading.Thread(target=main, args=(number,)) for number in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    assert not failures


@pytest.fixture(scope="session")
def profile() -> Profile:
    """The default card."""
    return load("cex8p")


@pytest.fixture
def stand(profile: Profile) -> Stand:
    """One card with one domain."""
    return Stand(profile)
