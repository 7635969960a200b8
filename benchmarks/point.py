"""One measured point of the simulated sweep, and which resource limits it."""

from collections.abc import Mapping
from typing import NamedTuple

_SATURATED = 0.95


class Point(NamedTuple):
    """An operation under a number of clients in a closed loop; times are simulated.

    A card on which nothing takes time (profile `null`) has no throughput: 0. `utilisation` is each
    resource's busy share of the measured time (1.0: all its servers, always); `in_hardware` the
    mean share of the queue places that requests held between NQAP and DQAP.
    """

    operation: str
    clients: int
    requests: int
    throughput_per_s: float
    mean_ns: float
    p50_ns: int
    p99_ns: int
    utilisation: Mapping[str, float]
    in_hardware: float

    def limit(self) -> str:
        """The resource that keeps the throughput from growing.

        A resource that is (almost) always busy; else the queue, when its places are all taken; else
        the clients: more of them would get more. Nothing limits a card on which nothing takes time.
        """
        if not self.throughput_per_s:
            return "nothing"
        resource = max(self.utilisation, key=lambda name: self.utilisation[name])
        if self.utilisation[resource] >= _SATURATED:
            return resource
        return "queue depth" if self.in_hardware >= _SATURATED else "clients"
