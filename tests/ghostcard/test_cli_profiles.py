"""`ghostcard profiles`: each figure once, with its source."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ghostcard.cli.profiles import command, figures, operations
from ghostcard.emulator import profile as profiles


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_list_names_every_profile() -> None:
    assert [row["name"] for row in json.loads(printed("--json"))] == profiles.names()
    lines = printed().splitlines()
    assert [line.split()[0] for line in lines[4:] if line] == profiles.names()


@pytest.mark.parametrize("name", profiles.names())
def test_every_figure_is_shown_with_its_source(name: str) -> None:
    profile = profiles.load(name)
    shown = json.loads(printed(name, "--json"))
    assert len(shown["figures"]) == len(list(figures(profile)))
    assert {f["name"] for f in shown["figures"]} == {
        key for key in profile.sources if ".operations." not in key
    }
    assert [o["operation"] for o in shown["operations"]] == list(profile.operations)
    assert all(o["source"] for o in shown["operations"] if o["engine"])


def test_values_and_rates_are_those_of_the_profile() -> None:
    profile = profiles.load("cex8p")
    values = {figure.name: figure.value for figure in figures(profile)}
    assert values["queue.depth"] == profile.queue.depth == 8
    assert values["hardware_type"] == 14
    assert values["engines.rsa.count"] == 5
    service = next(s for s in operations(profile) if s.operation == "rsa2048-sign")
    assert service.fixed_ns == 320_000  # rating 64 x 1 us x 5 engines
    assert service.best_per_s == pytest.approx(15_625)


def test_nothing_is_coloured_or_padded_where_there_is_no_terminal() -> None:
    lines = printed("cex8p").splitlines()
    assert not any("\x1b" in line for line in lines)
    assert all(line == line.rstrip() for line in lines)


def test_a_file_is_a_profile_too(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    folder = Path(profiles.__file__).parent / "profiles"
    mine.write_text((folder / "null.toml").read_text().replace("value = 85", "value = 7", 1))
    assert json.loads(printed(str(mine), "--json"))["name"] == "mine"
    assert "queue.domains" in printed(str(mine))
