"""The tenants of a scenario, read: their targets, their requests and how these arrive."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from fractions import Fraction
from itertools import pairwise
from math import lcm

from ghostcard.benchmarks.scenario import (
    ARRIVALS,
    BURSTY,
    CLOSED,
    CONSTANT,
    DETERMINISTIC,
    DISTRIBUTIONS,
    POISSON,
    TRACE,
    UNIFORM,
    Arrival,
    Kind,
    MachineSpec,
    Phase,
    ScenarioError,
    Tenant,
    Think,
)
from ghostcard.benchmarks.scenario_table import RATE_MAX_PER_S, TIME_MAX_NS, Table
from ghostcard.benchmarks.workload import clients_of
from ghostcard.driver.errors import DriverError
from ghostcard.driver.shapes import CCA, shape
from ghostcard.emulator.profile import Profile

CLIENTS_MAX = 1_000_000
WEIGHT_MAX = 1_000_000
PAYLOAD_MAX = 61440
STEPS_MAX = 10_000
PHASES_MAX = 10_000  # for each request in the mean: the time to draw them
_ALWAYS = ("name", "cards", "domains", "arrivals", "operation", "payload_bytes", "mix")
_KEYS = {
    CLOSED: ("clients", "think", "ramp_ns", "steps", "workers"),
    POISSON: ("rate_per_s", "ramp_to_per_s", "ramp_ns"),
    DETERMINISTIC: ("rate_per_s", "ramp_to_per_s", "ramp_ns"),
    BURSTY: ("phases",),
    TRACE: ("file",),
}
_COLUMNS = ("arrival_ns", "operation", "payload")


def read_tenants(
    tables: Sequence[Table], machine: MachineSpec, profiles: Sequence[Profile], folder: str
) -> tuple[Tenant, ...]:
    """Every tenant; `profiles` are those of the machine's cards."""
    tenants = tuple(
        _tenant(table, number, machine, profiles, folder) for number, table in enumerate(tables)
    )
    names = [tenant.name for tenant in tenants]
    for number, (name, table) in enumerate(zip(names, tables, strict=True)):
        if name in names[:number]:
            raise table.refuse("name", "a name that no other tenant has")
    if clients_of(tenants) > CLIENTS_MAX:
        raise tables[0].refuse("clients", f"at most {CLIENTS_MAX} in all tenants")
    return tenants


def _tenant(
    table: Table, number: int, machine: MachineSpec, profiles: Sequence[Profile], folder: str
) -> Tenant:
    arrivals = table.choice("arrivals", CLOSED, ARRIVALS)
    table.only(*_ALWAYS, *_KEYS[arrivals])
    cards = table.places("cards", len(profiles))
    domains = table.places("domains", machine.domains)
    served = [profiles[card] for card in cards]
    if len({profile.mode for profile in served}) > 1:
        modes = ", ".join(f"{card} is {profiles[card].mode}" for card in cards)
        raise table.refuse("cards", f"cards of one mode ({modes})")
    tenant = Tenant(
        name=table.text("name", f"tenant {number}"),
        targets=tuple(card << 8 | domain for card in cards for domain in domains),
        arrivals=arrivals,
        mix=_mix(table, served, arrivals),
    )
    if arrivals == CLOSED:
        return tenant._replace(
            clients=table.integer("clients", 1, CLIENTS_MAX, 1),
            think=_think(table.table("think")),
            ramp_ns=table.integer("ramp_ns", 0, TIME_MAX_NS, 0),
            steps=_steps(table, served) if table.has("steps") else (),
            workers=table.integer("workers", 1, CLIENTS_MAX) if table.has("workers") else 0,
        )
    if arrivals == BURSTY:
        return tenant._replace(phases=_phases(table))
    if arrivals == TRACE:
        return tenant._replace(trace=_trace(table, folder, served, bool(tenant.mix)))
    return _ramped(tenant._replace(rate_per_s=table.rate("rate_per_s")), table)


