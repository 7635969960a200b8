"""``ghostcard token show-config``: the machine as the library sees it, defaults and all."""

import os
from typing import Any

import click

from ghostcard.cli.output import document
from ghostcard.config import load
from ghostcard.configtables import as_tables
from ghostcard.home import home


@click.command(
    "show-config",
    epilog="""\b
Examples:
  ghostcard token show-config
  ghostcard token show-config > machine.toml && GHOSTCARD_CONFIG=machine.toml my-program
  ghostcard token show-config --json
""",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_config(as_json: bool) -> None:
    """Print the effective configuration, as a file that says the same."""
    source = os.environ.get("GHOSTCARD_CONFIG") or "defaults"
    tables = as_tables(load())
    if as_json:
        document({"source": source, "home": str(home()), **tables})
        return
    click.echo(f"# source: {source}\n# home: {home()}")
    for line in as_toml(tables):
        click.echo(line)


_SCALARS = ("server", "function", "seed", "faults", "control")


def as_toml(tables: dict[str, Any]) -> list[str]:
    """The lines of the document."""
    lines = [f"{key} = {_value(tables[key])}" for key in _SCALARS if key in tables]
    if "time" in tables:
        lines += ["", "[time]"]
        lines += [f"{key} = {_value(value)}" for key, value in tables["time"].items()]
    for key in ("cards", "slots", "access"):
        for entry in tables.get(key, ()):
            lines += ["", f"[[{key}]]"]
            lines += [f"{name} = {_value(value)}" for name, value in entry.items()]
    return lines


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        import json

        return json.dumps(value)  # a basic string of TOML is one of JSON, but for DEL
    return str(value)
