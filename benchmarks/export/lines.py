"""Lines of text for many requests at once: templates whose fields are filled column by column.

A field has the same width in every row, so that NumPy writes it in one go; what a row does not need
of it is NUL, and all NULs are taken out in the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ghostcard.benchmarks.export.requests import Array

_GROUP = 1000  # three digits at a time
_DIGITS = np.array([list(f"{n:03d}".encode()) for n in range(_GROUP)], np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_POINT = np.uint8(ord("."))
_PAGE = 1024  # rows filled together: what a processor's cache holds

Text = Array
"""The characters of a field: a row for each request, as bytes."""


def whole(values: Array) -> Text:
    """Whole numbers from 0."""
    return _without_zeros(_digits(values), values, 1)


def micros(values: Array) -> Text:
    """Nanoseconds from 0 as microseconds with three decimals, exactly."""
    text = _without_zeros(_digits(values), values, 4)
    point = np.full((len(text), 1), _POINT)
    return np.concatenate((text[:, :-3], point, text[:, -3:]), axis=1)


def _digits(values: Array) -> Text:
    """In decimal, zeros in front: at least six digits."""
    rest, groups = values.astype(np.int64), max(-(-len(str(values.max(initial=0))) // 3), 2)
    text = np.empty((len(values), 3 * groups), np.uint8)
    for group in range(groups - 1, -1, -1):
        rest, low = np.divmod(rest, _GROUP)
        text[:, 3 * group : 3 * group + 3] = _DIGITS[low]
    return text


def _without_zeros(text: Text, values: Array, least: int) -> Text:
    """The zeros in front taken out, but for the last `least` places."""
    places = np.array([10**n for n in range(text.shape[1] - 1, -1, -1)])
    places[-least:] = 0
    text *= values.astype(np.int64)[:, None] >= places
    return text


def hexadecimal(values: Array) -> Text:
    """Whole numbers from 0 in hexadecimal."""
    values = values.astype(np.int64)
    nibbles = max(int(values.max(initial=0)).bit_length() + 3 >> 2, 1)
    shifts = np.arange(nibbles - 1, -1, -1) * 4
    text: Text = _HEX[values[:, None] >> shifts & 0xF]
    places = 1 << shifts
    places[-1] = 0
    text *= values[:, None] >= places
    return text


def chosen(texts: Sequence[str], places: Array) -> Text:
    """One of the texts for each row."""
    encoded = [text.encode() for text in texts]
    table = np.zeros((len(encoded), max(map(len, encoded), default=0)), np.uint8)
    for row, text in zip(table, encoded, strict=True):
        row[: len(text)] = list(text)
    found: Text = table[places]
    return found


def lines(rows: int, parts: Sequence[str | Text]) -> Iterator[bytes]:
    """All rows, their parts one after the other: a `str` is the same in each."""
    columns = [
        np.frombuffer(part.encode(), np.uint8)[None] if isinstance(part, str) else part
        for part in parts
    ]
    ends = np.cumsum([column.shape[1] for column in columns]).tolist()
    buffer = bytearray(min(_PAGE, rows) * ends[-1])
    page = np.frombuffer(buffer, np.uint8).reshape(-1, ends[-1])
    for first in range(0, rows, _PAGE):
        last = min(first + _PAGE, rows)
        for column, end in zip(columns, ends, strict=True):
            varies = len(column) > 1 or rows == 1
            if varies or not first:
                part = column[first:last] if varies else column
                page[: last - first, end - column.shape[1] : end] = part
        yield bytes(buffer[: (last - first) * ends[-1]].translate(None, b"\0"))
