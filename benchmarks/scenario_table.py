"""A table of a scenario that knows its dotted name: hands out values, refuses what does not fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from fractions import Fraction

from ghostcard.benchmarks.scenario import ScenarioError

TIME_MAX_NS = 10**15  # eleven days: a longer run is a slip of the unit
COUNT_MAX = 10**9
RATE_MAX_PER_S = 10**9  # a request every nanosecond
_SHOWN = 60  # characters of a value in a message


class Table:
    """A TOML table with its place in the document; every refusal is a `ScenarioError`."""

    def __init__(self, values: object, name: str) -> None:
        if not isinstance(values, Mapping):
            raise ScenarioError(f"{name}: got {_shown(values)}, takes a table")
        self._values: Mapping[str, object] = values
        self.name = name

    def key(self, key: str) -> str:
        """The dotted name of a key."""
        return f"{self.name}.{key}" if self.name else key

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._values

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key, in order."""
        return tuple(self._values)

    def refuse(self, key: str, takes: str) -> ScenarioError:
        """The error for a key; it says so when the key is missing."""
        if key not in self._values:
            return ScenarioError(f"{self.key(key)}: is missing, takes {takes}")
        return ScenarioError(f"{self.key(key)}: got {_shown(self._values[key])}, takes {takes}")

    def only(self, *keys: str) -> None:
        """Refuse every key but these, with the closest of them."""
        for key in self._values:
            if key not in keys:
                close = get_close_matches(key, keys, 1)
                meant = f" (did you mean {close[0]}?)" if close else ""
                known = ", ".join(keys)
                raise ScenarioError(f"{self.key(key)}: got an unknown key{meant}, takes {known}")

    def table(self, key: str) -> Table:
        """A table below this one; empty when it is not there."""
        return Table(self._values.get(key, {}), self.key(key))

    def tables(self, key: str) -> list[Table]:
        """At least one table of an array."""
        entries = self._values.get(key)
        if not isinstance(entries, list) or not entries:
            raise self.refuse(key, f"one or more [[{self.key(key)}]] tables")
        return [Table(entry, f"{self.key(key)}[{n}]") for n, entry in enumerate(entries)]

    def integer(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number from `least` to `most`; required if it has no default."""
        value = self._values.get(key, default)
        if type(value) is not int or not least <= value <= most:
            raise self.refuse(key, f"a whole number from {least} to {most}")
        return value

    def optional(self, key: str, least: int, most: int) -> int | None:
        """The same, or None if the key is not there."""
        return self.integer(key, least, most) if key in self._values else None

    def number(self, key: str, least: float, most: float, default: float | None = None) -> float:
        """A number, whole or not, from `least` to `most`."""
        value = self._values.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.refuse(key, f"a number from {least:g} to {most:g}")
        if not least <= value <= most:
            raise self.refuse(key, f"a number from {least:g} to {most:g}")
        return float(value)

    def rate(self, key: str, least: Fraction | None = None) -> Fraction:
        """Requests per second, exact in the digits written; above 0, or from `least`."""
        value = self._values.get(key)
        takes = f"requests per second, above 0 and up to {RATE_MAX_PER_S:,}"
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.refuse(key, takes)
        if not math.isfinite(value):
            raise self.refuse(key, takes)
        rate = Fraction(str(value))
        if not (rate > 0 if least is None else rate >= least) or rate > RATE_MAX_PER_S:
            raise self.refuse(key, takes if least is None else takes.replace("above", "from"))
        return rate

    def boolean(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self.refuse(key, "true or false")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text; required, and not empty, if it has no default."""
        value = self._values.get(key, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.refuse(key, "a text")
        return value

    def texts(self, key: str) -> list[str]:
        """A list of at least one text."""
        values = self._values.get(key)
        if not isinstance(values, list) or not values:
            raise self.refuse(key, "a list of texts, at least one")
        if not all(isinstance(value, str) and value for value in values):
            raise self.refuse(key, "a list of texts, at least one")
        return values

    def choice(self, key: str, default: str, accepted: tuple[str, ...]) -> str:
        """One of a few words."""
        value = self._values.get(key, default)
        if not isinstance(value, str) or value not in accepted:
            raise self.refuse(key, " or ".join(f'"{name}"' for name in accepted))
        return value

    def places(self, key: str, count: int) -> tuple[int, ...]:
        """Different numbers from 0 to `count` - 1; all of them if the key is not there."""
        values = self._values.get(key, list(range(count)))
        takes = f"a list of different whole numbers from 0 to {count - 1}"
        if not isinstance(values, list) or not values or len(set(map(repr, values))) < len(values):
            raise self.refuse(key, takes)
        if not all(type(value) is int and 0 <= value < count for value in values):
            raise self.refuse(key, takes)
        return tuple(sorted(values))


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
