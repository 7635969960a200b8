"""The ioctls that ask for counts and states, by their numbers (AP sheet 4.1).

Each gives the bytes that the kernel's driver fills in, big-endian. Those of one byte or number for
each card look at its queue in the default domain; the deprecated ones know 64 cards.
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ghostcard.driver.facts import facts
from ghostcard.driver.host import Host

CARDS, OLD_CARDS, DOMAINS = 256, 64, 256
_OFFLINE = 0x0D
_CCA_TYPE = 7
_NEWEST_TYPE = 12  # of CEX6 and later
_COUNT_MOST = (1 << 32) - 1


class Asked(NamedTuple):
    """A host, and how often its nodes are open."""

    host: Host
    users: int


Answer = Callable[[Asked], bytes]


def _device_status(cards: int) -> Answer:
    """A word for each possible queue, by card and domain: type, qid, online, functions."""

    def answer(asked: Asked) -> bytes:
        words = [0] * (cards * DOMAINS)
        for qid in asked.host.qids():
            if qid < len(words):
                words[qid] = _word(asked.host, qid)
        return struct.pack(f">{len(words)}I", *words)

    return answer


def _word(host: Host, qid: int) -> int:
    found, queue, card = facts(host, qid), host.queue(qid), host.card(qid >> 8)
    online = queue.online and card.online
    return found.hardware_type << 24 | qid << 8 | online << 7 | found.functions >> 26 << 1


def _each_card(layout: str, cards: int, value: Callable[[Host, int], int]) -> Answer:
    """A value of each card's queue in the default domain; 0 where there is none."""

    def answer(asked: Asked) -> bytes:
        values = [0] * cards
        for qid in _default_queues(asked.host):
            if qid >> 8 < cards:
                values[qid >> 8] = value(asked.host, qid)
        return struct.pack(f">{cards}{layout}", *values)

    return answer


def _number(value: Callable[[Asked], int]) -> Answer:
    return lambda asked: struct.pack(">i", value(asked))


def _default_queues(host: Host) -> Iterator[int]:
    return (qid for qid in host.qids() if qid & 0xFF == host.settings.domain)


def _type(host: Host, qid: int) -> int:
    """What programs know the card by, or that it is offline."""
    if not host.card(qid >> 8).online:
        return _OFFLINE
    found = facts(host, qid)
    return _CCA_TYPE if found.letter == "C" else min(found.hardware_type, _NEWEST_TYPE)


def _depth(host: Host, qid: int) -> int:
    queue = host.queue(qid)
    return min(queue.pending + queue.queued, 0xFF)


def _requests(host: Host, qid: int) -> int:
    return min(host.queue(qid).requests, _COUNT_MOST)


def _sum(count: str) -> Answer:
    return _number(
        lambda asked: sum(
            getattr(asked.host.queue(qid), count) for qid in _default_queues(asked.host)
        )
    )


TABLE: dict[int, Answer] = {
    0x44: _sum("queued"),  # Z90STAT_REQUESTQ_COUNT
    0x45: _sum("pending"),  # Z90STAT_PENDINGQ_COUNT
    0x46: _number(lambda asked: asked.users),  # Z90STAT_TOTALOPEN_COUNT
    0x47: _number(lambda asked: asked.host.settings.domain),  # Z90STAT_DOMAIN_INDEX
    0x48: _each_card("B", OLD_CARDS, _type),  # Z90STAT_STATUS_MASK
    0x49: _each_card("B", OLD_CARDS, _depth),  # Z90STAT_QDEPTH_MASK
    0x4A: _each_card("I", OLD_CARDS, _requests),  # Z90STAT_PERDEV_REQCNT
    0x4F: _device_status(OLD_CARDS),  # ZDEVICESTATUS
    0x58: _each_card("B", CARDS, _type),  # ZCRYPT_STATUS_MASK
    0x59: _each_card("B", CARDS, _depth),  # ZCRYPT_QDEPTH_MASK
    0x5A: _each_card("I", CARDS, _requests),  # ZCRYPT_PERDEV_REQCNT
    0x5F: _device_status(CARDS),  # ZCRYPT_DEVICE_STATUS
}
