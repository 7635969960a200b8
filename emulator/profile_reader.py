"""From a TOML document to a `Profile`: strict.

Every refusal names the dotted key, what it got and what it accepts.
"""

from typing import Any

from ghostcard.emulator.profile import (
    FirmwareProfile,
    HostProfile,
    LinkProfile,
    MemoryProfile,
    Operation,
    Profile,
    QueueProfile,
)
from ghostcard.emulator.profile_section import COUNT_MAX, TIME_MAX_NS, Section
from ghostcard.emulator.service_reader import claim, read_engines
from ghostcard.emulator.status import (
    DEPTH_MAX,
    DOMAIN_MAX,
    MESSAGE_UNIT_BYTES,
    MESSAGE_UNITS_MAX,
    MODE_FACILITY,
)

HARDWARE_TYPES = (10, 14)  # CEX4 .. CEX8, AP sheet 2
SCHEDULERS = ("fifo", "round-robin", "priority", "shares")  # firmware/scheduling.py has them


def read_profile(name: str, document: dict[str, Any]) -> Profile:
    """The profile `name` of a parsed TOML document, or `ProfileError`."""
    sources: dict[str, str] = {}
    root = Section(name, "", document, sources)
    scale = root.ratio("scale_us_per_unit")
    operations: dict[str, Operation] = {}
    firmware = root.section("firmware")
    for operation in firmware.names("operations"):
        claim(firmware, "operations", operation, operations)
        operations[operation] = Operation("", 0, 0)
    link = root.section("link")
    outward = _outward(link)
    queue = _queue(root.section("queue"))
    profile = Profile(
        name=name,
        description=root.text("description"),
        mode=root.text("mode", MODE_FACILITY),
        hardware_type=root.figure("hardware_type", *HARDWARE_TYPES),
        scale_us_per_unit=scale,
        link=_link(link),
        queue=queue,
        firmware=_firmware(firmware, queue.domains),
        host=_host(root.section("host")),
        engines=read_engines(root.section("engines"), scale, operations),
        operations=operations,
        sources=sources,
        link_out=outward,
        memory=_memory(root.section("memory"), queue) if root.has("memory") else None,
    )
    root.finish()
    return profile


def _outward(link: Section) -> LinkProfile | None:
    """`[link.out]`: the direction from card to host, where it differs."""
    return _link(link.section("out")) if link.has("out") else None


def _memory(section: Section, queue: QueueProfile) -> MemoryProfile:
    memory = MemoryProfile(
        contexts=section.figure("contexts", 1, COUNT_MAX),
        bytes=section.figure("bytes", queue.max_message_bytes, 1 << 48),
    )
    section.finish()
    return memory


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


def _firmware(section: Section, domains: int) -> FirmwareProfile:
    firmware = FirmwareProfile(
        cores=section.figure("cores", 1, COUNT_MAX),
        decode_ns=section.time("decode_ns"),
        decode_per_kib_ns=section.time("decode_per_kib_ns"),
        unwrap_ns=section.time("unwrap_ns"),
        build_ns=section.time("build_ns"),
        reply_builders=section.figure("reply_builders", 1, COUNT_MAX),
        scheduler=section.text("scheduler", SCHEDULERS) if section.has("scheduler") else "fifo",
        priorities=_by_domain(section, "priorities", domains, 0, 255),
        weights=_by_domain(section, "weights", domains, 1, 10_000),
    )
    section.finish()
    return firmware


def _by_domain(
    firmware: Section, key: str, domains: int, least: int, most: int
) -> tuple[tuple[int, int], ...]:
    """`[firmware.weights]` and the like: a figure for each domain that is named, by its number."""
    if not firmware.has(key):
        return ()
    section = firmware.section(key)
    numbers = {str(domain): domain for domain in range(domains)}
    for name in section.table:
        if name not in numbers:
            raise section.refusal(name, section.table[name], f"domains 0 to {domains - 1}")
    return tuple((numbers[name], section.figure(name, least, most)) for name in section.table)


def _host(section: Section) -> HostProfile:
    host = HostProfile(
        submit_ns=section.time("submit_ns"),
        dequeue_ns=section.time("dequeue_ns"),
        interrupt_ns=section.time("interrupt_ns"),
        poll_ns=section.figure("poll_ns", 1, TIME_MAX_NS),
        coalesce_count=section.optional("coalesce_count", 1, COUNT_MAX, 1),
        coalesce_ns=section.optional("coalesce_ns", 0, TIME_MAX_NS, 0),
    )
    section.finish()
    return host
