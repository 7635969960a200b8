"""What the main job leaves behind: CSV, JSON and the plot; simulated and host time kept apart."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ghostcard.benchmarks.client import Measurement
from ghostcard.benchmarks.point import Point


class Results(NamedTuple):
    """All that was measured, maybe not everything that was to be."""

    points: list[Point]  # simulated time
    measurements: list[Measurement]  # host time


def write(
    results: Results, origin: Mapping[str, object], subtitle: str, folder: Path
) -> list[Path]:
    """Writes what there is into `folder`; the paths, in the order of interest."""
    written = []
    timed = [point for point in results.points if point.throughput_per_s]
    if timed:
        from ghostcard.benchmarks.plot import draw  # loads matplotlib

        written += draw(timed, subtitle, folder)
    if results.points:
        written.append(_csv(folder / "simulated.csv", map(_simulated, results.points)))
    if results.measurements:
        written.append(_csv(folder / "host.csv", (m._asdict() for m in results.measurements)))
    record = folder / "bench.json"
    record.write_text(json.dumps(document(results, origin), indent=2) + "\n")
    return [*written, record]


def document(results: Results, origin: Mapping[str, object]) -> dict[str, object]:
    """The results and their origin as one JSON object."""
    return {
        **origin,
        "simulated": [point._asdict() | {"limit": point.limit()} for point in results.points],
        "host": [measurement._asdict() for measurement in results.measurements],
    }


def _simulated(point: Point) -> dict[str, object]:
    """A line of CSV: a column for each resource instead of the mapping."""
    fields = point._asdict()
    shares: Mapping[str, float] = fields.pop("utilisation")
    columns = {f"utilisation {name}": round(share, 6) for name, share in shares.items()}
    return fields | columns | {"limit": point.limit()}


def _csv(path: Path, lines: Iterable[Mapping[str, object]]) -> Path:
    rows: Sequence[Mapping[str, object]] = list(lines)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
