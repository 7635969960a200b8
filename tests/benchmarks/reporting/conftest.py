"""Reports in small, made by the command, and one browser for all tests of pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ghostcard.cli import main
from tests.benchmarks.reporting.browser import Browser

SCENARIO = """
description = "Signers and <script>alert(1)</script> & friends"
requests = 3000
[[tenants]]
clients = 12
think = { mean_ns = 200_000, distribution = "exponential" }
mix = [
  { operation = "rsa2048-sign", payload_bytes = 51, weight = 2 },
  { operation = "aes-256-gcm", payload_bytes = 1024 },
]
"""


def ghostcard(*arguments: object) -> str:
    """Runs the command; its standard output."""
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with scenario.html, of a scenario, and records.html, of its records in run.gcr."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "mine.toml").write_text(SCENARIO)
    ghostcard("simulate", folder / "mine.toml", "--records", folder / "run.gcr")
    page = ("--output", folder / "scenario.html", "--markdown", folder / "scenario.md")
    ghostcard("report", folder / "mine.toml", "--load", "1,4,16,64", *page)
    ghostcard(
        "report", folder / "run.gcr", "--profile", "cex8p", "--output", folder / "records.html"
    )
    return folder


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium."""
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened
