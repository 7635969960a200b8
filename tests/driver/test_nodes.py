"""Device nodes and their masks (AP sheet 4.5)."""

import errno
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from ghostcard.driver.triage import ADMIN
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
