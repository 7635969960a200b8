"""Errors of the emulator layer: one base, so that a caller can tell our faults from its own."""


class EmulatorError(Exception):
    """Base of the emulator's errors; the message says what was wrong and what was expected."""


class ProfileError(EmulatorError):
    """A profile cannot be read or states something impossible; the message names the dotted key."""


class RecordError(EmulatorError):
    """A file of records is damaged, of another version, or a record has an impossible value."""


class NvramError(EmulatorError):
    """A card's non-volatile memory cannot be read, written or trusted."""


class TimelineError(EmulatorError):
    """A time is no whole number of nanoseconds or is past, or a timeline is missing."""
