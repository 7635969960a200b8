"""A report as one HTML page that needs nothing else: styles, scripts and data are in it.

Tables and bars are HTML, so that they are there without scripts, and in print; plots are drawn from
the data in the page, by uPlot (MIT, in page/). The page may load nothing: its policy says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from importlib.resources import files

from ghostcard.benchmarks.reporting.cells import half_width, heads, raw, shown
from ghostcard.benchmarks.reporting.document import (
    SHARE,
    TEXT,
    Bar,
    Bars,
    Block,
    Cell,
    Column,
    Document,
    Plot,
    Section,
    Table,
    Tile,
    plots,
    tables,
)

_PAGE = files("ghostcard.benchmarks.reporting") / "page"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def render(document: Document) -> str:
    """The page, UTF-8."""
    return "".join(_parts(document))


def data(document: Document) -> dict[str, object]:
    """All that is in the report, as JSON has it."""
    return {
        "title": document.title,
        "summary": list(document.summary),
        "tiles": [tile._asdict() for tile in document.tiles],
        "plots": {plot.key: _plot(plot) for plot in plots(document)},
        "tables": {table.key: _table_data(table) for table in tables(document)},
        "origin": dict(document.origin),
    }


def _plot(plot: Plot) -> dict[str, object]:
    fields = plot._asdict()
    fields["x"], fields["y"] = plot.x._asdict(), plot.y._asdict()
    fields["series"] = [one._asdict() for one in plot.series]
    fields["marks"] = [mark._asdict() for mark in plot.marks]
    return fields


def _table_data(table: Table) -> dict[str, object]:
    rows = [[raw(cell) for cell in row] for row in table.rows]
    halves = [[half_width(cell) for cell in row] for row in table.rows]
    return {"title": table.title, "columns": heads(table), "rows": rows, "half_widths": halves}


def _parts(document: Document) -> Iterator[str]:
    title = escape(document.title)
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="color-scheme" content="light dark">\n'
    yield f"<title>{title} - Ghostcard</title>\n"
    yield f"<style>\n{_asset('uPlot.min.css')}\n{_asset('page.css')}</style>\n</head>\n<body>\n"
    yield f"<header>\n<div><h1>{title}</h1>\n<p>{escape(document.subtitle)}</p></div>\n"
    yield '<button id="theme" type="button" title="light or dark">Theme</button>\n</header>\n'
    yield '<main>\n<section class="summary" id="summary">\n'
    yield from (f"<p>{_lead(text)}</p>\n" for text in document.summary)
    yield f'</section>\n<div class="tiles">{"".join(map(_tile, document.tiles))}</div>\n<nav>'
    every = ((one.key, one.title) for one in document.sections)
    named = (*every, ("origin", "To make it again"))
    yield " ".join(f'<a href="#{key}">{escape(text)}</a>' for key, text in named)
    yield "</nav>\n"
    yield from map(_section, document.sections)
    yield _origin(document)
    yield "</main>\n"
    yield f'<script type="application/json" id="data">{_embedded(data(document))}</script>\n'
    yield f"<script>\n{_asset('uPlot.LICENSE', comment=True)}{_asset('uPlot.iife.min.js')}"
    yield f"</script>\n<script>\n{_asset('page.js')}</script>\n</body>\n</html>\n"


def _asset(name: str, comment: bool = False) -> str:
    text = (_PAGE / name).read_text("utf-8")
    return f"/*\n{text}*/\n" if comment else text


def _embedded(value: object) -> str:
    """JSON that no text in it can end; what is not a number is refused."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("&", "\\u0026")


def _lead(text: str) -> str:
    """What a sentence is about stands out: the words before a colon."""
    about, colon, rest = text.partition(": ")
    if not colon or len(about) > 20:
        return escape(text)
    return f"<b>{escape(about)}:</b> {escape(rest)}"


def _tile(tile: Tile) -> str:
    note = f"<small>{escape(tile.note)}</small>" if tile.note else ""
    unit = " /s" if tile.unit == "per_s" else ""
    return (
        f'<div class="tile"><span>{escape(tile.title)}</span>'
        f'<strong data-value="{tile.value}">{escape(shown(tile.value, tile.unit))}{unit}</strong>'
        f"{note}</div>"
    )


