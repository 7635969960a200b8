"""What udev is told of a simulated host (AP sheet 1.9, 4.4)."""

import pytest

from ghostcard.config import CardConfig, Config
from ghostcard.driver.attributes import Attributes
from ghostcard.driver.simulatedhost import SimulatedHost
from ghostcard.machine import Machine

CARD0, CARD1 = "/devices/ap/card00", "/devices/ap/card01"


class Stand:
    """A CEX8 accelerator with two domains, a CEX7 in EP11 mode with one; what was told."""

    def __init__(self) -> None:
        cards = (CardConfig(0, "cex8a", (0, 6)), CardConfig(1, "cex7p", (0,)))
        self.machine = Machine(Config(cards, (), "null", 1), in_memory=True)
        self.port = self.machine.simulated()
        self.host = SimulatedHost(self.machine.bus, self.port)
        self.sysfs = Attributes(self.host)
        self.first = self.new()

    def new(self) -> list[str]:
        """The events since the last time."""
        events = list(map(str, self.host.uevents.told))
        self.host.uevents.told.clear()
        return events


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_the_first_scan(stand: Stand) -> None:
    assert stand.first == [
        f"add {CARD0} DEV_TYPE=000E MODALIAS=ap:t0E MODE=accel",
        f"add {CARD0}/00.0000 MODE=accel",
        f"add {CARD0}/00.0006 MODE=accel",
        f"add {CARD1} DEV_TYPE=000D MODALIAS=ap:t0D MODE=ep11",
        f"add {CARD1}/01.0000 MODE=ep11",
        "change /devices/ap INITSCAN=done",
        "change /devices/ap BINDINGS=complete COMPLETECOUNT=1",
    ]


def test_online_and_offline(stand: Stand) -> None:
    stand.sysfs.write("/sys/devices/ap/card00/online", "0")
    assert stand.new() == [
        f"change {CARD0} ONLINE=0",
        f"change {CARD0}/00.0000 ONLINE=0",
        f"change {CARD0}/00.0006 ONLINE=0",
    ]
    stand.sysfs.write("/sys/bus/ap/devices/01.0000/online", "1")
    assert stand.new() == []


def test_a_card_in_standby_and_back(stand: Stand) -> None:
    stand.port.timeline.run(1_000_000)
    stand.sysfs.write("/sys/devices/ap/card01/config", "0")
    assert {event.at_ns for event in stand.host.uevents.told} == {1_000_000}
    assert stand.new() == [f"change {CARD1} CONFIG=0", f"change {CARD1}/01.0000 CONFIG=0"]
    stand.sysfs.write("/sys/devices/ap/card01/config", "1")
    assert stand.new() == [f"change {CARD1} CONFIG=1", f"change {CARD1}/01.0000 CONFIG=1"]


def test_a_card_that_is_pulled_and_put_back(stand: Stand) -> None:
    pulled = stand.machine.bus.unplug(0)
    stand.port.timeline.run(1_000_000)
    assert stand.new() == [
        f"remove {CARD0}/00.0000", f"remove {CARD0}/00.0006", f"remove {CARD0}",
    ]  # fmt: skip
    stand.machine.bus.plug(pulled)
    stand.port.timeline.run(2_000_000)
    assert stand.new() == [
        f"add {CARD0} DEV_TYPE=000E MODALIAS=ap:t0E MODE=accel",
        f"add {CARD0}/00.0000 MODE=accel",
        "change /devices/ap BINDINGS=complete COMPLETECOUNT=2",
        f"add {CARD0}/00.0006 MODE=accel",
        "change /devices/ap BINDINGS=complete COMPLETECOUNT=3",
    ]
    assert stand.sysfs.read("/sys/bus/ap/bindings_complete_count") == "3\n"


def test_masks(stand: Stand) -> None:
    stand.sysfs.write("/sys/bus/ap/aqmask", "-6")
    mask = "0xfd" + "f" * 62
    assert stand.new() == [f"change {CARD0}/00.0006 ONLINE=0", f"change /devices/ap AQMASK={mask}"]
    stand.sysfs.write("/sys/bus/ap/apmask", "-200")
    assert [event.split("=")[0] for event in stand.new()] == ["change /devices/ap APMASK"]
