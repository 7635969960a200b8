"""An event of the timeline that is no request."""

from collections.abc import Callable


class Deadline:
    """Has ``action`` done; to be put on a timeline."""

    _ok = True
    _value = None

    def __init__(self, action: Callable[[], None]) -> None:
        self.callbacks: tuple[Callable[[object], None], ...] | None = (lambda _: action(),)
