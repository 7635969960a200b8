"""The engine pools of a profile's file: service times per operation, families, batches."""

from ghostcard.emulator.powerlaw import along
from ghostcard.emulator.profile import (
    CONSTANT,
    BatchProfile,
    Distribution,
    EngineProfile,
    Operation,
)
from ghostcard.emulator.profile_section import COUNT_MAX, NAME, TIME_MAX_NS, Section
from ghostcard.emulator.status import MESSAGE_UNIT_BYTES, MESSAGE_UNITS_MAX

SIZE_MAX = 1 << 20  # of keys, in bits


def read_engines(
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
    batch = _batch(section.section("batch")) if section.has("batch") else None
    pool = EngineProfile(name, section.figure("count", 1, COUNT_MAX), batch)
    has_families = section.has("families")
    if has_families:
        families = section.section("families")
        for operation, price in _families(families, pool).items():
            claim(families, "", operation, operations)
            operations[operation] = price
    if section.has("operations") or not has_families:
        table = section.section("operations")
        if not table.table:
            raise table.refusal("", table.table, "at least one operation")
        for operation in table.table:
            claim(table, operation, operation, operations)
            operations[operation] = _operation(table.section(operation), pool, scale)
    section.finish()
    return pool


def _families(section: Section, pool: EngineProfile) -> dict[str, Operation]:
    """`[engines.POOL.families.NAME]`: one operation for each size, along a power law."""
    found: dict[str, Operation] = {}
    for name in section.table:
        family = section.section(name)
        pattern = family.text("operation")
        if pattern.count("{bits}") != 1:
            raise family.refusal(
                "operation", pattern, "a name with {bits} in it, as rsa{bits}-sign"
            )
        points = _points(family.section("points"))
        sizes = family.numbers("sizes", 1, SIZE_MAX) if family.has("sizes") else tuple(points)
        per_kib_ns = family.optional("per_kib_ns", 0, TIME_MAX_NS, 0)
        distribution = read_distribution(family)
        family.finish()
        for size in sizes:
            fixed_ns = along(points, size)
            if fixed_ns > TIME_MAX_NS:
                raise family.refusal("sizes", size, f"sizes of at most {TIME_MAX_NS} ns")
            operation = pattern.replace("{bits}", str(size))
            if operation in found:
                raise family.refusal("sizes", size, "each operation of the pool's families once")
            found[operation] = Operation(pool.name, fixed_ns, per_kib_ns, distribution)
    return found


def _points(section: Section) -> dict[int, int]:
    accepts = f"two or more sizes from 1 to {SIZE_MAX}, with times of at least 1 ns"
    for size in section.table:
        if not size.isdecimal() or not 1 <= int(size) <= SIZE_MAX or str(int(size)) != size:
            raise section.refusal(size, section.table[size], accepts)
    if len(section.table) < 2:
        raise section.refusal("", section.table, accepts)
    times = {int(size): section.figure(size, 1, TIME_MAX_NS) for size in section.table}
    return dict(sorted(times.items()))


def _batch(section: Section) -> BatchProfile:
    batch = BatchProfile(
        most=section.figure("count", 1, COUNT_MAX),
        wait_ns=section.time("wait_ns"),
        start_ns=section.time("start_ns"),
        max_bytes=section.figure("max_bytes", 0, MESSAGE_UNIT_BYTES * MESSAGE_UNITS_MAX),
    )
    section.finish()
    return batch


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
    per_kib_ns = section.optional("per_kib_ns", 0, TIME_MAX_NS, 0)
    distribution = read_distribution(section)
    section.finish()
    return Operation(pool.name, fixed_ns, per_kib_ns, distribution)


def read_distribution(section: Section) -> Distribution:
    """`distribution = { kind = .., source = .. }` of an operation; constant if there is none."""
    if not section.has("distribution"):
        return CONSTANT
    stated = section.section("distribution")
    stated.sources[stated.path] = stated.text("source")
    kind = stated.text("kind", ("constant", "exponential", "uniform", "empirical"))
    distribution = Distribution(kind)
    if kind == "uniform":
        distribution = Distribution(kind, _whole(stated, "spread_permille", 1000))
    elif kind == "empirical":
        permille = stated.numbers("permille", 0, 1_000_000)
        weights = stated.numbers("weights", 0, 1_000_000_000)
        if len(weights) != len(permille) or not sum(weights):
            raise stated.refusal("weights", list(weights), f"{len(permille)} numbers, not all 0")
        distribution = Distribution(kind, permille=permille, weights=weights)
    stated.finish()
    return distribution


def _whole(section: Section, key: str, most: int) -> int:
    value = section.take(key, f"a whole number from 0 to {most}")
    if type(value) is not int or not 0 <= value <= most:
        raise section.refusal(key, value, f"a whole number from 0 to {most}")
    return value


def claim(section: Section, key: str, operation: str, taken: dict[str, Operation]) -> None:
    if not NAME.fullmatch(operation):
        raise section.refusal(key, operation, "a name of lower-case letters, digits and hyphens")
    if operation in taken:
        owner = taken[operation].engine
        where = f"engines.{owner}.operations" if owner else "firmware.operations"
        raise section.refusal(key, operation, f"an operation not yet in {where}")
