"""Mechanism families, one file each with a `register(table)`; `directory.py` is the list of them.

A family is imported when one of its mechanisms is first wanted: a program that signs with RSA does
not wait for forty files.
"""

from importlib import import_module

from ghostcard.firmware.mechanisms.directory import FAMILIES
from ghostcard.firmware.mechanisms.table import Table


def all_mechanisms() -> Table:
    """A table with every family in it, none tested yet."""
    return Table(FAMILIES, _register)


def _register(family: str, table: Table) -> None:
    import_module(f"{__name__}.{family.replace('-', '_')}").register(table)
