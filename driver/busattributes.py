"""Attributes of the AP bus (AP sheet 5.1)."""

import errno
from collections.abc import Callable

from ghostcard.driver import masks
from ghostcard.driver.attribute import Attribute, boolean, flag, integer
from ghostcard.driver.errors import DriverError
from ghostcard.driver.facts import is_bound
from ghostcard.driver.host import Host

MAX_POLL_NS = 120_000_000_000
_FEATURES = ((0, "APSC"), (1, "APXA"), (2, "QACT"), (3, "RC8A"), (8, "APSB"))  # bits of QCI's flags


def _mask_at(offset: int) -> Callable[[Host, int], str]:
    """A mask of the QCI block."""
    return lambda host, _: "0x" + host.qci()[offset : offset + 32].hex()


def _features(host: Host, _: int) -> str:
    flags = int.from_bytes(host.qci()[:4], "big")
    return " ".join(name for place, name in _FEATURES if flags << place & 0x80000000) or "-"


def _bindings(host: Host, _: int) -> str:
    bound, there = sum(is_bound(host, qid) for qid in host.qids()), len(host.qids())
    return f"{bound}/{there} (complete)" if bound == there else f"{bound}/{there}"


def _set_domain(host: Host, _: int, text: str) -> None:
    domain = integer(text, 0, host.qci()[5])
    if not masks.holds(host.settings.aqmask, domain):
        raise DriverError(errno.EINVAL, f"domain {domain} is not in aqmask")
    host.settings.domain = domain


def _set_config_time(host: Host, _: int, text: str) -> None:
    host.settings.config_time_s = integer(text, 5, 120)
    host.set_scan_period(host.settings.config_time_s)


def _set_poll_thread(host: Host, _: int, text: str) -> None:
    runs = boolean(text)
    if runs and host.interrupts:
        return  # it refuses to start, and says nothing
    host.poll_thread = runs


def _set_poll_timeout(host: Host, _: int, text: str) -> None:
    host.poll_ns = integer(text, 1, MAX_POLL_NS)


def _set_mask(name: str) -> Callable[[Host, int, str], None]:
    def write(host: Host, _: int, text: str) -> None:
        if any(host.settings.overrides.values()):
            raise DriverError(errno.EINVAL, "a driver_override is set")
        before = {qid: is_bound(host, qid) for qid in host.qids()}
        setattr(host.settings, name, masks.changed(getattr(host.settings, name), text))
        rebind(host, before)

    return write


def rebind(host: Host, before: dict[int, bool]) -> None:
    """Have queues go to other drivers, or come back: they are not ours to use meanwhile."""
    for qid, was_bound in before.items():
        if is_bound(host, qid) != was_bound:
            host.switch_queue(qid, not was_bound)
    host.notice()


TABLE: dict[str, Attribute] = {
    "ap_adapter_mask": Attribute(_mask_at(16)),
    "ap_control_domain_mask": Attribute(_mask_at(80)),
    "ap_domain": Attribute(lambda host, _: str(host.settings.domain), _set_domain),
    "ap_interrupts": Attribute(lambda host, _: flag(host.interrupts)),
    "ap_max_adapter_id": Attribute(lambda host, _: str(host.qci()[4])),
    "ap_max_domain_id": Attribute(lambda host, _: str(host.qci()[5])),
    "ap_usage_domain_mask": Attribute(_mask_at(48)),
    "apmask": Attribute(lambda host, _: masks.text(host.settings.apmask), _set_mask("apmask")),
    "aqmask": Attribute(lambda host, _: masks.text(host.settings.aqmask), _set_mask("aqmask")),
    "bindings": Attribute(_bindings),
    "bindings_complete_count": Attribute(lambda host, _: str(host.bindings_completed)),
    "config_time": Attribute(lambda host, _: str(host.settings.config_time_s), _set_config_time),
    "features": Attribute(_features),
    "poll_thread": Attribute(lambda host, _: flag(host.poll_thread), _set_poll_thread),
    "poll_timeout": Attribute(lambda host, _: str(host.poll_ns), _set_poll_timeout),
    "scans": Attribute(lambda host, _: str(host.scans), lambda host, _number, _text: host.scan()),
}
