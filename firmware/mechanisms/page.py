"""Writes docs/mechanisms.md: what the card has, from the table of mechanisms, and what it has not;
and `directory.py`, by which a family is found.

``python -m ghostcard.firmware.mechanisms.page`` after a change of a family. What the table does not
know of a family stands in `families.toml`, what is left out and why in `left_out.toml`. A new
family is put into `directory.py` by hand, without its mechanisms.
"""

import textwrap
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import all_mechanisms
from ghostcard.firmware.mechanisms.directory import FAMILIES
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.table import Table

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs" / "mechanisms.md"
DIRECTORY = HERE / "directory.py"
_DIRECTORY_HEAD = '''\
"""Family -> its mechanisms. A family is the file of that name, with _ for -.

Written by `python -m ghostcard.firmware.mechanisms.page`; a test compares.
"""

# fmt: off
FAMILIES: dict[str, tuple[int, ...]] = {
'''

HEAD = """\
# Mechanisms

What the EP11 firmware offers, and so what `C_GetMechanismList` of a token on such cards lists.
Sizes are those of `CK_MECHANISM_INFO`: of keys, in bits unless it says bytes. Written from the
table of mechanisms by `python -m ghostcard.firmware.mechanisms.page`; a test compares.

"""
_FUNCTIONS = (
    (ck.CKF_ENCRYPT, "encrypt"),
    (ck.CKF_DECRYPT, "decrypt"),
    (ck.CKF_DIGEST, "digest"),
    (ck.CKF_SIGN, "sign"),
    (ck.CKF_VERIFY, "verify"),
    (ck.CKF_GENERATE, "generate"),
    (ck.CKF_GENERATE_KEY_PAIR, "generate pair"),
    (ck.CKF_WRAP, "wrap"),
    (ck.CKF_UNWRAP, "unwrap"),
    (ck.CKF_DERIVE, "derive"),
    (ck.CKF_ENCAPSULATE, "encapsulate"),
    (ck.CKF_DECAPSULATE, "decapsulate"),
)


class LeftOut(NamedTuple):
    """Mechanisms that are not there: names, in which * stands for anything, and why."""

    mechanisms: tuple[str, ...]
    reason: str

    def has(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.mechanisms)


def names() -> dict[int, str]:
    """The standard's mechanisms; of several names of one number the first."""
    found: dict[int, str] = {}
    for name, value in vars(ck).items():
        if name.startswith("CKM_"):
            found.setdefault(value, name)
    return found


def left_out() -> list[LeftOut]:
    """The rows of `left_out.toml`."""
    rows = tomllib.loads((HERE / "left_out.toml").read_text(encoding="utf-8"))["left_out"]
    return [LeftOut(tuple(row["mechanisms"]), row["reason"]) for row in rows]


def families() -> dict[str, dict[str, str]]:
    """The tables of `families.toml`."""
    return tomllib.loads((HERE / "families.toml").read_text(encoding="utf-8"))


def directory() -> str:
    """The whole of `directory.py`."""
    table = all_mechanisms()
    return _DIRECTORY_HEAD + "".join(_row(name, table) for name in FAMILIES) + "}\n"


def _row(family: str, table: Table) -> str:
    numbers = " ".join(f"{each.number:#x}," for each in table.members(family))
    lines = textwrap.wrap(numbers, 90, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return "\n".join((f'    "{family}": (', *lines, "    ),\n"))


def page() -> str:
    """The whole page."""
    table = all_mechanisms()
    return HEAD + "\n".join((*_sections(table), *_missing()))


def _sections(table: Table) -> Iterator[str]:
    named, told = names(), families()
    for family in table.families():
        about = told[family]
        yield f"## {about['title']}\n"
        yield f"Computed by {about['library']}. Vectors: {about['vectors']}."
        if "note" in about:
            yield about["note"]
        yield "\n| mechanism | sizes | functions |\n|---|---|---|"
        for mechanism in table.members(family):
            sizes, functions = _sizes(mechanism), _functions(mechanism)
            yield f"| `{named[mechanism.number]}` | {sizes} | {functions} |"
        yield ""


def _sizes(mechanism: Mechanism) -> str:
    if not mechanism.maximum:
        return "-"
    least, most = mechanism.minimum, mechanism.maximum
    text = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return text + " bytes" * mechanism.counts_bytes


def _functions(mechanism: Mechanism) -> str:
    return ", ".join(name for flag, name in _FUNCTIONS if mechanism.flags & flag)


def _missing() -> Iterator[str]:
    yield "## What is left out\n"
    yield "| mechanisms | why |\n|---|---|"
    for row in left_out():
        yield f"| {', '.join(f'`{name}`' for name in row.mechanisms)} | {row.reason} |"
    yield ""


if __name__ == "__main__":
    DIRECTORY.write_text(directory(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
