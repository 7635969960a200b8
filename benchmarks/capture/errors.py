"""What goes wrong with captures."""


class CaptureError(Exception):
    """A capture cannot be used; the message is one line that names the file and why."""
