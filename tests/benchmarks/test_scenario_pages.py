"""docs/scenarios/: each example has a page, and each page shows what its commands print."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from ghostcard.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "scenarios").glob("*.md"))
BLOCKS = [
    pytest.param(command, shown, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, (command, shown) in enumerate(
        re.findall(r"^```console\n\$ ghostcard (.*)\n((?:.*\n)*?)```", page.read_text(), re.M)
    )
]


def test_every_page_is_of_a_scenario_and_says_which() -> None:
    assert len(PAGES) >= 7
    for page in PAGES:
        assert (ROOT / "benchmarks" / "scenarios" / f"{page.stem}.toml").exists()
        assert f"`benchmarks/scenarios/{page.stem}.toml`" in page.read_text()


@pytest.mark.parametrize(("command", "shown"), BLOCKS)
def test_a_command_prints_what_its_page_shows(
    command: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that follow each other on the page do so in the output, but for those left out."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("COLUMNS", raising=False)
    done = CliRunner().invoke(main, shlex.split(command))
    assert done.exit_code == 0, done.output
    printed = "\n".join(line.rstrip() for line in done.output.splitlines())
    place = 0
    for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE):
        found = printed.find(part.rstrip("\n"), place)
        assert found >= 0, f"{part!r} is not in:\n{printed[place:]}"
        place = found + len(part.rstrip("\n"))
