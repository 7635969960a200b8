"""How the threads of a program share simulated time."""

from typing import NamedTuple

STRICT = "strict"
BEHIND = "behind"
STANDING_SUFFIX = ".order"  # of the file beside a process's records
PACE_SUFFIX = ".pace"  # of that in paced mode
ORDERS = (STRICT, BEHIND)
THINKS = ("none", "cpu")
VIRTUAL = "virtual"
PACED = "paced"
CLOCKS = (VIRTUAL, PACED)
DILATION = 10.0
LEAST_DILATION = 0.001
GRACE_S = 10.0  # strict: that a client may be awake without calling, while others wait for it


class Timing(NamedTuple):
    """``order``: "strict" (`driver/gate.py`) or "behind" (`driver/timingtrack.py`); ``think``: what
    a thread's clock advances by between two calls, "none" or its time on a processor ("cpu"), times
    ``think_scale``; ``clients``: threads without which time does not begin, 0: as they come.

    All that is for the "virtual" ``clock``. The "paced" one is the wall's, which is ``dilation``
    times as long as the cards' (`driver/pacedtrack.py`).
    """

    order: str = BEHIND
    think: str = "none"
    think_scale: float = 1.0
    clients: int = 0
    clock: str = VIRTUAL
    dilation: float = DILATION

    @property
    def kept(self) -> tuple[str, str, float, int]:
        """What a `Standing` says again: of the virtual clock."""
        return self.order, self.think, self.think_scale, self.clients


class Standing(NamedTuple):
    """What the order of a run was, and whether it held."""

    order: str
    think: str
    think_scale: float
    clients: int
    parked: int  # threads that were awake, and left behind: by "behind"
    expired: int  # the same by "strict", after its grace
    late: int  # of these, who called after all

    def as_text(self) -> str:
        """For a file: a line for each field."""
        return "".join(f"{name} {value}\n" for name, value in zip(self._fields, self, strict=True))

    @classmethod
    def of_text(cls, text: str) -> "Standing":
        """The inverse; ValueError for anything else."""
        said = dict(line.split(" ", 1) for line in text.splitlines())
        if set(said) != set(cls._fields):
            raise ValueError("not the order of a run")
        order, think, scale = said["order"], said["think"], float(said["think_scale"])
        counts = (int(said[name]) for name in ("clients", "parked", "expired", "late"))
        return cls(order, think, scale, *counts)

    @property
    def is_deterministic(self) -> bool:
        """Whether the same program would leave the same records again, for all we know."""
        return self.think == "none" and not (self.parked or self.expired or self.late)
