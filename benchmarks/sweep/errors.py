"""What can go wrong with a sweep that is no fault of the scenario."""


class SweepError(Exception):
    """The sweep cannot be run, or not gone on with; the message says what to do."""
