"""Attributes through the library's C functions, as a C program has them."""

import sys
from pathlib import Path

from tests.clients.host import PIN, Host

PROGRAMS = Path(__file__).parent / "programs"


def run(token: Host, program: str) -> list[str]:
    """The lines a program beside this file prints."""
    host = token.setting(GHOSTCARD_MODULE=token.module)
    return host.run(sys.executable, PROGRAMS / program, PIN).stdout.decode().splitlines()


def test_attributes_that_are_templates(token: Host) -> None:
    assert run(token, "nested_templates.py") == ["nested templates are right"]
