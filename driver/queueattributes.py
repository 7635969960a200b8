"""Attributes of queues, ``%02x.%04x`` (AP sheet 5.3)."""

import errno

from ghostcard.driver import selfdescription
from ghostcard.driver.attribute import Attribute, boolean, flag, no_device
from ghostcard.driver.busattributes import rebind
from ghostcard.driver.errors import DriverError
from ghostcard.driver.facts import facts, is_bound
from ghostcard.driver.host import Host
from ghostcard.driver.masks import ALL
from ghostcard.driver.queue import Device, State
from ghostcard.emulator.status import BUSY, INTERRUPTS_ENABLED, RESPONSE_NAMES, response_code

_STATES = {state: state.name for state in State} | {State.QUEUE_FULL: "FULL"}
_RESETS = {
    State.RESET_START: "Reset in progress.",
    State.RESET_WAIT: "Reset in progress.",
    State.WORKING: "Reset Timer armed.",
    State.QUEUE_FULL: "Reset Timer armed.",
}


def _requests(host: Host, qid: int) -> str:
    queue = host.queue(qid)
    return "-" if queue.device is Device.UNINITIATED else str(queue.requests)


def _interrupt(host: Host, qid: int) -> str:
    if host.queue(qid).state is State.SETIRQ_WAIT:
        return "Enable Interrupt pending."
    status, _ = host.tapq(qid)
    return f"Interrupts {'enabled' if status & INTERRUPTS_ENABLED else 'disabled'}."


def _functions(host: Host, qid: int) -> str:
    status, _ = host.tapq(qid)
    code = response_code(status)
    if code > BUSY:
        raise DriverError(errno.EIO, f"TAPQ answered {code:02x}")
    return f"0x{facts(host, qid).functions:08X}"


def _states(host: Host, qid: int) -> str:
    queue = host.queue(qid)
    return f"{queue.device.name} [{_STATES[queue.state]}]"


def _last_error(host: Host, qid: int) -> str:
    code = host.queue(qid).last_error
    return RESPONSE_NAMES.get(code, f"response code {code}")


def _is_online(host: Host, qid: int) -> bool:
    queue = host.queue(qid)
    return queue.online and queue.configured and is_bound(host, qid)


def _set_online(host: Host, qid: int, text: str) -> None:
    online = boolean(text)
    if online:
        card = host.card(qid >> 8)
        if not host.queue(qid).configured or not card.configured or not is_bound(host, qid):
            raise no_device("the queue or its card is not configured")
        if not card.online:
            raise DriverError(errno.EINVAL, f"card{qid >> 8:02x} is offline")
    host.switch_queue(qid, online)


def _set_override(host: Host, qid: int, text: str) -> None:
    settings = host.settings
    if text and (settings.apmask, settings.aqmask) != (ALL, ALL):
        raise DriverError(errno.EINVAL, "apmask or aqmask have been changed")
    before = {qid: is_bound(host, qid)}
    settings.overrides[qid] = text
    rebind(host, before)


def _refuse(host: Host, qid: int, _text: str) -> None:
    raise DriverError(errno.EINVAL, "this machine has no Secure Execution")


def _keys(host: Host, qid: int) -> str:
    asked = {"C": selfdescription.cca_keys, "P": selfdescription.ep11_keys}
    return asked[facts(host, qid).letter](host.port, qid).rstrip("\n")


def _op_modes(host: Host, qid: int) -> str:
    found = selfdescription.domain(host.port, qid)
    return "" if found is None else selfdescription.op_modes(found.mode)


TABLE: dict[str, Attribute] = {
    "ap_functions": Attribute(_functions),
    "chkstop": Attribute(lambda host, qid: flag(host.queue(qid).checkstopped)),
    "config": Attribute(lambda host, qid: flag(host.queue(qid).configured)),
    "driver_override": Attribute(
        lambda host, qid: host.settings.overrides.get(qid, ""), _set_override
    ),
    "interrupt": Attribute(_interrupt),
    "last_err_rc": Attribute(_last_error),
    "load": Attribute(lambda host, qid: str(host.queue(qid).load)),
    "mkvps": Attribute(_keys, None, "CP"),
    "online": Attribute(lambda host, qid: flag(_is_online(host, qid)), _set_online),
    "op_modes": Attribute(_op_modes, None, "P"),
    "pendingq_count": Attribute(lambda host, qid: str(host.queue(qid).pending)),
    "request_count": Attribute(_requests, lambda host, qid, _: host.forget_requests([qid])),
    "requestq_count": Attribute(lambda host, qid: str(host.queue(qid).queued)),
    "reset": Attribute(
        lambda host, qid: _RESETS.get(host.queue(qid).state, "No Reset Timer set."),
        lambda host, qid, _: host.reset(qid),
    ),
    "se_associate": Attribute(lambda host, qid: "-", _refuse),
    "se_bind": Attribute(lambda host, qid: "-", _refuse),
    "states": Attribute(_states),
}
