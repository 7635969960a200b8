"""docs/firmware.md: its programs run and print what the text shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "firmware.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```.*?```text\n(.*?)```", TEXT, re.DOTALL)


def test_there_are_two() -> None:
    assert len(PROGRAMS) == TEXT.count("```python") == 2


@pytest.mark.parametrize(("program", "shown"), PROGRAMS, ids=["line", "batches"])
def test_a_program_prints_what_the_text_shows(program: str, shown: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert run.stderr == ""
    assert run.stdout == shown
