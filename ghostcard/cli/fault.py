"""``ghostcard fault``: have faults happen to a program that runs, and see which have."""

import tomllib
from collections.abc import Callable, Sequence
from typing import Any

import click

from ghostcard import control, faults
from ghostcard.cli.failure import Failure
from ghostcard.cli.output import document, table
from ghostcard.emulator.faultkinds import KINDS

_WHOM = click.option("--pid", type=int, help="That process only; else every one that listens.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SHOWN = ("number", "kind", "name", "seen", "struck", "point")


@click.group(
    "fault",
    epilog="""\b
Examples:
  ghostcard fault kinds
  ghostcard fault add reply-code code=0x90 every=10
  ghostcard fault add pull card=0 nth=100 for_ns=5_000_000_000
  ghostcard fault add delay delay_ns=2_000_000 verb=SignSingle rate_ppm=10_000
  ghostcard fault list --json
  ghostcard fault clear 3
""",
)
def command() -> None:
    """Have faults happen to programs that run with `control = true` in their configuration.

    docs/faults.md says what there is, key by key.
    """


@command.command("kinds")
@_JSON
def kinds(as_json: bool) -> None:
    """List the kinds of fault, and the keys that each needs and takes besides the common ones."""
    if as_json:
        document({name: kind._asdict() for name, kind in KINDS.items()})
        return
    columns = ("kind", "strikes at", "~needs", "~takes", "~what happens")
    rows = (
        (name, kind.point, " ".join(kind.needs), " ".join(kind.takes), kind.meaning)
        for name, kind in KINDS.items()
    )
    table("Kinds of fault", columns, rows)


@command.command(
    "add",
    epilog="""\b
Examples:
  ghostcard fault add drop rate_ppm=1000
  ghostcard fault add response instruction=nqap code=0x42 nth=3 --pid 4711
""",
)
@click.argument("kind")
@click.argument("said", nargs=-1, metavar="[KEY=VALUE]...")
@_WHOM
@_JSON
def add(kind: str, said: tuple[str, ...], pid: int | None, as_json: bool) -> None:
    """Arm a fault of KIND; the keys are those of a plan, a value is TOML or a text."""
    rule = {"kind": kind, **dict(map(_pair, said))}
    faults.rule(rule)  # what is wrong is said here, though nobody may listen
    answers = _ask(pid, {"add": rule})
    _tell(answers, as_json, lambda process, answer: f"{process}: fault {answer['number']}")


@command.command(
    "list", epilog="\b\nExamples:\n  ghostcard fault list\n  ghostcard fault list --json\n"
)
@_WHOM
@_JSON
def show(pid: int | None, as_json: bool) -> None:
    """List the faults that are armed, how often each was asked about and how often it struck."""
    answers = _ask(pid, {"list": None})
    if as_json:
        document({process: answer["faults"] for process, answer in answers.items()})
        return
    columns = (">process", ">number", "kind", "name", ">seen", ">struck", "~says")
    rows = [_row(process, rule) for process, answer in answers.items() for rule in answer["faults"]]
    table("Faults", columns, rows)


@command.command(
    "clear", epilog="\b\nExamples:\n  ghostcard fault clear\n  ghostcard fault clear 3 --pid 4711\n"
)
@click.argument("number", type=int, required=False)
@_WHOM
@_JSON
def clear(number: int | None, pid: int | None, as_json: bool) -> None:
    """Disarm the fault of NUMBER, or all."""
    answers = _ask(pid, {"clear": number})
    if number is not None and not any(answer["cleared"] for answer in answers.values()):
        raise Failure(f"there is no fault {number}", 2)
    _tell(answers, as_json, lambda process, answer: f"{process}: {answer['cleared']} cleared")


def _pair(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise Failure(f"{text}: got no KEY=VALUE, takes one such as nth=3", 2)
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value


def _ask(pid: int | None, request: dict[str, object]) -> dict[int, dict[str, Any]]:
    """The answers of the processes that listen; Failure if none does."""
    answers = {}
    for process in control.processes() if pid is None else [pid]:
        try:
            answers[process] = control.ask(process, request)
        except FileNotFoundError:
            continue
    if not answers:
        whom = "no program listens" if pid is None else f"process {pid} does not listen"
        raise Failure(f"{whom}: it takes `control = true` in the configuration of a running one")
    return answers


def _tell(
    answers: dict[int, dict[str, Any]],
    as_json: bool,
    line: Callable[[int, dict[str, Any]], str],
) -> None:
    if as_json:
        document(answers)
        return
    for process, answer in answers.items():
        click.echo(line(process, answer))


def _row(process: int, rule: dict[str, Any]) -> Sequence[object]:
    said = " ".join(f"{key}={value}" for key, value in rule.items() if key not in _SHOWN)
    return (process, *(rule[key] for key in _SHOWN[:-1]), said)
