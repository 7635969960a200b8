"""What is to be met: ``rsa4096-sign 20000/s p99<5ms`` as an operation, a rate and bounds.

    [OPERATION] [RATE/s] [METRIC<TIME ...]

OPERATION is a name of the scenario's, default all requests; RATE requests per second, k and M for
thousands and millions; METRIC mean, p50, p90, p99, p99.9 or max of the latency, with ns, us, ms
or s. There is a rate or a bound, or both.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ghostcard.benchmarks.scenario import ScenarioError

MEAN, MAX = "mean", "max"
PERMILLE = {"p50": 500, "p90": 900, "p99": 990, "p99.9": 999}
METRICS = (MEAN, *PERMILLE, MAX)
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9}
_THOUSANDS = {"": 1, "k": 10**3, "M": 10**6}
_NUMBER = r"(\d[\d_,]*(?:\.\d+)?)"
_RATE = re.compile(rf"{_NUMBER}([kM]?)/s")
_BOUND = re.compile(rf"([^<]*)<=?{_NUMBER}(ns|us|µs|ms|s)")
_SPACES = ((re.compile(r"\s*(<=?)\s*"), r"\1"), (re.compile(r"(\d)\s+(/s|[nuµm]?s\b)"), r"\1\2"))
_TAKES = 'takes such as "rsa4096-sign 20000/s p99<5ms"'


class Bound(NamedTuple):
    """A figure of the latency and the most that it may be."""

    metric: str
    limit_ns: int


class Target(NamedTuple):
    """All of it; operation "": every request, rate None: as the scenario has it."""

    text: str
    operation: str
    rate_per_s: Fraction | None
    bounds: tuple[Bound, ...]


def parse(text: str) -> Target:
    """The target of a text; `ScenarioError` says which word is none."""
    words = text
    for pattern, without in _SPACES:
        words = pattern.sub(without, words)
    operation, rate, bounds = "", None, []
    for word in words.split():
        if found := _RATE.fullmatch(word):
            if rate is not None:
                raise _refuse(word, "one rate")
            rate = _number(found[1]) * _THOUSANDS[found[2]]
        elif "<" in word:
            bounds.append(_bound(word))
        elif operation or "/" in word or ">" in word:
            raise _refuse(word, _TAKES.removeprefix("takes "))
        else:
            operation = word
    if rate is None and not bounds:
        raise _refuse(text, _TAKES.removeprefix("takes "))
    if rate is not None and rate <= 0:
        raise _refuse(text, "a rate above 0")
    if len({bound.metric for bound in bounds}) < len(bounds):
        raise _refuse(text, "each metric once")
    return Target(" ".join(words.split()), operation, rate, tuple(bounds))


def _bound(word: str) -> Bound:
    found = _BOUND.fullmatch(word)
    metric = found[1] if found else ""
    if found is None or metric not in METRICS:
        raise _refuse(word, f"one of {', '.join(METRICS)} and a time, such as p99<5ms")
    limit = _number(found[2]) * _UNITS[found[3]]
    if limit < 1:
        raise _refuse(word, "a time of 1 ns or more")
    return Bound(metric, int(limit))


def _number(text: str) -> Fraction:
    return Fraction(Decimal(text.replace(",", "").replace("_", "")))


def _refuse(got: str, takes: str) -> ScenarioError:
    return ScenarioError(f"--target: got {got!r}, takes {takes}")
