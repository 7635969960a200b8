"""From TOML to a `Scenario`: strict. A refusal names the dotted key, what it got, what it takes.

docs/scenarios.md describes every key.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ghostcard import faults
from ghostcard.benchmarks.scenario import METRICS, MachineSpec, Scenario, ScenarioError, Stop
from ghostcard.benchmarks.scenario_changes import read_changes
from ghostcard.benchmarks.scenario_table import COUNT_MAX, TIME_MAX_NS, Table
from ghostcard.benchmarks.scenario_tenants import read_tenants
from ghostcard.emulator import profile as profiles
from ghostcard.emulator.faultplan import FaultPlan, FaultPlanError
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.status import DEPTH_MAX

REPLICATIONS_MAX = 1000
CARDS_MAX, DOMAINS_MAX = 256, 256
_SEED_MAX = (1 << 48) - 1
_KEYS = (
    "description", "seed", "duration_ns", "requests", "warm_up_ns", "replications",
    "percentiles", "confidence", "stop", "machine", "tenants", "changes", "faults",
)  # fmt: skip


def load(path: str, changes: Sequence[str] = ()) -> Scenario:
    """The scenario of a TOML file, with `changes` such as ``tenants[0].clients=8`` made first.

    `ScenarioError` for what is wrong with it, `ProfileError` for what is wrong with a profile.
    """
    return parse(read(path, changes), *place(path))


def read(path: str, changes: Sequence[str] = ()) -> dict[str, Any]:
    """The document of a TOML file with `changes` made, not yet looked at."""
    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: not TOML: {error}") from None
    for change in changes:
        _change(document, change)
    return document


def place(path: str) -> tuple[str, str]:
    """The name of a file's scenario, and the folder to which its other files are relative."""
    name = os.path.basename(path).removesuffix(".toml")
    return name, os.path.dirname(os.path.abspath(path))


def parse(
    document: Mapping[str, object],
    name: str = "scenario",
    folder: str = ".",
    load_profile: Callable[[str], Profile] = profiles.load,
) -> Scenario:
    """The scenario of a parsed document; profile files and traces are relative to `folder`."""
    table = Table(document, "")
    table.only(*_KEYS)
    machine = _machine(table.table("machine"), folder, load_profile)
    loaded = machine.loaded
    duration_ns = table.optional("duration_ns", 1, TIME_MAX_NS)
    changes = table.tables("changes") if table.has("changes") else []
    scenario = Scenario(
        name=name,
        description=table.text("description", ""),
        machine=machine,
        tenants=read_tenants(table.tables("tenants"), machine, loaded, folder),
        seed=table.integer("seed", 0, _SEED_MAX, 1),
        duration_ns=duration_ns,
        requests=table.optional("requests", 1, COUNT_MAX),
        warm_up_ns=table.optional("warm_up_ns", 0, TIME_MAX_NS),
        replications=table.integer("replications", 1, REPLICATIONS_MAX, 1),
        histogram=table.choice("percentiles", "exact", ("exact", "histogram")) == "histogram",
        confidence=_confidence(table),
        stop=_stop(table.table("stop")) if table.has("stop") else None,
        changes=read_changes(changes, loaded, duration_ns),
        faults=_faults(table, folder, len(loaded)) if table.has("faults") else None,
    )
    _require_an_end(scenario, table)
    return scenario


def _faults(table: Table, folder: str, cards: int) -> FaultPlan:
    """The plan of a file; rules about other cards, and about bytes, have no place in a scenario."""
    path = os.path.join(folder, table.text("faults"))
    plan = faults.load(path)
    try:
        faults.check_cards(plan, range(cards))
        faults.check_without_bytes(plan)
    except FaultPlanError as error:
        raise FaultPlanError(f"{path}: {error}") from None
    return plan


def _require_an_end(scenario: Scenario, table: Table) -> None:
    ends = scenario.duration_ns is not None or scenario.requests is not None
    if not ends and not all(tenant.trace for tenant in scenario.tenants):
        raise table.refuse("duration_ns", f"a whole number of ns up to {TIME_MAX_NS}, or requests")
    if scenario.warm_up_ns and scenario.duration_ns and scenario.warm_up_ns >= scenario.duration_ns:
        raise table.refuse("warm_up_ns", f"less than duration_ns, {scenario.duration_ns}")


