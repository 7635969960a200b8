"""Parquet: the columns of the CSV with their types, a row group per chunk.

Needs pyarrow, which is not among Ghostcard's own requirements (`pip install ghostcard[parquet]`).
"""

from os import PathLike
from typing import TYPE_CHECKING

from ghostcard.benchmarks.export.columns import COLUMNS, Column
from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.requests import Chunk, Requests

if TYPE_CHECKING:
    import pyarrow


def write(requests: Requests, path: str | PathLike[str]) -> None:
    """Write the columns of `columns.COLUMNS`: numbers unsigned, names as dictionaries.

    `ExportError` when pyarrow is not there.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ExportError(
            "Parquet needs pyarrow, which is not installed: pip install 'ghostcard[parquet]'"
        ) from None
    dictionaries = {
        column.name: pyarrow.array(column.names(requests.names), pyarrow.string())
        for column in COLUMNS
        if column.names is not None
    }
    writer: parquet.ParquetWriter | None = None
    try:
        for chunk in requests.chunks():
            table = pyarrow.table(
                {column.name: _values(column, chunk, dictionaries) for column in COLUMNS}
            ).replace_schema_metadata({"dropped": str(requests.dropped), "times": "ns"})
            writer = writer or parquet.ParquetWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _values(
    column: Column, chunk: Chunk, dictionaries: "dict[str, pyarrow.Array]"
) -> "pyarrow.Array":
    import pyarrow

    values = column.values(chunk)
    if column.names is None:
        return pyarrow.array(values)
    indices = pyarrow.array(values.astype("int32"))
    return pyarrow.DictionaryArray.from_arrays(indices, dictionaries[column.name])
