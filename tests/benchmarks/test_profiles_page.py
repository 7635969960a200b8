"""docs/profiles.md: its example is a profile, and its table is what the command prints."""

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from ghostcard.cli import main
from ghostcard.emulator.profile import load, names

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")


def test_the_command_prints_what_the_page_shows() -> None:
    shown = re.search(r"```\n\$ ghostcard ([^\n]*)\n(.*?)\n```", PAGE, re.DOTALL)
    assert shown
    done = CliRunner().invoke(main, shlex.split(shown[1]))
    assert (done.exit_code, done.stdout.strip("\n")) == (0, shown[2])


def test_the_example_is_a_profile(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert example
    (tmp_path / "mine.toml").write_text(example[1])
    mine, base = load(str(tmp_path / "mine.toml")), load("cex8p")
    assert mine.link == base.link._replace(latency_ns=2500)
    assert mine.operations["ecdsa-p256-sign"].fixed_ns == 61_000
    assert mine.operations["rsa2048-sign"].fixed_ns == 64 * 0.8 * 5 * 1000


def test_every_profile_is_named() -> None:
    spanned = {f"cex{generation}{mode}" for generation in (5, 6, 7) for mode in "acp"}
    assert all(f"`{name}`" in PAGE for name in set(names()) - spanned)
