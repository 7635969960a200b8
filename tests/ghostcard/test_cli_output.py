"""Tables on terminals wide and narrow, and elsewhere."""

import io

import pytest

from ghostcard.cli.output import table

ROWS = [("all", "3,029", "979 us"), ("a long name of a tenant", "640", "4.51 ms")]
COLUMNS = ("", ">requests", ">mean")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(file: io.StringIO) -> list[str]:
    table("Title", COLUMNS, ROWS, file)
    return [line.rstrip() for line in file.getvalue().splitlines()]


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LINES", "25")  # a dumb terminal without it is taken for 80 columns wide


def test_a_line_for_each_row_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = shown(Screen())
    assert any(line.split() == ["all", "3,029", "979", "us"] for line in lines)


@pytest.mark.parametrize("columns", ["40", "12"])
def test_nothing_is_cut_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = shown(Screen())
    text = "".join(lines).replace(" ", "")
    assert "\u2026" not in text
    assert all(cell.replace(" ", "") in text for row in ROWS for cell in row)
    if columns == "40":
        assert [line.split() for line in lines if "requests" in line] == [
            ["requests", "3,029"],
            ["requests", "640"],
        ]


def test_nothing_is_folded_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    assert any(line.split() == ["all", "3,029", "979", "us"] for line in shown(io.StringIO()))


def test_a_colon_is_a_colon() -> None:
    file = io.StringIO()
    table("Title", ("operation",), [("sha256:x:64",)], file)
    assert "sha256:x:64" in file.getvalue()
