"""What A and B of a comparison may be, and the loads under which two machines are compared.

A machine is a profile (a name, or its TOML file) or a configuration as `GHOSTCARD_CONFIG` takes; a
workload is a scenario; requests are records, folders of them, or captures.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ghostcard.benchmarks import scenario_reader
from ghostcard.benchmarks.cases import CASES
from ghostcard.benchmarks.scenario import Scenario, ScenarioError
from ghostcard.config import load
from ghostcard.emulator import profile as profiles

PROFILE, CONFIGURATION, SCENARIO, REQUESTS = "profile", "configuration", "scenario", "requests"
MACHINES = (PROFILE, CONFIGURATION)
CLIENTS, CASE_REQUESTS = 64, 6_400  # of the loads of the main job: saturated


class Input(NamedTuple):
    """A or B: what it is of the kinds above, and where."""

    text: str
    kind: str

    @property
    def name(self) -> str:
        """As sentences have it."""
        return self.text if self.kind == PROFILE else Path(self.text).name


class Load(NamedTuple):
    """The scenarios of both sides; `title` is empty where there is but one load."""

    title: str
    a: Scenario
    b: Scenario


def recognise(text: str) -> Input:
    """What a name or a path is; `ScenarioError` for nothing that is known."""
    if text in profiles.names():
        return Input(text, PROFILE)
    if not os.path.exists(text):
        raise ScenarioError(f"{text}: neither a profile (ghostcard profiles) nor a file")
    if not text.endswith(".toml"):
        return Input(text, REQUESTS)
    document = scenario_reader.read(text)
    if "tenants" in document:
        return Input(text, SCENARIO)
    return Input(text, CONFIGURATION if "cards" in document or "slots" in document else PROFILE)


def loads(a: Input, b: Input, scenario: str | None, changes: Sequence[str]) -> list[Load]:
    """The loads of two sides that are machines or scenarios.

    A machine takes the load of the other side's scenario, else that of `scenario`, else those of
    the main job that both have, one after the other.
    """
    own = [one.text for one in (a, b) if one.kind == SCENARIO]
    if scenario and own:
        raise ScenarioError("--scenario: is for two machines, and a scenario is its own load")
    given = scenario or (own[0] if own else None)
    if given is None:
        if changes:
            raise ScenarioError("--set: there is no scenario to change")
        return _main_job(a, b)
    sides = [_scenario(one, given, changes) for one in (a, b)]
    return [Load("", *sides)]


def _scenario(side: Input, given: str, changes: Sequence[str]) -> Scenario:
    if side.kind == SCENARIO:
        return scenario_reader.load(side.text, changes)
    document = scenario_reader.read(given, changes)
    interrupts = document.get("machine", {}).get("interrupts", True)
    machine = {**_machine(side), "interrupts": interrupts}
    return scenario_reader.parse({**document, "machine": machine}, *scenario_reader.place(given))


def _machine(side: Input) -> dict[str, object]:
    """As a scenario has it."""
    if side.kind == PROFILE:
        return {"profile": os.path.abspath(side.text) if side.text.endswith(".toml") else side.text}
    config = load(side.text)
    widths = {len(card.domains) for card in config.cards}
    if len(widths) > 1:
        raise ScenarioError(f"{side.text}: the cards have different numbers of domains")
    return {"profiles": [card.profile for card in config.cards], "domains": widths.pop()}


def _main_job(a: Input, b: Input) -> list[Load]:
    machines = _machine(a), _machine(b)
    known = [_operations(machine) for machine in machines]
    found = []
    for case in CASES:
        if all(case.operation in operations for operations in known):
            sides = [_case(machine, case.operation, case.payload) for machine in machines]
            found.append(Load(case.title, *sides))
    if not found:
        raise ScenarioError(f"{a.text} and {b.text} have no operation of the main job in common")
    return found


def _operations(machine: Mapping[str, object]) -> set[str]:
    """What all cards of a machine can do."""
    names = machine.get("profiles", [machine.get("profile")])
    assert isinstance(names, list)
    return set.intersection(*(set(profiles.load(name).operations) for name in names))


def _case(machine: Mapping[str, object], operation: str, payload: int) -> Scenario:
    tenant = {"clients": CLIENTS, "operation": operation, "payload_bytes": payload}
    return scenario_reader.parse(
        {"requests": CASE_REQUESTS, "machine": machine, "tenants": [tenant]}, operation
    )


def listing(side: Input) -> str | None:
    """The text of a side's file, if it is TOML."""
    if not side.text.endswith(".toml"):
        return None
    text = Path(side.text).read_text("utf-8")
    tomllib.loads(text)
    return text
