"""Mutated requests to every firmware, mutated replies to every host library: nobody may crash.

    python -m ghostcard.benchmarks.mutations --count 1000000 --seed 1

The firmware has to answer each block with a reply that a driver knows, and to go on answering good
ones; a host library has to return or to raise DriverError. Real requests and replies are the
corpus; half of the count are requests. The exit code is 1 when anything else happened, and what it
was can be made again by seed and number.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from ghostcard import pkcs11 as p
from ghostcard.benchmarks.mutation import Mutator
from ghostcard.driver import shapes
from ghostcard.driver.accelerator import AcceleratorHost
from ghostcard.driver.administration import DomainAdministrator
from ghostcard.driver.cca import CcaHost
from ghostcard.driver.cca_exercises import CcaExercise
from ghostcard.driver.cipher_exercises import AES
from ghostcard.driver.clear_exercises import ClearRsa
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.driver.exercise import ON
from ghostcard.driver.native import NativePort
from ghostcard.emulator.image import Image, Plan, Services
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine

SLOWEST_S = 60.0  # a block that takes longer hangs a card
_MACHINE_FAILURE = 0x10  # reply code: what an image answers when it was at its wits' end
_LIFE = 2_000  # mutations that a card sees: one may be a good command that takes its keys away
_PAYLOADS = (51, 48, 32, 1024, 0, 128, 256, 384, 512, 2048)  # some operation takes each
_TARGETS = (0,)
# What takes seconds with real cryptography, or minutes; the `null` firmware has them all.
_SLOW = ("rsa", "dsa", "dh", "slh", "ml-", "ecdsa-", "ec-", "ecdh-", "brainpool", "error")
_QUICK = ("rsa2048-", "ecdsa-p256", "ec-p256", "ecdh-p256", "ml-kem-768", "ml-dsa-65")


class Target(NamedTuple):
    """A firmware: profile, function, and the operations whose requests are the corpus."""

    profile: str
    function: str

    @property
    def name(self) -> str:
        """For tables."""
        return f"{self.profile} {self.function}"


TARGETS = (
    Target("cex8p", "real"),
    Target("cex8p", "null"),
    Target("cex8c", "real"),
    Target("cex8a", "real"),
)


class Outcome(NamedTuple):
    """What became of the mutations of one target."""

    name: str
    corpus: int
    mutations: int
    answers: dict[str, int]  # what was answered or raised -> how often
    slowest_s: float
    crashes: tuple[str, ...]  # in words


class Replaying:
    """A firmware between host and image that keeps replies, or gives what it is told to give."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self.mode, self.facilities = image.mode, image.facilities
        self.requests: list[bytes] = []
        self.replies: list[bytes] = []
        self.script: list[bytes] | None = None  # the replies to come; the last one for ever

    def boot(self, services: Services) -> None:
        """The image has been booted."""

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        """`Image.perform`."""
        if self.script is not None:
            reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            return reply, "error", 0
        reply, operation, payload_bytes = self._image.perform(domain, block)
        self.requests.append(block)
        self.replies.append(reply)
        return reply, operation, payload_bytes

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        """`Image.plan`."""
        return self._image.plan(operation, payload_bytes)

    def zeroize(self, domain: int) -> None:
        """`Image.zeroize`."""
        self._image.zeroize(domain)


Ask = Callable[[], object]


def stand(target: Target) -> tuple[Machine, Replaying, list[Ask]]:
    """A card, what stands before its image, and the calls of its host library."""
    machine = Machine.simulation(target.profile, function=target.function)
    card = machine.bus.cards[0]
    card.image = replaying = Replaying(card.image)
    return machine, replaying, list(_calls(target, machine))


