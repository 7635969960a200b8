"""Reads test vector files of the package `cryptography_vectors`: `name = value` lines in groups."""

import os
from collections.abc import Iterator
from typing import NamedTuple

import cryptography_vectors


class Case(NamedTuple):
    """One group of lines, names in lower case, and the bracketed headings above it."""

    headings: tuple[str, ...]
    fields: dict[str, str]

    def hex(self, name: str) -> bytes:
        """A field as bytes; an odd digit count means a leading zero was left out."""
        digits = self.fields[name]
        return bytes.fromhex(digits.zfill(len(digits) + len(digits) % 2))


def text(*path: str) -> str:
    """A vector file, named by its folders and its name."""
    where = os.path.join(os.path.dirname(cryptography_vectors.__file__), *path)
    with open(where, encoding="latin-1") as file:
        return file.read()


def cases(*path: str) -> Iterator[Case]:
    """The groups of a file; a new group starts at a name that the open one has already.

    Indented lines hold intermediate results, and are left out.
    """
    headings: list[str] = []
    fields: dict[str, str] = {}
    for line in text(*path).splitlines():
        if line.startswith("["):
            if fields:
                yield Case(tuple(headings), fields)
                headings, fields = [], {}
            headings.append(line.strip("[] "))
        elif line.strip() == "FAIL":
            fields["fail"] = ""
        elif "=" in line and not line.startswith(("#", "\t")):
            name, value = (part.strip() for part in line.split("=", 1))
            if name.lower() in fields:
                yield Case(tuple(headings), fields)
                fields = {}
            fields[name.lower()] = value
    if fields:
        yield Case(tuple(headings), fields)
