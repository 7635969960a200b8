"""``python -m ghostcard`` is the ``ghostcard`` command."""

from ghostcard.cli import main

main(prog_name="ghostcard")
