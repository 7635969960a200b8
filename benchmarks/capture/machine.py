"""A capture, whatever it is of, as requests to cards of a machine."""

from __future__ import annotations

from ghostcard.benchmarks.capture import calls, file
from ghostcard.benchmarks.capture.file import Capture
from ghostcard.benchmarks.capture.replay import Left, arranged
from ghostcard.config import Config
from ghostcard.driver.capture import CALLS

DEFAULT = "cex8p"
"""The cards on which calls of another library are replayed if nobody says."""


def on_machine(
    capture: Capture, profile: str | None, cards: int | None
) -> tuple[Capture, Config, list[Left]]:
    """The capture as requests, the machine, and the calls that are no requests to its cards.

    Without `profile` and `cards` it is the machine of the capture; of another library, one card.
    """
    if capture.source == CALLS:
        return calls.requests(capture, profile or DEFAULT, cards or 1)
    return capture, arranged(file.machine(capture), profile, cards), []
