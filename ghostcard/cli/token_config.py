"""``ghostcard token show-config``: the machine as the library sees it, defaults and all."""

import os
from typing import Any

import click

from ghostcard.cli.output import document
from ghostcard.config import NO_LIMITS, Config, apqn, load
from ghostcard.home import home
from ghostcard.module.names import name


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


def as_tables(config: Config) -> dict[str, Any]:
    """The configuration as its TOML document; what is at no value is left out."""
    cards = [
        _said(
            adapter=card.adapter,
            profile=card.profile,
            domains=list(card.domains),
            seed=card.seed,
            nvram=card.nvram,
        )
        for card in config.cards
    ]
    slots = [
        _said(
            id=slot.id,
            description=slot.description,
            apqns=[apqn(queue) for queue in slot.apqns],
            mechanisms=None
            if slot.mechanisms is None
            else [name("CKM", number) for number in sorted(slot.mechanisms)],
            limits=None if slot.limits == NO_LIMITS else _said(**slot.limits._asdict()),
        )
        for slot in config.slots
    ]
    timing = {**config.time._asdict(), "clients": config.time.clients or None}
    whole = {"function": config.function, "seed": config.seed, "faults": config.faults}
    return _said(
        **whole, control=config.control or None, time=_said(**timing), cards=cards, slots=slots
    )


def _said(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


_SCALARS = ("function", "seed", "faults", "control")


def as_toml(tables: dict[str, Any]) -> list[str]:
    """The lines of the document."""
    lines = [f"{key} = {_value(tables[key])}" for key in _SCALARS if key in tables]
    lines += ["", "[time]"] + [f"{key} = {_value(value)}" for key, value in tables["time"].items()]
    for key in ("cards", "slots"):
        for entry in tables[key]:
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
