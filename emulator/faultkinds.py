"""The kinds of fault: where each strikes, and what a plan has to say of it. docs/faults.md has the
same table for readers.

A fault strikes at one of five points:

    instruction  the bus refuses an AP instruction
    request      a message that NQAP has accepted fares badly on its way through the card
    reply        what DQAP hands over of a message is not what the card built
    interrupt    the host is not told
    card         a queue or a whole card changes its state
"""

from typing import Final, NamedTuple

INSTRUCTION: Final = "instruction"
REQUEST: Final = "request"
REPLY: Final = "reply"
INTERRUPT: Final = "interrupt"
CARD: Final = "card"


class Kind(NamedTuple):
    """`needs` and `takes` are keys of the plan; one of each group in `one_of` is needed."""

    point: str
    meaning: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    needs_bytes: bool = False  # only a request that carries bytes can meet it


KINDS: Final[dict[str, Kind]] = {
    "response": Kind(
        INSTRUCTION,
        "an instruction is not executed and answers with a response code",
        ("instruction", "code"),
        ("asynchronous",),
    ),
    "queue-full": Kind(INSTRUCTION, "NQAP finds no room: code 10, F bit"),
    "delay": Kind(REQUEST, "the card takes the message that much later", ("delay_ns",)),
    "drop": Kind(REQUEST, "never answered; it stays in hardware until a reset"),
    "lose": Kind(REQUEST, "gone from the hardware, as if it had never been enqueued"),
    "slow-engine": Kind(
        REQUEST, "its engine takes so many thousandths of its time", ("engine_permille",)
    ),
    "stuck-engine": Kind(
        REQUEST, "its engine does not let go of it for a time, or until a reset", (), ("for_ns",)
    ),
    "reply-code": Kind(
        REPLY, "an error reply of 8 bytes in the place of the answer", ("code",), ("type",)
    ),
    "truncate": Kind(REPLY, "only the first bytes of the reply", ("bytes",), (), True),
    "corrupt": Kind(
        REPLY,
        "a field of the reply has another value",
        (),
        ("field", "offset", "width", "value", "flip"),
        True,
    ),
    "swap": Kind(REPLY, "two replies of a queue have each other's PSMIDs", (), (), True),
    "duplicate": Kind(REPLY, "the reply is there a second time"),
    "lost-interrupt": Kind(INTERRUPT, "an adapter interrupt does not arrive"),
    "reset": Kind(CARD, "a queue is in reset for a time, and empty", ("for_ns",)),
    "deconfigure": Kind(CARD, 'the adapter is in standby ("config off")', (), ("for_ns",)),
    "checkstop": Kind(CARD, "the adapter has a hardware error", (), ("for_ns",)),
    "pull": Kind(CARD, "the card is pulled; with for_ns it is put back", (), ("for_ns",)),
    "zeroise": Kind(CARD, "the secrets of a domain are destroyed, its wrapping key too"),
    "power-loss": Kind(
        CARD,
        "the card has no power for a time; with nvram_byte, in the middle of a write to NVRAM",
        ("for_ns",),
        ("nvram_byte",),
    ),
}
