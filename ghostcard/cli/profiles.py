"""``ghostcard profiles``: the cards there are, and where each of their figures comes from."""

from collections.abc import Iterator
from typing import NamedTuple

import click

from ghostcard.cli.output import document, duration, rate, table
from ghostcard.emulator import profile as profiles
from ghostcard.emulator.profile import Operation, Profile


class Figure(NamedTuple):
    """A figure of a profile by its dotted name; the unit is the name's ending."""

    name: str
    value: float
    source: str


class Service(NamedTuple):
    """What an operation costs on one engine, and what the pool does at best (without payload)."""

    operation: str
    engine: str
    fixed_ns: int
    per_kib_ns: int
    best_per_s: float | None
    source: str


@click.command(
    "profiles",
    epilog="""\b
Examples:
  ghostcard profiles
  ghostcard profiles cex8p
  ghostcard profiles ./mine.toml --json
""",
)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str | None, as_json: bool) -> None:
    """List the profiles, or show the figures of NAME (or of a TOML file) with their sources."""
    if name is None:
        _list([profiles.load(each) for each in profiles.names()], as_json)
    else:
        _show(profiles.load(name), as_json)


def _list(known: list[Profile], as_json: bool) -> None:
    rows = [
        (p.name, p.mode, p.description, ", ".join(f"{e.size} {e.name}" for e in p.engines))
        for p in known
    ]
    if as_json:
        document(
            [dict(zip(("name", "mode", "description", "engines"), r, strict=True)) for r in rows]
        )
    else:
        table("Profiles", ("name", "mode", "description", "engines"), rows)


def _show(profile: Profile, as_json: bool) -> None:
    found, services = list(figures(profile)), list(operations(profile))
    if as_json:
        document(
            {
                "name": profile.name,
                "description": profile.description,
                "mode": profile.mode,
                "figures": [figure._asdict() for figure in found],
                "operations": [service._asdict() for service in services],
            }
        )
        return
    title = f"{profile.name}: {profile.description}"
    table(
        title, ("figure", ">value", "~source"), ((f.name, f"{f.value:,}", f.source) for f in found)
    )
    columns = ("operation", "engine", ">one engine", ">per KiB", ">pool, per s", "~source")
    table("Service times", columns, map(_row, services))


def _row(service: Service) -> tuple[str, ...]:
    return (
        service.operation,
        service.engine or "-",
        duration(service.fixed_ns),
        duration(service.per_kib_ns) if service.per_kib_ns else "-",
        "-" if service.best_per_s is None else rate(service.best_per_s),
        service.source or "-",
    )


def figures(profile: Profile) -> Iterator[Figure]:
    """The figures of the card, all but the operations' service times."""
    for name, source in profile.sources.items():
        if ".operations." not in name and ".families." not in name:
            yield Figure(name, _value(profile, name), source)


def _value(profile: Profile, name: str) -> int | float:
    """A figure by its dotted name in the file, where some keys differ from the profile's fields."""
    section, _, key = name.rpartition(".")
    value: int | float
    if section.startswith("engines."):
        pool = {engine.name: engine for engine in profile.engines}[section.split(".")[1]]
        if section.endswith(".batch"):
            value = getattr(pool.batch, "most" if key == "count" else key)
        else:
            value = pool.size
    elif section in ("firmware.priorities", "firmware.weights"):
        value = dict(getattr(profile.firmware, section.rpartition(".")[2]))[int(key)]
    elif section == "link.out":
        value = getattr(profile.reply_link, key)
    else:
        value = getattr(getattr(profile, section) if section else profile, key)
    return value


def operations(profile: Profile) -> Iterator[Service]:
    """Each operation, its service time and where that comes from."""
    counts = {engine.name: engine.size for engine in profile.engines}
    for name, operation in profile.operations.items():
        best = counts[operation.engine] * 1e9 / operation.fixed_ns if operation.fixed_ns else None
        yield Service(
            name,
            operation.engine,
            operation.fixed_ns,
            operation.per_kib_ns,
            best,
            _source(profile, name, operation),
        )


def _source(profile: Profile, name: str, operation: Operation) -> str:
    prefix = f"engines.{operation.engine}.operations.{name}."
    keys = ("rating", "fixed_ns", "per_kib_ns", "distribution")
    stated = [profile.sources[prefix + key] for key in keys if prefix + key in profile.sources]
    if not stated:
        families = f"engines.{operation.engine}.families."
        stated = [text for key, text in profile.sources.items() if key.startswith(families)]
    return "; ".join(dict.fromkeys(source for source in stated if source))
