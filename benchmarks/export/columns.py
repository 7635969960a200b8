"""The columns of a table of requests, the same in every format that is a table."""

from collections.abc import Callable
from typing import NamedTuple

from ghostcard.benchmarks.export.requests import Array, Chunk
from ghostcard.emulator.record import STAGES


class Column(NamedTuple):
    """`values(chunk)` are numbers; where `names(names)` is given, they are indices into it."""

    name: str
    values: Callable[[Chunk], Array]
    names: Callable[[tuple[str, ...]], list[str]] | None = None


def _field(name: str) -> Column:
    return Column(name, lambda chunk: chunk.array[name])


def _name(name: str) -> Column:
    return Column(name, lambda chunk: chunk.array[name], list)


# Card and domain as lszcrypt prints them, in hexadecimal (AP sheet 6.1); times in ns, absolute.
COLUMNS: tuple[Column, ...] = (
    Column("request", lambda chunk: chunk.numbers),
    Column("card", Chunk.adapters, lambda _: [f"{number:02x}" for number in range(256)]),
    Column(
        "domain",
        lambda chunk: chunk.array["qid"] & 0xFF,
        lambda _: [f"{number:04x}" for number in range(256)],
    ),
    _field("client"),
    _field("function"),
    _name("operation"),
    _name("engine"),
    _field("outcome"),
    Column("fault", lambda chunk: chunk.array["fault"], lambda names: ["", *names]),
    _field("depth"),
    _field("request_bytes"),
    _field("reply_bytes"),
    _field("payload_bytes"),
    *(_field(stage) for stage in STAGES),
)
