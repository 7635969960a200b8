"""What get_xcp_info answers (AP sheet 7.4). Loaded when first asked, which few programs do."""

import hashlib
import struct
from typing import NamedTuple

from ghostcard import __version__
from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import blob, controlpoints, cprb, request, type6
from ghostcard.firmware.abi import information as wire
from ghostcard.firmware.abi.status import CKR_IBM_ERROR_STATE, CKR_IBM_PARAM_NOT_SUPPORTED
from ghostcard.firmware.ep11.contexts import STATE_SIZE
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.ep11.domainstate import Next
from ghostcard.firmware.ep11.wrapping import MODE
from ghostcard.firmware.mechanisms.curves import CURVES, OCTET_CURVES
from ghostcard.firmware.mechanisms.public import EXPONENT_SIZE, RSA_BITS, rsa_spki
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import MAX_BITS
from ghostcard.firmware.mechanisms.table import Table

FIRMWARE_ID = 0x47435350  # "GCSP"
NO_CLOCK = b"0" * 16  # the card keeps no time of day: its answers repeat from run to run
# Extended capabilities (id, value): no multi-data requests, no login sessions.
CAPABILITIES = ((6, 0), (12, 0), (13, 0))


class Facts(NamedTuple):
    """What the answers are made of, besides the domain asked about."""

    table: Table
    serial: bytes
    domains: tuple[int, ...]
    functions: tuple[int, ...]
    max_message_bytes: int


def answer(facts: Facts, domain: Domain, query: int, subquery: int) -> bytes:
    """The answer to one query; refused if there is none."""
    match query, subquery:
        case wire.API, 0:
            return request.API_ORDINAL.to_bytes(4, "big") + _config_hash(facts)
        case wire.MODULE, _:
            return _module(facts, subquery)
        case wire.DOMAINS, 0:
            return _mask(facts.domains, 32)
        case wire.DOMAIN, 0:
            return _domain(domain)
        case wire.SELFTEST, wire.SELFTEST_PASSING:
            facts.table.test_all()
            return len(facts.table.families()).to_bytes(4, "big")
        case wire.SELFTEST, wire.SELFTEST_FAILING:  # what a failed test looks like; none failed
            raise Refused(CKR_IBM_ERROR_STATE)
        case wire.EXT_CAPS, 0:
            return len(CAPABILITIES).to_bytes(4, "big")
        case wire.EXT_CAPLIST, 0:
            return b"".join(struct.pack(">II", *each) for each in CAPABILITIES)
        case wire.EC_CURVES, 0:
            return b"".join(curve.oid for curve in (*CURVES, *OCTET_CURVES))
    raise Refused(CKR_IBM_PARAM_NOT_SUPPORTED)


def _module(facts: Facts, subquery: int) -> bytes:
    match subquery:
        case wire.MODULE_DEFAULT:
            return wire.MODULE_LAYOUT.pack(_fields(facts))
        case wire.MODULE_TEXT:
            return f"Ghostcard EP11 coprocessor image {__version__}".encode("ascii")
        case wire.MODULE_FUNCTION_MASK:
            return _mask(facts.functions, wire.FUNCTION_MASK_SIZE)
        case wire.MODULE_FUNCTION_COUNT:
            return len(facts.functions).to_bytes(4, "big")
    raise Refused(CKR_IBM_PARAM_NOT_SUPPORTED)


def _fields(facts: Facts) -> wire.Module:
    bits = RSA_BITS[-1]
    return wire.Module(
        api_ordinal=request.API_ORDINAL,
        firmware_id=FIRMWARE_ID,
        firmware_version=bytes((1, 0)),
        csp_version=bytes((1, 0)),
        firmware_hash=hashlib.sha256(f"ghostcard {__version__}".encode("ascii")).digest(),
        config_hash=_config_hash(facts),
        csp_config_hash=bytes(32),
        serial=facts.serial,
        utc_time=NO_CLOCK,
        mode=MODE,
        flags=ck.CKF_RNG | ck.CKF_TOKEN_INITIALIZED,
        extended_flags=wire.EXTENDED_IMPLICIT_REJECTION,
        domains=len(facts.domains),
        symmetric_state_bytes=STATE_SIZE,
        digest_state_bytes=STATE_SIZE,
        pin_blob_bytes=0,
        spki_bytes=len(rsa_spki(1 << (bits - 1), (1 << 8 * EXPONENT_SIZE) - 1)),
        private_blob_bytes=blob.blob_bytes(ck.CKK_RSA, bits // 8),
        secret_blob_bytes=blob.blob_bytes(ck.CKK_GENERIC_SECRET, MAX_BITS // 8),
        max_payload_bytes=facts.max_message_bytes - type6.SIZE - cprb.EP11_SIZE,
        control_profile_bytes=controlpoints.SIZE,
        max_control_point=controlpoints.HIGHEST,
    )


def _config_hash(facts: Facts) -> bytes:
    """What can differ between two cards with this image: the mechanisms they offer."""
    numbers = facts.table.numbers()
    return hashlib.sha256(struct.pack(f">{len(numbers)}I", *numbers)).digest()


def _domain(domain: Domain) -> bytes:
    return wire.DOMAIN_LAYOUT.pack(
        wire.Domain(
            apqi=domain.index,
            current_pattern=domain.wrapping.pattern if domain.wrapping else bytes(32),
            next_pattern=domain.next_wrapping.pattern if domain.next_wrapping else bytes(32),
            flags=_flags(domain),
            mode=MODE,
        )
    )


def _flags(domain: Domain) -> int:
    state = domain.state
    flags = {
        wire.FLAG_ADMINISTRATORS: bool(state.administrators),
        wire.FLAG_CURRENT_KEY: domain.wrapping is not None,
        wire.FLAG_NEXT_KEY: domain.next_wrapping is not None,
        wire.FLAG_NEXT_COMMITTED: state.next is Next.COMMITTED,
        wire.FLAG_LEFT_IMPRINT: state.has_left_imprint,
    }
    return sum(flag for flag, holds in flags.items() if holds)


def _mask(members: tuple[int, ...], size: int) -> bytes:
    """Bit n, counted from the left, for each member n."""
    value = sum(1 << (8 * size - 1 - member) for member in set(members))
    return value.to_bytes(size, "big")