def _section(section: Section) -> str:
    text = "".join(f"<p>{escape(one)}</p>\n" for one in section.text)
    drawn = [block for block in section.blocks if isinstance(block, Plot)]
    rest = [block for block in section.blocks if not isinstance(block, Plot)]
    figures = f'<div class="plots">{"".join(map(_block, drawn))}</div>\n' if drawn else ""
    return (
        f'<section id="{section.key}">\n<h2>{escape(section.title)}</h2>\n{text}'
        f"{figures}{''.join(map(_block, rest))}</section>\n"
    )


def _block(block: Block) -> str:
    if isinstance(block, Plot):
        return (
            f'<figure class="plot" data-plot="{block.key}"><figcaption>{escape(block.title)}'
            f'</figcaption><div class="chart" role="img" aria-label="{escape(block.title)}">'
            "<noscript>Plots need scripts; the tables have the figures.</noscript></div>"
            f"{_note(block.note)}</figure>\n"
        )
    return _table(block) if isinstance(block, Table) else _bars(block)


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>' if text else ""


def _table(table: Table) -> str:
    head = "".join(f"<th{_side(one)}>{escape(one.title)}</th>" for one in table.columns)
    body = "".join(f"<tr>{''.join(map(_cell, table.columns, row))}</tr>\n" for row in table.rows)
    buttons = (
        '<span class="buttons"><button type="button" data-copy>Copy</button>'
        '<button type="button" data-csv>CSV</button></span>'
    )
    inner = (
        f'<div class="tablebar"><h3>{escape(table.title)}</h3>{buttons}</div>'
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table></div>{_note(table.note)}"
    )
    name = f'data-table="{table.key}"'
    if len(table.rows) > _LONG:
        return (
            f"<details><summary>{escape(table.title)}: {len(table.rows)} rows</summary>"
            f'<div class="tablebox" {name}>{inner}</div></details>\n'
        )
    return f'<div class="tablebox" {name}>{inner}</div>\n'


_LONG = 16  # rows of a table that is shown when it is asked for


def _side(column: Column) -> str:
    return "" if column.unit == TEXT else ' class="number"'


def _cell(column: Column, cell: Cell) -> str:
    value = raw(cell)
    classes = [] if column.unit == TEXT else ["number"]
    style = ""
    if column.bar and isinstance(value, int | float):
        classes.append("bar")
        style = f' style="--part:{min(max(value, 0.0), 1.0) * 100:.2f}%"'
    named = f' class="{" ".join(classes)}"' if classes else ""
    exact = f' data-value="{value!r}"' if isinstance(value, int | float) else ""
    return f"<td{named}{style}{exact}>{escape(shown(cell, column.unit))}</td>"


def _bars(bars: Bars) -> str:
    kinds = list(dict.fromkeys(s.kind for bar in bars.bars for s in bar.segments))
    legend = "".join(f'<span class="key {kind}">{escape(kind)}</span>' for kind in kinds)
    return (
        f'<figure class="bars" data-bars="{bars.key}"><figcaption>{escape(bars.title)}'
        f'</figcaption><div class="legend">{legend}</div>'
        f"{''.join(_bar(bar, bars.unit) for bar in bars.bars)}{_note(bars.note)}</figure>\n"
    )


def _bar(bar: Bar, unit: str) -> str:
    total = sum(segment.value for segment in bar.segments)
    segments = "".join(
        f'<span class="segment {s.kind}" style="flex-grow:{s.value / total:.6f}" '
        f'title="{escape(s.name)}: {escape(shown(s.value, unit))}, '
        f'{escape(shown(s.value / total, SHARE))}">'
        f"{escape(s.name) if s.value > 0.12 * total else ''}</span>"
        for s in bar.segments
        if s.value > 0
    )
    return (
        f'<div class="barline"><div class="barname">{escape(bar.title)}'
        f'<span>{escape(shown(total, unit))}</span></div><div class="stack">{segments}</div></div>'
    )


def _origin(document: Document) -> str:
    text = escape(json.dumps(dict(document.origin), indent=2))
    listings = "".join(
        f"<details open><summary>{escape(one.name)}</summary>"
        f"<pre>{escape(one.text)}</pre></details>\n"
        for one in document.listings
    )
    return (
        '<section id="origin">\n<h2>To make it again</h2>\n'
        f"<p>The files, the seed, the command and the versions.</p>\n{listings}"
        f"<details><summary>Origin</summary><pre>{text}</pre></details>\n</section>\n"
    )
