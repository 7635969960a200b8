"""The kinds of token, by what the cards of a slot are."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ghostcard.module.kinds.accelerator import AcceleratorToken
from ghostcard.module.kinds.ep11 import Ep11Token
from ghostcard.module.kinds.kind import Kind

if TYPE_CHECKING:
    from ghostcard.config import SlotConfig
    from ghostcard.machine import Machine

KINDS: "dict[str, Callable[[Machine, SlotConfig], Kind]]" = {
    "ep11": Ep11Token,
    "accelerator": AcceleratorToken,
}
"""Mode of the cards -> the kind of token that a slot of them has."""


def has_token(machine: "Machine", slot: "SlotConfig") -> bool:
    """Whether a slot can have one; of CCA coprocessors there is none, and no slot."""
    return _mode(machine, slot) in KINDS


def kind_of(machine: "Machine", slot: "SlotConfig") -> Kind:
    """The kind of token of a slot, whose cards are all of one mode, on this machine."""
    return KINDS[_mode(machine, slot)](machine, slot)


def _mode(machine: "Machine", slot: "SlotConfig") -> str:
    return machine.bus.cards[slot.apqns[0] >> 8].image.mode
