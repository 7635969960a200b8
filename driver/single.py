"""Single-part operations made ready: the hot path of every one-shot call.

What does not change from call to call, verb and key, is in the parts of a request cut once for each
combination of lengths; a call joins them around its mechanism and data. So AES-GCM with an IV of
its own each time costs what a fixed mechanism does.
"""

from ghostcard.driver.exchange import Exchange, unpack
from ghostcard.firmware.abi import reply
from ghostcard.firmware.abi.request import Head

MAX_SHAPES = 64  # combinations of lengths remembered per verb and key; then all are forgotten

Lengths = tuple[int, ...]
Parts = tuple[bytes, ...]


class Template:
    """The parts of one verb's request around the parameters that are left open (None)."""

    __slots__ = ("_exchange", "_known", "_params", "call", "function", "heads", "targets")

    def __init__(self, exchange: Exchange, function: int, *params: bytes | None) -> None:
        self._exchange = exchange
        self._params = params
        self._known: dict[Lengths, dict[int, Parts]] = {}
        self.function = function
        self.call = exchange.port.call
        self.targets = exchange.targets
        self.heads = {qid: Head(function, qid & 0xFF) for qid in exchange.targets}

    def parts(self, lengths: Lengths) -> dict[int, Parts]:
        """By domain of the targets, for parameters of these lengths; DriverError if too large."""
        return self._known.get(lengths) or self._cut(lengths)

    def _cut(self, lengths: Lengths) -> dict[int, Parts]:
        if len(self._known) >= MAX_SHAPES:
            self._known.clear()
        domains = {qid & 0xFF for qid in self.targets}
        cut = self._known[lengths] = {domain: self._frame(domain, lengths) for domain in domains}
        return cut

    def _frame(self, domain: int, lengths: Lengths) -> Parts:
        holes = iter(lengths)
        params = [next(holes) if param is None else param for param in self._params]
        return self._exchange.frame(self.function, domain, params)


class Single(Template):
    """A verb that takes mechanism and data and has one result; errors as `Exchange.ask`.

    Safe to call from several threads.
    """

    __slots__ = ()

    def __call__(self, mechanism: bytes, data: bytes) -> bytes:
        parts = self.parts((len(mechanism), len(data)))

        def render(domain: int) -> bytes:
            front, middle, back = parts[domain]
            return b"".join((front, mechanism, middle, data, back))

        block, qid = self.call(self.function, render, self.targets)
        head = self.heads[qid]
        result = reply.parameter(block, head)
        return unpack(block, head)[0] if result is None else result


class Check(Template):
    """A verb that takes mechanism, data and signature, and raises unless the signature is good."""

    __slots__ = ()

    def __call__(self, mechanism: bytes, data: bytes, signature: bytes) -> None:
        parts = self.parts((len(mechanism), len(data), len(signature)))

        def render(domain: int) -> bytes:
            front, middle, tag, back = parts[domain]
            return b"".join((front, mechanism, middle, data, tag, signature, back))

        block, qid = self.call(self.function, render, self.targets)
        unpack(block, self.heads[qid])
