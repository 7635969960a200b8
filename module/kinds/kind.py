"""What a kind of token gives its slot: who keeps its keys and does its cryptography, and where."""

from collections.abc import Sequence
from typing import Protocol

from ghostcard.driver.ep11 import Ep11Host


class Kind(Protocol):
    """One slot's token, as far as kinds of token differ. Made with the machine and the slot of the
    configuration; a new kind is a class like this in a file of its own, and a row in `KINDS`.
    """

    @property
    def model(self) -> str:
        """CK_TOKEN_INFO.model, at most 16 bytes."""
        ...

    @property
    def is_in_cards(self) -> bool:
        """Whether the token goes when all cards of the slot are out of operation."""
        ...

    @property
    def max_message(self) -> int:
        """The longest request, bytes."""
        ...

    @property
    def host(self) -> Ep11Host:
        """Does what is asked of the token."""
        ...

    @property
    def queues(self) -> Sequence[Ep11Host]:
        """Who is asked for mechanisms, all of whom must have one that the token has, and given
        seeds: each APQN where these do the cryptography.
        """
        ...

    def is_hardware(self, mechanism: int) -> bool:
        """Whether cards do the mechanism: CKF_HW of CK_MECHANISM_INFO."""
        ...
