"""Single-part operations made ready: the hot path of every one-shot call.

What does not change from call to call, verb and key, is in the parts of a request cut once for each
combination of lengths; a call joins them around its mechanism and data. So AES-GCM with an IV of
its own each time costs what a fixed mechanism does.
"""

from collections.abc import Callable
from typing import Self

from ghostcard.driver.errors import Ep11Error
from ghostcard.driver.exchange import Answer, Exchange, Params, head_of, unpack
from ghostcard.driver.whole import Whole
from ghostcard.firmware.abi import ber

MAX_SHAPES = 64  # combinations of lengths remembered per verb and key; then all are forgotten

Lengths = tuple[int, ...]
Parts = Params


class Template:
    """The parts of one verb's request around the parameters that are left open (None)."""

    __slots__ = ("_exchange", "_params", "call", "fronts", "function", "known", "targets")

    def __init__(self, exchange: Exchange, function: int, *params: bytes | None) -> None:
        self._exchange = exchange
        self._params = params
        self.function = function
        self.call = exchange.port.call
        self.targets = exchange.targets
        self.known: dict[Lengths, dict[int, Parts]] = {}  # lengths -> domain -> parts
        self.fronts: dict[
            tuple[int, int], bytes
        ] = {}  # (qid, reply length) -> all in front of the result

    def cut(self, lengths: Lengths) -> dict[int, Parts]:
        """The parts by domain of the targets, for open parameters of these lengths.

        DriverError(EMSGSIZE) if the request is too large for a message.
        """
        if len(self.known) >= MAX_SHAPES:
            self.known.clear()
        domains = {qid & 0xFF for qid in self.targets}
        parts = self.known[lengths] = {domain: self._frame(domain, lengths) for domain in domains}
        return parts

    def _frame(self, domain: int, lengths: Lengths) -> Parts:
        holes = iter(lengths)
        params = [next(holes) if param is None else param for param in self._params]
        return self._exchange.frame(self.function, domain, params)

    def answer(
        self,
        block: bytes,
        qid: int,
        render: Callable[[int], bytes],
        targets: tuple[int, ...],
    ) -> Answer:
        """What a reply unlike the last of its length says, or that of another of the targets;
        raises as `Exchange.ask`.
        """
        try:
            params = unpack(block, head_of(self.function, qid & 0xFF))
        except Ep11Error as error:
            return self._exchange.elsewhere(error, render, targets, qid)
        if len(self.fronts) >= MAX_SHAPES:
            self.fronts.clear()
        self.fronts[qid, len(block)] = block[: len(block) - sum(map(len, params))]
        return Answer(params, qid)

    def renewed(self, refusal: Ep11Error) -> Self:
        """The same for the key's blob of today; the refusal is raised if that is no remedy."""
        fixed = tuple(param for param in self._params if param is not None)
        now = iter(self._exchange.renewed(refusal, fixed))
        params = [None if param is None else next(now) for param in self._params]
        return self.__class__(self._exchange, self.function, *params)


class Single(Template):
    """A verb that takes mechanism and data and has one result; errors as `Exchange.ask`.

    A reply that begins like a good one of the same length has been checked with it: type, format,
    lengths, CPRB, function, domain and return value are all in those bytes. Safe to call from
    several threads.
    """

    __slots__ = ("whole",)
    whole: Whole | None

    def __init__(self, exchange: Exchange, function: int, *params: bytes | None) -> None:
        """`params`: a None for the mechanism and one for the data, which comes last."""
        super().__init__(exchange, function, *params)
        key = params[-2] or b""  # a digest has none
        port = exchange.whole_port
        self.whole = Whole(port, function, key, exchange.targets) if port else None

    def __call__(self, mechanism: bytes, data: bytes) -> bytes:
        lengths = (len(mechanism), len(data))
        parts = self.known.get(lengths) or self.cut(lengths)

        def render(domain: int) -> bytes:
            front, middle, back = parts[domain]
            return b"".join((front, mechanism, middle, data, back))

        block, qid = self.call(self.function, render, self.targets)
        front = self.fronts.get((qid, len(block)))
        if front is not None and block.startswith(front):
            return block[len(front) :]
        try:
            return self.answer(block, qid, render, self.targets).params[0]
        except Ep11Error as error:
            refusal = error
        return self.renewed(refusal)(mechanism, data)


