"""The answer to a CCA facility query: master key registers of a domain (AP sheet 3.9).

The rule array has the serial number and a state for each register, the data a verification pattern
for each. Entries of the data begin with their length (2 bytes, itself included) and two bytes of
zeros; between those of ASYM and AES lie 48 bytes without meaning here.
"""

from enum import Enum
from typing import NamedTuple

from ghostcard.firmware.abi.cca_function import RULE_BYTES, rule
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError


class MasterKey(Enum):
    """A kind of master key: bytes of its pattern; place of its states; places of its patterns,
    which are old, current and new.
    """

    SYM = (16, 1, (4, 24, 44))
    ASYM = (16, 4, (64, 84, 104))
    AES = (8, 7, (172, 184, 196))
    APKA = (8, 10, (208, 220, 232))

    @property
    def pattern_bytes(self) -> int:
        return self.value[0]

    @property
    def states_at(self) -> int:
        """In the rule array: new; then current and old."""
        return self.value[1]

    @property
    def patterns_at(self) -> tuple[int, int, int]:
        return self.value[2]


EMPTY, PARTIAL, FULL = b"1", b"2", b"3"  # of a new register
INVALID, VALID = b"1", b"2"  # of the others
_RULES = {b"STATICSA": 10, b"STATICSB": 13}  # elements, with which the answer is complete
_DATA = {b"STATICSA": 204, b"STATICSB": 240}  # bytes


class Registers(NamedTuple):
    """States as above; patterns, of zeros where there is none."""

    new_state: bytes
    current_state: bytes
    old_state: bytes
    new: bytes
    current: bytes
    old: bytes


class Facility(NamedTuple):
    """What a domain says of itself; STATICSA does not tell of APKA."""

    serial: bytes  # 8
    registers: dict[MasterKey, Registers]


def pack(facility: Facility, keyword: bytes) -> tuple[tuple[bytes, ...], bytes]:
    """Rule array and data of the answer to that keyword, which is one of the two."""
    rules = [facility.serial] + [b"".ljust(RULE_BYTES)] * (_RULES[keyword] - 1)
    data = bytearray(_DATA[keyword])
    for kind, found in facility.registers.items():
        if kind.states_at >= len(rules):
            continue
        for place, state in enumerate(found[:3], kind.states_at):
            rules[place] = rule(state.decode("ascii"))
        for at, pattern in zip(
            kind.patterns_at, (found.old, found.current, found.new), strict=True
        ):
            head = (len(pattern) + 4).to_bytes(2, "big") + bytes(2)
            data[at - 4 : at + len(pattern)] = head + pattern
    return tuple(rules), bytes(data)


def unpack(rules: tuple[bytes, ...], data: bytes, keyword: bytes) -> Facility:
    """The answer to that keyword; WireError if it is too short (AP sheet 3.9)."""
    if len(rules) < _RULES[keyword] or len(data) < _DATA[keyword]:
        raise WireError(ReplyCode.PACKET_TRUNCATED, "CCA facility: an answer that is too short")
    registers = {}
    for kind in MasterKey:
        if kind.states_at < _RULES[keyword]:
            states = [one[:1] for one in rules[kind.states_at : kind.states_at + 3]]
            old, current, new = (data[at : at + kind.pattern_bytes] for at in kind.patterns_at)
            registers[kind] = Registers._make((*states, new, current, old))
    return Facility(rules[0], registers)
