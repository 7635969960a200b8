"""The formats an export can have, by name and by the suffix of a file."""

from collections.abc import Callable
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.requests import Requests

Writer = Callable[[Requests, str | PathLike[str]], None]


class Format(NamedTuple):
    """`suffix` (or `packed`, compressed) implies it; `writer()` loads it when it is asked for."""

    name: str
    suffix: str
    module: str
    opened_by: str
    packed: str | None = None

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Every end of a name that implies the format."""
        return (self.suffix,) if self.packed is None else (self.suffix, self.packed)

    def writer(self) -> Writer:
        """`write(requests, path)`: `OSError` or `ExportError` when it cannot."""
        write: Writer = import_module(f"ghostcard.benchmarks.export.{self.module}").write
        return write


FORMATS: tuple[Format, ...] = (
    Format("csv", ".csv", "csvtable", "a spreadsheet, pandas, awk"),
    Format("parquet", ".parquet", "parquet", "pandas, DuckDB, Polars"),
    Format("perfetto", ".json", "perfetto", "ui.perfetto.dev, chrome://tracing", ".json.gz"),
    Format("vcd", ".vcd", "vcd", "GTKWave, Surfer"),
    Format("hgrm", ".hgrm", "hgrm", "HdrHistogram's plotter"),
    Format("stacks", ".folded", "stacks", "flamegraph.pl, speedscope"),
)


def named(name: str) -> Format:
    """The format of that name; KeyError when there is none."""
    return {each.name: each for each in FORMATS}[name]


def of_file(path: str | PathLike[str]) -> Format:
    """The format that a file's suffix implies; `ExportError` lists them when none does."""
    name = Path(path).name.lower()
    for each in FORMATS:
        if name.endswith(each.suffixes):
            return each
    known = ", ".join(f"{' or '.join(each.suffixes)} ({each.name})" for each in FORMATS)
    raise ExportError(f"{path}: the suffix names no format, it can be {known}; or give --format")
