"""Short names for the keys that are varied most, found in a scenario's document.

`clients` is `tenants[0].clients` where only one tenant is a closed loop; where several could be
meant, the key itself has to be given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ghostcard.benchmarks.scenario import CLOSED, DETERMINISTIC, POISSON, ScenarioError

_MACHINE = {
    "cards": "machine.cards",
    "depth": "machine.depth",
    "domains": "machine.domains",
    "profile": "machine.profile",
}


def _is_closed(tenant: Mapping[str, Any]) -> bool:
    return bool(tenant.get("arrivals", CLOSED) == CLOSED)


def _is_steady(tenant: Mapping[str, Any]) -> bool:
    return tenant.get("arrivals") in (POISSON, DETERMINISTIC)


def _has_one_kind(tenant: Mapping[str, Any]) -> bool:
    return "operation" in tenant


_TENANTS: dict[str, tuple[str, str, Callable[[Mapping[str, Any]], bool]]] = {
    "clients": ("clients", "a closed loop", _is_closed),
    "operation": ("operation", "one operation (no mix)", _has_one_kind),
    "payload": ("payload_bytes", "one operation (no mix)", _has_one_kind),
    "rate": ("rate_per_s", "a rate", _is_steady),
    "think": ("think.mean_ns", "a closed loop", _is_closed),
}
SHORT = (*_MACHINE, *_TENANTS)


def key_of(name: str, document: Mapping[str, Any]) -> str:
    """The dotted key that a name stands for; a name that is not short is a key itself."""
    if name in _MACHINE:
        return _MACHINE[name]
    if name not in _TENANTS:
        return name
    key, needs, fits = _TENANTS[name]
    tenants = document.get("tenants")
    known = tenants if isinstance(tenants, list) else []
    found = [n for n, one in enumerate(known) if isinstance(one, Mapping) and fits(one)]
    if len(found) != 1:
        raise ScenarioError(
            f"--vary {name}: got {len(found)} tenants with {needs}, takes the key itself "
            f"where it is not one, such as tenants[0].{key}"
        )
    return f"tenants[{found[0]}].{key}"
