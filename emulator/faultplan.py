"""A plan of faults: TOML -> frozen rules. Which there are: `faultkinds.py`, docs/faults.md.

    seed = 7                     # of the rules with a rate; default 0

    [[faults]]
    kind = "drop"                # what happens
    name = "lost on the link"    # what records and traces say; default: the kind
    card = 0                     # to whom: adapter, domain, verb, function, operation, client;
    domain = 3                   # default: everybody
    rate_ppm = 10_000            # when: nth, every, rate_ppm or at_ns; default: each time
    from_ns = 0                  # not before, and
    until_ns = 1_000_000         # not at or after
    times = 5                    # at most so often

Everything else is refused by the dotted name of its key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ghostcard.emulator.errors import EmulatorError
from ghostcard.emulator.faultkinds import CARD, INTERRUPT, KINDS

TIME_MAX_NS = 10**18  # 31 years
COUNT_MAX = 10**12
PPM = 1_000_000
PERMILLE_MAX = 1_000_000  # a thousand times slower
MESSAGE_MAX = 65536
WIDTH_MAX = 8  # bytes of a field
SEED_LIMIT = 1 << 48
RULES_MAX = 1000
NAME_MAX = 60
INSTRUCTIONS = ("nqap", "dqap", "tapq", "rapq", "zapq", "aqic")
REPLY_TYPES = (0x82, 0x86, 0x87, 0x88)

_WHERE = ("card", "domain", "verb", "function", "operation", "client")
_WHEN = ("nth", "every", "rate_ppm", "at_ns")
_COMMON = ("kind", "name", *_WHERE, *_WHEN, "from_ns", "until_ns", "times")


class FaultPlanError(EmulatorError):
    """A plan states something impossible; the message names the dotted key, what it got, what it
    takes."""


class Rule(NamedTuple):
    """One fault of a plan. None and -1 stand for what is not said."""

    kind: str
    name: str
    point: str
    # to whom
    card: int = -1
    domain: int = -1
    function: int = -1
    operation: str = ""
    client: int = -1
    # when
    nth: int = 0
    every: int = 0
    rate_ppm: int = 0
    at_ns: int = -1
    from_ns: int = 0
    until_ns: int = -1
    times: int = -1
    # how
    instruction: str = ""
    code: int = 0
    type: int = 0x82
    asynchronous: bool = False
    delay_ns: int = 0
    for_ns: int = -1
    engine_permille: int = 1000
    bytes: int = 0
    offset: int = 0
    width: int = 1
    value: int = -1
    flip: int = 0
    nvram_byte: int = -1

    @property
    def needs_bytes(self) -> bool:
        """Whether only a request that carries bytes can meet it."""
        return KINDS[self.kind].needs_bytes


class FaultPlan(NamedTuple):
    """Rules in order: of those that apply to one event the first strikes."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0


class Names(NamedTuple):
    """What the layers above know by name: verbs, and fields of replies as (offset, width)."""

    verbs: Mapping[str, int] = {}
    fields: Mapping[str, tuple[int, int]] = {}


NO_NAMES = Names()


def parse(document: Mapping[str, object], names: Names = NO_NAMES) -> FaultPlan:
    """The plan of a parsed TOML document."""
    table = _Table(document, "")
    table.only(("seed", "faults"))
    entries = document.get("faults", [])
    if not isinstance(entries, list) or len(entries) > RULES_MAX:
        raise table.refuse("faults", f"up to {RULES_MAX} [[faults]] tables")
    rules = tuple(rule(entry, f"faults[{n}]", names) for n, entry in enumerate(entries))
    return FaultPlan(rules, table.integer("seed", 0, SEED_LIMIT - 1, 0))


def rule(values: object, at: str = "", names: Names = NO_NAMES) -> Rule:
    """One rule; `at` is the dotted name of its table."""
    table = _Table(values, at)
    name = table.choice("kind", tuple(KINDS))
    kind = KINDS[name]
    table.only((*_COMMON, *kind.needs, *kind.takes))
    for key in kind.needs:
        if not table.has(key):
            raise table.refuse(key, f"a value: {name!r} needs it")
    said: dict[str, object] = {"kind": name, "name": table.text("name", NAME_MAX, name)}
    said |= {"point": kind.point} | _where(table, names) | _when(table, kind.point)
    for key in (*kind.needs, *kind.takes):
        if table.has(key) and key in _NUMBERS:
            least, most = _NUMBERS[key]
            said[key] = table.integer(key, least, most)
    _say_the_rest(table, name, said, names)
    return Rule(**said)  # type: ignore[arg-type]


_NUMBERS = {
    "code": (1, 0xFF),
    "delay_ns": (1, TIME_MAX_NS),
    "for_ns": (1, TIME_MAX_NS),
    "engine_permille": (0, PERMILLE_MAX),
    "bytes": (0, MESSAGE_MAX),
    "nvram_byte": (0, MESSAGE_MAX * MESSAGE_MAX),
}


def _where(table: _Table, names: Names) -> dict[str, object]:
    said: dict[str, object] = {}
    for key, most in (("card", 255), ("domain", 255), ("client", 2**32 - 1), ("function", 65535)):
        if table.has(key):
            said[key] = table.integer(key, 0, most)
    if table.has("operation"):
        said["operation"] = table.text("operation", NAME_MAX)
    if table.has("verb"):
        if table.has("function"):
            raise table.refuse("verb", "no `function` beside it")
        said["function"] = names.verbs[table.choice("verb", tuple(names.verbs))]
    return said


