"""Calls of another PKCS #11 library as requests to cards of ours.

A call that a card has to do with becomes the requests that our own library would make: one, or, for
what is longer than a message, an opening, parts and an end. All others are the application's time.
What is not mapped is counted by function and mechanism, and named.
"""

from __future__ import annotations

import errno
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ghostcard import pkcs11 as ck
from ghostcard.benchmarks.capture import functions
from ghostcard.benchmarks.capture import operations as ops
from ghostcard.benchmarks.capture.file import (
    END,
    NONE,
    QUERY,
    REQUEST_ROW,
    Array,
    Capture,
)
from ghostcard.benchmarks.capture.replay import Left
from ghostcard.benchmarks.capture.threads import Threads
from ghostcard.config import CardConfig, Config, SlotConfig, qid
from ghostcard.driver.capture import NO_CALL, REQUESTS
from ghostcard.driver.ep11 import RANDOM_CHUNK
from ghostcard.driver.errors import DriverError
from ghostcard.driver.shapes import shape

PART = 57_344  # bytes of a part of what is too long for one message
_WRAPPED = 48  # bytes of a wrapped key in `wrap` and `unwrap`


class Work(NamedTuple):
    """One request: its operation and payload."""

    operation: str
    payload_bytes: int


class Unmapped(Exception):
    """A call for which there is no request, and why."""


class Active(NamedTuple):
    """An operation that a session has begun."""

    mechanism: int
    key: ops.Key


class _Session:
    def __init__(self) -> None:
        self.active: dict[str, Active] = {}
        self.in_parts: set[str] = set()


def requests(capture: Capture, profile: str, cards: int) -> tuple[Capture, Config, list[Left]]:
    """The requests to so many cards, the machine of these, and the calls that were left out."""
    config = _cards(profile, cards)
    mapped = _Mapped(capture)
    rows, left = mapped.run()
    found = Capture(
        REQUESTS,
        capture.program,
        rows,
        tuple(mapped.names),
        (config.slots[0].apqns,),
        cards=config.cards,
        slots=config.slots,
        module=capture.module,
    )
    return found, config, left


def _cards(profile: str, cards: int) -> Config:
    """Cards with one domain behind one slot."""
    plugged = tuple(CardConfig(adapter, profile, (0,)) for adapter in range(cards))
    return Config(plugged, (SlotConfig(0, "", tuple(qid(n, 0) for n in range(cards))),))


class _Mapped:
    def __init__(self, capture: Capture) -> None:
        self.names: dict[str, int] = {}
        self._capture = capture
        self._left: Counter[tuple[str, str]] = Counter()
        self._rows: list[tuple[int, ...]] = []
        self._asked: set[tuple[int, str, int]] = set()
        self._sessions: dict[tuple[int, int], _Session] = defaultdict(_Session)

    def run(self) -> tuple[Array, list[Left]]:
        """All processes, one after the other."""
        rows = self._capture.rows
        for process in np.unique(rows["process"]).tolist():
            own = rows[rows["process"] == process]
            self._process(process, own[np.argsort(own["at_ns"], kind="stable")])
        made = np.array(self._rows, REQUEST_ROW) if self._rows else np.empty(0, REQUEST_ROW)
        left = [Left(what, count, why) for (what, why), count in self._left.most_common()]
        return made, left

    def _process(self, process: int, rows: Array) -> None:
        threads = Threads(len(self._rows))
        fields = [rows[field].tolist() for field in rows.dtype.names or ()]
        for values in zip(*fields, strict=True):
            call = _Call(*values)
            if call.flags & END:
                threads.end(call.thread, call.at_ns)
                continue
            works = self._works(process, call)
            made = threads.call(call.thread, call.at_ns, call.inside_ns, call.cpu_ns, len(works))
            for number, work in enumerate(works):
                self._add(process, call, work, made if number == 0 else (threads.number, 0, 0, 0))

    def _add(self, process: int, call: _Call, work: Work, at: tuple[int, int, int, int]) -> None:
        client, after, think_ns, wall_ns = at
        function, request_bytes, reply_bytes = shape(*work)
        reply_bytes -= _shorter(work.operation, call.result_bytes)
        operation = self.names.setdefault(work.operation, len(self.names))
        self._rows.append(
            (
                process, 0, client, function, operation, NO_CALL, 0, work.payload_bytes,
                request_bytes, reply_bytes, after, think_ns, wall_ns, call.at_ns,
            )
        )  # fmt: skip

    def _works(self, process: int, call: _Call) -> list[Work]:
        if call.function >= len(ck.FUNCTIONS):
            self._left[f"function {call.function}", "PKCS #11 3.2 has no such function"] += 1
            return []
        function = ck.FUNCTIONS[call.function]
        session = self._sessions[process, call.session]
        try:
            return list(self._mapped(function, session, call))
        except (Unmapped, DriverError) as reason:
            self._left[function, str(reason)] += 1
            return []

    def _mapped(self, function: str, session: _Session, call: _Call) -> Iterator[Work]:
        if function in functions.INITS:
            self._init(functions.INITS[function], session, call)
            return
        verbs = functions.verbs(function)
        if not verbs and function not in functions.NOT_MAPPED and function not in functions.OTHER:
            return  # nothing that a card has to do with
        if call.result != ck.CKR_OK:
            if call.result != ck.CKR_BUFFER_TOO_SMALL:
                raise Unmapped(f"refused, {_code(call.result)}")
            return
        if call.flags & QUERY and function not in functions.UPDATES:
            return
        if function in functions.NOT_MAPPED:
            raise Unmapped("no operation of a card is known for it")
        if function in functions.KEYS:
            yield from self._key(functions.KEYS[function], call)
        elif function in functions.OTHER:
            asked = (call.process, function, call.mechanism)
            if function not in functions.ONCE or asked not in self._asked:
                self._asked.add(asked)
                yield from _simple(functions.OTHER[function], call.data_bytes)
        else:
            yield from self._data(function, verbs, session, call.data_bytes)

    def _init(self, verb: str, session: _Session, call: _Call) -> None:
        session.in_parts.discard(verb)
        if call.result == ck.CKR_OK and call.mechanism != NONE:
            session.active[verb] = Active(call.mechanism, self._key_of(call))
        else:
            session.active.pop(verb, None)

    def _key_of(self, call: _Call) -> ops.Key:
        curve = self._capture.curves[call.curve - 1] if call.curve else b""
        return ops.Key(call.key_type, call.key_bits, curve)

    def _key(self, verb: str, call: _Call) -> Iterator[Work]:
        operation = ops.operation(verb, call.mechanism, self._key_of(call))
        if operation is None:
            raise Unmapped(_unknown(call.mechanism, self._key_of(call)))
        yield Work(operation, _payload(operation, 0))

    def _data(
        self, function: str, verbs: tuple[str, ...], session: _Session, size: int
    ) -> Iterator[Work]:
        for verb in verbs:
            active = session.active.get(verb)
            if active is None:
                raise Unmapped("its operation began before the capture")
            whole = ops.operation(verb, *active)
            part = ops.update_operation(verb, *active)
            if whole is None or part is None:
                raise Unmapped(_unknown(*active))
            if function in functions.SINGLE:
                yield from _single(whole, part, size)
            elif function in functions.BEGINS:
                yield Work(ops.INIT, 0)
            else:
                if verb not in session.in_parts and function not in functions.NEXTS:
                    session.in_parts.add(verb)
                    yield Work(ops.INIT, 0)
                is_last = function in functions.FINALS
                yield from _simple(whole if is_last else part, size)
            if function in functions.FINALS:
                session.in_parts.discard(verb)


