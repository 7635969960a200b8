"""Every mechanism of the card has test vectors with an origin, and wrong ones where it can."""

from importlib import import_module

import pytest

from ghostcard.firmware.mechanisms import all_mechanisms, page
from tests.firmware.mechanisms.vectors import NEGATIVE, POSITIVE, Row, can_refuse

TABLE = all_mechanisms()
NAMES = page.names()
NUMBERS = pytest.mark.parametrize("number", TABLE.numbers(), ids=lambda each: NAMES[each])


def origins(rows: tuple[Row, ...], number: int) -> set[str]:
    return {row.origin for row in rows if number in row.mechanisms}


@NUMBERS
def test_each_mechanism_has_a_vector(number: int) -> None:
    assert origins(POSITIVE, number)


@NUMBERS
def test_each_mechanism_that_can_refuse_has_a_wrong_one(number: int) -> None:
    assert bool(origins(NEGATIVE, number)) == can_refuse(TABLE.describe(number))


@pytest.mark.parametrize("row", [*POSITIVE, *NEGATIVE], ids=lambda row: f"{row.file}-{row.test}")
def test_the_tests_are_there(row: Row) -> None:
    """What they use, conftest.py looks at when they run."""
    module = import_module(f"tests.firmware.mechanisms.test_{row.file}")
    assert callable(getattr(module, row.test))
    assert row.origin
    assert set(row.mechanisms) <= set(TABLE.numbers())
    assert len(set(row.mechanisms)) == len(row.mechanisms) > 0
