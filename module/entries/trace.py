"""Crossings that tell what they do: each wrapped in one that writes a line of the trace.

Only a process that is traced imports this file. What the arguments of a crossing are is read from
`module/crossings.h`: a pointer and the length behind it belong together, and names tell the rest.

    12:00:00.123456 4711.4711 C_Sign(session=1, data=32 bytes, out=room for 64 bytes)
        = CKR_OK, 64 bytes [host 95.2 us, simulated 48.6 us]

in one line: time of day, process and thread, call, result. The simulated time is that of the call's
requests on cards that have nothing else to do.
"""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module import tracing
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries.edge import Edge, Pointer, code
from ghostcard.module.entries.general import TRACE
from ghostcard.module.names import name
from ghostcard.module.tracing import Trace, sized

_HEADER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "crossings.h")
_PROTOTYPE = re.compile(r"long cross_(\w+)\(([^)]*)\);")
_STILL = ("wait_for_slot_event", ck.CKR_PENDING)  # of a call that is not over for its caller
_HANDLES = {"generate_key_pair": ("keys", 2), "encapsulate_key": ("made", 1)}
_VENDORS = ("wait_for_any", "get_event_fd")
_ACRONYMS = {"pin": "PIN", "id": "ID"}


class Argument(NamedTuple):
    """One argument of a crossing. ``takes``: with the length behind it, two of C's; ``is_room``: it
    is for an answer.
    """

    name: str
    type: str
    takes: int
    is_room: bool


class Tracer:
    """The trace of one life of the library."""

    def __init__(self, edge: Edge, trace: Trace) -> None:
        self._edge = edge
        self._trace = trace
        self._thread = threading.local()
        with open(_HEADER, encoding="utf-8") as file:
            self._arguments = {
                match[1]: tuple(_arguments(match[2])) for match in _PROTOTYPE.finditer(file.read())
            }

    def passed(self, duration_ns: int) -> None:
        """A request of the calling thread has taken so long in simulated time."""
        self._thread.ns = getattr(self._thread, "ns", 0) + duration_ns

    def wrap(self, function: str, crossing: Callable[..., int]) -> Callable[..., int]:
        """The crossing with a line of the trace behind it."""
        arguments = self._arguments[function]

        def traced(*values: object) -> int:
            self._thread.ns = 0
            said = list(self._said(function, arguments, values))
            start = time.perf_counter_ns()
            try:
                answer = crossing(*values)
            except BaseException as error:
                rv = code(error)
                if (function, rv) != _STILL:
                    self._tell(function, said, name("CKR", rv), start)
                raise
            self._tell(function, said, self._answer(function, arguments, values, answer), start)
            return answer

        return traced

    def _tell(self, function: str, said: list[str], answer: str, start: int) -> None:
        host_us = (time.perf_counter_ns() - start) / 1000
        now = time.time()
        clock = time.strftime("%H:%M:%S", time.localtime(now))
        self._trace.write(
            f"{clock}.{int(now % 1 * 1e6):06} {os.getpid()}.{threading.get_native_id()} "
            f"{c_name(function)}({', '.join(said)}) = {answer} "
            f"[host {host_us:.1f} us, simulated {self._thread.ns / 1000:.1f} us]"
        )

    def _said(
        self, function: str, arguments: tuple[Argument, ...], values: tuple[object, ...]
    ) -> Iterator[str]:
        place = 0
        for argument in arguments:
            mine = values[place : place + argument.takes]
            place += argument.takes
            told = self._one(function, argument, mine)
            if told:
                yield f"{argument.name}={told}"

    def _one(self, function: str, argument: Argument, values: tuple[Pointer, ...]) -> str:
        value, length = values[0], values[-1]
        if argument.type == "CK_ATTRIBUTE *":
            return "{" + ", ".join(name("CKA", value[i].type) for i in range(length)) + "}"
        if argument.is_room:
            unit = "byte" if argument.type == "char *" else "number"
            return "NULL" if length < 0 else f"room for {sized(length, unit)}"
        if argument.type == "char *" and argument.takes == 2:
            return self._bytes(argument.name, value, length)
        if "*" in argument.type:
            return ""
        return self._number(function, argument.name, int(value))

    def _bytes(self, what: str, value: Pointer, length: int) -> str:
        if length < 0 or value == self._edge.ffi.NULL:
            return "NULL"
        if "attributes" in what:
            return tracing.template(self._edge.read(value, length))
        if what == "function":  # of an asynchronous call
            return repr(self._edge.read(value, length).decode(errors="replace"))
        if what == "mechanism":
            return tracing.mechanism(self._edge.read(value, length))
        return sized(length)

    def _number(self, function: str, what: str, value: int) -> str:
        if what == "flags":
            return tracing.call_flags(function, value)
        if what == "user":
            return name("CKU", value)
        return name("CKM", value) if what == "mechanism" else str(value)

    def _answer(
        self,
        function: str,
        arguments: tuple[Argument, ...],
        values: tuple[object, ...],
        answer: int,
    ) -> str:
        if answer < 0:
            return name("CKR", -answer)
        if function == "get_attribute_value":
            return f"CKR_OK, {self._lengths(values[2], values[3])}"
        room = next((each for each in arguments if each.is_room), None)
        if room is None:
            return f"CKR_OK{self._made(function, arguments, values, answer)}"
        place = sum(each.takes for each in arguments[: arguments.index(room)])
        capacity = values[place + 1]
        unit = "byte" if room.type == "char *" else "number"
        assert isinstance(capacity, int)
        fits = capacity < 0 or answer <= capacity
        return f"{'CKR_OK' if fits else 'CKR_BUFFER_TOO_SMALL'}, {sized(answer, unit)}"

    def _lengths(self, attributes: Pointer, count: Pointer) -> str:
        lengths = [attributes[i].ulValueLen for i in range(count)]
        shown = ("-" if each == ck.CK_UNAVAILABLE_INFORMATION else str(each) for each in lengths)
        return f"lengths {', '.join(shown)}"

    def _made(
        self,
        function: str,
        arguments: tuple[Argument, ...],
        values: tuple[object, ...],
        answer: int,
    ) -> str:
        """Handles that the call has made."""
        if function not in _HANDLES:
            return f", {answer}" if answer else ""
        what, count = _HANDLES[function]
        place = next(
            sum(each.takes for each in arguments[:i])
            for i, argument in enumerate(arguments)
            if argument.name == what
        )
        out: Pointer = values[place]
        return ", " + " and ".join(str(out[i]) for i in range(count))


