"""A card that is taken out of operation while threads call, on both tracks."""

import errno
import threading

import pytest

from ghostcard.driver.errors import DriverError
from ghostcard.driver.native import NativePort
from ghostcard.driver.shapes import renderer
from ghostcard.emulator.record import Recorder
from ghostcard.machine import Machine


def call(machine: Machine, targets: tuple[int, ...]) -> int:
    """One hash; the queue that served it."""
    function, render = renderer("sha256", 64, machine.native, targets)
    return machine.native.call(function, render, targets)[1]


def test_the_other_card_serves_and_is_accounted_for() -> None:
    machine = Machine.simulation(cards=2)
    targets = machine.targets(0)
    assert {call(machine, targets) for _ in range(4)} == set(targets)
    before = len(machine.recorder)
    machine.native.withdraw(0, is_away=True)
    assert {call(machine, targets) for _ in range(4)} == {targets[1]}
    machine.native.finish()
    records = machine.recorder.array()[before:]
    assert set(records["qid"]) == {targets[1]}
    machine.native.withdraw(0, is_away=False)
    assert {call(machine, targets) for _ in range(4)} == set(targets)


def test_without_a_card_there_is_no_device() -> None:
    machine = Machine.simulation()
    machine.native.withdraw(0, is_away=True)
    with pytest.raises(DriverError) as caught:
        call(machine, machine.targets(0))
    assert caught.value.code == errno.ENODEV


def test_where_nothing_is_recorded_the_card_is_gone_too() -> None:
    """As in a program without a run: there is no timing track then."""
    machine = Machine.simulation(cards=2)
    machine.native = NativePort(machine.bus, Recorder(capacity=0))
    targets = machine.targets(0)
    machine.native.withdraw(0, is_away=True)
    assert {call(machine, targets) for _ in range(4)} == {targets[1]}
    machine.native.withdraw(1, is_away=True)
    with pytest.raises(DriverError) as caught:
        call(machine, targets)
    assert caught.value.code == errno.ENODEV
    machine.native.withdraw(0, is_away=False)
    assert call(machine, targets) == targets[0]


def test_threads_that_call_meanwhile() -> None:
    """None is lost, and time goes on when the card is back."""
    machine = Machine.simulation(cards=2)
    targets = machine.targets(0)
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        for _ in range(200):
            call(machine, targets)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    start.wait()
    for _ in range(10):
        machine.native.withdraw(1, is_away=True)
        machine.native.withdraw(1, is_away=False)
    for thread in threads:
        thread.join()
    machine.native.finish()
    assert len(machine.recorder) >= 600