def _ramped(tenant: Tenant, table: Table) -> Tenant:
    if not (table.has("ramp_to_per_s") or table.has("ramp_ns")):
        return tenant
    return tenant._replace(
        ramp_to_per_s=table.rate("ramp_to_per_s"),
        ramp_ns=table.integer("ramp_ns", 1, TIME_MAX_NS),
    )


def _think(table: Table) -> Think:
    table.only("mean_ns", "distribution", "spread_permille")
    if not table.keys:
        return Think()
    distribution = table.choice("distribution", CONSTANT, DISTRIBUTIONS)
    if table.has("spread_permille") and distribution != UNIFORM:
        raise table.refuse("spread_permille", f'distribution = "{UNIFORM}" beside it')
    spread = table.integer("spread_permille", 0, 1000, 1000) if distribution == UNIFORM else 0
    return Think(table.integer("mean_ns", 0, TIME_MAX_NS), distribution, spread)


def _phases(table: Table) -> tuple[Phase, ...]:
    phases = []
    for entry in table.tables("phases"):
        entry.only("rate_per_s", "mean_ns")
        rate = entry.rate("rate_per_s", Fraction(0))
        phases.append(Phase(rate, entry.integer("mean_ns", 1, TIME_MAX_NS)))
    if not any(phase.rate_per_s for phase in phases):
        raise table.refuse("phases", f"one rate_per_s above 0, up to {RATE_MAX_PER_S:,}")
    expected = sum(phase.rate_per_s * phase.mean_ns for phase in phases) / 10**9
    if len(phases) > PHASES_MAX * expected:
        takes = f"at most {PHASES_MAX:,} phases for each request; mean_ns is in nanoseconds"
        raise table.refuse("phases", takes)
    return tuple(phases)


def _steps(table: Table, served: Sequence[Profile]) -> tuple[Kind, ...]:
    """The requests of one transaction, in order."""
    steps: list[Kind] = []
    for entry in table.tables("steps"):
        entry.only("operation", "payload_bytes", "times")
        kinds = _kinds(entry, served)
        if len(kinds) > 1:
            raise entry.refuse("payload_bytes", "one size: a step is the same each time")
        steps += kinds * entry.integer("times", 1, STEPS_MAX, 1)
    if len(steps) > STEPS_MAX:
        raise table.refuse("steps", f"at most {STEPS_MAX:,} requests")
    return tuple(steps)


