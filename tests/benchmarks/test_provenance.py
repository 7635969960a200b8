"""What a report says about its figures: assumptions and ratios are counted, and named as such."""

import pytest

from ghostcard.benchmarks.provenance import caveat
from ghostcard.emulator.profile import load


def test_ratings_are_said_to_be_ratios() -> None:
    """Of an accelerator all six service times are; a rating of ours counts as assumed alone."""
    assert caveat(load("cex4a")).endswith(
        "figures of profile cex4a are assumed, 6 more are ratios whose scale is assumed"
    )
    sources = load("cex4p").sources
    ratings = [source for name, source in sources.items() if name.endswith(".rating")]
    assumed = [source for source in sources.values() if source.startswith("assumed")]
    published = [source for source in ratings if not source.startswith("assumed")]
    assert all("(a ratio; the scale is assumed)" in source for source in published)
    assert 0 < len(published) < len(ratings)
    assert caveat(load("cex4p")) == (
        f"{len(assumed)} of the {len(sources)} figures of profile cex4p are assumed, "
        f"{len(published)} more are ratios whose scale is assumed"
    )


@pytest.mark.parametrize("name", ["yubikey5-piv", "null"])
def test_where_there_are_no_ratings_none_are_said(name: str) -> None:
    assert caveat(load(name)).endswith(f"figures of profile {name} are assumed")
