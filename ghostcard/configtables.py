"""A configuration as the tables of its TOML document, for whoever prints it or hands it on."""

from typing import Any

from ghostcard.config import NO_LIMITS, Config, apqn
from ghostcard.driver.timing import PACED
from ghostcard.module.names import name


def as_tables(config: Config) -> dict[str, Any]:
    """The configuration as its TOML document; what is at no value is left out."""
    cards = [
        _said(
            adapter=card.adapter,
            profile=card.profile,
            domains=list(card.domains),
            seed=card.seed,
            nvram=card.nvram,
        )
        for card in config.cards
    ]
    slots = [
        _said(
            id=slot.id,
            description=slot.description,
            apqns=[apqn(queue) for queue in slot.apqns],
            mechanisms=None
            if slot.mechanisms is None
            else [name("CKM", number) for number in sorted(slot.mechanisms)],
            limits=None if slot.limits == NO_LIMITS else _said(**slot.limits._asdict()),
        )
        for slot in config.slots
    ]
    if config.server is not None:  # whose the cards are
        return _said(server=config.server, slots=slots)
    access = [
        _said(
            uid=rule.uid,
            gid=rule.gid,
            apqns=None if rule.apqns is None else [apqn(queue) for queue in rule.apqns],
        )
        for rule in config.access
    ]
    whole = {"function": config.function, "seed": config.seed, "faults": config.faults}
    if config.time.clock == PACED:
        timing: dict[str, Any] = {"clock": PACED, "dilation": config.time.dilation}
    else:
        names = ("order", "think", "think_scale", "clients")
        timing = dict(zip(names, config.time.kept, strict=True))
        timing["clients"] = config.time.clients or None
    return _said(
        **whole,
        control=config.control or None,
        time=_said(**timing),
        cards=cards,
        slots=slots,
        access=access or None,
    )


def _said(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