def _machine(table: Table, folder: str, load_profile: Callable[[str], Profile]) -> MachineSpec:
    table.only("profile", "profiles", "cards", "domains", "depth", "interrupts")
    if table.has("profiles"):
        if table.has("profile") or table.has("cards"):
            raise table.refuse("profiles", "one name for each card, without `profile` and `cards`")
        key, names = "profiles", table.texts("profiles")
    else:
        key = "profile"
        names = [table.text(key, "cex8p")] * table.integer("cards", 1, CARDS_MAX, 1)
    if len(names) > CARDS_MAX:
        raise table.refuse("profiles", f"at most {CARDS_MAX} cards")
    _require_known(names, key, table)
    domains = table.integer("domains", 1, DOMAINS_MAX, 1)
    located = tuple(_located(name, folder) for name in names)
    loaded = {name: load_profile(name) for name in dict.fromkeys(located)}
    for name, profile in loaded.items():
        there = profile.queue.domains
        if domains > there:
            raise table.refuse("domains", f"1 to {there}, the domains of profile {name}")
    if table.has("depth"):
        loaded = {name: _shallow(table, profile) for name, profile in loaded.items()}
    cards = tuple(loaded[name] for name in located)
    return MachineSpec(located, domains, table.boolean("interrupts", True), cards)


def _shallow(table: Table, profile: Profile) -> Profile:
    """The profile with queues of fewer places."""
    depth = table.integer("depth", 1, DEPTH_MAX)
    if depth > profile.queue.depth:
        takes = f"1 to {profile.queue.depth}, the places of a queue of profile {profile.name}"
        raise table.refuse("depth", takes)
    return profile._replace(queue=profile.queue._replace(depth=depth))


def _require_known(names: Sequence[str], key: str, table: Table) -> None:
    known = profiles.names()
    for name in names:
        if not profiles.is_path(name) and name not in known:
            close = get_close_matches(name, known, 3, 0.5) or known[:3]
            takes = f"a TOML file or a name of `ghostcard profiles`, such as {', '.join(close)}"
            raise table.refuse(key, takes)


def _located(name: str, folder: str) -> str:
    return os.path.join(folder, name) if profiles.is_path(name) else name


def _confidence(table: Table) -> float:
    return table.number("confidence", 0.5, 0.9999, 0.95)


def _stop(table: Table) -> Stop:
    table.only("relative_error", "confidence", "metric")
    return Stop(
        table.number("relative_error", 0.0001, 0.5),
        _confidence(table),
        table.choice("metric", "latency", METRICS),
    )


def _change(document: dict[str, Any], change: str) -> None:
    """Set one dotted key, such as ``tenants[0].clients=8``; the value is TOML, or else a text."""
    dotted, equals, text = change.partition("=")
    if not equals or not dotted.strip():
        raise ScenarioError(f"--set {change}: got no KEY=VALUE, takes one such as seed=2")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    put(document, dotted, value)


def put(document: dict[str, Any], dotted: str, value: object) -> None:
    """Set one dotted key, such as ``tenants[0].clients``, of a document."""
    at: Any = document
    *parents, last = dotted.strip().replace("[", ".[").split(".")
    for part in parents:
        at = _entry(at, part, dotted)
    if last.startswith("[") or not isinstance(at, dict):
        raise ScenarioError(f"--set {dotted}: got the place {last!r}, takes the name of a key")
    at[last] = value


def _entry(at: Any, part: str, dotted: str) -> Any:
    if part.startswith("["):
        number = part[1:].removesuffix("]")
        if isinstance(at, list) and number.isdecimal() and int(number) < len(at):
            return at[int(number)]
        length = len(at) if isinstance(at, list) else 0
        raise ScenarioError(f"--set {dotted}: got {part}, takes a place from 0 to {length - 1}")
    if not isinstance(at, dict):
        raise ScenarioError(f"--set {dotted}: got {part!r}, takes a place such as [0]")
    return at.setdefault(part, {})


def profiles_of(scenario: Scenario) -> list[Profile]:
    """The profiles of the scenario's cards, by adapter."""
    spec = scenario.machine
    return list(spec.loaded) or [profiles.load(name) for name in spec.profiles]
