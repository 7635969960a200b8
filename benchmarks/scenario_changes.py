"""Figures of a scenario's cards that change on the way, each by an admin request to its card.

The request goes to the card's first domain at its time, as `Ep11Host.set_figure` sends it, unless
the run has ended; what a core fetches after it is priced by the new value. Its client's number
comes after those of the tenants, and it counts in none of their figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from ghostcard.benchmarks.closed_loop import Work
from ghostcard.benchmarks.scenario import Change, Scenario
from ghostcard.benchmarks.scenario_table import TIME_MAX_NS, Table
from ghostcard.benchmarks.workload import clients_of
from ghostcard.driver.shapes import figure_request
from ghostcard.emulator import figures
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.profile_section import TIME_MAX_NS as FIGURE_MAX_NS

if TYPE_CHECKING:
    from ghostcard.emulator.bus import Bus

ADMINISTERED = "ep11"  # the mode of cards that take the request
_OPERATION = "query"  # as the card records it


class Order(NamedTuple):
    """A change as a request: its client's number, the queue, what it is and its block."""

    change: Change
    client: int
    qid: int
    work: Work
    block: bytes


def read_changes(
    tables: Sequence[Table], profiles: Sequence[Profile], end_ns: int | None
) -> tuple[Change, ...]:
    """`[[changes]]`, one for each card, in order of time; `profiles` are those of the cards."""
    found = [change for table in tables for change in _changes(table, profiles, end_ns)]
    return tuple(sorted(found, key=lambda change: change.at_ns))


def _changes(table: Table, profiles: Sequence[Profile], end_ns: int | None) -> Iterator[Change]:
    table.only("at_ns", "cards", "key", "value")
    at_ns = table.integer("at_ns", 0, TIME_MAX_NS)
    if end_ns is not None and at_ns >= end_ns:
        raise table.refuse("at_ns", f"less than duration_ns, {end_ns}")
    key, value = table.text("key"), table.integer("value", 0, FIGURE_MAX_NS)
    for card in table.places("cards", len(profiles)):
        profile = profiles[card]
        if profile.mode != ADMINISTERED:
            takes = f"cards of mode {ADMINISTERED}, which have the admin request"
            raise table.refuse("cards", f"{takes}; card {card} is {profile.mode}")
        try:
            figures.with_figure(profile, key, value)
        except figures.UnknownFigure:
            near = get_close_matches(key, figures.changeable(profile), 2, 0.4)
            takes = f"a figure that can change: {' or '.join(near or figures.FORMS)}"
            raise table.refuse("key", takes) from None
        yield Change(at_ns, card, key, value)


def orders(scenario: Scenario) -> list[Order]:
    """The requests, in order of time."""
    return [
        _order(change, clients_of(scenario.tenants) + number)
        for number, change in enumerate(scenario.changes)
    ]


def _order(change: Change, client: int) -> Order:
    function, block, reply_bytes = figure_request(0, change.key, change.value)
    work = Work(_OPERATION, 0, function, len(block), reply_bytes)
    return Order(change, client, change.card << 8, work, block)


def carry_out(scenario: Scenario, bus: Bus) -> None:
    """Make all changes on the cards of a bus at once."""
    for order in orders(scenario):
        bus.perform(order.qid, order.block)


def changed(scenario: Scenario, array: Any) -> dict[int, int]:
    """When a core took each change that is in the records, in ns by its client."""
    if not scenario.changes:
        return {}
    array = array[array["client"] >= clients_of(scenario.tenants)]
    return dict(zip(array["client"].tolist(), array["fetched"].tolist(), strict=True))


def of_tenants(scenario: Scenario, array: Any) -> Any:
    """The records of the tenants' requests."""
    return array[array["client"] < clients_of(scenario.tenants)] if scenario.changes else array
