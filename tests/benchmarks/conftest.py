"""Scenarios of a single station: a card on which nothing takes time but one pool."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ghostcard.benchmarks.scenario import Scenario
from ghostcard.benchmarks.scenario_reader import parse

Station = Callable[..., Scenario]


@pytest.fixture
def station(tmp_path: Path) -> Station:
    """Makes a scenario from a document; `services` are ns by operation, in one pool of `servers`
    (at most 16, the queue's places), spread by a `distribution` such as ``kind = "exponential"``.

    The document's machine is one card of that profile.
    """

    def make(
        document: Mapping[str, object],
        services: Mapping[str, int],
        servers: int = 1,
        distribution: str = "",
    ) -> Scenario:
        lines = ['extends = "null"', "[queue]", 'depth = { value = 16, source = "of the test" }']
        lines.append("[engines.rsa]")
        lines.append(f'count = {{ value = {servers}, source = "of the test" }}')
        lines.append("[engines.rsa.operations]")
        lines += [
            f'{operation}.fixed_ns = {{ value = {time_ns}, source = "of the test" }}'
            for operation, time_ns in services.items()
        ]
        if distribution:
            stated = f'{{ {distribution}, source = "of the test" }}'
            lines += [f"{operation}.distribution = {stated}" for operation in services]
        (tmp_path / "station.toml").write_text("\n".join(lines) + "\n")
        machine = {"profile": "./station.toml"}
        return parse({"machine": machine, **document}, "test", str(tmp_path))

    return make
