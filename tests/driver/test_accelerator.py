"""The accelerator's host library against a card in accelerator mode."""

import errno
from collections.abc import Callable

import pytest

from ghostcard.driver.accelerator import AcceleratorHost
from ghostcard.driver.errors import DriverError
from ghostcard.driver.ratings import RequestClass
from ghostcard.firmware.abi import type50, type80
from ghostcard.machine import Machine


class Noted:
    """A port that keeps function and block and gives a chosen reply."""

    def __init__(self, block: bytes) -> None:
        self.block = block
        self.asked: tuple[int, bytes] = (-1, b"")

    def call(
        self, function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        self.asked = (function, render(targets[0] & 0xFF))
        return self.block, targets[0]


@pytest.fixture(scope="module")
def host() -> AcceleratorHost:
    machine = Machine.simulation("cex8a", function="real")
    return AcceleratorHost(machine.native, machine.targets(0))


def test_small_numbers(host: AcceleratorHost) -> None:
    assert host.mod_expo(b"\x21", b"\x03", b"\x02") == b"\x08"
    assert host.mod_expo(b"\0\x21", b"\0\x03", b"\0\x02") == b"\0\x08"
    assert host.mod_expo_crt(b"\x0b", b"\3", b"\7", b"\1", b"\4", b"\0\x08") == b"\0\2"


def test_the_eight_extra_bytes_are_skipped(host: AcceleratorHost) -> None:
    extra = bytes(8)
    result = host.mod_expo_crt(
        extra + b"\x0b", b"\3", extra + b"\7", b"\1", extra + b"\4", b"\0\x08"
    )
    assert result == b"\0\2"
    with pytest.raises(DriverError, match="EINVAL: u does not fit in 1 bytes"):
        host.mod_expo_crt(b"\x0b", b"\3", b"\7", b"\1", b"\1" + extra, b"\0\x08")


@pytest.mark.parametrize(
    ("length", "mex", "crt"),
    [
        (1, RequestClass.MEX_1K, RequestClass.CRT_1K),
        (128, RequestClass.MEX_1K, RequestClass.CRT_1K),
        (129, RequestClass.MEX_2K, RequestClass.CRT_2K),
        (256, RequestClass.MEX_2K, RequestClass.CRT_2K),
        (257, RequestClass.MEX_4K, RequestClass.CRT_4K),
        (512, RequestClass.MEX_4K, RequestClass.CRT_4K),
    ],
)
def test_the_length_of_the_input_chooses_format_and_class(
    length: int, mex: RequestClass, crt: RequestClass
) -> None:
    place = type50.width(length)
    result = b"R" * place
    port = Noted(type80.pack(result))
    host = AcceleratorHost(port, (0,))
    assert host.mod_expo(b"N" * length, b"E" * length, b"D" * length) == result[:length]
    request = type50.ModExpo(b"E" * length, b"N" * length, b"D" * length)
    assert port.asked == (mex, type50.pack(request, length))
    half = (length + 1) // 2
    p, q, dp, dq, u = (letter * half for letter in (b"P", b"Q", b"p", b"q", b"U"))
    assert host.mod_expo_crt(p, q, dp, dq, u, b"D" * length) == result[:length]
    by_primes = type50.ModExpoCrt(p, q, dp, dq, u, b"D" * length)
    assert port.asked == (crt, type50.pack(by_primes, length))


@pytest.mark.parametrize("length", [0, 513])
def test_lengths_no_card_takes(host: AcceleratorHost, length: int) -> None:
    with pytest.raises(DriverError) as caught:
        host.mod_expo(bytes(length), bytes(length), bytes(length))
    assert caught.value.code == errno.EINVAL


def test_lengths_that_do_not_agree(host: AcceleratorHost) -> None:
    with pytest.raises(DriverError, match="of 2, 1 and 2 bytes differ"):
        host.mod_expo(bytes(2), bytes(1), bytes(2))
    with pytest.raises(DriverError, match="q has 2 bytes, not 1"):
        host.mod_expo_crt(b"\x0b", b"\0\3", b"\7", b"\1", b"\4", b"\0\x08")


def test_what_the_card_refuses_is_an_invalid_argument(host: AcceleratorHost) -> None:
    with pytest.raises(DriverError, match="The modulus is even") as caught:
        host.mod_expo(b"\x22", b"\x03", b"\x02")
    assert caught.value.code == errno.EINVAL


@pytest.mark.parametrize("block", [b"", type80.pack(b""), bytes(300)])
def test_a_reply_that_cannot_be_one_is_an_input_output_error(block: bytes) -> None:
    with pytest.raises(DriverError) as caught:
        AcceleratorHost(Noted(block), (0,)).mod_expo(b"\x21", b"\x03", b"\x02")
    assert caught.value.code == errno.EIO