def _arguments(text: str) -> Iterator[Argument]:
    words = [
        re.sub(r"\s+", " ", part.strip()) for part in text.split(",") if part.strip() != "void"
    ]
    split = [re.match(r"(.*?[ *])(\w+)$", word) for word in words]
    parts = [(match[1].strip(), match[2]) for match in split if match]
    at = 0
    while at < len(parts):
        type, called = parts[at]
        behind = parts[at + 1][1] if at + 1 < len(parts) else ""
        paired = "*" in type and bool(re.search(r"length|capacity|count", behind))
        yield Argument(called, type, 2 if paired else 1, "*" in type and behind == "capacity")
        at += 2 if paired else 1


def c_name(function: str) -> str:
    """C_GetTokenInfo of get_token_info; the vendor's have another prefix."""
    words = function.split("_")
    return ("GC_" if function in _VENDORS else "C_") + "".join(
        _ACRONYMS.get(word, word.capitalize()) for word in words
    )


def initialize(edge: Edge, cryptoki: Cryptoki, where: str, start: Callable[[], int]) -> int:
    """C_Initialize of a process that is traced: every crossing tells what it does from now on."""
    try:
        trace = tracing.trace_to(where)
    except OSError as error:
        edge.complain(f"{TRACE}: {where}: {error.strerror}")
        return start()
    tracer = Tracer(edge, trace)
    edge.trace(tracer.wrap)
    answer = tracer.wrap("initialize", start)()
    cryptoki.observe(tracer.passed)
    return answer
