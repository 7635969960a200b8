"""What `--vary KEY=VALUES` says: a key of a scenario and the values it is to have, in order.

    clients=1..64                 1, 2, 3, .. 64
    clients=4..64:4               4, 8, 12, .. 64
    payload=64:16384:x4           64, 256, 1024, 4096, 16384
    payload=0:1024:+256           0, 256, 512, 768, 1024
    cards=1,2,4..8                a list of any of these
    operation=sha256,aes-256-gcm  texts
    payload={ 64 = 7, 1500 = 1 }  any value that TOML can write

A range ends at the last value that is not beyond its end. Keys have short names (`keys`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from ghostcard.benchmarks.scenario import ScenarioError

VALUES_MAX = 100_000
_NUMBER = r"\d[\d_]*"
_SPAN = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::({_NUMBER}))?")
_STEPS = re.compile(rf"({_NUMBER}):({_NUMBER}):([x+])({_NUMBER})")
_OPENING, _CLOSING = "{[", "}]"
_TAKES = "takes values such as 1,2,4 or 1..64 or 1..64:8 or 64:16384:x4 or 0:1024:+256"


class Axis(NamedTuple):
    """A key as it was named, where it is in the document, and its values."""

    name: str
    key: str  # dotted, as `--set` has it
    values: tuple[object, ...]


def named(text: str) -> tuple[str, tuple[object, ...]]:
    """The name and the values of ``NAME=VALUES``; `ScenarioError` for what is neither."""
    name, equals, rest = text.partition("=")
    if not equals or not name.strip() or not rest.strip():
        raise ScenarioError(f"--vary {text}: got no KEY=VALUES, takes one such as clients=1..64")
    try:
        return name.strip(), values(rest)
    except ScenarioError as error:
        raise ScenarioError(f"--vary {text}: {error}") from None


def values(text: str) -> tuple[object, ...]:
    """The values of a list of ranges and single ones, each of them once, in order of mention."""
    found: dict[str, object] = {}
    for part in _parts(text):
        for value in _range(part.strip()):
            found.setdefault(repr(value), value)
            if len(found) > VALUES_MAX:
                raise ScenarioError(f"got more than {VALUES_MAX:,} values")
    return tuple(found.values())


def _parts(text: str) -> Iterator[str]:
    """Cut at the commas that stand outside of braces, brackets and quotes."""
    depth, quote, start = 0, "", 0
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in _OPENING or sign in _CLOSING:
            depth += 1 if sign in _OPENING else -1
        elif sign == "," and not depth:
            yield text[start:place]
            start = place + 1
    yield text[start:]


def _range(part: str) -> Sequence[object]:
    if not part:
        raise ScenarioError(f"got a value of no length, {_TAKES}")
    if span := _SPAN.fullmatch(part):
        return _even(part, *(int(number or 1) for number in span.groups()))
    if steps := _STEPS.fullmatch(part):
        first, last, by = (int(steps[group]) for group in (1, 2, 4))
        return (_even if steps[3] == "+" else _geometric)(part, first, last, by)
    try:
        return (tomllib.loads(f"value = {part}")["value"],)
    except tomllib.TOMLDecodeError:
        if part[0].isdigit() or part[0] in "\"'{[":
            raise ScenarioError(f"got {part!r}, {_TAKES}") from None
        return (part,)


def _even(part: str, first: int, last: int, step: int) -> Sequence[int]:
    if first > last or not step:
        raise ScenarioError(f"got {part!r}, takes a range that goes up")
    return range(first, last + 1, step)


def _geometric(part: str, first: int, last: int, factor: int) -> Sequence[int]:
    if not 0 < first <= last or factor < 2:
        raise ScenarioError(
            f"got {part!r}, takes a range from 1 or more that goes up by x2 or more"
        )
    powers = (first * factor**power for power in range(last.bit_length() + 1))
    return tuple(takewhile(lambda value: value <= last, powers))