def _calls(target: Target, machine: Machine) -> Iterator[Ask]:
    mode = machine.bus.cards[0].profile.mode
    port = NativePort(machine.bus, Recorder(0))
    for operation in shapes.operations(mode):
        if not _is_for(target, operation, mode):
            continue
        exercise = shapes.exercise_of(operation, mode)
        assert exercise is not None
        payload = next(payload for payload in _PAYLOADS if exercise.accepts(payload))
        if isinstance(exercise, CcaExercise):
            yield partial(exercise.ask, CcaHost(port, _TARGETS), payload)
        elif isinstance(exercise, ClearRsa):
            yield partial(exercise.ask, AcceleratorHost(port, _TARGETS))
        else:
            yield shapes.asker(operation, payload, port, _TARGETS)
    if mode == "ep11":
        yield from _questions(Ep11Host(port, _TARGETS))


def _is_for(target: Target, operation: str, mode: str) -> bool:
    if operation.endswith("paramgen"):
        return False
    if isinstance(shapes.exercise_of(operation, mode), ClearRsa):
        return mode == "accelerator"
    if mode == "accelerator":
        return False
    is_slow = operation.startswith(_SLOW) and not operation.startswith(_QUICK)
    return mode != "ep11" or target.function == "null" or not is_slow


def _questions(host: Ep11Host) -> Iterator[Ask]:
    """What is no operation of its own in records: information, administration, parts."""
    yield host.get_mechanism_list
    yield partial(host.get_mechanism_info, 0x1082)
    for query in (0, 1, 2, 3, 5, 6):
        yield partial(host.get_xcp_info, query)
    administrator = DomainAdministrator(host, 0)
    yield administrator.control_points
    yield administrator.attributes
    yield administrator.wrapping_keys
    yield partial(host.seed_random, bytes(40))
    rights = {p.CKA_ENCRYPT: ON, p.CKA_DECRYPT: ON, p.CKA_SIGN: ON, p.CKA_VERIFY: ON}
    key, _ = host.generate_key(AES, 32, rights)
    yield partial(host.get_attribute_value, key, (p.CKA_SENSITIVE, p.CKA_SIGN, p.CKA_KEY_TYPE))
    yield partial(host.set_attribute_value, key, {p.CKA_DECRYPT: b"\0"})
    yield partial(_in_parts, host, key)


def _in_parts(host: Ep11Host, key: bytes) -> None:
    """Every operation that has parts, in parts."""
    cbc = p.CKM_AES_CBC_PAD.to_bytes(4, "big") + bytes(16)
    cmac = p.CKM_AES_CMAC.to_bytes(4, "big")
    for cipher in (host.encrypt_init(cbc, key), host.decrypt_init(cbc, key)):
        cipher.update(bytes(64))
    for hashing in (host.digest_init(p.CKM_SHA256.to_bytes(4, "big")), host.sign_init(cmac, key)):
        hashing.update(bytes(100))
        hashing.final()
    with suppress(Ep11Error):  # nobody has made that signature
        host.verify_init(cmac, key).whole(bytes(100), bytes(16))


def attack_firmware(target: Target, count: int, seed: int) -> Outcome:
    """Mutated requests, as the bus gives them to a card."""
    _, replaying, calls = stand(target)
    for call in calls:
        call()
    corpus = tuple(dict.fromkeys(replaying.requests))
    mutator = Mutator(corpus, seed)
    bus = Machine.simulation(target.profile, function=target.function).bus

    def ask(number: int) -> str:
        nonlocal bus
        image = bus.cards[0].image
        if number % _LIFE == 0 and number:
            _require_reply(bus.perform(0, corpus[0])[1], image)  # it serves on
            bus = Machine.simulation(target.profile, function=target.function).bus
        image = bus.cards[0].image
        code, reply, operation, _ = bus.perform(0, mutator.block(number)[1])
        if code:
            return f"response code {code:02x}"
        _require_reply(reply, image)
        image.plan(operation, 0)  # which has a price
        return f"code {reply[4]:02x}" if reply[4] else f"type {reply[1]:02x}"

    return _attacked(f"{target.name}: requests", len(corpus), count, ask)


