"""Other cards for one run: N of a profile in the place of those of a home.

Slots and tokens stay as they are, and their keys can be used: the first cards are the home's own,
with another profile; the others, *guests*, have a copy of such a card's NVRAM, wrapping keys and
all, in a folder that goes with the run. Nothing of theirs is left in the home, no counts either.
"""

import os
import shutil
from collections.abc import Iterator

from ghostcard.config import CardConfig, Config, ConfigError, qid
from ghostcard.emulator.profile import is_path
from ghostcard.emulator.profile import load as load_profile
from ghostcard.home import home
from ghostcard.wrappingkeys import connected

MOST = 64  # cards


def arranged(
    config: Config, profile: str | None, cards: int | None, depth: int | None, folder: str
) -> Config:
    """The machine of ``config`` with so many cards of that profile, whose queues have that depth.

    ``None`` leaves it as it is. What belongs to the run is put into ``folder``. ConfigError for
    slots whose cards cannot take each other's place; ProfileError for a wrong profile.
    """
    if config.server is not None:
        raise ConfigError(f"--profile, --cards, --depth: the cards are those of {config.server}")
    if profile is not None:
        _require_one_mode(config, profile)
    if cards is None:
        same = (
            card._replace(profile=_profile(profile or card.profile, depth, folder))
            for card in config.cards
        )
        return config._replace(cards=tuple(same))
    first = _one_for_all(config)
    name = _profile(profile or first.profile, depth, folder)
    own = [card._replace(profile=name) for card in config.cards[:cards]]
    known = {card.adapter for card in config.cards}
    numbers = _free(known)
    guests = [
        CardConfig(next(numbers), name, first.domains, nvram=folder)
        for _ in range(cards - len(own))
    ]
    _copy(first.adapter, [guest.adapter for guest in guests], folder)
    adapters = [card.adapter for card in (*own, *guests)]
    slots = tuple(
        slot._replace(apqns=tuple(qid(adapter, each) for adapter in adapters for each in domains))
        for slot in config.slots
        for domains in (sorted({queue & 0xFF for queue in slot.apqns}),)
    )
    return config._replace(cards=(*own, *guests), slots=slots)


def _profile(name: str, depth: int | None, folder: str) -> str:
    if is_path(name):
        name = os.path.abspath(name)
    return name if depth is None else deepened(name, depth, folder)


def deepened(name: str, depth: int, folder: str) -> str:
    """The path of a profile in ``folder`` that is another but for the depth of its queues."""
    base = load_profile(name)  # what is wrong with it is told as such
    path = os.path.join(folder, f"{base.name}-depth-{depth}.toml")
    source = "asked for on the command line"
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'extends = "{name}"\n\n[queue]\n')
        file.write(f'depth = {{ value = {depth}, source = "{source}" }}\n')
    return path


def _require_one_mode(config: Config, profile: str) -> None:
    """Keys of one kind of card are nothing to another."""
    wanted = load_profile(profile).mode
    for card in config.cards:
        mode = load_profile(card.profile).mode
        if mode != wanted:
            raise ConfigError(
                f"--profile: {profile} is in mode {wanted}, and card {card.adapter:02x}, whose "
                f"place it is to take, in mode {mode}; tokens are of one mode"
            )


def _one_for_all(config: Config) -> CardConfig:
    """A card that has what all others have: the same domains, and in each the same key."""
    first = config.cards[0]
    groups = connected(config.slots)
    domains = [{queue & 0xFF for queue in group} for group in groups]
    is_apart = sum(map(len, domains)) == len(set().union(*domains))
    if not is_apart or any(card.domains != first.domains for card in config.cards):
        raise ConfigError(
            "--cards: the cards of this machine have different domains, or slots that do not share "
            "their keys, so that no card can take another's place"
        )
    return first


def _free(known: set[int]) -> Iterator[int]:
    """Adapter numbers that are not in use in this home."""
    for adapter in range(256):
        own = os.path.join(home(), "cards", f"{adapter:02x}.nvram")
        if adapter not in known and not os.path.exists(own):
            yield adapter
    raise ConfigError("--cards: no adapter number is left in this home")


def _copy(adapter: int, guests: list[int], folder: str) -> None:
    """A card that never was in use has no memory yet: its key is then shared when it is made."""
    own = os.path.join(home(), "cards", f"{adapter:02x}.nvram")
    if os.path.exists(own):
        for guest in guests:
            shutil.copyfile(own, os.path.join(folder, f"{guest:02x}.nvram"))
