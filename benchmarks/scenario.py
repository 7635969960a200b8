"""A scenario: a machine, the tenants that load it, how long, and what is to be measured.

Values only; `scenario_reader` makes them from TOML. Times are nanoseconds of simulated time. Rates
are fractions, so that no arrival time depends on the rounding of a float.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ghostcard.emulator.faultplan import FaultPlan
    from ghostcard.emulator.profile import Profile

CONSTANT, EXPONENTIAL, UNIFORM = "constant", "exponential", "uniform"
DISTRIBUTIONS = (CONSTANT, EXPONENTIAL, UNIFORM)
CLOSED, POISSON, DETERMINISTIC, BURSTY, TRACE = (
    "closed",
    "poisson",
    "deterministic",
    "bursty",
    "trace",
)
ARRIVALS = (CLOSED, POISSON, DETERMINISTIC, BURSTY, TRACE)
METRICS = ("latency", "throughput")


class ScenarioError(Exception):
    """A scenario cannot be used; the message names the key, what it got and what it takes."""


class MachineSpec(NamedTuple):
    """Cards 0, 1, .. of the profiles given, each with the domains 0 .. `domains` - 1."""

    profiles: tuple[str, ...]  # names or paths
    domains: int
    interrupts: bool
    loaded: tuple[Profile, ...] = ()  # the same, read: another host may not have the files


class Kind(NamedTuple):
    """One kind of request of a mix, drawn in proportion to `weight`."""

    operation: str
    payload_bytes: int
    weight: int
    mode: str = ""  # of the cards, where requests depend on it (`driver.shapes`)


class Think(NamedTuple):
    """What a client does between a reply and its next request."""

    mean_ns: int = 0
    distribution: str = CONSTANT
    spread_permille: int = 0  # of "uniform": mean * (1 +- spread / 1000)


class Phase(NamedTuple):
    """A state of a bursty source: a Poisson stream of this rate for an exponential time."""

    rate_per_s: Fraction
    mean_ns: int


class Arrival(NamedTuple):
    """A line of a trace. `kind` is None where the tenant's mix is to be drawn from."""

    at_ns: int
    kind: Kind | None


class Tenant(NamedTuple):
    """Who sends requests: a closed loop of clients, or an open stream."""

    name: str
    targets: tuple[int, ...]  # qids
    arrivals: str  # one of ARRIVALS
    mix: tuple[Kind, ...]
    clients: int = 0  # closed
    think: Think = Think()  # closed
    steps: tuple[Kind, ...] = ()  # closed: what a client asks for, one after the other, over again
    workers: int = 0  # closed: processors on which the clients think; 0: each has its own
    rate_per_s: Fraction = Fraction(0)  # poisson, deterministic; at the start of a ramp
    ramp_to_per_s: Fraction | None = None  # rate at the end of the ramp
    ramp_ns: int = 0  # rate from one to the other; or clients begin one by one within it
    phases: tuple[Phase, ...] = ()  # bursty
    trace: tuple[Arrival, ...] = ()

    def mean_think_ns(self) -> float:
        """Of a request, in the mean: a client with steps thinks after the last of them."""
        return self.think.mean_ns / max(len(self.steps), 1)

    def mean_rate_per_s(self) -> Fraction | None:
        """Requests per second in the long run; None for a closed loop and for a trace."""
        if self.arrivals == BURSTY:
            time = sum(phase.mean_ns for phase in self.phases)
            return sum((p.rate_per_s * p.mean_ns for p in self.phases), Fraction(0)) / time
        if self.arrivals in (CLOSED, TRACE):
            return None
        return self.rate_per_s if self.ramp_to_per_s is None else self.ramp_to_per_s


class Change(NamedTuple):
    """A figure of a card's profile, by its dotted key, that changes at a time."""

    at_ns: int
    card: int  # its number
    key: str
    value: int


class Stop(NamedTuple):
    """End when the half-width of the metric's confidence interval is small beside its mean."""

    relative_error: float
    confidence: float
    metric: str


class Scenario(NamedTuple):
    """All of it. It ends with the first of `duration_ns`, `requests` and `stop` that is reached;
    what is under way then is still served, so that a run goes from empty to empty."""

    name: str
    description: str
    machine: MachineSpec
    tenants: tuple[Tenant, ...]
    seed: int
    duration_ns: int | None
    requests: int | None
    warm_up_ns: int | None  # None: MSER-5 decides
    replications: int
    histogram: bool  # latencies as a histogram, no records: bounded memory
    confidence: float
    stop: Stop | None
    changes: tuple[Change, ...] = ()  # in order of time
    faults: FaultPlan | None = None
