"""One EP11 request and its reply: verb and parameters in, parameters out, errors as exceptions."""

import errno
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.driver.port import Port
from ghostcard.firmware.abi import reply, request, verbs
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.request import Head
from ghostcard.firmware.abi.verbs import VERBS

MAX_SHAPES = 256  # of requests remembered: verb, domain, lengths; then all are forgotten


class Answer(NamedTuple):
    """Reply parameters, and the queue that served the request."""

    params: tuple[bytes, ...]
    qid: int


class Exchange:
    """Sends requests of up to `max_message` bytes through a port to one of `targets` (qids)."""

    __slots__ = ("_parts", "max_message", "port", "targets")

    def __init__(self, port: Port, targets: tuple[int, ...], max_message: int) -> None:
        self.port = port
        self.targets = targets
        self.max_message = max_message
        self._parts: dict[tuple[int, ...], tuple[bytes, ...]] = {}

    def ask(self, function: int, *params: bytes, targets: tuple[int, ...] | None = None) -> Answer:
        """Have a verb performed, by one of `targets` if given.

        Raises Ep11Error for a return value other than 0, DriverError(EMSGSIZE) for a request too
        large for a message, DriverError(EIO) for a reply that cannot be one.
        """
        used = self.targets if targets is None else targets
        first = used[0] & 0xFF if used else 0
        block = self._block(function, first, params)  # too large? before the port has to do with it

        def render(domain: int) -> bytes:
            return block if domain == first else self._block(function, domain, params)

        answer, qid = self.port.call(function, render, used)
        return Answer(unpack(answer, head_of(function, qid & 0xFF)), qid)

    def _block(self, function: int, domain: int, params: tuple[bytes, ...]) -> bytes:
        """The whole request, its parameters put between parts cut once for each set of lengths."""
        shape = (function, domain, *map(len, params))
        parts = self._parts.get(shape)
        if parts is None:
            if len(self._parts) >= MAX_SHAPES:
                self._parts.clear()
            parts = self._parts[shape] = self.frame(function, domain, shape[2:])
        return b"".join(chain.from_iterable(zip(parts, (*params, b""), strict=True)))

    def frame(self, function: int, domain: int, params: Sequence[bytes | int]) -> tuple[bytes, ...]:
        """The request around its holes (`request.frame`); DriverError(EMSGSIZE) if too large."""
        try:
            return request.frame(Head(function, domain), params, self.max_message)
        except WireError as error:
            raise DriverError(errno.EMSGSIZE, f"{verbs.name(function)}: {error}") from None


@lru_cache(maxsize=4096)
def head_of(function: int, domain: int) -> Head:
    """What the reply to such a request repeats."""
    return Head(function, domain)


def unpack(block: bytes, head: Head) -> tuple[bytes, ...]:
    """The parameters of the good reply to a request; raises as `Exchange.ask`."""
    try:
        answered, rv, params = reply.unpack(block)
    except WireError as error:
        raise DriverError(errno.EIO, f"{verbs.name(head.function)}: {error}") from None
    if answered != head:
        raise DriverError(
            errno.EIO,
            f"{verbs.name(head.function)}: the reply is to {verbs.name(answered.function)} for "
            f"domain {answered.domain}",
        )
    if rv:
        raise Ep11Error(rv, head.function, int.from_bytes(params[0], "big") if params else None)
    expected = len(VERBS[head.function].reply)
    if len(params) != expected:
        raise DriverError(
            errno.EIO,
            f"{verbs.name(head.function)}: {len(params)} reply parameters, {expected} expected",
        )
    return params
