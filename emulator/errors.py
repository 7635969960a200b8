"""Errors of the emulator layer: one base, so that a caller can tell our faults from its own."""


class EmulatorError(Exception):
    """Base of every error the emulator raises; the message says what was wrong and what was expected."""


class ProfileError(EmulatorError):
    """A profile cannot be read or states something impossible; the message names the dotted key."""


class RecordError(EmulatorError):
    """A file of records is damaged, of another version, or a record has an impossible value."""


class NvramError(EmulatorError):
    """A card's non-volatile memory cannot be read, written or trusted."""


class TimelineError(EmulatorError):
    """Time was given in anything but whole nanoseconds from now on, or is needed and not attached."""
