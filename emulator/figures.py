"""Figures of a profile that may change while a card runs: what its firmware prices requests by."""

from typing import Any

from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.profile import Operation, Profile
from ghostcard.emulator.profile_section import TIME_MAX_NS

FIRMWARE = ("decode_ns", "decode_per_kib_ns", "unwrap_ns")
OPERATION = ("fixed_ns", "per_kib_ns")
FORMS = (
    f"firmware.{{{','.join(FIRMWARE)}}}",
    f"engines.POOL.operations.OPERATION.{{{','.join(OPERATION)}}}",
)


class UnknownFigure(ProfileError):
    """There is no such figure, or it cannot change while a card runs."""


def with_figure(profile: Profile, key: str, value: int) -> tuple[Profile, int]:
    """The profile with the figure of this dotted key at `value` ns, and what it was before.

    `UnknownFigure` for a key that is none of FORMS, `ProfileError` for a value out of range.
    """
    section, _, field = key.rpartition(".")
    replaced: dict[str, Any] = {field: value}
    if section == "firmware" and field in FIRMWARE:
        before = getattr(profile.firmware, field)
        changed = profile._replace(firmware=profile.firmware._replace(**replaced))
    else:
        operation, price = _operation(profile, key)
        before = getattr(price, field)
        operations = {**profile.operations, operation: price._replace(**replaced)}
        changed = profile._replace(operations=operations)
    if type(value) is not int or not 0 <= value <= TIME_MAX_NS:
        raise ProfileError(
            f"profile {profile.name}: {key}: got {value!r}, "
            f"expected a whole number from 0 to {TIME_MAX_NS}"
        )
    return changed, before


def changeable(profile: Profile) -> list[str]:
    """The keys of all figures of a profile that can change."""
    firmware = [f"firmware.{field}" for field in FIRMWARE]
    return firmware + [
        f"engines.{price.engine}.operations.{operation}.{field}"
        for operation, price in profile.operations.items()
        if price.engine
        for field in OPERATION
    ]


def _operation(profile: Profile, key: str) -> tuple[str, Operation]:
    parts = key.split(".")
    if len(parts) == 5 and (parts[0], parts[2]) == ("engines", "operations"):
        price = profile.operations.get(parts[3])
        if price and price.engine and price.engine == parts[1] and parts[4] in OPERATION:
            return parts[3], price
    raise UnknownFigure(
        f"profile {profile.name}: {key}: no figure that a running card can change; "
        f"those are {' and '.join(FORMS)}"
    )
