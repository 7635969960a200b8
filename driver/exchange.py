"""One EP11 request and its reply: verb and parameters in, parameters out, errors as exceptions."""

import errno
from collections.abc import Sequence
from typing import NamedTuple

from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.driver.port import Port
from ghostcard.firmware.abi import reply, request, verbs
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.request import Head
from ghostcard.firmware.abi.verbs import VERBS


class Answer(NamedTuple):
    """Reply parameters, and the queue that served the request."""

    params: tuple[bytes, ...]
    qid: int


class Exchange:
    """Sends requests of up to `max_message` bytes through a port to one of `targets` (qids)."""

    __slots__ = ("max_message", "port", "targets")

    def __init__(self, port: Port, targets: tuple[int, ...], max_message: int) -> None:
        self.port = port
        self.targets = targets
        self.max_message = max_message

    def ask(self, function: int, *params: bytes, targets: tuple[int, ...] | None = None) -> Answer:
        """Have a verb performed, by one of `targets` if given.

        Raises Ep11Error for a return value other than 0, DriverError(EMSGSIZE) for a request too
        large for a message, DriverError(EIO) for a reply that cannot be one.
        """
        used = self.targets if targets is None else targets
        self.frame(function, used[0] & 0xFF if used else 0, params)  # too large? before the port
        block, qid = self.port.call(
            function, lambda domain: self.frame(function, domain, params)[0], used
        )
        return Answer(unpack(block, Head(function, qid & 0xFF)), qid)

    def frame(self, function: int, domain: int, params: Sequence[bytes | int]) -> tuple[bytes, ...]:
        """The request around its holes (`request.frame`); DriverError(EMSGSIZE) if too large."""
        try:
            return request.frame(Head(function, domain), params, self.max_message)
        except WireError as error:
            raise DriverError(errno.EMSGSIZE, f"{verbs.name(function)}: {error}") from None


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
        raise Ep11Error(rv, head.function)
    expected = len(VERBS[head.function].reply)
    if len(params) != expected:
        raise DriverError(
            errno.EIO,
            f"{verbs.name(head.function)}: {len(params)} reply parameters, {expected} expected",
        )
    return params
