"""The documentation works as typed: all files and commands of a page, in order, in one shell."""

from pathlib import Path

import pytest

from tests.docs.page import DOCS, ROOT, Printed, blocks, ended_well, run, untold

# Pages whose blocks have tests of their own, beside what they describe
ELSEWHERE = {
    "design", "driver", "drivers", "faults", "firmware", "mechanisms", "profiles", "scenarios",
    "wrapping-keys",
}  # fmt: skip
PAGES = sorted(
    page for page in DOCS.rglob("*.md") if page.parent != DOCS or page.stem not in ELSEWHERE
)
NAMES = [str(page.relative_to(DOCS).with_suffix("")) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_prints_what_it_shows(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert untold(text) == [], "a block that nobody runs: give it a title, and use it"
    if not list(blocks(text)):
        return
    did = run(text, tmp_path)
    for one, is_well in zip(did, ended_well(did), strict=True):
        assert one.is_as_shown(), _difference(one)
        assert is_well, _difference(one)


def _difference(did: Printed) -> str:
    return (
        f"$ {did.command.line}\nends with {did.exit_code} and prints:\n{did.output}\n"
        f"the page shows:\n{did.command.shown}"
    )


def test_every_scenario_has_a_page_that_names_its_file() -> None:
    plain = {"bursty", "closed", "open", "tenants", "trace"}  # of docs/scenarios.md
    files = {path.stem for path in (ROOT / "benchmarks" / "scenarios").glob("*.toml")}
    pages = {page.stem: page.read_text() for page in (DOCS / "scenarios").glob("*.md")}
    assert set(pages) == files - plain
    for name, text in pages.items():
        assert f"`benchmarks/scenarios/{name}.toml`" in text
