"""Who may use which of a server's queues, by what the kernel says of the process that connects."""

import os
import socket
import struct
from contextlib import suppress
from typing import NamedTuple

from ghostcard.config import AccessConfig, Config

_UCRED = struct.Struct("3i")  # pid, uid, gid
_SO_PEERGROUPS = 59  # Linux; the socket module has no name for it
_GROUP_BYTES = 1024  # of the answer, the most that getsockopt takes


class Peer(NamedTuple):
    """A process at the other end of a connection, and all groups of its user."""

    pid: int
    uid: int
    gids: frozenset[int]


def peer_of(connection: socket.socket) -> Peer:
    """Who connected, as he was then. Of a user with more than 256 groups the first one counts."""
    size = _UCRED.size
    pid, uid, gid = _UCRED.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    packed = b""
    with suppress(OSError):
        packed = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUP_BYTES)
    return Peer(pid, uid, frozenset((gid, *struct.unpack(f"{len(packed) // 4}I", packed))))


def permitted(config: Config, peer: Peer) -> frozenset[int] | None:
    """The queues that a peer may use; None: he may not even look on.

    Without rules the server's own user may use all.
    """
    rules = config.access or (AccessConfig(os.geteuid(), None, None),)
    mine = [rule for rule in rules if rule.uid == peer.uid or rule.gid in peer.gids]
    if not mine:
        return None
    everything = tuple(card.adapter << 8 | dom for card in config.cards for dom in card.domains)
    found: set[int] = set()
    for rule in mine:
        found.update(everything if rule.apqns is None else rule.apqns)
    return frozenset(found)


def view(config: Config, queues: frozenset[int]) -> Config:
    """The configuration as far as somebody with these queues has to do with it: no seeds, no
    places of secrets; a slot has those of its queues that he may use.
    """
    cards = []
    for card in config.cards:
        domains = tuple(dom for dom in card.domains if card.adapter << 8 | dom in queues)
        if domains:
            cards.append(card._replace(domains=domains, seed=None, nvram=None))
    slots = []
    for slot in config.slots:
        apqns = tuple(queue for queue in slot.apqns if queue in queues)
        if apqns:
            slots.append(slot._replace(apqns=apqns))
    return Config(tuple(cards), tuple(slots), config.function)
