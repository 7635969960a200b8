"""The stations of a scenario's cards: what a request asks of each, and how busy each has been.

A station holds a request for a time that the profile and the image decide; between the stations lie
delays (latency of the link, costs of the host) that hold nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.estimation import Array
from ghostcard.driver.shapes import shape
from ghostcard.driver.triage import DRIVER_OUTCOME
from ghostcard.emulator.card import Card
from ghostcard.emulator.link import TransferTimes
from ghostcard.emulator.profile import LinkProfile

LINK_IN, CORES, BUILDERS, LINK_OUT = "link in", "cores", "reply builders", "link out"
_PIECE = 1 << 14  # records looked at together: 2 MiB
_STAGES = ("arrived", "fetched", "unwrapped", "started", "finished", "built", "replied")


class Demand(NamedTuple):
    """The time one request holds a server of a station."""

    station: str
    servers: int
    time_ns: int


class Busy(NamedTuple):
    """A station in a run: the share of its servers' time that was used, 0 to 1."""

    adapter: int
    station: str
    servers: int
    utilisation: float

    @property
    def title(self) -> str:
        """As a sentence has it: the pool called rsa is "rsa engines"."""
        plain = (LINK_IN, CORES, BUILDERS, LINK_OUT)
        return self.station if self.station in plain else f"{self.station} engines"


def demands(card: Card, operation: str, payload_bytes: int) -> list[Demand]:
    """What a request holds on a card, in order of its way; of the pools only its own."""
    profile, transfers = card.profile, TransferTimes(card.profile.link)
    replies = TransferTimes(profile.reply_link)
    plan = card.image.plan(operation, payload_bytes)
    _, request_bytes, reply_bytes = shape(operation, payload_bytes, profile.mode)
    firmware = profile.firmware
    asked = [
        Demand(LINK_IN, 1, transfers[request_bytes]),
        Demand(CORES, firmware.cores, plan.decode_ns + plan.unwrap_ns),
    ]
    for pool in profile.engines:
        if pool.name == plan.engine:
            asked.append(Demand(pool.name, pool.size, plan.engine_ns))
    asked.append(Demand(BUILDERS, firmware.reply_builders, plan.build_ns))
    asked.append(Demand(LINK_OUT, 1, replies[reply_bytes]))
    return asked


def delay_ns(card: Card, interrupts: bool) -> int:
    """What a request passes without holding anything; of polling its mean, half a period."""
    host, link = card.profile.host, card.profile.link
    notice = host.lone_notify_ns if interrupts else host.poll_ns // 2
    latency_ns = link.latency_ns + card.profile.reply_link.latency_ns
    return host.submit_ns + latency_ns + notice + host.dequeue_ns


def busy(
    array: Array, names: tuple[str, ...], cards: dict[int, Card], start_ns: int, end_ns: int
) -> list[Busy]:
    """How busy each station was between two times, by a recorder's array and names."""
    length = end_ns - start_ns
    found: dict[tuple[int, str], Busy] = {}
    for first in range(0, max(len(array), 1), _PIECE):
        piece = array[first : first + _PIECE]
        piece = piece[piece["outcome"] < DRIVER_OUTCOME]
        engines = np.array(names or ("",))[piece["engine"]]
        for adapter, card in cards.items():
            here = piece["qid"] >> 8 == adapter
            for station, servers, begin, end in _services(card, piece[here], engines[here]):
                held = np.clip(end, start_ns, end_ns) - np.clip(begin, start_ns, end_ns)
                share = int(held.sum()) / (servers * length) if length > 0 else 0.0
                before = found.get((adapter, station), Busy(adapter, station, servers, 0.0))
                found[adapter, station] = before._replace(utilisation=before.utilisation + share)
    return list(found.values())


def _services(card: Card, array: Array, engines: Array) -> Iterator[tuple[str, int, Array, Array]]:
    """Station, servers, and when each of its services began and ended."""
    times = {stage: array[stage].astype(np.int64) for stage in _STAGES}
    profile = card.profile
    sent = times["arrived"] - profile.link.latency_ns
    yield LINK_IN, 1, sent - _transfers(profile.link, array["request_bytes"]), sent
    yield CORES, profile.firmware.cores, times["fetched"], times["unwrapped"]
    for pool in profile.engines:
        own = engines == pool.name
        yield pool.name, pool.size, times["started"][own], times["finished"][own]
    built = times["built"]
    yield BUILDERS, profile.firmware.reply_builders, built - profile.firmware.build_ns, built
    sent = times["replied"] - profile.reply_link.latency_ns
    yield LINK_OUT, 1, sent - _transfers(profile.reply_link, array["reply_bytes"]), sent


def _transfers(link: LinkProfile, sizes: Array) -> Array:
    transfers = TransferTimes(link)
    kinds, places = np.unique(sizes, return_inverse=True)
    return np.array([transfers[int(size)] for size in kinds], np.int64)[places]
