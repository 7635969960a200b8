"""What udev would be told of devices: cards and queues that come, go and change (AP sheet 1.9).

`Uevents.look` compares what there is with what there was when it last looked.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ghostcard.driver import masks
from ghostcard.driver.facts import facts, is_bound
from ghostcard.driver.host import Host

ROOT = "/devices/ap"
_MODES = {"A": "accel", "C": "cca", "P": "ep11"}


class Uevent(NamedTuple):
    """`action` is add, remove or change, `path` that of the device below /sys."""

    at_ns: int
    action: str
    path: str
    variables: Mapping[str, str]

    def __str__(self) -> str:
        told = "".join(f" {name}={value}" for name, value in self.variables.items())
        return f"{self.action} {self.path}{told}"


class _Device(NamedTuple):
    """What of a card or queue is told when it comes, and when it changes."""

    about: dict[str, str]
    states: dict[str, str]


class Uevents:
    """The events of a host so far, in order; at first those of its first bus scan."""

    def __init__(self, host: Host, now_ns: Callable[[], int]) -> None:
        self.told: list[Uevent] = []
        self.completed = 0  # how often all queues have found their driver
        self._host = host
        self._now_ns = now_ns
        self._devices: dict[str, _Device] = {}
        self._masks = _masks(host)
        self._is_first = True
        self.look()

    def look(self) -> None:
        """Tell of what is new."""
        before, self._devices = self._devices, dict(_devices(self._host, self._devices))
        for path in reversed(before):
            if path not in self._devices:
                self._tell("remove", path)
        come = [path for path in self._devices if path not in before]
        for path, device in self._devices.items():
            if path in come:
                self._tell("add", path, device.about)
                continue
            for name, value in device.states.items():
                if before[path].states[name] != value:
                    self._tell("change", path, {name: value})
        for name, text in _masks(self._host).items():
            if self._masks[name] != text:
                self._masks[name] = text
                self._tell("change", ROOT, {name: text})
        if self._is_first:
            self._is_first = False
            self._tell("change", ROOT, {"INITSCAN": "done"})
        if come and all(is_bound(self._host, qid) for qid in self._host.qids()):
            self.completed += 1
            count = str(self.completed)
            self._tell("change", ROOT, {"BINDINGS": "complete", "COMPLETECOUNT": count})

    def _tell(self, action: str, path: str, variables: Mapping[str, str] | None = None) -> None:
        self.told.append(Uevent(self._now_ns(), action, path, variables or {}))


def _devices(host: Host, known: Mapping[str, _Device]) -> Iterator[tuple[str, _Device]]:
    """By path; a card before its queues. One that is about to be removed stays what it was."""
    cards: set[int] = set()
    for qid in host.qids():
        adapter, found, queue = qid >> 8, facts(host, qid), host.queue(qid)
        path = f"{ROOT}/card{adapter:02x}"
        if not found.letter:
            yield from ((each, known[each]) for each in (path, _queue_path(qid)) if each in known)
            continue
        mode = {"MODE": _MODES[found.letter]}
        if adapter not in cards:
            cards.add(adapter)
            card, number = host.card(adapter), found.hardware_type
            about = {"DEV_TYPE": f"{number:04X}", "MODALIAS": f"ap:t{number:02X}", **mode}
            yield path, _Device(about, _states(card.configured, card.online))
        states = _states(queue.configured, queue.online)
        yield _queue_path(qid), _Device(mode, states)


def _queue_path(qid: int) -> str:
    return f"{ROOT}/card{qid >> 8:02x}/{qid >> 8:02x}.{qid & 0xFF:04x}"


def _states(configured: bool, online: bool) -> dict[str, str]:
    return {"CONFIG": str(int(configured)), "ONLINE": str(int(online))}


def _masks(host: Host) -> dict[str, str]:
    settings = host.settings
    return {"APMASK": masks.text(settings.apmask), "AQMASK": masks.text(settings.aqmask)}
