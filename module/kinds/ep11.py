"""The EP11 token: keys are made and used in the cards, and leave them as blobs only."""

from typing import TYPE_CHECKING

from ghostcard.driver.ep11 import Ep11Host

if TYPE_CHECKING:
    from ghostcard.config import SlotConfig
    from ghostcard.machine import Machine


class Ep11Token:
    """Implements `ghostcard.module.kinds.kind.Kind`."""

    model = "EP11"
    is_in_cards = True

    def __init__(self, machine: "Machine", slot: "SlotConfig") -> None:
        cards = (machine.bus.cards[apqn >> 8] for apqn in slot.apqns)
        self.max_message = min(card.profile.queue.max_message_bytes for card in cards)
        self.host = Ep11Host(machine.native, slot.apqns, self.max_message)
        self.queues = [Ep11Host(machine.native, (apqn,), self.max_message) for apqn in slot.apqns]

    def is_hardware(self, mechanism: int) -> bool:
        """All are."""
        return True
