"""Attributes of cards, ``card%02x`` (AP sheet 5.2)."""

from collections.abc import Callable

from ghostcard.driver import selfdescription
from ghostcard.driver.attribute import Attribute, boolean, flag, no_device
from ghostcard.driver.facts import Facts, facts, queues_of
from ghostcard.driver.host import Host, QueueState
from ghostcard.firmware.abi.information import Module


def _first(host: Host, adapter: int) -> int:
    return queues_of(host, adapter)[0]


def _sum(count: Callable[[QueueState], int]) -> Callable[[Host, int], str]:
    return lambda host, adapter: str(
        sum(count(host.queue(qid)) for qid in queues_of(host, adapter))
    )


def _fact(text: Callable[[Facts], str]) -> Callable[[Host, int], str]:
    return lambda host, adapter: text(facts(host, _first(host, adapter)))


def _module(text: Callable[[Module], str]) -> Callable[[Host, int], str]:
    """What an EP11 card says of itself; nothing if it does not answer."""

    def read(host: Host, adapter: int) -> str:
        found = selfdescription.module(host.port, _first(host, adapter))
        return "" if found is None else text(found)

    return read


def _serial(host: Host, adapter: int) -> str:
    qid = _first(host, adapter)
    if facts(host, qid).letter == "C":
        return selfdescription.cca_serial(host.port, qid)
    found = selfdescription.module(host.port, qid)
    return "" if found is None else found.serial.decode("ascii").rstrip("\0")


def _is_online(host: Host, adapter: int) -> bool:
    card = host.card(adapter)
    return card.online and card.configured


def _set_online(host: Host, adapter: int, text: str) -> None:
    online = boolean(text)
    if online and not host.card(adapter).configured:
        raise no_device(f"card{adapter:02x} is not configured")
    host.switch_card(adapter, online)


def _set_config(host: Host, adapter: int, text: str) -> None:
    configured = boolean(text)
    if host.card(adapter).configured != configured:
        host.configure(adapter, configured)


def _reset_counts(host: Host, adapter: int, _text: str) -> None:
    host.forget_requests(queues_of(host, adapter))


TABLE: dict[str, Attribute] = {
    "API_ordinalnr": Attribute(_module(lambda found: str(found.api_ordinal)), None, "P"),
    "FW_version": Attribute(
        _module(lambda found: ".".join(map(str, found.firmware_version))), None, "P"
    ),
    "ap_functions": Attribute(_fact(lambda found: f"0x{found.functions & 0xFFFF0000:08X}")),
    "chkstop": Attribute(lambda host, adapter: flag(host.card(adapter).checkstopped)),
    "config": Attribute(lambda host, adapter: flag(host.card(adapter).configured), _set_config),
    "depth": Attribute(_fact(lambda found: str(found.depth))),
    "hwtype": Attribute(_fact(lambda found: str(found.hardware_type))),
    "load": Attribute(lambda host, adapter: str(host.card(adapter).load)),
    "max_msg_size": Attribute(_fact(lambda found: str(found.max_message_bytes))),
    "modalias": Attribute(_fact(lambda found: f"ap:t{found.hardware_type:02X}")),
    "online": Attribute(lambda host, adapter: flag(_is_online(host, adapter)), _set_online),
    "op_modes": Attribute(_module(lambda found: selfdescription.op_modes(found.mode)), None, "P"),
    "pendingq_count": Attribute(_sum(lambda queue: queue.pending)),
    "raw_hwtype": Attribute(_fact(lambda found: str(found.hardware_type))),
    "request_count": Attribute(
        lambda host, adapter: str(host.card(adapter).requests), _reset_counts
    ),
    "requestq_count": Attribute(_sum(lambda queue: queue.queued)),
    "serialnr": Attribute(_serial, None, "CP"),
    "type": Attribute(_fact(lambda found: found.type)),
}
