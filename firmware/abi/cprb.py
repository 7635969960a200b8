"""Blocks behind a type 6 or 86 header: ep11_cprb (AP sheet 3.7) and CPRBX (AP sheet 3.4)."""

from typing import NamedTuple

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.layout import Field, Layout

EP11_SIZE = 32
EP11_VERSION = 0x04
EP11_FUNCTION = 0x5434  # "T4"
FLAG_ADMIN = 0x80
FLAG_SPECIAL = 0x20
NO_RETURN_CODE = 0xFFFFFFFF  # preset in a request

CPRBX_SIZE = 220
CPRBX_VERSION = 0x02
CPRBX_T2 = 0x5432
ANY_DOMAIN = 0xFFFF


class Ep11Cprb(NamedTuple):
    """The 32 bytes in front of an EP11 payload."""

    cprb_len: int = EP11_SIZE
    version: int = EP11_VERSION
    flags: int = 0
    func_id: int = EP11_FUNCTION
    source_id: int = 0
    target_id: int = 0
    ret_code: int = NO_RETURN_CODE
    payload_len: int = 0


EP11_LAYOUT = Layout(
    "ep11_cprb",
    Ep11Cprb,
    EP11_SIZE,
    Field("cprb_len", 0, 2, "0x0020"),
    Field("version", 2, 1, "0x04"),
    Field("flags", 5, 1, "0x80 management, 0x20 special command, 0 usage"),
    Field("func_id", 6, 2, "'T4'"),
    Field("source_id", 8, 4, "originator"),
    Field("target_id", 12, 4, "target domain (the APQI)"),
    Field("ret_code", 16, 4, "0xFFFFFFFF in a request"),
    Field("payload_len", 28, 4, "bytes of payload after the CPRB"),
)


class Cprbx(NamedTuple):
    """The 220 bytes in front of a CCA parameter block; lengths in bytes."""

    cprb_len: int = CPRBX_SIZE
    version: int = CPRBX_VERSION
    func_id: int = CPRBX_T2
    flags: int = 0
    req_parml: int = 0
    req_datal: int = 0
    rpl_msgbl: int = 0
    rpld_parml: int = 0
    rpl_datal: int = 0
    rpld_datal: int = 0
    req_extbl: int = 0
    rpld_extbl: int = 0
    req_parmb: bytes = bytes(16)
    req_datab: bytes = bytes(16)
    rpl_parmb: bytes = bytes(16)
    rpl_datab: bytes = bytes(16)
    req_extb: bytes = bytes(16)
    rpl_extb: bytes = bytes(16)
    ccp_rtcode: int = 0
    ccp_rscode: int = 0
    mac_data_len: int = 0
    logon_id: bytes = bytes(8)
    mac_value: bytes = bytes(8)
    mac_content_flags: int = 0
    domain: int = ANY_DOMAIN
    usage_domain: int = 0
    control_domain: int = 0
    s390enf_mask: int = 0


CPRBX_LAYOUT = Layout(
    "CPRBX",
    Cprbx,
    CPRBX_SIZE,
    Field("cprb_len", 0x00, 2, "0x00DC"),
    Field("version", 0x02, 1, "0x02"),
    Field("func_id", 0x06, 2, "'T2' usage; 'T3', 'T5', 'T6', 'T7' control"),
    Field("flags", 0x08, 4, "CPRB flags"),
    Field("req_parml", 0x0C, 4, "bytes of the request parameter block"),
    Field("req_datal", 0x10, 4, "bytes of request data"),
    Field("rpl_msgbl", 0x14, 4, "most bytes of the reply message block"),
    Field("rpld_parml", 0x18, 4, "bytes of reply parameters, set by the card"),
    Field("rpl_datal", 0x1C, 4, "most bytes of reply data"),
    Field("rpld_datal", 0x20, 4, "bytes of reply data, set by the card"),
    Field("req_extbl", 0x24, 4, "bytes of the request extension block"),
    Field("rpld_extbl", 0x2C, 4, "bytes of the reply extension block"),
    Field("req_parmb", 0x30, 16, "pointer slot, no meaning on the wire", raw=True),
    Field("req_datab", 0x40, 16, "pointer slot, no meaning on the wire", raw=True),
    Field("rpl_parmb", 0x50, 16, "pointer slot, no meaning on the wire", raw=True),
    Field("rpl_datab", 0x60, 16, "pointer slot, no meaning on the wire", raw=True),
    Field("req_extb", 0x70, 16, "pointer slot, no meaning on the wire", raw=True),
    Field("rpl_extb", 0x80, 16, "pointer slot, no meaning on the wire", raw=True),
    Field("ccp_rtcode", 0x90, 2, "return code"),
    Field("ccp_rscode", 0x92, 2, "reason code"),
    Field("mac_data_len", 0x94, 4, "bytes covered by the MAC"),
    Field("logon_id", 0x98, 8, "log-on identifier", raw=True),
    Field("mac_value", 0xA0, 8, "MAC", raw=True),
    Field("mac_content_flags", 0xA8, 1, "what the MAC covers"),
    Field("domain", 0xAA, 2, "target domain; 0xFFFF: any"),
    Field("usage_domain", 0xAC, 4, "usage domain"),
    Field("control_domain", 0xB0, 4, "control domain"),
    Field("s390enf_mask", 0xB4, 4, "enforcement mask"),
)


def pack_ep11(cprb: Ep11Cprb) -> bytes:
    """32 bytes."""
    return EP11_LAYOUT.pack(cprb)


def unpack_ep11(block: bytes, at: int = 0) -> Ep11Cprb:
    """The EP11 CPRB at offset `at`; WireError unless length, version and function id are right."""
    value = EP11_LAYOUT.unpack(block, at)
    if (value.cprb_len, value.version, value.func_id) != (EP11_SIZE, EP11_VERSION, EP11_FUNCTION):
        raise WireError(ReplyCode.FORMAT_FIELD, "ep11_cprb: unknown length, version or function id")
    return value


def pack_cprbx(cprb: Cprbx) -> bytes:
    """220 bytes."""
    return CPRBX_LAYOUT.pack(cprb)


def unpack_cprbx(block: bytes, at: int = 0) -> Cprbx:
    """The CPRBX at offset `at`; WireError unless its length and version are right."""
    value = CPRBX_LAYOUT.unpack(block, at)
    if (value.cprb_len, value.version) != (CPRBX_SIZE, CPRBX_VERSION):
        raise WireError(ReplyCode.FORMAT_FIELD, "CPRBX: unknown length or version")
    return value
