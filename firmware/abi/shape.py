"""Shapes of blocks: what a full walk has found, so that the next block alike needs none.

Two blocks have one shape if they are equally long and equal in every byte outside their parameters.
Then each parameter is at the same place in both, and what the walk has checked in one holds in the
other. A shape is looked up by the first bytes of a block, `lookup` of them; the fixed bytes behind
those are compared.
"""

import struct
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

H = TypeVar("H")
Span = tuple[int, int]  # start and end

MAX_SHAPES = 2048  # remembered by each user; then all are forgotten, and walked again if needed


class Shape(NamedTuple, Generic[H]):
    """`cut_fixed(block) == fixed` says that a block of `length` bytes has this shape."""

    length: int
    head: H
    fixed: tuple[bytes, ...]
    cut_fixed: Callable[[bytes], tuple[bytes, ...]]
    cut_params: Callable[[bytes], tuple[bytes, ...]]


def shape_of(block: bytes, head: H, params: list[Span], end: int, lookup: int) -> Shape[H]:
    """The shape of a walked block: where its parameters are, in order, and where they all end."""
    cut_fixed = _cutter(_fixed(params, end, lookup), len(block))
    return Shape(len(block), head, cut_fixed(block), cut_fixed, _cutter(params, len(block)))


def _fixed(params: list[Span], end: int, lookup: int) -> list[Span]:
    """All up to `end` that neither the look-up nor a parameter covers."""
    found, at = [], lookup
    for start, stop in (*params, (end, end)):
        if start > at:
            found.append((at, start))
        at = max(at, stop)
    return found


def _cutter(spans: list[Span], length: int) -> Callable[[bytes], tuple[bytes, ...]]:
    """What cuts the spans out of a block of `length` bytes, all at once."""
    form, at = "", 0
    for start, end in spans:
        form += f"{start - at}x{end - start}s"
        at = end
    return struct.Struct(f"{form}{length - at}x").unpack
