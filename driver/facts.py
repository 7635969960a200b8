"""What TAPQ's hardware information says of a queue's card (AP sheet 1.4, 2)."""

from typing import NamedTuple

from ghostcard.driver.host import Host

DEFAULT_MESSAGE_BYTES = 12_288  # where `ml` is 0
_LETTERS = ((0x08000000, "A"), (0x10000000, "C"), (0x04000000, "P"))  # checked in this order
_CEX4 = 10
GENERATION_AT_CEX4 = 4


class Facts(NamedTuple):
    """The fields, `letter` being A, C, P, or nothing for a device that is of no mode."""

    functions: int
    hardware_type: int
    max_message_bytes: int
    depth: int
    letter: str

    @property
    def type(self) -> str:
        """As in ``CEX8P``."""
        return f"CEX{self.hardware_type - _CEX4 + GENERATION_AT_CEX4}{self.letter}"


def facts(host: Host, qid: int) -> Facts:
    """Of a queue; zeros of one that is not there."""
    _, info = host.tapq(qid)
    functions, units = info >> 32, info >> 8 & 0xF
    letter = next((letter for bit, letter in _LETTERS if functions & bit), "")
    size = 4096 * units if units else DEFAULT_MESSAGE_BYTES
    return Facts(functions, info >> 24 & 0xFF, size, (info & 0xF) + 1, letter)


def queues_of(host: Host, adapter: int) -> list[int]:
    """The queues of a card."""
    return [qid for qid in host.qids() if qid >> 8 == adapter]


def is_bound(host: Host, qid: int) -> bool:
    """Whether the driver of Crypto Express queues has it, and not another one or none."""
    settings = host.settings
    if settings.overrides.get(qid):
        return settings.overrides[qid] == QUEUE_DRIVER
    return bool(settings.apmask >> (255 - (qid >> 8)) & settings.aqmask >> (255 - (qid & 0xFF)) & 1)


CARD_DRIVER, QUEUE_DRIVER = "cex4card", "cex4queue"
