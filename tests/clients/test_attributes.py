"""Attributes through the library's C functions, as a C program has them."""

import sys
from pathlib import Path

from ghostcard import pkcs11 as ck
from ghostcard.module import attributes as table
from tests.clients.host import PIN, Host

PROGRAMS = Path(__file__).parent / "programs"
NO_CARD_TAKES = frozenset((ck.CKK_HSS, ck.CKK_XMSS, ck.CKK_XMSSMT))
"""Key types the table has rows for and no card of ours makes keys of."""

KEYS = (ck.CKO_PUBLIC_KEY, *table.SECURE_CLASSES)
SAMPLED = [
    (object_class, subtype)
    for object_class, subtype in table.SCHEMAS
    if object_class not in table.TOKEN_CLASSES
    and not (object_class in KEYS and subtype in NO_CARD_TAKES)
]


def run(token: Host, program: str) -> list[str]:
    """The lines a program beside this file prints."""
    host = token.setting(GHOSTCARD_MODULE=token.module)
    return host.run(sys.executable, PROGRAMS / program, PIN).stdout.decode().splitlines()


def test_attributes_that_are_templates(token: Host) -> None:
    assert run(token, "nested_templates.py") == ["nested templates are right"]


def test_every_attribute_of_every_kind_of_object(token: Host) -> None:
    kinds, attributes = len(SAMPLED), len(table.KNOWN) + 1
    line = f"{kinds} kinds x {attributes} attributes x 4 = {kinds * attributes * 4}"
    assert run(token, "attribute_walk.py") == [line]
