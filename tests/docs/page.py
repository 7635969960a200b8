"""A page of the documentation as something to type: its files, its commands and what they print.

A fenced block with a title is a file of that name. In a `console` block a line that begins with
``$ `` is a command, and what follows is what it prints, errors included: ``...`` stands for
anything, on a line of its own for any number of lines. A command ends with 0, unless the next is
``echo $?``.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r'^```([\w-]*)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_MARK = "-- end of a command, exit code"


class File(NamedTuple):
    """What is to be written before the commands that follow."""

    name: str
    text: str


class Command(NamedTuple):
    """A line for the shell, and what the page says it prints."""

    line: str
    shown: str


class Printed(NamedTuple):
    """What a command did."""

    command: Command
    exit_code: int
    output: str

    def is_as_shown(self) -> bool:
        """Whether the output is what the page shows."""
        shown, printed = (text.strip("\n") + "\n" for text in (self.command.shown, self.output))
        return re.fullmatch(_pattern(shown), printed, re.DOTALL) is not None


def blocks(text: str) -> Iterator[File | Command]:
    """The files and commands of a page, in its order."""
    for language, title, body in _FENCE.findall(text):
        if title:
            yield File(title, body)
        elif language == "console":
            parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n", body, flags=re.MULTILINE)
            assert not parts[0], f"a console block begins with what no command printed: {parts[0]}"
            for line, shown in zip(parts[1::2], parts[2::2], strict=True):
                yield Command(line, shown)


def untold(text: str) -> list[str]:
    """The languages of blocks that are neither files nor commands nor plain text."""
    return [lang for lang, title, _ in _FENCE.findall(text) if not title and lang not in _TOLD]


_TOLD = ("console", "text")


def run(text: str, folder: Path) -> list[Printed]:
    """Type a page in an empty folder, in one shell; what each command did."""
    for name in ("benchmarks", "docs"):
        (folder / name).symlink_to(ROOT / name)
    told = list(blocks(text))
    script = "".join(map(_shell, told))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    parts = re.split(rf"^{_MARK} (\d+)\n", done.stdout, flags=re.MULTILINE)
    commands = [one for one in told if isinstance(one, Command)]
    assert len(parts) == 2 * len(commands) + 1, done.stdout
    outputs = ["\n".join(line.rstrip() for line in part.split("\n")) for part in parts[:-1:2]]
    codes = map(int, parts[1::2])
    return [Printed(*one) for one in zip(commands, codes, outputs, strict=True)]


def ended_well(did: list[Printed]) -> Iterator[bool]:
    """Of each command, whether it ended with 0, or the page shows what else it ended with."""
    for number, one in enumerate(did):
        following = did[number + 1].command.line if number + 1 < len(did) else ""
        yield one.exit_code == 0 or following == "echo $?"


def _shell(one: File | Command) -> str:
    if isinstance(one, File):
        end = "-- end of a file"
        assert end not in one.text
        return f"mkdir -p $(dirname {one.name}); cat >{one.name} <<'{end}'\n{one.text}{end}\n"
    return f'{one.line}\ncode=$?; echo "{_MARK} $code"; (exit $code)\n'


def _environment(folder: Path) -> dict[str, str]:
    scripts = Path(sys.executable).parent
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR", "LANG") if name in os.environ}
    return kept | {
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "GHOSTCARD_HOME": str(folder / "home"),
        "LC_ALL": "C.UTF-8",
    }


def _pattern(shown: str) -> str:
    lines = re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)
    return r"(?:[^\n]*\n)*?".join(
        re.escape(line).replace(re.escape("..."), r"[^\n]*") for line in lines
    )
