"""The sizes that were tried as a table of Parquet: a row for each, by cards, places and clients."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import isinf
from pathlib import Path

from ghostcard import __version__
from ghostcard.benchmarks.estimation import Estimate
from ghostcard.benchmarks.size.measure import Measured
from ghostcard.benchmarks.size.target import Target
from ghostcard.benchmarks.sweep.rows import METADATA


def rows(target: Target, tried: Iterable[Measured]) -> list[dict[str, object]]:
    """Times in simulated nanoseconds; None for what is not known."""
    each = {one.size: one for one in tried}
    return [_row(target, each[size]) for size in sorted(each)]


def _row(target: Target, one: Measured) -> dict[str, object]:
    bounds = zip(target.bounds, one.latencies_ns, strict=True)
    return {
        "cards": one.size.cards,
        "depth": one.size.depth,
        "clients": one.size.clients or None,  # of open tenants there are none
        "replications": one.replications,
        "meets": one.meets,
        "decided": one.is_decided,
        **_of("per_second", one.per_second),
        **{key: value for bound, time in bounds for key, value in _of(bound.metric, time).items()},
        "load": one.load,
    }


def _of(name: str, estimate: Estimate) -> dict[str, object]:
    """A figure and the half-width of its interval; a latency is named with its unit."""
    if name == "per_second":
        value, key, half = estimate.mean or None, name, "per_second_half_width"
    else:
        value = None if isinf(estimate.mean) else estimate.mean
        bare = name.replace(".", "")  # p999, as the table of a sweep has it
        key, half = f"{bare}_ns", f"{bare}_half_width_ns"
    return {key: value, half: None if value is None else estimate.half_width}


def write_parquet(found: list[dict[str, object]], about: Mapping[str, object], path: Path) -> bool:
    """The table, with `about` as JSON in its metadata; False where there is no pyarrow."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return False
    table = pyarrow.Table.from_pylist(found)
    told = {METADATA: json.dumps({**about, "version": __version__}).encode()}
    parquet.write_table(table.replace_schema_metadata(told), path)
    return True
