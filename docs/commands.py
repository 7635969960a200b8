"""Puts the help of every command into commands.md when the site is made."""

from collections.abc import Iterator
from typing import Any

import click

from ghostcard.cli import main

MARK = "<!-- commands -->"
_WIDTH = 100


def on_page_markdown(markdown: str, **_of_the_page: Any) -> str:
    """Called by MkDocs for each page."""
    return markdown.replace(MARK, "\n".join(_sections(main, "ghostcard")))


def _sections(command: click.Command, name: str) -> Iterator[str]:
    context = click.Context(
        command, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    level = min(name.count(" ") + 2, 4)
    yield f"{'#' * level} {name}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for part in command.list_commands(context):
            found = command.get_command(context, part)
            assert found is not None
            yield from _sections(found, f"{name} {part}")
