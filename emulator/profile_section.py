"""One table of a profile's file: hands out what is asked for, and refuses the rest by name."""

import math
import re
from collections.abc import Iterable
from typing import Any

from ghostcard.emulator.errors import ProfileError

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TIME_MAX_NS = 10**13  # about three hours: a longer service is a slip of the unit
COUNT_MAX = 65535


class Section:
    """One table of the document: hands out its keys, then refuses those nobody asked for."""

    def __init__(self, profile: str, path: str, table: object, sources: dict[str, str]) -> None:
        self.profile = profile
        self.path = path
        self.sources = sources
        if not isinstance(table, dict):
            raise self.refusal("", table, "a table")
        self.table: dict[str, Any] = table
        self.asked: list[str] = []

    def refusal(self, key: str, got: object, accepts: str) -> ProfileError:
        """The error for `key` of this section ("": the section itself)."""
        dotted = ".".join(part for part in (self.path, key) if part)
        shown = repr(got)
        shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
        return ProfileError(f"profile {self.profile}: {dotted}: got {shown}, expected {accepts}")

    def has(self, key: str) -> bool:
        """Whether an optional key is there; asking makes it a known one."""
        self.asked.append(key)
        return key in self.table

    def take(self, key: str, accepts: str) -> Any:
        """The raw value of a key that must be there."""
        self.asked.append(key)
        if key not in self.table:
            dotted = ".".join(part for part in (self.path, key) if part)
            raise ProfileError(f"profile {self.profile}: {dotted}: missing, expected {accepts}")
        return self.table[key]

    def section(self, key: str) -> "Section":
        """A table below this one."""
        path = f"{self.path}.{key}" if self.path else key
        return Section(self.profile, path, self.take(key, "a table"), self.sources)

    def text(self, key: str, choices: Iterable[str] = ()) -> str:
        """A string, one of `choices` if there are any."""
        choices = tuple(choices)
        accepts = f"one of {', '.join(choices)}" if choices else "a text"
        value = self.take(key, accepts)
        if not isinstance(value, str) or not value or (choices and value not in choices):
            raise self.refusal(key, value, accepts)
        return value

    def names(self, key: str) -> list[str]:
        """A list of names, empty if the key is not there."""
        if key not in self.table:
            return []
        accepts = "a list of names such as 'query'"
        value = self.take(key, accepts)
        if not isinstance(value, list) or not all(
            isinstance(name, str) and NAME.fullmatch(name) for name in value
        ):
            raise self.refusal(key, value, accepts)
        return value

    def figure(self, key: str, least: int, most: int) -> int:
        """A whole number `{ value = .., source = ".." }` from `least` to `most`."""
        accepts = f"a whole number from {least} to {most}"
        value = self._sourced(key, accepts)
        if type(value) is not int or not least <= value <= most:
            raise self.refusal(f"{key}.value", value, accepts)
        return value

    def ratio(self, key: str) -> float:
        """A number above 0, whole or not, `{ value = .., source = ".." }`."""
        accepts = "a number above 0"
        value = self._sourced(key, accepts)
        if type(value) not in (int, float) or not (math.isfinite(value) and value > 0):
            raise self.refusal(f"{key}.value", value, accepts)
        return float(value)

    def _sourced(self, key: str, accepts: str) -> Any:
        whole = f'{{ value = {accepts}, source = "where it comes from" }}'
        if not isinstance(self.take(key, whole), dict):
            raise self.refusal(key, self.table[key], whole)
        figure = self.section(key)
        value = figure.take("value", accepts)
        self.sources[figure.path] = figure.text("source")
        figure.finish()
        return value

    def optional(self, key: str, least: int, most: int, default: int) -> int:
        """A figure, or `default` if the key is not there."""
        if self.has(key):
            return self.figure(key, least, most)
        self.asked.append(key)
        return default

    def numbers(self, key: str, least: int, most: int) -> tuple[int, ...]:
        """A list of whole numbers from `least` to `most`, at least one, without a source."""
        accepts = f"a list of whole numbers from {least} to {most}"
        value = self.take(key, accepts)
        if not isinstance(value, list) or not value:
            raise self.refusal(key, value, accepts)
        if not all(type(number) is int and least <= number <= most for number in value):
            raise self.refusal(key, value, accepts)
        return tuple(value)

    def time(self, key: str) -> int:
        """A figure in nanoseconds."""
        return self.figure(key, 0, TIME_MAX_NS)

    def finish(self) -> None:
        """Refuse the first key that nobody asked for."""
        for key in self.table:
            if key not in self.asked:
                known = ", ".join(sorted(set(self.asked)))
                raise self.refusal(key, self.table[key], f"no such key here; there are {known}")
