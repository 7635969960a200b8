"""Sizes of buffers and bursts as crypto-perf tools take them: lists, ranges, IMIX."""

from __future__ import annotations

import re

from ghostcard.benchmarks.scenario import Kind, ScenarioError
from ghostcard.benchmarks.sweep.axis import values

IMIX = {64: 7, 570: 4, 1500: 1}  # the Internet's mix of packet sizes, 7:4:1
_STEPS = re.compile(r"(\d+):(\d+):(\d+)")


def numbers(text: str, option: str, least: int, most: int) -> tuple[int, ...]:
    """``16``, ``16,64``, ``16..64:16``, ``64:16384:x2`` or, as DPDK has it, ``16:16:64``
    (least:step:most); `ScenarioError` for what is none, or not from `least` to `most`."""
    text = _STEPS.sub(r"\1:\3:+\2", text.strip())
    try:
        found = values(text)
    except ScenarioError as error:
        raise ScenarioError(f"{option}: {error}") from None
    kept = []
    for value in found:
        if type(value) is not int or not least <= value <= most:
            raise ScenarioError(
                f"{option}: got {value!r}, takes numbers from {least:,} to {most:,}"
            )
        kept.append(value)
    return tuple(kept)


def mixed(operation: str, sizes: tuple[int, ...], weights: tuple[int, ...]) -> tuple[Kind, ...]:
    """One kind for each size, drawn by its weight."""
    if len(sizes) != len(weights):
        raise ScenarioError(
            f"--imix: got {len(weights)} weights, takes one for each of the {len(sizes)} sizes"
        )
    return tuple(Kind(operation, *pair) for pair in zip(sizes, weights, strict=True))
