"""The accelerator token: the host holds the keys and computes, and has its cards do RSA.

As openCryptoki's ICA token does. What the host runs is `ghostcard.software`; without a card the
token stays, and RSA is CKR_DEVICE_REMOVED.
"""

from typing import TYPE_CHECKING

from ghostcard.driver.ep11 import Ep11Host
from ghostcard.firmware.abi.request import MAX_MESSAGE
from ghostcard.module.rsa_rules import EXPONENTIATING

if TYPE_CHECKING:
    from ghostcard.config import SlotConfig
    from ghostcard.machine import Machine


class AcceleratorToken:
    """Implements `ghostcard.module.kinds.kind.Kind`."""

    model = "Accelerator"
    is_in_cards = False
    max_message = MAX_MESSAGE

    def __init__(self, machine: "Machine", slot: "SlotConfig") -> None:
        self.host = Ep11Host(machine.software(slot.id), (0,), self.max_message)
        self.queues = (self.host,)

    def is_hardware(self, mechanism: int) -> bool:
        """Whatever uses an RSA key; the host makes the keys."""
        return mechanism in EXPONENTIATING
