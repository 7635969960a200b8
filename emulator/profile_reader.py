"""From a TOML document to a `Profile`: strict.

Every refusal names the dotted key, what it got and what it accepts.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.profile import (
    EngineProfile,
    FirmwareProfile,
    HostProfile,
    LinkProfile,
    Operation,
    Profile,
    QueueProfile,
)
from ghostcard.emulator.status import (
    DEPTH_MAX,
    DOMAIN_MAX,
    MESSAGE_UNIT_BYTES,
    MESSAGE_UNITS_MAX,
    MODE_FACILITY,
)

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TIME_MAX_NS = 10**13  # about three hours: a longer service is a slip of the unit
COUNT_MAX = 65535
HARDWARE_TYPES = (10, 14)  # CEX4 .. CEX8, AP sheet 2


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

    def time(self, key: str) -> int:
        """A figure in nanoseconds."""
        return self.figure(key, 0, TIME_MAX_NS)

    def finish(self) -> None:
        """Refuse the first key that nobody asked for."""
        for key in self.table:
            if key not in self.asked:
                known = ", ".join(sorted(self.asked))
                raise self.refusal(key, self.table[key], f"no such key here; there are {known}")


def read_profile(name: str, document: dict[str, Any]) -> Profile:
    """The profile `name` of a parsed TOML document, or `ProfileError`."""
    sources: dict[str, str] = {}
    root = Section(name, "", document, sources)
    scale = root.ratio("scale_us_per_unit")
    operations: dict[str, Operation] = {}
    firmware = root.section("firmware")
    for operation in firmware.names("operations"):
        _claim(firmware, "operations", operation, operations)
        operations[operation] = Operation("", 0, 0)
    profile = Profile(
        name=name,
        description=root.text("description"),
        mode=root.text("mode", MODE_FACILITY),
        hardware_type=root.figure("hardware_type", *HARDWARE_TYPES),
        scale_us_per_unit=scale,
        link=_link(root.section("link")),
        queue=_queue(root.section("queue")),
        firmware=_firmware(firmware),
        host=_host(root.section("host")),
        engines=_engines(root.section("engines"), scale, operations),
        operations=operations,
        sources=sources,
    )
    root.finish()
    return profile


def _link(section: Section) -> LinkProfile:
    link = LinkProfile(
        latency_ns=section.time("latency_ns"),
        bytes_per_us=section.figure("bytes_per_us", 1, 10**12),
        packet_bytes=section.figure("packet_bytes", 1, 1 << 20),
        packet_overhead_ns=section.time("packet_overhead_ns"),
    )
    section.finish()
    return link


def _queue(section: Section) -> QueueProfile:
    most = MESSAGE_UNIT_BYTES * MESSAGE_UNITS_MAX
    queue = QueueProfile(
        depth=section.figure("depth", 1, DEPTH_MAX),
        domains=section.figure("domains", 1, DOMAIN_MAX + 1),
        max_message_bytes=section.figure("max_message_bytes", MESSAGE_UNIT_BYTES, most),
        reset_ns=section.time("reset_ns"),
        interrupt_enable_ns=section.time("interrupt_enable_ns"),
    )
    if queue.max_message_bytes % MESSAGE_UNIT_BYTES:
        raise section.refusal(
            "max_message_bytes.value",
            queue.max_message_bytes,
            f"a multiple of {MESSAGE_UNIT_BYTES}, the unit in which TAPQ states it",
        )
    section.finish()
    return queue


def _firmware(section: Section) -> FirmwareProfile:
    firmware = FirmwareProfile(
        cores=section.figure("cores", 1, COUNT_MAX),
        decode_ns=section.time("decode_ns"),
        decode_per_kib_ns=section.time("decode_per_kib_ns"),
        unwrap_ns=section.time("unwrap_ns"),
        build_ns=section.time("build_ns"),
        reply_builders=section.figure("reply_builders", 1, COUNT_MAX),
    )
    section.finish()
    return firmware


def _host(section: Section) -> HostProfile:
    host = HostProfile(
        submit_ns=section.time("submit_ns"),
        dequeue_ns=section.time("dequeue_ns"),
        interrupt_ns=section.time("interrupt_ns"),
        poll_ns=section.figure("poll_ns", 1, TIME_MAX_NS),
    )
    section.finish()
    return host


def _engines(
    section: Section, scale: float, operations: dict[str, Operation]
) -> tuple[EngineProfile, ...]:
    if not section.table:
        raise section.refusal("", section.table, "at least one pool, [engines.NAME]")
    return tuple(_pool(section, name, scale, operations) for name in section.table)


def _pool(
    engines: Section, name: str, scale: float, operations: dict[str, Operation]
) -> EngineProfile:
    if not NAME.fullmatch(name):
        raise engines.refusal(name, name, "a name of lower-case letters, digits and hyphens")
    section = engines.section(name)
    pool = EngineProfile(name, section.figure("count", 1, COUNT_MAX))
    table = section.section("operations")
    if not table.table:
        raise table.refusal("", table.table, "at least one operation")
    for operation in table.table:
        _claim(table, operation, operation, operations)
        operations[operation] = _operation(table.section(operation), pool, scale)
    section.finish()
    return pool


def _operation(section: Section, pool: EngineProfile, scale: float) -> Operation:
    """A service time, stated outright or as a speed rating.

    Rating x scale is the time per request at saturation, when all engines of the pool work, so one
    engine takes `count` times as long.
    """
    if "rating" in section.table:
        fixed_ns = round(section.ratio("rating") * scale * pool.size * 1000)
        if fixed_ns > TIME_MAX_NS:
            raise section.refusal("rating.value", fixed_ns, f"at most {TIME_MAX_NS} ns per engine")
    else:
        fixed_ns = section.time("fixed_ns")
    per_kib_ns = section.time("per_kib_ns") if "per_kib_ns" in section.table else 0
    section.finish()
    return Operation(pool.name, fixed_ns, per_kib_ns)


def _claim(section: Section, key: str, operation: str, taken: dict[str, Operation]) -> None:
    if not NAME.fullmatch(operation):
        raise section.refusal(key, operation, "a name of lower-case letters, digits and hyphens")
    if operation in taken:
        owner = taken[operation].engine
        where = f"engines.{owner}.operations" if owner else "firmware.operations"
        raise section.refusal(key, operation, f"an operation not yet in {where}")
