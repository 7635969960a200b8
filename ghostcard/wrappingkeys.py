"""The APQNs that slots connect hold one wrapping key (CCA: the same master keys).

If they did not, a key made on one card would be worthless on the other. On real cards an
administrator clones it; here it is done before the cards boot: APQNs that never had a key get the
one that another has, or a new one. A domain whose key was cleared stays without. APQNs that hold
different keys are refused, since keys of users may lie under either, unless they are on their way
from one to the other: some have the next key, and it is committed on the rest.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from ghostcard.config import ConfigError, SlotConfig, apqn
from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.randomness import RandomSource


def connected(slots: tuple[SlotConfig, ...]) -> list[list[int]]:
    """The APQNs in groups, each in order: two are together if a chain of slots connects them."""
    groups: list[set[int]] = []
    for slot in slots:
        apart = [group for group in groups if group.isdisjoint(slot.apqns)]
        joined = [group for group in groups if not group.isdisjoint(slot.apqns)]
        groups = [*apart, set(slot.apqns).union(*joined)]
    return [sorted(group) for group in groups]


class Secret(NamedTuple):
    """What cards wrap keys under: where it lies by domain, its bytes, and the one that is committed
    to be the next, if the cards have such a register.
    """

    name_of: Callable[[int], str]
    size: int
    coming: Callable[[int, Nvram], bytes]


def share_secrets(
    mode: str,
    group: list[int],
    nvrams: dict[int, Nvram],
    randoms: dict[int, RandomSource],
    may_differ: bool,
) -> None:
    """Have all APQNs of a group of cards in this mode hold the same."""
    for secret in _secrets(mode):
        _share(secret, group, nvrams, randoms, may_differ)


def _secrets(mode: str) -> Iterator[Secret]:
    if mode == "ep11":
        from ghostcard.firmware.ep11.wrapping import KEY_SIZE
        from ghostcard.firmware.ep11.wrapping import nvram_name as wrapping_key

        yield Secret(wrapping_key, KEY_SIZE, _committed)
    if mode == "cca":
        from ghostcard.firmware.cca.masterkeys import KEY_SIZES
        from ghostcard.firmware.cca.masterkeys import nvram_name as master_key

        for kind, size in KEY_SIZES.items():
            yield Secret(partial(master_key, kind=kind), size, lambda *_: b"")


def _committed(domain: int, nvram: Nvram) -> bytes:
    from ghostcard.firmware.ep11 import domainstate

    state = domainstate.unpack(nvram.read(domainstate.nvram_name(domain)))
    return state.next_key if state.next is domainstate.Next.COMMITTED else b""


def _share(
    secret: Secret,
    group: list[int],
    nvrams: dict[int, Nvram],
    randoms: dict[int, RandomSource],
    may_differ: bool,
) -> None:
    """Several processes may do this at once: the first APQN that was not cleared decides, and its
    NVRAM lets one of them be first.
    """
    name_of = secret.name_of
    held = {queue: nvrams[queue >> 8].read(name_of(queue & 0xFF)) for queue in group}
    left = [queue for queue in group if held[queue] != b""]
    if not left:
        return
    first = left[0]

    def make() -> bytes:
        known = next((key for key in held.values() if key), None)
        return known or randoms[first >> 8].bytes(secret.size)

    key = held[first] = nvrams[first >> 8].create(name_of(first & 0xFF), make)
    for queue in left[1:]:
        held[queue] = nvrams[queue >> 8].create(name_of(queue & 0xFF), lambda: key)
    other = next((queue for queue in left if held[queue] != key), None)
    if other is None or may_differ:
        return
    coming = {queue: secret.coming(queue & 0xFF, nvrams[queue >> 8]) for queue in left}
    wanted = next(filter(None, coming.values()), None)
    if not all(wanted in (held[queue], coming[queue]) for queue in left):
        raise ConfigError(
            f"slots: {apqn(first)} and {apqn(other)} are to serve the same slot, "
            "but each has a wrapping key of its own already"
        )
