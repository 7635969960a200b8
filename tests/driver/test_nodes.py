"""Device nodes and their masks (AP sheet 4.5)."""

import errno
import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.config import CardConfig, Config
from ghostcard.driver import masks
from ghostcard.driver.cca import CcaHost
from ghostcard.driver.errors import DriverError
from ghostcard.driver.nodes import (
    DEFAULT,
    ICARSACRT,
    ICARSAMODEXPO,
    MASKS,
    ZSECSENDCPRB,
    ZSENDEP11CPRB,
    Nodes,
    ioctl,
)
from ghostcard.driver.simulatedhost import SimulatedHost
from ghostcard.driver.triage import ADMIN
from ghostcard.emulator.job import Job
from ghostcard.machine import Machine


class Noted:
    """A port that notes where requests may go."""

    def __init__(self) -> None:
        self.targets: list[tuple[int, ...]] = []

    def call(
        self, function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        self.targets.append(targets)
        return b"", targets[0]


def render(domain: int) -> bytes:
    return b""


def refused(code: int, call: Callable[[], object]) -> None:
    with pytest.raises(DriverError) as caught:
        call()
    assert caught.value.code == code


def test_nodes_come_and_go() -> None:
    nodes = Nodes()
    assert nodes.create() == "zcrypt_0"
    assert nodes.create("mine") == "mine"
    assert nodes.create() == "zcrypt_1"
    assert nodes.names() == [DEFAULT, "zcrypt_0", "mine", "zcrypt_1"]
    refused(errno.EEXIST, lambda: nodes.create("mine"))
    refused(errno.ENOENT, lambda: nodes.destroy("yours"))
    refused(errno.ENOENT, lambda: nodes.destroy(DEFAULT))
    used = nodes.open("mine", Noted(), "ep11")
    nodes.destroy("mine")
    assert "mine" not in nodes.names()
    refused(errno.ENOENT, lambda: nodes.open("mine", Noted(), "ep11"))
    refused(errno.EEXIST, lambda: nodes.create("mine"))  # it is still open
    used.close()
    used.close()
    refused(errno.EBADF, lambda: used.call(19, render, (0,)))
    nodes.create("mine")
    for _ in range(256 - 3):
        nodes.create()
    refused(errno.ENOSPC, nodes.create)


def test_a_new_node_allows_nothing_and_the_default_all() -> None:
    nodes, port = Nodes(), Noted()
    nodes.create("one")
    for mask in MASKS:
        assert nodes.read("one", mask) == "0x" + "0" * 64
        assert nodes.read(DEFAULT, mask) == "0x" + "f" * 64
    nodes.open(DEFAULT, port, "ep11").call(ADMIN, render, (0x0A47,))
    assert port.targets == [(0x0A47,)]
    one = nodes.open("one", port, "ep11")
    refused(errno.EPERM, lambda: one.call(19, render, (0x0A47,)))
    nodes.write("one", "ioctlmask", f"+{ZSENDEP11CPRB}")
    refused(errno.ENODEV, lambda: one.call(19, render, (0x0A47,)))
    nodes.write("one", "apmask", "+0x0a")
    nodes.write("one", "aqmask", "+6,+71")
    one.call(19, render, (0x0A47, 0x0B47, 0x0A00, 0x0A06))
    assert port.targets[-1] == (0x0A47, 0x0A06)
    refused(errno.ENODEV, lambda: one.call(ADMIN, render, (0x0A47,)))
    nodes.write("one", "admask", "+71")
    one.call(ADMIN, render, (0x0A47, 0x0A06))
    assert list(port.targets[-1]) == [0x0A47]
    refused(errno.ENOENT, lambda: nodes.read("one", "mask"))


@pytest.mark.parametrize(
    ("mode", "function", "number"),
    [
        ("ep11", 0, ZSENDEP11CPRB),
        ("accelerator", 2, ICARSAMODEXPO),
        ("cca", 3, ICARSACRT),
        ("cca", 5, ICARSACRT),
        ("cca", 6, ZSECSENDCPRB),
        ("cca", 48, ZSECSENDCPRB),
    ],
)
def test_the_kinds_of_request(mode: str, function: int, number: int) -> None:
    assert ioctl(mode, function) == number


def test_a_host_library_through_a_node() -> None:
    machine, nodes = Machine.simulation("cex8c", domains=2, function="real"), Nodes()
    nodes.create("rng")
    for mask, text in (("ioctlmask", "+0x81"), ("apmask", "+0"), ("aqmask", "+1")):
        nodes.write("rng", mask, text)
    host = CcaHost(nodes.open("rng", machine.native, "cca"), (0, 1))
    assert len(host.random(100)) == 100
    refused(errno.EPERM, lambda: host.mod_expo(b"\xff" * 16, b"\3" * 16, b"\1" * 16))


@pytest.mark.parametrize(
    ("before", "written", "after"),
    [
        ("0", "0x8", "8"),
        ("0", "8", "8"),
        ("0", "+0", "8"),
        ("f", "-1-2", "9"),
        ("0", "+0-0x3,-02,+2", "f"),
        ("0", "+0x3", "1"),
        ("8", "+0,-0", "0"),
        ("f", "0x", None),
        ("f", "", None),
        ("f", "0" * 65, None),
        ("f", "+", None),
        ("f", "+1,", None),
        ("f", "+2-1", None),
        ("f", "+08", None),
        ("f", "+256", None),
        ("f", "+1,2", None),
    ],
)
def test_writes_of_masks(before: str, written: str, after: str | None) -> None:
    bits = int(before.ljust(64, "0"), 16)
    if after is None:
        refused(errno.EINVAL, lambda: masks.changed(bits, written))
    else:
        assert masks.text(masks.changed(bits, written)) == "0x" + after.ljust(64, "0")


@given(st.integers(0, masks.ALL), st.text(max_size=20))
def test_any_text_is_taken_or_refused(bits: int, written: str) -> None:
    assert masks.changed(0, masks.text(bits)) == bits
    with suppress(DriverError):
        assert 0 <= masks.changed(bits, written) <= masks.ALL


# Status ioctls (AP sheet 4.1)


def asked(number: int) -> tuple[Nodes, Callable[[str], bytes], SimulatedHost]:
    """An accelerator, a CCA and an EP11 card with domains 0 and 6, three requests under way on the
    last; what a node answers."""
    profiles = ("cex8a", "cex8c", "cex5p")
    cards = tuple(CardConfig(n, name, (0, 6)) for n, name in enumerate(profiles))
    machine = Machine(Config(cards, (), "null", 1), in_memory=True)
    port, nodes = machine.simulated(), Nodes()
    host = SimulatedHost(machine.bus, port)
    for client in range(10):
        job = Job(client, 0, 31, "rsa2048-sign", 51, 400, 300)
        port.submit(job, (0x200,), lambda job: None)
    port.timeline.run(20_000)
    return nodes, lambda name: nodes.status(name, number, host), host


def words(layout: str, answer: bytes) -> dict[int, int]:
    """Those that are not 0."""
    size = struct.calcsize(layout)
    values = struct.unpack(f">{len(answer) // size}{layout}", answer)
    return {place: value for place, value in enumerate(values) if value}


@pytest.mark.parametrize(
    ("number", "layout", "size", "expected"),
    [
        (0x58, "B", 256, {0: 12, 1: 7, 2: 11}),
        (0x59, "B", 256, {2: 10}),
        (0x5A, "I", 1024, {2: 10}),
        (0x48, "B", 64, {0: 12, 1: 7, 2: 11}),
        (0x49, "B", 64, {2: 10}),
        (0x4A, "I", 256, {2: 10}),
        (0x44, "i", 4, {0: 2}),
        (0x45, "i", 4, {0: 8}),
        (0x46, "i", 4, {}),
        (0x47, "i", 4, {}),
    ],
)
def test_status_ioctls(number: int, layout: str, size: int, expected: dict[int, int]) -> None:
    _, answer, _ = asked(number)
    assert len(answer(DEFAULT)) == size
    assert words(layout, answer(DEFAULT)) == expected


@pytest.mark.parametrize(("number", "cards"), [(0x5F, 256), (0x4F, 64)])
def test_the_word_of_a_device(number: int, cards: int) -> None:
    """hwtype << 24 | qid << 8 | online << 7 | functions << 1; S M C D A X are six bits."""
    _, answer, host = asked(number)
    found = words("I", answer(DEFAULT))
    assert len(answer(DEFAULT)) == 4 * cards * 256
    assert sorted(found) == [0x000, 0x006, 0x100, 0x106, 0x200, 0x206]
    assert found[0x006] == 14 << 24 | 0x0006 << 8 | 1 << 7 | 0b011010 << 1
    assert found[0x100] == 14 << 24 | 0x0100 << 8 | 1 << 7 | 0b100100 << 1
    assert found[0x200] == 11 << 24 | 0x0200 << 8 | 1 << 7 | 0b000001 << 1
    host.switch_card(0, False)
    assert words("I", answer(DEFAULT))[0x006] == 14 << 24 | 0x0006 << 8 | 0b011010 << 1


def test_an_offline_card_and_who_may_ask() -> None:
    nodes, answer, host = asked(0x58)
    host.switch_card(0, False)
    assert words("B", answer(DEFAULT)) == {0: 0x0D, 1: 7, 2: 11}
    nodes.create("mine")
    for code, name, number in (
        (errno.EPERM, "mine", 0x58), (errno.ENOENT, "none", 0x58), (errno.ENOTTY, DEFAULT, 0x57),
    ):  # fmt: skip
        with pytest.raises(DriverError) as caught:
            nodes.status(name, number, host)
        assert caught.value.code == code
    nodes.write("mine", "ioctlmask", "+0x58,+0x46")
    assert nodes.status("mine", 0x58, host) == answer(DEFAULT)
    opened = nodes.open("mine", Noted(), "ep11")
    assert nodes.status(DEFAULT, 0x46, host) == bytes((0, 0, 0, 1))
    opened.close()
    assert nodes.status(DEFAULT, 0x46, host) == bytes(4)
