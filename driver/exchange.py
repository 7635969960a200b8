"""One EP11 request and its reply: verb and parameters in, parameters out, errors as exceptions.

The APQNs of a slot should hold one wrapping key. Where one does not, or has none, it says so, and
the request goes to each of the others once (AP sheet 7.2): so a key lives as long as one APQN can
open it. If none can, the blob may be that of a key that was re-enciphered meanwhile: `Renew` knows.
"""

import errno
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, TypeAlias

from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.driver.port import Port, WholePort
from ghostcard.firmware.abi import reply, request, verbs
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.request import Head
from ghostcard.firmware.abi.status import (
    CKR_IBM_TARGET_INVALID,
    CKR_IBM_WK_NOT_INITIALIZED,
    CKR_IBM_WKID_MISMATCH,
)
from ghostcard.firmware.abi.verbs import VERBS

MAX_SHAPES = 256  # of requests remembered: verb, domain, lengths; then all are forgotten

ELSEWHERE = frozenset((CKR_IBM_WKID_MISMATCH, CKR_IBM_WK_NOT_INITIALIZED, CKR_IBM_TARGET_INVALID))
"""What one APQN answers and another may not."""

Params: TypeAlias = tuple[bytes, ...]
Renew: TypeAlias = Callable[[Params], Params | None]
"""Parameters of a request whose blobs no APQN opens -> the same with the blobs that their keys have
now; None if no key has another.
"""


def _never(params: Params) -> None:
    """Nobody keeps blobs, so nobody knows of new ones."""


class Answer(NamedTuple):
    """Reply parameters, and the queue that served the request."""

    params: tuple[bytes, ...]
    qid: int


class Exchange:
    """Sends requests of up to `max_message` bytes through a port to one of `targets` (qids)."""

    __slots__ = ("_parts", "max_message", "port", "renew", "targets", "whole_port")

    def __init__(self, port: Port, targets: tuple[int, ...], max_message: int) -> None:
        self.port = port
        self.whole_port = port if isinstance(port, WholePort) else None
        self.renew: Renew = _never
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
        try:
            return Answer(unpack(answer, head_of(function, qid & 0xFF)), qid)
        except Ep11Error as error:
            refusal = error
        try:
            return self.elsewhere(refusal, render, used, qid)
        except Ep11Error as error:
            refusal = error
        return self.ask(function, *self.renewed(refusal, params), targets=targets)

    def elsewhere(
        self, refusal: Ep11Error, render: Callable[[int], bytes], targets: tuple[int, ...], qid: int
    ) -> Answer:
        """The answer of another of `targets` than `qid`, if that makes a difference; each is asked
        once. Else the refusal is raised; before all others, that of a blob under another key.
        """
        others = targets if refusal.rv in ELSEWHERE else ()
        for other in others:
            if other == qid:
                continue
            try:
                block, served = self.port.call(refusal.function, render, (other,))
                return Answer(unpack(block, head_of(refusal.function, served & 0xFF)), served)
            except Ep11Error as error:
                if error.rv not in ELSEWHERE:
                    raise
                if error.rv == CKR_IBM_WKID_MISMATCH:
                    refusal = error
            except DriverError as error:
                if error.code != errno.ENODEV:
                    raise
        raise refusal

    def renewed(self, refusal: Ep11Error, params: Params) -> Params:
        """The parameters with the blobs of today; the refusal is raised if that is no remedy."""
        now = self.renew(params) if refusal.rv == CKR_IBM_WKID_MISMATCH else None
        if now is None:
            raise refusal
        return now

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
