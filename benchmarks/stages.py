"""Where the host time of one call goes, between the C entry and the cryptography, in microseconds.

    python -m ghostcard.benchmarks.stages [--rounds 20] [--json FILE]

One Init and the call after it, of messages that fit into one request. The path is cut at every
layer: each layer's own call is timed, with all below it, in this process and in turns, and a
stage's time is what a layer takes beyond the next one. "C entry, crossing" is what the C client
takes beyond all of it, in a process of its own; so it is the one that is not exact.
"""

import json
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter_ns
from typing import NamedTuple

import click

from ghostcard import pkcs11 as ck
from ghostcard.benchmarks.client import Measurement, build, measure
from ghostcard.benchmarks.provenance import provenance
from ghostcard.firmware.abi import reply, request
from ghostcard.library import library
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.session import Session

PIN, SO_PIN = b"12345678", b"87654321"  # of a token that lives for one run
CALLS_US = 4_000  # a layer is called for so long in each round
MESSAGE = 1024


class Case(NamedTuple):
    """An operation of the C client, and how a program asks for it: `use` names the method."""

    operation: str
    use: str
    mechanism: bytes
    message: bytes


class Stages(NamedTuple):
    """Microseconds of each stage of a call, outermost first."""

    operation: str
    stages: dict[str, float]


def mechanism(number: int, parameters: bytes = b"") -> bytes:
    """As it is inside the library (docs/design.md)."""
    return number.to_bytes(4, "big") + parameters


_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_GCM = bytes((0, 0, 0, 128, 0, 0, 0, 12)) + bytes(12)
CASES = (
    Case("rsa2048-sign", "sign", mechanism(ck.CKM_RSA_PKCS), _DIGEST_INFO + bytes(32)),
    Case("ecdsa-p256-sign", "sign", mechanism(ck.CKM_ECDSA), bytes(32)),
    Case("aes-256-gcm", "encrypt", mechanism(ck.CKM_AES_GCM, _GCM), bytes(MESSAGE)),
    Case("aes-256-gcm:49152", "encrypt", mechanism(ck.CKM_AES_GCM, _GCM), bytes(49152)),
    Case("hmac-sha256", "sign", mechanism(ck.CKM_SHA256_HMAC), bytes(MESSAGE)),
)


def make_key(cryptoki: Cryptoki, session: int, operation: str) -> int:
    """Handle of a session key for the operation."""
    yes, sign, encrypt = b"\1", ck.CKA_SIGN, ck.CKA_ENCRYPT
    name, size = operation.partition("-")[0], (32).to_bytes(8, "little")
    if name == "aes":
        template = [(encrypt, yes), (ck.CKA_VALUE_LEN, size)]
        return cryptoki.generate_key(session, mechanism(ck.CKM_AES_KEY_GEN), template)
    if name == "hmac":
        template = [(sign, yes), (ck.CKA_VALUE_LEN, size)]
        return cryptoki.generate_key(session, mechanism(ck.CKM_GENERIC_SECRET_KEY_GEN), template)
    if name == "rsa2048":
        number, public = (
            ck.CKM_RSA_PKCS_KEY_PAIR_GEN,
            (ck.CKA_MODULUS_BITS, (2048).to_bytes(8, "little")),
        )
    else:
        number, public = (
            ck.CKM_EC_KEY_PAIR_GEN,
            (ck.CKA_EC_PARAMS, bytes.fromhex("06082a8648ce3d030107")),
        )
    return cryptoki.generate_key_pair(session, mechanism(number), [public], [(sign, yes)])[1]
