"""docs/drivers.md: its program prints what it shows, its commands run, its tables are right."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ghostcard.conformance.run import cases
from ghostcard.emulator.buswire import ANSWERS, REQUESTS, Fields, Happening, Operation

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "drivers.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```.*?```text\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = re.findall(r"^\$ (ghostcard drivertest .*)$", TEXT, re.MULTILINE)
SIZES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}


def rows(head: str) -> list[list[str]]:
    """The cells of the table that begins with this line."""
    table = TEXT.split(head, 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


def layout(text: str) -> tuple[str, bool]:
    """What `Fields` has of a text such as `qid u16, block bytes`."""
    words = [field.split()[-1] for field in text.split(",") if field.strip()]
    return "".join(SIZES[word] for word in words if word != "bytes"), "bytes" in words


def laid_out(fields: Fields) -> tuple[str, bool]:
    return fields.fixed.format.lstrip(">"), fields.with_bytes


def test_the_program_prints_what_the_text_shows() -> None:
    ((program, shown),) = PROGRAMS
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert run.stderr == ""
    assert run.stdout == shown


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_pass(command: str, tmp_path: Path) -> None:
    words = shlex.split(command.replace("/tmp/ghostcard-bus", str(tmp_path / "bus")))
    python = [sys.executable if word == "python" else word for word in words[1:]]
    run = subprocess.run(
        [sys.executable, "-m", "ghostcard", *python], capture_output=True, text=True, cwd=ROOT
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_there_are_three_commands() -> None:
    assert len(COMMANDS) == 3


def test_the_table_of_operations() -> None:
    table = rows("| operation | | fields | fields of the answer |")
    said = {Operation(int(number, 16)): cells for number, *cells in table}
    assert set(said) == set(REQUESTS)
    for operation, (name, request, answer) in said.items():
        assert name == operation.name
        assert layout(request) == laid_out(REQUESTS[operation])
        assert layout(answer) == laid_out(ANSWERS[operation])


def test_the_table_of_events() -> None:
    said = {int(number): name for number, name, _ in rows("| event | | detail |")}
    assert said == {happening.value: happening.name for happening in Happening}


def test_the_table_of_groups() -> None:
    assert [name for name, _ in rows("| group | cases |")] == list(
        dict.fromkeys(case.group for case in cases())
    )
