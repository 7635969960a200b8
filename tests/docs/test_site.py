"""The documentation as a site: every page and link is there, and nothing is fetched."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from ghostcard.cli import main
from tests.docs.page import DOCS, ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made as `make site` does."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    return folder


def test_every_page_can_be_reached(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        name = page.relative_to(DOCS).with_suffix(".html")
        assert (site / name).exists()
        assert f'href="{name}"' in start, f"{name} is not in the navigation of mkdocs.yml"


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|img|iframe)[^>]+src="(?:https?:)?//[^"]*"', text)
        fetched += re.findall(r'<link[^>]+rel="(?:stylesheet|preconnect)"[^>]+//[^>]*>', text)
        assert fetched == [], page


def test_the_commands_are_all_there(site: Path) -> None:
    text = (site / "commands.html").read_text(encoding="utf-8")
    for name in main.list_commands(click.Context(main)):
        assert f'id="ghostcard-{name}"' in text
