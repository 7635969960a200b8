"""How long one request takes on a card that has nothing else to do."""

from __future__ import annotations

from collections.abc import Mapping

from ghostcard.benchmarks.scenario import CLOSED, Kind, Think
from ghostcard.benchmarks.scenario_run import replicate
from ghostcard.benchmarks.size.load import Size, Varied

_REQUESTS = 32  # the shortest of them: notification by polling and varying service take longer


def lone_ns(varied: Varied) -> Mapping[Kind, int]:
    """Of each kind that the target's tenants ask for: simulated, the shortest of some."""
    kinds = dict.fromkeys(kind for tenant in varied.tenants for kind in tenant.mix)
    return {kind: _lone(varied, kind) for kind in kinds}


def _lone(varied: Varied, kind: Kind) -> int:
    scenario = varied.at(Size(varied.fewest_cards, varied.deepest, 1))
    [tenant, *_] = (scenario.tenants[number] for number in varied.chosen)
    alone = tenant._replace(
        arrivals=CLOSED, clients=1, mix=(kind,), steps=(), think=Think(), workers=0, ramp_ns=0,
        phases=(), trace=(),
    )  # fmt: skip
    run = replicate(
        scenario._replace(tenants=(alone,), requests=_REQUESTS, changes=(), faults=None), 0
    )
    array = run.recorder.array()
    return int((array["done"] - array["submitted"]).min())
