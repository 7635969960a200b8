"""Answers of get_xcp_info: query types, and the layouts of module and domain (AP sheet 7.4).

The sheet gives MODULE and DOMAIN; the API answer is ours: ordinal u32, configuration hash 32 bytes.
"""

from typing import NamedTuple

from ghostcard.firmware.abi.layout import Field, Layout

API = 0
MODULE = 1
DOMAINS = 2
DOMAIN = 3
SELFTEST = 4
EXT_CAPS = 5
EXT_CAPLIST = 6
EC_CURVES = 10

MODULE_DEFAULT = 0
MODULE_TEXT = 1
MODULE_FUNCTION_MASK = 2
MODULE_FUNCTION_COUNT = 3

SELFTEST_PASSING = 0
SELFTEST_FAILING = 1

FLAG_ADMINISTRATORS = 0x01
FLAG_CURRENT_KEY = 0x02
FLAG_NEXT_KEY = 0x04
FLAG_NEXT_COMMITTED = 0x08
FLAG_LEFT_IMPRINT = 0x10
EXTENDED_IMPLICIT_REJECTION = 0x2000  # of RSA decryption

FUNCTION_MASK_SIZE = 16  # bytes; function id n is bit n, counted from the left


class Module(NamedTuple):
    """MODULE: sizes in bytes; texts in ASCII, filled with zeros; versions major, minor."""

    api_ordinal: int
    firmware_id: int
    firmware_version: bytes
    csp_version: bytes
    firmware_hash: bytes
    config_hash: bytes
    csp_config_hash: bytes
    serial: bytes
    utc_time: bytes
    mode: int
    flags: int
    extended_flags: int
    domains: int
    symmetric_state_bytes: int
    digest_state_bytes: int
    pin_blob_bytes: int
    spki_bytes: int
    private_blob_bytes: int
    secret_blob_bytes: int
    max_payload_bytes: int
    control_profile_bytes: int
    max_control_point: int


MODULE_LAYOUT = Layout(
    "module information",
    Module,
    196,
    Field("api_ordinal", 0, 4, "API ordinal"),
    Field("firmware_id", 4, 4, "firmware identifier"),
    Field("firmware_version", 8, 2, "major, minor", raw=True),
    Field("csp_version", 10, 2, "major, minor", raw=True),
    Field("firmware_hash", 12, 32, "of the image", raw=True),
    Field("config_hash", 44, 32, "of its configuration", raw=True),
    Field("csp_config_hash", 76, 32, "of the platform's configuration", raw=True),
    Field("serial", 108, 16, "serial number", raw=True),
    Field("utc_time", 124, 16, "YYYYMMDDHHMMSS and hundredths", raw=True),
    Field("mode", 140, 8, "operating mode: compliance bits"),
    Field("flags", 148, 4, "CKF_* of the token"),
    Field("extended_flags", 152, 4, "what else the module can do"),
    Field("domains", 156, 4, "count of domains"),
    Field("symmetric_state_bytes", 160, 4, "largest state blob of a cipher"),
    Field("digest_state_bytes", 164, 4, "largest state blob of a digest"),
    Field("pin_blob_bytes", 168, 4, "largest PIN blob"),
    Field("spki_bytes", 172, 4, "largest public key"),
    Field("private_blob_bytes", 176, 4, "largest blob of a private key"),
    Field("secret_blob_bytes", 180, 4, "largest blob of a secret key"),
    Field("max_payload_bytes", 184, 4, "largest request payload"),
    Field("control_profile_bytes", 188, 4, "size of a control point profile"),
    Field("max_control_point", 192, 4, "highest control point"),
)


class Domain(NamedTuple):
    """DOMAIN: verification patterns of the wrapping keys are 32 bytes, zeros if there is none."""

    apqi: int
    current_pattern: bytes
    next_pattern: bytes
    flags: int
    mode: int


DOMAIN_LAYOUT = Layout(
    "domain information",
    Domain,
    80,
    Field("apqi", 0, 4, "the domain"),
    Field("current_pattern", 4, 32, "of the current wrapping key", raw=True),
    Field("next_pattern", 36, 32, "of the next wrapping key", raw=True),
    Field("flags", 68, 4, "state of the domain"),
    Field("mode", 72, 8, "operating mode: compliance bits"),
)