def _when(table: _Table, point: str) -> dict[str, object]:
    given = [key for key in _WHEN if table.has(key)]
    if len(given) > 1:
        raise table.refuse(given[1], f"no `{given[0]}` beside it: a fault has one occasion")
    said: dict[str, object] = {}
    for key, least, most in (
        ("nth", 1, COUNT_MAX),
        ("every", 1, COUNT_MAX),
        ("rate_ppm", 1, PPM),
        ("at_ns", 0, TIME_MAX_NS),
        ("from_ns", 0, TIME_MAX_NS),
        ("until_ns", 1, TIME_MAX_NS),
        ("times", 1, COUNT_MAX),
    ):
        if table.has(key):
            said[key] = table.integer(key, least, most)
    if "at_ns" in said:
        for key in ("from_ns", "until_ns", "times"):
            if key in said:
                raise table.refuse(key, "no `at_ns` beside it: that is one instant")
    elif point == CARD and not given:
        raise table.refuse("nth", "nth, every, rate_ppm or at_ns: a card's fault needs an occasion")
    from_ns, until_ns = said.get("from_ns", 0), said.get("until_ns")
    if isinstance(until_ns, int) and isinstance(from_ns, int) and until_ns <= from_ns:
        raise table.refuse("until_ns", f"more than from_ns, {from_ns}")
    return said


def _say_the_rest(table: _Table, kind: str, said: dict[str, object], names: Names) -> None:
    if kind == "response":
        said["instruction"] = table.choice("instruction", INSTRUCTIONS)
        said["asynchronous"] = table.boolean("asynchronous")
    elif kind == "queue-full":
        said |= {"instruction": "nqap", "code": 0x10}
    elif kind == "reply-code":
        said["type"] = table.one_of("type", REPLY_TYPES, 0x82)
    elif kind == "corrupt":
        said |= _field(table, names)
    if said["point"] == INTERRUPT:
        _refuse_keys(table, ("verb", "function", "operation", "client"), "an interrupt has none")
    elif said.get("instruction") in ("tapq", "rapq", "zapq", "aqic"):
        _refuse_keys(table, ("verb", "function", "operation", "client"), "it is about a queue")
    elif kind == "power-loss" and "nvram_byte" in said:
        _refuse_keys(
            table,
            ("verb", "function", "operation", "client", "domain", "at_ns"),
            "its occasion is a write to NVRAM",
        )


def _refuse_keys(table: _Table, keys: tuple[str, ...], why: str) -> None:
    for key in keys:
        if table.has(key):
            raise table.refuse(key, f"nothing: {why}")


def _field(table: _Table, names: Names) -> dict[str, object]:
    if table.has("field"):
        _refuse_keys(table, ("offset", "width"), "the field has its place")
        offset, width = names.fields[table.choice("field", tuple(names.fields))]
    else:
        offset = table.integer("offset", 0, MESSAGE_MAX - 1)
        width = table.integer("width", 1, WIDTH_MAX, 1)
    if table.has("value") == table.has("flip"):
        raise table.refuse("value", "a value or, in `flip`, bits to turn over; one of the two")
    key = "value" if table.has("value") else "flip"
    least = 0 if key == "value" else 1
    number = table.integer(key, least, (1 << 8 * width) - 1)
    return {"offset": offset, "width": width, key: number}


class _Table:
    """A table of the plan with its dotted name; every refusal is a `FaultPlanError`."""

    def __init__(self, values: object, name: str) -> None:
        if not isinstance(values, Mapping):
            raise FaultPlanError(f"{name}: got {values!r}, takes a table")
        self._values: Mapping[str, object] = values
        self._name = name

    def has(self, key: str) -> bool:
        return key in self._values

    def refuse(self, key: str, takes: str) -> FaultPlanError:
        dotted = f"{self._name}.{key}" if self._name else key
        if key not in self._values:
            return FaultPlanError(f"{dotted}: is missing, takes {takes}")
        return FaultPlanError(f"{dotted}: got {self._values[key]!r}, takes {takes}")

    def only(self, known: Sequence[str]) -> None:
        for key in self._values:
            if key not in known:
                dotted = f"{self._name}.{key}" if self._name else key
                raise FaultPlanError(f"{dotted}: got an unknown key, takes {', '.join(known)}")

    def integer(self, key: str, least: int, most: int, default: int | None = None) -> int:
        value = self._values.get(key, default)
        if type(value) is not int or not least <= value <= most:
            raise self.refuse(key, f"a whole number from {least} to {most}")
        return value

    def one_of(self, key: str, accepted: tuple[int, ...], default: int) -> int:
        value = self._values.get(key, default)
        if type(value) is not int or value not in accepted:
            raise self.refuse(key, " or ".join(f"{number:#04x}" for number in accepted))
        return value

    def boolean(self, key: str) -> bool:
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.refuse(key, "true or false")
        return value

    def text(self, key: str, most: int, default: str | None = None) -> str:
        value = self._values.get(key, default)
        if not isinstance(value, str) or not 0 < len(value) <= most or not value.isprintable():
            raise self.refuse(key, f"a text of 1 to {most} characters")
        return value

    def choice(self, key: str, accepted: tuple[str, ...]) -> str:
        value = self._values.get(key)
        if not isinstance(value, str) or value not in accepted:
            raise self.refuse(key, f"one of {', '.join(accepted)}" if accepted else "nothing here")
        return value