class Opening(Template):
    """An Init whose parameters are always the same: a digest has its mechanism and no key."""

    __slots__ = ()

    def __call__(self) -> tuple[bytes, int]:
        """The new operation's state, and the queue that holds it."""
        parts = self.known.get(()) or self.cut(())

        def render(domain: int) -> bytes:
            return parts[domain][0]

        block, qid = self.call(self.function, render, self.targets)
        front = self.fronts.get((qid, len(block)))
        if front is not None and block.startswith(front):
            return block[len(front) :], qid
        (state,), qid = self.answer(block, qid, render, self.targets)
        return state, qid


class Step(Template):
    """A verb of a multi-part operation: takes two parameters and one of the queues in `targets`."""

    __slots__ = ()

    def __init__(self, exchange: Exchange, function: int) -> None:
        super().__init__(exchange, function, None, None)

    def __call__(self, first: bytes, second: bytes, targets: tuple[int, ...]) -> tuple[bytes, int]:
        """The one result, and the queue that served the request."""
        render = self.renderer(first, second)
        block, qid = self.call(self.function, render, targets)
        front = self.fronts.get((qid, len(block)))
        if front is not None and block.startswith(front):
            return block[len(front) :], qid
        try:
            (result,), qid = self.answer(block, qid, render, targets)
            return result, qid
        except Ep11Error as error:
            refusal = error
        first, second = self._exchange.renewed(refusal, (first, second))
        return self(first, second, targets)

    def renderer(self, first: bytes, second: bytes) -> Callable[[int], bytes]:
        """The request for each domain."""
        lengths = (len(first), len(second))
        parts = self.known.get(lengths) or self.cut(lengths)

        def render(domain: int) -> bytes:
            front, middle, back = parts[domain]
            return b"".join((front, first, middle, second, back))

        return render


class Feed(Step):
    """A step with two results: the operation's new state, and what comes out."""

    __slots__ = ("_cuts",)

    def __init__(self, exchange: Exchange, function: int) -> None:
        super().__init__(exchange, function)
        self._cuts: dict[tuple[int, int], tuple[bytes, int, bytes, int]] = {}

    def feed(self, state: bytes, data: bytes, targets: tuple[int, ...]) -> tuple[bytes, bytes]:
        """State and output. As of `Single`, the reply is compared with the last of its length."""
        block, qid = self.call(self.function, self.renderer(state, data), targets)
        cut = self._cuts.get((qid, len(block)))
        if cut is not None:
            front, end, middle, start = cut
            if block.startswith(front) and block.startswith(middle, end):
                return block[len(front) : end], block[start:]
        return self._learn(block, qid)

    def _learn(self, block: bytes, qid: int) -> tuple[bytes, bytes]:
        state, out = unpack(block, head_of(self.function, qid & 0xFF))
        start = len(block) - len(out)
        end = start - len(ber.head(ber.OCTET_STRING, len(out)))
        if len(self._cuts) >= MAX_SHAPES:
            self._cuts.clear()
        front = block[: end - len(state)]
        self._cuts[qid, len(block)] = front, end, block[end:start], start
        return state, out


class Check(Template):
    """A verb that takes mechanism, data and signature, and raises unless the signature is good."""

    __slots__ = ()

    def __call__(self, mechanism: bytes, data: bytes, signature: bytes) -> None:
        lengths = (len(mechanism), len(data), len(signature))
        parts = self.known.get(lengths) or self.cut(lengths)

        def render(domain: int) -> bytes:
            front, middle, tag, back = parts[domain]
            return b"".join((front, mechanism, middle, data, tag, signature, back))

        block, qid = self.call(self.function, render, self.targets)
        if block != self.fronts.get((qid, len(block))):
            try:
                self.answer(block, qid, render, self.targets)
                return
            except Ep11Error as error:
                refusal = error
            self.renewed(refusal)(mechanism, data, signature)
