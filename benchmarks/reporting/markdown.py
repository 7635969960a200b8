"""A report as Markdown: its tables, and its plots as SVG files beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from ghostcard.benchmarks.reporting.cells import shown
from ghostcard.benchmarks.reporting.document import (
    SHARE,
    TEXT,
    Bars,
    Block,
    Document,
    Plot,
    Table,
    plots,
)


def write(document: Document, path: Path) -> list[Path]:
    """The file and its pictures, which have its name and that of the plot; their paths."""
    from ghostcard.benchmarks.reporting.picture import draw  # loads matplotlib

    pictures = {plot.key: path.with_name(f"{path.stem}-{plot.key}.svg") for plot in plots(document)}
    for plot in plots(document):
        draw(plot, pictures[plot.key])
    text = "\n".join(_lines(document, {key: one.name for key, one in pictures.items()}))
    path.write_text(text + "\n", "utf-8")
    return [path, *pictures.values()]


def _lines(document: Document, pictures: dict[str, str]) -> Iterator[str]:
    yield f"# {document.title}\n\n{document.subtitle}\n"
    yield from (f"- {text}" for text in document.summary)
    for section in document.sections:
        yield f"\n## {section.title}\n"
        yield from (f"{text}\n" for text in section.text)
        for block in section.blocks:
            yield from _block(block, pictures)
    yield "\n## To make it again\n"
    yield from (f"{one.name}:\n\n```toml\n{one.text.strip()}\n```\n" for one in document.listings)
    origin = json.dumps(dict(document.origin), indent=2)
    yield f"```json\n{origin}\n```"


def _block(block: Block, pictures: dict[str, str]) -> Iterator[str]:
    if isinstance(block, Plot):
        yield f"![{block.title}]({pictures[block.key]})\n"
    elif isinstance(block, Table):
        yield from _table(block)
    else:
        yield from _bars(block)
    if block.note:
        yield f"\n{block.note}\n"


def _table(table: Table) -> Iterator[str]:
    yield f"### {table.title}\n"
    yield _row([column.title for column in table.columns])
    yield _row(["---" if column.unit == TEXT else "---:" for column in table.columns])
    for row in table.rows:
        cells = zip(row, table.columns, strict=True)
        yield _row([shown(cell, column.unit) for cell, column in cells])
    yield ""


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _bars(bars: Bars) -> Iterator[str]:
    yield f"### {bars.title}\n"
    for bar in bars.bars:
        total = sum(segment.value for segment in bar.segments)
        parts = sorted(bar.segments, key=lambda one: -one.value)
        told = ", ".join(f"{one.name} {shown(one.value / total, SHARE)}" for one in parts[:4])
        yield f"- {bar.title}, {shown(total, bars.unit)}: {told}"
    yield ""