class _Call(NamedTuple):
    """A row of the capture."""

    process: int
    function: int
    thread: int
    session: int
    mechanism: int
    result: int
    key_type: int
    key_bits: int
    curve: int
    flags: int
    data_bytes: int
    result_bytes: int
    cpu_ns: int
    inside_ns: int
    at_ns: int


def _single(whole: str, part: str, size: int) -> Iterator[Work]:
    """In one message, or an opening, parts and an end."""
    try:
        yield Work(whole, _payload(whole, size))
        return
    except DriverError as error:
        if error.code != errno.EMSGSIZE:
            raise
    yield Work(ops.INIT, 0)
    *parts, last = (min(PART, size - start) for start in range(0, size, PART))
    for bytes_ in parts:
        yield Work(part, _payload(part, bytes_))
    if part == whole:
        yield Work(whole, _payload(whole, last))
    else:  # the last is hashed too, and then it is signed
        yield Work(part, _payload(part, last))
        yield Work(whole, _payload(whole, 0))


def _simple(operation: str, size: int) -> Iterator[Work]:
    """In one message, or as many as it takes."""
    if operation == ops.QUERY:
        size = 0
    part = RANDOM_CHUNK if operation == ops.RANDOM else PART
    starts = range(0, size, part) if size > part else (0,)
    for start in starts:
        yield Work(operation, _payload(operation, min(part, size - start)))


def _payload(operation: str, size: int) -> int:
    """The payload nearest to `size` that a request for the operation can have: ciphers take whole
    blocks, RSA what its modulus has room for, and wrapping is of a key of 32 bytes.
    """
    error: DriverError | None = None
    rounded = (size, -(-size // 8) * 8, -(-size // 16) * 16)
    for candidate in (*rounded, *_usual(operation, size)):
        try:
            shape(operation, candidate)
            return candidate
        except DriverError as refusal:
            if refusal.code == errno.EMSGSIZE:
                raise
            error = refusal
    assert error is not None
    raise error


def _usual(operation: str, size: int = 0) -> tuple[int, ...]:
    if operation in (ops.WRAP, ops.UNWRAP):
        return (_WRAPPED,)
    rsa = operation.removeprefix("rsa").partition("-")[0]
    if operation.startswith("rsa") and rsa.isdigit():
        return (int(rsa) // 8, int(rsa) // 8 - 11)
    return (16,) if size < 16 else ()  # the least of a key wrap, or of random bytes


def _shorter(operation: str, result_bytes: int) -> int:
    """By how much a decrypted text falls short of the longest, with which RSA's shape counts."""
    if not operation.startswith("rsa") or not operation.endswith("-decrypt") or not result_bytes:
        return 0
    return max(0, _usual(operation)[1] - result_bytes)


def _unknown(mechanism: int, key: ops.Key) -> str:
    curve = f", curve {key.curve.hex()}" if key.curve else ""
    size = f", {key.bits} bits" if key.bits else ""
    kind = "" if key.type == NONE else f" with key type 0x{key.type:x}{size}{curve}"
    return f"{ops.mechanism_name(mechanism)}{kind} is nothing that a card does"


_CODES = {number: name for name, number in reversed(vars(ck).items()) if name[:4] == "CKR_"}


def _code(result: int) -> str:
    return _CODES.get(result, f"0x{result:08x}")
