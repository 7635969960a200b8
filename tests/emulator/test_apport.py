"""The port for other drivers: instructions on bytes, DQAP's truncation, the clock."""

import pytest

from ghostcard.emulator.apport import ApPort, Event, Signal
from ghostcard.emulator.errors import EmulatorError
from ghostcard.emulator.record import Recorder
from ghostcard.emulator.status import response_code
from ghostcard.firmware.abi import type50, type80
from ghostcard.firmware.abi.type50 import ModExpo
from ghostcard.machine import Machine

E, R, F, I = 0x80000000, 0x40000000, 0x20000000, 0x01000000  # noqa: E741
# 2 ** 3 mod 15, in the format for 129 to 256 bytes
REQUEST = type50.pack(ModExpo(b"\3", b"\x0f", b"\2"), 129)
REPLY = type80.pack(bytes(255) + b"\x08")  # 16 + 256 bytes


def port_of(profile: str = "cex8a", recorder: Recorder | None = None) -> ApPort:
    return ApPort(Machine.simulation(profile, function="real").bus, recorder=recorder)


@pytest.fixture
def port() -> ApPort:
    return port_of()


def answered(port: ApPort, psmid: int = 7) -> None:
    """A request whose reply is there."""
    assert response_code(port.nqap(0, psmid, REQUEST)) == 0
    assert port.wait() is None  # interrupts are off


def test_a_request_and_its_reply(port: ApPort) -> None:
    assert port.tapq(0) == (E, 0x6A800000_0E540307)
    assert port.nqap(0, 0xFFFFFFFF_00000001, REQUEST) == 0
    assert port.dqap(0, 272) == (0x10 << 16, 0, b"", 0, 0)
    assert port.wait() is None
    assert port.tapq(0)[0] == R
    assert port.dqap(0, 272) == (E, 0xFFFFFFFF_00000001, REPLY, 0, 0)
    assert port.dqap(0, 272) == (E | 0x10 << 16, 0, b"", 0, 0)


