"""CSV and Parquet hold every field of every record, exactly."""

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet as arrow_parquet

from ghostcard.benchmarks.export import csvtable, parquet
from ghostcard.benchmarks.export.errors import ExportError
from ghostcard.benchmarks.export.requests import Requests
from ghostcard.emulator.record import FIELDS, STAGES, Recorder

HEADER = (
    "request,card,domain,client,function,operation,engine,outcome,fault,depth,request_bytes,"
    "reply_bytes,payload_bytes,submitted,enqueued,arrived,fetched,decoded,unwrapped,started,finished,built,"
    "replied,notified,done"
)
FIELD_NAMES = [name for name, _ in FIELDS]


def as_record(row: dict[str, Any], names: tuple[str, ...]) -> tuple[int, ...]:
    """A row of a table as the fields of a record."""
    values = {
        name: int(row[name]) for name in (*FIELD_NAMES, "request") if row.get(name, "").isdigit()
    }
    values["qid"] = int(row["card"], 16) << 8 | int(row["domain"], 16)
    values["operation"] = names.index(row["operation"])
    values["engine"] = names.index(row["engine"])
    values["fault"] = names.index(row["fault"]) + 1 if row["fault"] else 0
    return tuple(values[name] for name in FIELD_NAMES)


def test_csv_gives_the_array_back(requests: Requests, tmp_path: Path) -> None:
    csvtable.write(requests, tmp_path / "x.csv")
    text = (tmp_path / "x.csv").read_bytes().decode("ascii")
    assert text.startswith(HEADER + "\n")
    assert "\r" not in text
    rows = list(csv.DictReader(text.splitlines()))
    assert [int(row["request"]) for row in rows] == list(range(len(requests.array)))
    again = np.array([as_record(row, requests.names) for row in rows], dtype=requests.array.dtype)
    assert np.array_equal(again, requests.array)


def test_csv_names_card_and_domain_as_lszcrypt_does(tmp_path: Path) -> None:
    record = Recorder()
    record.add(3, 0xFF54, 31, 'a,"b"', "", 0, 2, 10, 20, 30, tuple(range(100, 112)), "drop, 1")
    csvtable.write(Requests.of(record), tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text().splitlines()[1] == (
        '0,ff,0054,3,31,"a,""b""",,0,"drop, 1",2,10,20,30,'
        "100,101,102,103,104,105,106,107,108,109,110,111"
    )


def test_parquet_gives_the_array_back(requests: Requests, tmp_path: Path) -> None:
    parquet.write(requests, tmp_path / "x.parquet")
    table = arrow_parquet.read_table(tmp_path / "x.parquet")
    assert ",".join(table.column_names) == HEADER
    assert table.schema.metadata[b"dropped"] == b"0"
    for name in FIELD_NAMES:
        if name not in ("qid", "operation", "engine", "fault"):
            column = table.column(name).to_numpy()
            assert column.dtype == requests.array.dtype[name], name
            assert np.array_equal(column, requests.array[name]), name
    qids = [f"{q >> 8:02x}.{q & 0xFF:04x}" for q in requests.array["qid"].tolist()]
    shown = zip(table.column("card").to_pylist(), table.column("domain").to_pylist(), strict=True)
    assert [f"{card}.{domain}" for card, domain in shown] == qids
    for name in ("operation", "engine"):
        assert pyarrow.types.is_dictionary(table.schema.field(name).type)
        named = [requests.names[code] for code in requests.array[name]]
        assert table.column(name).to_pylist() == named


def test_parquet_has_a_row_group_per_chunk(requests: Requests, tmp_path: Path) -> None:
    parquet.write(requests, tmp_path / "x.parquet")
    groups = arrow_parquet.ParquetFile(tmp_path / "x.parquet").num_row_groups
    assert groups == len(list(requests.chunks()))


def test_without_pyarrow_one_line_says_what_to_install(
    requests: Requests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportError, match=r"^Parquet needs pyarrow, .* 'ghostcard\[parquet\]'$"):
        parquet.write(requests, tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()


def test_both_tables_have_the_twelve_times() -> None:
    assert HEADER.split(",")[-12:] == list(STAGES)
