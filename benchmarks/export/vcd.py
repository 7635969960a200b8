"""A value change dump for GTKWave and Surfer: queues, interrupt lines, cores and engine pools.

A scope per card, in it one per queue (`depth`: requests in hardware; `interrupt`: 1 while a reply
lies in host memory of which the host has not been told), one of the firmware cores and one per
engine pool (`waiting` and `busy` requests). A fault is an event of the queue it happened to, named
`fault_` and its name. The same records give the same file: it has no date.
IEEE 1364-2001, clause 18; one time unit is 1 ns.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import NamedTuple, TextIO

import numpy as np

from ghostcard import __version__
from ghostcard.benchmarks.export import levels
from ghostcard.benchmarks.export.levels import Level, Levels
from ghostcard.benchmarks.export.requests import Requests

SPANS = (
    levels.DEPTH,
    levels.INTERRUPT,
    levels.CORES_WAITING,
    levels.CORES_BUSY,
    levels.WAITING,
    levels.BUSY,
)
_FIRST_CODE, _CODES = 33, 94  # identifiers are made of the printable characters ! to ~
_VALUE_BITS = 32  # of a level's value: no more requests than that are anywhere
_VALUE_MASK = (1 << _VALUE_BITS) - 1
_NOT_IN_A_NAME = re.compile(r"\W")


def write(requests: Requests, path: str | PathLike[str]) -> None:
    """Write every change of every level; all are 0 at time 0 and at the end."""
    found, faults = Levels(requests, SPANS), requests.faults()
    codes = [_code(index) for index in range(len(found.of))]
    events = sorted({(fault.qid, fault.name) for fault in faults})
    event_codes = {event: _code(len(codes) + index) for index, event in enumerate(events)}
    with open(path, "w", encoding="ascii", newline="\n") as file:
        file.write(f"$version Ghostcard {__version__} $end\n$timescale 1 ns $end\n")
        file.writelines(_declarations(_variables(found.of, codes, event_codes)))
        file.write("$enddefinitions $end\n#0\n$dumpvars\n")
        file.writelines(_value(level, code, 0) for level, code in zip(found.of, codes, strict=True))
        file.write("$end\n")
        happenings = [(f.at_ns, f"1{event_codes[f.qid, f.name]}\n") for f in faults]
        _dump(found, codes, happenings, file)


def _dump(
    found: Levels, codes: Sequence[str], happenings: Sequence[tuple[int, str]], file: TextIO
) -> None:
    """The changes and, between them, what happened: at one instant after the changes."""
    now = 0  # #0 has been written
    left = deque(happenings)
    for changes in found.changes():
        kinds, which = np.unique(
            changes.levels << _VALUE_BITS | changes.values, return_inverse=True
        )
        texts = [
            _value(found.of[kind >> _VALUE_BITS], codes[kind >> _VALUE_BITS], kind & _VALUE_MASK)
            for kind in kinds.tolist()
        ]
        for time, kind in zip(changes.times.tolist(), which.tolist(), strict=True):
            while left and left[0][0] < time:
                now = _write(file, now, *left.popleft())
            now = _write(file, now, time, texts[kind])
    for at_ns, text in left:
        now = _write(file, now, at_ns, text)


def _write(file: TextIO, now: int, time: int, text: str) -> int:
    """Write a change, with its time if that is another one; the time."""
    file.write(f"#{time}\n{text}" if time != now else text)
    return time


def _value(level: Level, code: str, value: int) -> str:
    return f"{value}{code}\n" if level.span.is_line else f"b{value:b} {code}\n"


class Variable(NamedTuple):
    """One line of the declarations; variables of one scope stand together."""

    scope: tuple[str, ...]
    kind: str
    code: str
    name: str


def _variables(
    of: Sequence[Level], codes: Sequence[str], event_codes: Mapping[tuple[int, str], str]
) -> list[Variable]:
    variables = [
        Variable(
            _scope(level),
            "wire 1" if level.span.is_line else "integer 32",
            code,
            level.span.name.removeprefix("cores_"),
        )
        for level, code in zip(of, codes, strict=True)
    ]
    for (qid, name), code in event_codes.items():
        named = "fault_" + _NOT_IN_A_NAME.sub("_", name)
        variables.append(Variable(_queue_scope(qid >> 8, qid & 0xFF), "event 1", code, named))
    return sorted(variables, key=lambda variable: variable.scope)


def _declarations(variables: Sequence[Variable]) -> Iterator[str]:
    """The variables by scope; a scope is opened when the first of them comes."""
    opened: tuple[str, ...] = ()
    for scope, kind, code, name in variables:
        shared = _shared(opened, scope)
        yield "$upscope $end\n" * (len(opened) - shared)
        for part in scope[shared:]:
            yield f"$scope module {part} $end\n"
        opened = scope
        yield f"$var {kind} {code} {name} $end\n"
    yield "$upscope $end\n" * len(opened)


def _scope(level: Level) -> tuple[str, ...]:
    card = f"card_{level.adapter:02x}"
    if level.domain is not None:
        return _queue_scope(level.adapter, level.domain)
    if level.engine is not None:
        return card, "engines_" + _NOT_IN_A_NAME.sub("_", level.engine)
    return card, "cores"


def _queue_scope(adapter: int, domain: int) -> tuple[str, ...]:
    return f"card_{adapter:02x}", f"queue_{domain:04x}"


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many scopes two paths have in common from the top."""
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


def _code(index: int) -> str:
    """The identifier of a variable: its number in base 94, one character at least."""
    code = chr(_FIRST_CODE + index % _CODES)
    return code if index < _CODES else code + _code(index // _CODES - 1)
