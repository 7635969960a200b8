"""Profiles that extend others: what is taken from where, and what cannot be extended."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.extension import document
from ghostcard.emulator.profile import load

SLOW = """
extends = "cex8a"
description = "ten times as slow"
scale_us_per_unit = { value = 10, source = "test" }
[engines.rsa.operations]
rsa2048-me.rating = { value = 3, source = "mine" }
"""


def written(folder: Path, name: str, text: str) -> str:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return str(path)


def test_what_is_stated_replaces_and_the_rest_stays(tmp_path: Path) -> None:
    base, mine = load("cex8a"), load(written(tmp_path, "slow", SLOW))
    assert (mine.name, mine.description, mine.scale_us_per_unit) == (
        "slow",
        "ten times as slow",
        10,
    )
    assert (mine.mode, *mine[5:9]) == (base.mode, *base[5:9])  # link, queue, firmware, host
    assert mine.engines == base.engines
    assert mine.operations["rsa2048-me"].fixed_ns == 3 * 10 * 5 * 1000
    assert mine.operations["rsa4096-crt"].fixed_ns == 10 * base.operations["rsa4096-crt"].fixed_ns
    own = {"scale_us_per_unit": "test", "engines.rsa.operations.rsa2048-me.rating": "mine"}
    assert mine.sources == {**base.sources, **own}


def test_a_chain_is_followed_and_paths_are_of_the_file_that_names_them(tmp_path: Path) -> None:
    written(tmp_path, "slow", SLOW)
    (tmp_path / "below").mkdir()
    last = written(tmp_path / "below", "last", 'extends = "../slow.toml"\ndescription = "of two"\n')
    assert load(last).description == "of two"
    assert load(last).operations == load(str(tmp_path / "slow.toml")).operations


def test_a_pool_can_be_added_and_a_figure_stands_as_a_whole(tmp_path: Path) -> None:
    text = """
    extends = "_device"
    description = "a token"
    [queue]
    depth = { value = 2, source = "test" }
    [engines.token]
    count = { value = 1, source = "test" }
    operations = { rsa2048-sign = { fixed_ns = { value = 7, source = "test" } } }
    """
    token = load(written(tmp_path, "token", text))
    assert (token.mode, token.queue.depth, token.queue.domains) == ("timing", 2, 8)
    assert list(token.operations) == ["rsa2048-sign"]
    with pytest.raises(ProfileError, match=r"queue\.depth\.source: missing"):
        load(written(tmp_path, "token", text.replace(', source = "test" }', " }", 1)))


def test_what_makes_no_sense_together_is_refused_by_name(tmp_path: Path) -> None:
    mine = written(tmp_path, "mine", SLOW.replace("rating", "fixed_ns"))
    with pytest.raises(ProfileError, match=r"rsa2048-me\.fixed_ns: .* no such key here"):
        load(mine)  # the base states a rating, and both cannot be


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_cycle_is_refused(tmp_path: Path, length: int) -> None:
    for n in range(length):
        written(tmp_path, f"p{n}", f'extends = "./p{(n + 1) % length}.toml"\n')
    with pytest.raises(ProfileError, match=r"p\d\.toml: extends: .*p0\.toml extends this file"):
        load(str(tmp_path / "p0.toml"))


@pytest.mark.parametrize("base", ['"cex9"', "3", '["cex8p"]', '""', "{ a = 1 }"])
def test_a_base_that_is_none_is_refused(tmp_path: Path, base: str) -> None:
    path = written(tmp_path, "mine", f"extends = {base}\n")
    with pytest.raises(
        ProfileError, match=r"mine\.toml: extends: got .*, expected one of _device, .*cex8p, .*path"
    ):
        load(path)


def test_a_base_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"gone\.toml: No such file"):
        load(written(tmp_path, "mine", 'extends = "gone.toml"\n'))
    written(tmp_path, "bad", "= 3")
    with pytest.raises(ProfileError, match=r"bad\.toml: not TOML"):
        load(written(tmp_path, "mine", 'extends = "./bad.toml"\n'))


def test_a_base_is_no_profile_by_itself() -> None:
    with pytest.raises(ProfileError, match="there is no profile '_device'"):
        load("_device")


values = st.recursive(
    st.integers() | st.text("ab", max_size=2) | st.booleans(),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
tables = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


def toml(table: dict[str, Any]) -> str:
    """A table as TOML, inner tables in line."""

    def value(one: Any) -> str:
        if isinstance(one, dict):
            return "{" + ", ".join(f"{key} = {value(each)}" for key, each in one.items()) + "}"
        return f'"{one}"' if isinstance(one, str) else str(one).lower()

    return "".join(f"{key} = {value(one)}\n" for key, one in table.items())


def over(base: Any, own: Any) -> Any:
    """`own` over `base`, as the rule reads."""
    if not isinstance(base, dict) or not isinstance(own, dict):
        return own
    return {key: over(base.get(key), own.get(key, base.get(key))) for key in {*base, *own}}


@given(base=tables, own=tables)
def test_tables_are_merged_key_by_key(
    base: dict[str, Any], own: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("merged")
    written(folder, "base", toml(base))
    path = written(folder, "own", 'extends = "./base.toml"\n' + toml(own))
    assert document(path) == over(base, own)


def test_ratings_of_rsa_in_ep11_mode_are_those_of_cca_mode() -> None:
    """Mode P has no RSA rating; same hardware assumed."""
    same = {"sign": "crt", "decrypt": "crt", "verify": "me", "encrypt": "me"}
    for generation in range(4, 9):
        ep11, cca = (load(f"cex{generation}{mode}").operations for mode in "pc")
        for bits in (1024, 2048, 4096):
            for verb, kind in same.items():
                assert ep11[f"rsa{bits}-{verb}"] == cca[f"rsa{bits}-{kind}"]


def test_seven_and_eight_have_the_same_ratings() -> None:
    for mode in "acp":
        seven, eight = (load(f"cex{generation}{mode}") for generation in (7, 8))
        assert seven.operations == eight.operations
        assert (seven.hardware_type, eight.hardware_type) == (13, 14)
