"""`ghostcard validate`: the table, the notes, and the exit code."""

import json
from fractions import Fraction

import pytest
from click.testing import CliRunner

from ghostcard.benchmarks import validation
from ghostcard.benchmarks.published import JUDGE, Row, rows
from ghostcard.benchmarks.validation import NOTES, SCALE_NOTE, validate
from ghostcard.cli import main


def test_a_table_with_a_line_for_each_row() -> None:
    done = CliRunner().invoke(main, ["validate", "ti-j7200-sa2ul", "aws-cloudhsm-classic"])
    assert done.exit_code == 0, done.output
    compared = [*validate("ti-j7200-sa2ul"), *validate("aws-cloudhsm-classic")]
    lines = [line for line in done.stdout.splitlines() if "-cbc" in line or "ecdsa" in line]
    assert len(lines) == len(compared)
    for line, one in zip(lines, compared, strict=True):
        assert f"{one.simulated:,.1f}" in line or f"{one.simulated:,.6g}" in line
        if one.published is None:
            assert "no published figure" in line
            assert "predicted" in line
        else:
            assert f"{one.error_percent:+.2f} %" in line
            assert ("judged, within 5 %" if one.use == JUDGE else "fitted") in line
    assert f"aws-cloudhsm-classic: {NOTES['aws-cloudhsm-classic']}" in done.stdout
    sources = {one.source for one in compared if one.source}
    assert all(f"[{number}] " in done.stdout for number in range(1, len(sources) + 1))
    assert all(source in done.stdout for source in sources)


def test_as_json_every_field_and_the_assumption() -> None:
    done = CliRunner().invoke(main, ["validate", "cex8a", "yubikey5-piv", "--json"])
    assert done.exit_code == 0, done.output
    shown = json.loads(done.stdout)
    compared = [*validate("cex8a"), *validate("yubikey5-piv")]
    assert [one["simulated"] for one in shown] == [one.simulated for one in compared]
    assert {one["profile"]: one["note"] for one in shown} == {
        "cex8a": SCALE_NOTE,
        "yubikey5-piv": "",
    }
    assert not any(one["exceeds"] for one in shown)


def test_a_profile_is_shown_once() -> None:
    done = CliRunner().invoke(main, ["validate", "yubikey5-piv", "yubikey5-piv", "--json"])
    assert len(json.loads(done.stdout)) == 3


@pytest.mark.parametrize(
    ("name", "what"),
    [("null", "nothing was published for it"), ("cex9p", "there is no such profile")],
)
def test_what_has_no_rows_is_refused(name: str, what: str) -> None:
    done = CliRunner().invoke(main, ["validate", "yubikey5-piv", name])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: profile '{name}': {what}; PROFILE is one of ti-j721e")


def test_a_judged_row_beyond_its_tolerance_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is shown all the same, and the error names the row."""

    def stricter(profile: str, _rows: object = None) -> list[Row]:
        return [row._replace(tolerance_percent=Fraction(4)) for row in rows() if row.use == JUDGE][
            :8
        ]

    monkeypatch.setattr(validation, "rows_of", stricter)
    done = CliRunner().invoke(main, ["validate", "ti-j7200-sa2ul"])
    assert done.exit_code == 1
    assert done.stdout.count("judged, beyond 4 %") == 2
    assert done.stdout.count("judged, within 4 %") == 6
    assert done.stderr.startswith("error: off by more than the tolerance: ti-j7200-sa2ul aes-128-")
    assert done.stderr.count("1024 B") == 2
