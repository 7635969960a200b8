"""What a card or queue says of itself, as sysfs has it: serial numbers, versions, keys, modes.

(AP sheet 5.2, 5.3.) A card that cannot be asked gives what sysfs then shows.
"""

from ghostcard.driver.cca import CcaHost
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError
from ghostcard.driver.port import Port
from ghostcard.firmware.abi import cca_function, information
from ghostcard.firmware.abi.cca_facility import MasterKey
from ghostcard.firmware.abi.information import DOMAIN_LAYOUT, MODULE_LAYOUT, Domain, Module

OP_MODES = (
    *("FIPS2009", "BSI2009", "FIPS2011", "BSI2011", "SIGG-IMPORT", "SIGG"),
    *("BSICC2017", "FIPS2021", "FIPS2024"),
)
_KINDS = (MasterKey.AES, MasterKey.APKA, MasterKey.ASYM)
_NEW_STATES = {b"1": "empty", b"2": "partial", b"3": "full"}
_OTHER_STATES = {b"1": "invalid", b"2": "valid"}


def module(port: Port, qid: int) -> Module | None:
    """An EP11 module; None if it does not answer."""
    try:
        found = Ep11Host(port, (qid,)).get_xcp_info(information.MODULE)
    except DriverError:
        return None
    return MODULE_LAYOUT.unpack(found)


def domain(port: Port, qid: int) -> Domain | None:
    """An EP11 domain; None if it does not answer."""
    try:
        found = Ep11Host(port, (qid,)).get_xcp_info(information.DOMAIN)
    except DriverError:
        return None
    return DOMAIN_LAYOUT.unpack(found)


def cca_serial(port: Port, qid: int) -> str:
    """Eight characters; nothing if the coprocessor does not answer."""
    try:
        return CcaHost(port, (qid,)).facility(cca_function.STATICSA).serial.decode("ascii")
    except DriverError:
        return ""


def op_modes(bits: int) -> str:
    """The words of compliance bits."""
    return " ".join(word for place, word in enumerate(OP_MODES) if bits >> place & 1)


def cca_keys(port: Port, qid: int) -> str:
    """Nine lines on the master keys."""
    try:
        found = CcaHost(port, (qid,)).facility().registers
    except DriverError:
        return "".join(
            f"{kind.name} {one}: - -\n" for kind in _KINDS for one in ("NEW", "CUR", "OLD")
        )
    lines = []
    for kind in _KINDS:
        each = found[kind]
        new = _NEW_STATES.get(each.new_state, "-")
        lines.append(f"{kind.name} NEW: {new} 0x{each.new.hex()}\n")
        for name, state, pattern in (
            ("CUR", each.current_state, each.current),
            ("OLD", each.old_state, each.old),
        ):
            lines.append(f"{kind.name} {name}: {_OTHER_STATES.get(state, '-')} 0x{pattern.hex()}\n")
    return "".join(lines)


def ep11_keys(port: Port, qid: int) -> str:
    """Two lines on the wrapping keys."""
    found = domain(port, qid)
    if found is None:
        return "WK CUR: - -\nWK NEW: - -\n"
    current, new = "WK CUR: invalid -\n", "WK NEW: empty -\n"
    if found.flags & information.FLAG_CURRENT_KEY:
        current = f"WK CUR: valid 0x{found.current_pattern.hex()}\n"
    if found.flags & information.FLAG_NEXT_KEY:
        committed = found.flags & information.FLAG_NEXT_COMMITTED
        state = "committed" if committed else "uncommitted"
        new = f"WK NEW: {state} 0x{found.next_pattern.hex()}\n"
    return current + new
