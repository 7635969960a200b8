"""docs/wrapping-keys.md: its commands run one after the other, and print what the text shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "wrapping-keys.md").read_text()
CONSOLES = re.findall(r"^```console\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
FILE = re.search(r"^```toml\n# (\S+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
PATTERN = re.compile(r"\b[0-9a-f]{16,}\b")


def commands() -> list[tuple[str, str]]:
    """Each command, and what it prints."""
    parts = re.split(r"^\$ (.*)\n", "".join(CONSOLES), flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def without_patterns(text: str) -> str:
    return PATTERN.sub(lambda found: "#" * len(found[0]), text)


def test_the_commands_run_one_after_the_other(tmp_path: Path) -> None:
    assert FILE is not None
    (tmp_path / FILE[1]).write_text(FILE[2])
    scripts = Path(sys.executable).parent
    environment = {
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "GHOSTCARD_HOME": str(tmp_path / "home"),
        "GHOSTCARD_CONFIG": FILE[1],
        "LANG": "C.UTF-8",
    }
    assert len(commands()) > 30
    for command, shown in commands():
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path, env=environment, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout}"
        if "genpkey" in command:  # it draws dots
            continue
        told, is_cut, _ = shown.partition("...\n")
        printed = without_patterns(done.stdout)
        assert printed.startswith(told) if is_cut else printed == told, f"{command}:\n{printed}"
