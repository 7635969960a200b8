"""The one error of exports and explanations: what was asked for is not there."""


class ExportError(Exception):
    """The records do not hold what was asked for, or the format cannot say it."""