def _mix(table: Table, served: Sequence[Profile], arrivals: str) -> tuple[Kind, ...]:
    if table.has("steps"):
        for key in ("operation", "payload_bytes", "mix"):
            if table.has(key):
                raise table.refuse(key, "nothing beside `steps`, which say it all")
        drawn = Counter(_steps(table, served))
        return tuple(kind._replace(weight=times) for kind, times in drawn.items())
    if not table.has("mix"):
        if arrivals == TRACE and not table.has("operation"):
            return ()
        return tuple(_kinds(table, served))
    if table.has("operation") or table.has("payload_bytes"):
        raise table.refuse("mix", "either operation and payload_bytes, or a mix of them")
    parts = []
    for entry in table.tables("mix"):
        entry.only("operation", "payload_bytes", "weight")
        parts.append((entry.integer("weight", 1, WEIGHT_MAX, 1), _kinds(entry, served)))
    totals = [sum(kind.weight for kind in kinds) for _, kinds in parts]
    unit = lcm(*totals)  # so that every weight is whole
    return tuple(
        kind._replace(weight=kind.weight * weight * unit // total)
        for (weight, kinds), total in zip(parts, totals, strict=True)
        for kind in kinds
    )


def _kinds(table: Table, served: Sequence[Profile]) -> list[Kind]:
    """An operation with its payload, or with several and their weights: { 64 = 7, 1500 = 1 }."""
    operation = table.text("operation")
    _require_known(operation, served, table)
    try:
        return [
            _require_possible(Kind(operation, size, part, _mode(served)))
            for size, part in _sizes(table)
        ]
    except DriverError as error:
        raise table.refuse("payload_bytes", f"what {operation} can process ({error})") from None


def _sizes(table: Table) -> list[tuple[int, int]]:
    try:
        sizes = table.table("payload_bytes") if table.has("payload_bytes") else None
    except ScenarioError:
        return [(table.integer("payload_bytes", 0, PAYLOAD_MAX), 1)]
    if sizes is None:
        return [(0, 1)]
    for key in sizes.keys:
        if not key.isdecimal() or int(key) > PAYLOAD_MAX:
            raise sizes.refuse(key, f"bytes from 0 to {PAYLOAD_MAX} as the key")
    if not sizes.keys:
        raise table.refuse("payload_bytes", "a whole number, or bytes and weights { 64 = 3 }")
    return [(int(key), sizes.integer(key, 1, WEIGHT_MAX)) for key in sizes.keys]


def _require_known(operation: str, served: Sequence[Profile], table: Table) -> None:
    for profile in served:
        if operation not in profile.operations:
            close = get_close_matches(operation, profile.operations, 3, 0.5)
            near = ", ".join(close or sorted(profile.operations)[:3])
            raise table.refuse(
                "operation", f"an operation of profile {profile.name} such as {near}"
            )


def _mode(served: Sequence[Profile]) -> str:
    """Of the cards, if requests to them are unlike those to others; all have one mode."""
    return served[0].mode if served[0].mode == CCA else ""


def _require_possible(kind: Kind) -> Kind:
    shape(kind.operation, kind.payload_bytes, kind.mode)
    return kind


def _trace(
    table: Table, folder: str, served: Sequence[Profile], has_mix: bool
) -> tuple[Arrival, ...]:
    path = os.path.join(folder, table.text("file"))
    try:
        with open(path, newline="") as file:
            rows = csv.DictReader(file)
            _require_columns(rows.fieldnames or (), has_mix, table)
            arrivals = tuple(_arrival(row, f"{path}:{rows.line_num}", served) for row in rows)
    except OSError as error:
        raise table.refuse("file", f"a CSV file that can be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise table.refuse("file", f"a CSV file in UTF-8 ({error})") from None
    if not arrivals:
        raise table.refuse("file", "a CSV file with at least one arrival")
    if not has_mix and any(arrival.kind is None for arrival in arrivals):
        raise table.refuse("file", "an operation in every line, or one for the tenant")
    for number, (one, other) in enumerate(pairwise(arrivals)):
        if other.at_ns < one.at_ns:
            raise ScenarioError(
                f"{path}:{number + 3}: arrival_ns: got {other.at_ns} after {one.at_ns}, "
                "takes times in order"
            )
    return arrivals


def _require_columns(columns: Sequence[str], has_mix: bool, table: Table) -> None:
    unknown = [column for column in columns if column not in _COLUMNS]
    if unknown or "arrival_ns" not in columns:
        got = ", ".join(columns) or "nothing"
        raise table.refuse("file", f"a first line arrival_ns[,operation,payload] (it has {got})")
    if "operation" not in columns and not has_mix:
        raise table.refuse("file", "a column `operation`, or an operation for the tenant")


def _arrival(row: dict[str, str], where: str, served: Sequence[Profile]) -> Arrival:
    def whole(column: str, most: int) -> int:
        text = (row.get(column) or "").strip()
        if not text.isdecimal() or int(text) > most:
            raise ScenarioError(
                f"{where}: {column}: got {text!r}, takes a whole number from 0 to {most}"
            )
        return int(text)

    at_ns = whole("arrival_ns", TIME_MAX_NS)
    operation = (row.get("operation") or "").strip()
    if not operation:
        return Arrival(at_ns, None)
    entry = Table({"operation": operation}, where)
    _require_known(operation, served, entry)
    size = whole("payload", PAYLOAD_MAX) if row.get("payload") else 0
    try:
        return Arrival(at_ns, _require_possible(Kind(operation, size, 1, _mode(served))))
    except DriverError as error:
        raise ScenarioError(f"{where}: payload: got {size}, {error}") from None
