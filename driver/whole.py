"""Long data: a whole operation at once on the function track, its requests on the timing track.

A message holds 60 KiB, and what does not fit takes several requests: a card needs them, and the
records have them. The function track of a native host is not bound to messages (docs/design.md, 3).
So the first operation of a kind goes in requests, which are noted. The next of its kind is done in
one piece, from and to the caller's memory, and accounted for as the requests that were noted.

A kind is verb, key, mechanism with the length of its parameters, and lengths of data and result:
the requests of such operations have the same sizes and prices. Whatever cannot be done in one
piece, be it an error, goes in requests, and ends as it always did.
"""

from collections.abc import Callable

from ghostcard.driver.port import Noted, WholePort

LONGEST = 4 << 20  # bytes of data in one piece: the requests of longer ones are many to remember
MAX_KINDS = 16  # remembered for a verb and key; then all are forgotten


class Whole:
    """One verb with one key (empty: it has none), for any number of threads.

    ``verb`` does the operation alone, whatever the verbs of the requests are.
    """

    __slots__ = ("_key", "_known", "_port", "_targets", "_verb")

    def __init__(self, port: WholePort, verb: int, key: bytes, targets: tuple[int, ...]) -> None:
        self._port = port
        self._verb = verb
        self._key = key
        self._targets = targets
        self._known: dict[tuple[bytes, int, int], dict[int, Noted]] = {}  # -> result bytes -> noted

    def __call__(
        self, mechanism: bytes, data: memoryview, out: memoryview, in_requests: Callable[[], bytes]
    ) -> int:
        """Bytes written to ``out``, which has room for the result and does not overlap ``data``.

        ``in_requests`` does the same in requests and gives the result; raises as it does.
        """
        kind = (mechanism[:4], len(mechanism), len(data))
        known = self._known.get(kind)
        if known is not None:
            size = self._port.perform_whole(
                self._verb, mechanism, self._key, data, out, self._targets, known
            )
            if size is not None:
                return size
        result, noted = self._port.noting(in_requests, self._targets)
        if noted is not None and len(data) <= LONGEST:
            self._remember(kind, len(result), noted)
        out[: len(result)] = result
        return len(result)

    def _remember(self, kind: tuple[bytes, int, int], size: int, noted: Noted) -> None:
        if len(self._known) >= MAX_KINDS:
            self._known.clear()
        self._known.setdefault(kind, {})[size] = noted
