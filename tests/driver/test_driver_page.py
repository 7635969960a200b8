"""docs/driver.md: its tables are those of the code, and its example prints what it says."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from ghostcard.driver.attributes import TABLES
from ghostcard.driver.queue import TABLE, Event, State
from ghostcard.measurement import ENTRIES

PAGE = Path(__file__).parents[2] / "docs" / "driver.md"


def table(*rows: Iterable[str]) -> str:
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join((head, "|" + "---|" * (head.count("|") - 1), *body))


def drawn() -> dict[str, str]:
    """What the page has between its paragraphs."""
    states = (
        (state.name, *(TABLE[state, event].value.replace("d_w", "d, w") for event in Event))
        for state in State
    )
    attributes = (
        (kind, f"`{name}`", "rw" if row.write else "r", "" if kind == "bus" else row.modes)
        for kind, rows in TABLES.items()
        for name, row in rows.items()
    )
    entries = ((mode, ", ".join(names)) for mode, names in ENTRIES.items())
    return {
        "states": table(("state", "on POLL", "on TIMEOUT"), *states),
        "attributes": table(("of", "attribute", "", "modes"), *attributes),
        "entries": table(("mode", "entries"), *entries),
    }


def test_the_tables_are_those_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, text in drawn().items():
        assert text in page, name


def test_the_example_prints_what_the_page_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```.*?```text\n(.*?)```", page, re.DOTALL)
    assert example
    run = subprocess.run(
        [sys.executable, "-c", example[1]], capture_output=True, text=True, check=True
    )
    assert run.stdout == example[2]
