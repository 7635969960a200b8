"""docs/mechanisms.md is what the table says, and every mechanism of the standard is in it."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import all_mechanisms, page
from ghostcard.module.mechanisms import TABLE


def test_the_page_is_up_to_date() -> None:
    """If not: python -m ghostcard.firmware.mechanisms.page"""
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_the_directory_is_up_to_date() -> None:
    """If not: python -m ghostcard.firmware.mechanisms.page"""
    assert page.DIRECTORY.read_text(encoding="utf-8") == page.directory()


def test_every_family_is_told_of() -> None:
    told = page.families()
    assert list(told) == all_mechanisms().families()
    for about in told.values():
        assert about.keys() - {"note"} == {"title", "library", "vectors"}


@pytest.mark.parametrize("number", page.names(), ids=page.names().values())
def test_each_mechanism_of_the_standard_is_there_or_left_out(number: int) -> None:
    name = page.names()[number]
    reasons = [row.reason for row in page.left_out() if row.has(name)]
    assert len(reasons) == (number not in all_mechanisms().numbers())


def test_what_is_left_out_exists() -> None:
    """A name that matches nothing is a slip."""
    known = {name for name in vars(ck) if name.startswith("CKM_")}
    for row in page.left_out():
        for pattern in row.mechanisms:
            only = page.LeftOut((pattern,), "")
            assert any(only.has(name) for name in known), pattern


def test_hosts_know_every_mechanism_of_the_card() -> None:
    """So that the page is what C_GetMechanismList says."""
    assert set(all_mechanisms().numbers()) <= set(TABLE)