@pytest.mark.parametrize("size", [1, 16, 100, 135, 136, 271])
def test_a_reply_in_parts_stays_on_the_queue_until_its_last(port: ApPort, size: int) -> None:
    answered(port)
    parts, gr0, left = [], 0, len(REPLY)
    while True:
        got = port.dqap(0, size, gr0)
        parts.append(got.data)
        left -= len(got.data)
        if response_code(got.status) == 0:
            break
        assert (got.status, got.psmid, got.residual) == (R | 0xFF << 16, 0, left)
        assert port.tapq(0)[0] == R  # not removed
        assert len(got.data) == size
        gr0 = got.gr0
        assert gr0
    assert (got.status, got.psmid, got.residual, got.gr0) == (E, 7, 0, 0)
    assert b"".join(parts) == REPLY
    assert len(parts) == -(-len(REPLY) // size)


def test_without_the_updated_gr0_a_reply_begins_anew(port: ApPort) -> None:
    answered(port)
    first = port.dqap(0, 100)
    assert port.dqap(0, 100) == first
    assert port.dqap(0, 100, first.gr0).data == REPLY[100:200]
    assert port.dqap(0, 100, first.gr0).data == REPLY[:100]  # of an earlier part
    assert port.dqap(0, 300).data == REPLY


def test_a_buffer_of_no_bytes_takes_nothing(port: ApPort) -> None:
    answered(port)
    assert port.dqap(0, 0)[:4] == (R | 0xFF << 16, 0, b"", 272)
    assert port.dqap(0, 272).data == REPLY


def test_a_reply_half_read_fills_the_queue_and_goes_with_a_reset(port: ApPort) -> None:
    for psmid in range(8):
        assert response_code(port.nqap(0, psmid, REQUEST)) == 0
    port.wait()
    first = port.dqap(0, 100)
    assert first.status == R | F | 0xFF << 16
    assert response_code(port.nqap(0, 8, REQUEST)) == 0x10
    port.rapq(0)
    port.run_to(port.now + 100_000_000)
    answered(port, psmid=99)
    last = port.dqap(0, 272, first.gr0)
    assert (last.psmid, last.data) == (99, REPLY)


def test_refusals_of_nqap(port: ApPort) -> None:
    assert port.nqap(0x100, 1, REQUEST) == 1 << 16
    assert response_code(port.nqap(0, 1, bytes(12289))) == 0x15
    assert port.nqap(0, 1, REQUEST, special=True) == E | 0x16 << 16
    assert response_code(port.nqap(0x100, 1, REQUEST, special=True)) == 1
    port.bus.cards[0].configure(False)
    assert response_code(port.nqap(0, 1, REQUEST, special=True)) == 3


def test_a_malformed_block_is_answered_by_the_card(port: ApPort) -> None:
    port.nqap(0, 1, b"no block")
    port.wait()
    assert port.dqap(0, 100).data == bytes.fromhex("0082000020000000")


def test_an_interrupt_ends_a_wait(port: ApPort) -> None:
    assert response_code(port.aqic(0, True)) == 0
    assert response_code(port.aqic(0, True)) == 7
    while not port.tapq(0)[0] & I:
        port.run_to(port.now + 1_000)
    port.nqap(0, 1, REQUEST)
    begin = port.now
    assert port.wait(begin + 10) is None
    assert port.now == begin + 10
    assert port.wait() == Event(Signal.INTERRUPT, 0)
    assert port.now > begin + 10
    assert port.dqap(0, 272).data == REPLY
    assert port.wait() is None


def test_steps_and_interrupts_that_are_kept(port: ApPort) -> None:
    port.aqic(0, True)
    port.run_to(1_000_000)
    assert port.now == 1_000_000
    assert not port.step()
    port.nqap(0, 1, REQUEST)
    times = []
    while port.step():
        times.append(port.now)
    assert times == sorted(times)
    assert len(times) > 2
    assert port.wait(0) == Event(Signal.INTERRUPT, 0)  # at once: it is there
    assert port.now == times[-1]
    port.nqap(0, 2, REQUEST)
    port.run_to(port.now + 1_000_000_000)
    assert (port.wait(), port.wait()) == (Event(Signal.INTERRUPT, 0), None)


def test_a_card_that_goes_and_comes_is_told_of(port: ApPort) -> None:
    card = port.bus.unplug(0)
    assert port.wait() == Event(Signal.CHANGE, 0)
    assert port.tapq(0)[0] == 1 << 16
    card.adapter = 3
    port.bus.plug(card)
    assert (port.wait(), port.wait()) == (Event(Signal.CHANGE, 0x300), None)


def test_reset_and_zeroise(port: ApPort) -> None:
    for reset in (port.rapq, port.zapq):
        answered(port)
        assert response_code(reset(0)) == 0
        assert response_code(port.tapq(0)[0]) == 2
        port.run_to(port.now + 100_000_000)
        assert port.tapq(0)[0] == E


def test_the_configuration_block(port: ApPort) -> None:
    assert port.qci() == port.bus.qci()


def test_operands_that_no_register_holds(port: ApPort) -> None:
    for call in (
        lambda: port.nqap(0x10000, 0, b""),
        lambda: port.nqap(0, 1 << 64, b""),
        lambda: port.dqap(-1, 1),
        lambda: port.dqap(0, -1),
        lambda: port.wait(1 << 62),
        lambda: port.run_to(-2),
    ):
        with pytest.raises(EmulatorError):
            call()


def test_the_records_are_those_of_dequeued_requests() -> None:
    recorder = Recorder()
    port = port_of(recorder=recorder)
    answered(port)
    answered(port)
    port.nqap(0, 1, b"no block")
    port.wait()
    assert port.dqap(0, 100).residual == 172
    for _ in range(2):
        port.dqap(0, 272)
    port.dqap(0, 272)
    rows = recorder.array()
    assert [int(outcome) for outcome in rows["outcome"]] == [0, 0, 0x20]
    assert [recorder.names[int(n)] for n in rows["operation"]] == ["rsa2048-me"] * 2 + ["error"]
