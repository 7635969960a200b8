"""The benchmark of a shared card: its stages add up, and it runs."""

import json
import subprocess
import sys
from pathlib import Path

from ghostcard.benchmarks.sharing import OWN, REST, SHARED, STAGES, stages, told


def test_stages_and_rest_are_the_whole() -> None:
    least = {OWN: 7.0, SHARED: 30.0, **dict.fromkeys(STAGES, 2.0)}
    found = told(least)
    assert found[REST] == 13.0
    assert sum(found.values()) - found[SHARED] == found[SHARED]


def test_every_copy_can_be_made() -> None:
    for call in stages(1172, 134).values():
        call()


def test_it_runs(tmp_path: Path) -> None:
    output = tmp_path / "f.json"
    command = [sys.executable, "-m", "ghostcard.benchmarks.sharing", "--rounds", "1"]
    ended = subprocess.run(
        [*command, "--json", str(output)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    for figures in json.loads(output.read_text())["us"].values():
        assert set(figures) == {OWN, *STAGES, REST, SHARED}
        assert all(figures[stage] > 0 for stage in (OWN, *STAGES, SHARED))
