"""Plans of faults by the names of the wire: verbs, and fields of replies, are known here."""

from collections.abc import Iterable
from typing import Any

from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.faultplan import WIDTH_MAX, FaultPlan, FaultPlanError, Names, Rule, parse
from ghostcard.emulator.faultplan import rule as parse_rule


def load(path: str) -> FaultPlan:
    """The plan in a TOML file; `FaultPlanError` names file and key."""
    from ghostcard.emulator.document import read_document

    try:
        return parse(read_document(path), names())
    except ProfileError as error:
        raise FaultPlanError(str(error)) from None
    except FaultPlanError as error:
        raise FaultPlanError(f"{path}: {error}") from None


def rule(values: object) -> Rule:
    """One rule, as it stands in a plan."""
    return parse_rule(values, "", names())


def names() -> Names:
    """Verbs of EP11, and `layout.field` of every part of a reply."""
    from ghostcard.firmware.abi import cprb, type80, type86
    from ghostcard.firmware.abi.layout import Layout
    from ghostcard.firmware.abi.verbs import VERBS

    parts: dict[str, tuple[Layout[Any], int]] = {
        "type80": (type80.LAYOUT, 0),
        "type86": (type86.LAYOUT, 0),
        "ep11_cprb": (cprb.EP11_LAYOUT, type86.SIZE),
        "cprbx": (cprb.CPRBX_LAYOUT, type86.SIZE),
    }
    fields = {
        f"{part}.{field.name}": (start + field.offset, field.size)
        for part, (layout, start) in parts.items()
        for field in layout.fields
        if field.size <= WIDTH_MAX
    }
    return Names({verb.name: number for number, verb in VERBS.items()}, fields)


def check_cards(plan: FaultPlan, adapters: Iterable[int]) -> None:
    """Refuse a rule about a card that is not there."""
    there = sorted(adapters)
    for number, one in enumerate(plan.rules):
        if one.card >= 0 and one.card not in there:
            known = ", ".join(map(str, there))
            raise FaultPlanError(f"faults[{number}].card: got {one.card}, takes {known}")


def check_without_bytes(plan: FaultPlan) -> None:
    """Refuse a rule that changes bytes where requests have none."""
    for number, one in enumerate(plan.rules):
        if one.needs_bytes:
            raise FaultPlanError(
                f"faults[{number}].kind: got {one.kind!r}, takes a kind that changes no bytes: "
                "the requests of a scenario have sizes and no bytes"
            )