def _require_reply(reply: bytes, image: Image) -> None:
    """A reply as AP sheet 3.2, 3.5 and 3.6 have it, and not that of a firmware that has failed."""
    if len(reply) >= 8 and reply[4] == _MACHINE_FAILURE:
        raise AssertionError(f"the firmware has failed: {getattr(image, 'fault', None)!r}")
    if not is_reply(reply):
        raise AssertionError(f"no reply that a driver knows: {reply[:64].hex()}")


def is_reply(reply: bytes) -> bool:
    """Whether type, lengths and CPRB version of a reply are those of some reply."""
    kind = reply[1] if len(reply) >= 8 else 0
    if kind in (0x82, 0x87, 0x88):
        return len(reply) == 8
    if kind == 0x80:
        return len(reply) >= 16 and int.from_bytes(reply[2:4], "big") == len(reply)
    if kind != 0x86 or reply[2] != 2:
        return kind == 0x86 and len(reply) == 8 and reply[4] != 0
    count1, offset1, count2, offset2 = (
        int.from_bytes(reply[at : at + 4], "big") for at in (0x10, 0x14, 0x18, 0x1C)
    )
    end = offset2 + count2 if count2 else offset1 + count1
    return len(reply) == end and reply[4] == 0 and reply[0x32] in (2, 4)


def attack_host(target: Target, count: int, seed: int) -> Outcome:
    """Mutated replies, to the calls that they are answers of."""
    _, replaying, calls = stand(target)
    scripts: list[tuple[int, int]] = []  # of each reply: whose call's, and which of its replies
    kept: list[list[bytes]] = []
    for number, call in enumerate(calls):
        replaying.replies.clear()
        call()
        kept.append(list(replaying.replies))
        scripts += [(number, at) for at in range(len(replaying.replies))]
    mutator = Mutator([kept[number][at] for number, at in scripts], seed)

    def ask(number: int) -> str:
        index, reply = mutator.block(number)
        call, at = scripts[index]
        replaying.script = [*kept[call][:at], reply, *kept[call][at + 1 :]]
        try:
            calls[call]()
        except Ep11Error:
            return "Ep11Error"
        except DriverError as error:
            return f"DriverError {error.code}"
        return "accepted"

    return _attacked(f"{target.name}: replies", len(scripts), count, ask)


def _attacked(name: str, corpus: int, count: int, ask: Callable[[int], str]) -> Outcome:
    answers: Counter[str] = Counter()
    crashes: list[str] = []
    slowest = 0.0
    for number in range(count):
        begin = time.perf_counter()
        try:
            answers[ask(number)] += 1
        except Exception as error:  # whatever it is, it is what we look for
            crashes.append(f"{name} {number}: {type(error).__name__}: {error}")
        took = time.perf_counter() - begin
        slowest = max(slowest, took)
        if took > SLOWEST_S:
            crashes.append(f"{name} {number}: took {took:.0f} s")
    return Outcome(name, corpus, count, dict(answers.most_common()), slowest, tuple(crashes))


def run(count: int, seed: int, targets: Sequence[Target] = TARGETS) -> Iterator[Outcome]:
    """So many mutations in all, shared out evenly; each target's outcome when it is there."""
    share = -(-count // (2 * len(targets)))
    for target in targets:
        yield attack_firmware(target, share, seed)
        yield attack_host(target, share, seed)


def main() -> int:
    """The command."""
    import argparse

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    crashes = 0
    for outcome in run(arguments.count, arguments.seed):
        told = ", ".join(f"{answer} {times}" for answer, times in outcome.answers.items())
        slowest = f"slowest {outcome.slowest_s * 1e3:.0f} ms"
        print(f"{outcome.name}: {outcome.mutations} of {outcome.corpus} blocks, {slowest}: {told}")
        for crash in outcome.crashes:
            print(f"  {crash}")
        crashes += len(outcome.crashes)
    print(f"{crashes} crashes")
    return 1 if crashes else 0


if __name__ == "__main__":
    raise SystemExit(main())
