"""How the threads of a program share simulated time."""

from typing import NamedTuple

STRICT = "strict"
BEHIND = "behind"
ORDERS = (STRICT, BEHIND)
THINKS = ("none", "cpu")


class Timing(NamedTuple):
    """``order``: "strict" (`driver/gate.py`) or "behind" (`driver/timingtrack.py`); ``think``: what
    a thread's clock advances by between two calls, "none" or its time on a processor ("cpu"), times
    ``think_scale``; ``clients``: threads without which time does not begin, 0: as they come.
    """

    order: str = BEHIND
    think: str = "none"
    think_scale: float = 1.0
    clients: int = 0


class Standing(NamedTuple):
    """What the order of a run was, and whether it held."""

    order: str
    think: str
    think_scale: float
    clients: int
    parked: int  # threads that were awake, and left behind: by "behind"
    expired: int  # the same by "strict", after its grace
    late: int  # of these, who called after all

    @property
    def is_deterministic(self) -> bool:
        """Whether the same program would leave the same records again, for all we know."""
        return self.think == "none" and not (self.parked or self.expired or self.late)
