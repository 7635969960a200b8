"""The steady part of a run's records, and the estimates that one run gives by batch means."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ghostcard.benchmarks.estimation import (
    BATCHES,
    Array,
    Estimate,
    batches,
    mean_of,
    mser5,
    percentile_of,
)


class Steady(NamedTuple):
    """The requests submitted after the warm-up, in order of submission."""

    answered: Array  # without failures; records as `Recorder.array` gives them
    failed: Array
    start_ns: int  # the end of the warm-up
    left_out: int  # requests
    found: bool  # False: MSER-5 could not tell where the warm-up ends


_FIELDS = ("submitted", "enqueued", "done", "client", "operation", "outcome")


def slim(array: Array) -> Array:
    """The records with what the figures of requests need, a quarter of their size."""
    found = np.empty(len(array), [(field, array.dtype[field]) for field in _FIELDS])
    for field in _FIELDS:
        found[field] = array[field]
    return found


def warm(array: Array, warm_up_ns: int | None) -> Steady:
    """Leave the warm-up out: what was submitted before a time, or what MSER-5 says."""
    array = array[np.argsort(array["submitted"], kind="stable")]
    found = True
    if warm_up_ns is None:
        answered = array[array["outcome"] == 0]
        count, found = mser5(_took(answered).astype(float))
        warm_up_ns = int(answered["submitted"][count]) if count else 0
    left_out = int(np.searchsorted(array["submitted"], warm_up_ns))
    rest = array[left_out:]
    ok = rest["outcome"] == 0
    return Steady(rest[ok], rest[~ok], warm_up_ns, left_out, found)


def transactions(array: Array, clients: range, steps: int) -> Array:
    """A record for each `steps` requests of a client, from the first's submission to the last's
    end, in order of submission; failed if one of them has. What the run's end cut off is left out.
    """
    own = array[(array["client"] >= clients.start) & (array["client"] < clients.stop)]
    own = own[np.lexsort((own["submitted"], own["client"]))]
    starts = np.flatnonzero(np.diff(own["client"], prepend=-1))
    lengths = np.diff(starts, append=len(own)) // steps * steps
    numbers = np.arange(len(own)) - np.repeat(starts, np.diff(starts, append=len(own)))
    whole = own[numbers < np.repeat(lengths, np.diff(starts, append=len(own)))]
    found = whole[::steps].copy()
    found["done"] = whole["done"][steps - 1 :: steps]
    found["outcome"] = (
        np.maximum.reduceat(whole["outcome"], np.arange(0, len(whole), steps)) if len(whole) else 0
    )
    return found[np.argsort(found["submitted"], kind="stable")]


def _took(array: Array) -> Array:
    took: Array = array["done"].astype(np.int64) - array["submitted"].astype(np.int64)
    return took


def latencies(answered: Array, confidence: float) -> Estimate:
    """The mean latency in ns."""
    return batches(_took(answered).astype(float), mean_of, confidence)


def percentile(answered: Array, permille: int, confidence: float) -> Estimate:
    """A percentile of the latency in ns: a value that occurred.

    No interval where a batch has less than one value beyond the percentile.
    """
    estimate = batches(_took(answered), percentile_of(permille), confidence)
    if len(answered) * (1000 - permille) < 1000 * BATCHES:
        return estimate._replace(half_width=None, samples=1)
    return estimate


def throughput(answered: Array, confidence: float) -> Estimate:
    """Completions per second, from the gaps between them until the last submission.

    What is served after that is the end of the run, not of the steady state.
    """
    done = np.sort(answered["done"]).astype(np.int64)
    steady = done[done <= int(answered["submitted"][-1])] if len(answered) else done
    if len(steady) < 2 or steady[0] == steady[-1]:
        steady = done
    if len(steady) < 2 or steady[0] == steady[-1]:
        return Estimate(0.0, None, confidence, 1)
    estimate = batches(np.diff(steady).astype(float), mean_of, confidence)
    half = None if estimate.half_width is None else estimate.half_width / estimate.mean
    rate = 1e9 / estimate.mean
    return estimate._replace(mean=rate, half_width=None if half is None else half * rate)
