"""Hashes against NIST's CAVS files (SHA-1, SHA-2, SHA-3), RFC 7693 and another BLAKE2b."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import all_mechanisms
from ghostcard.firmware.mechanisms.hashes import BLAKE2B_512, HASHES, Hash, opener
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases

BLAKE2B = [each for each in HASHES if each.operation == "blake2b"]
CAVS = [each for each in HASHES if each not in BLAKE2B]


@pytest.mark.parametrize("which", CAVS, ids=lambda each: each.name)
@pytest.mark.parametrize("kind", ["ShortMsg", "LongMsg"])
def test_cavs(table: Table, which: Hash, kind: str) -> None:
    folder = {"sha1": "SHA1", "sha3": "SHA3"}.get(which.name.split("_")[0], "SHA2")
    mechanism = table.find(which.digest)
    digest = mechanism.hasher()
    seen = 0
    for case in cases("hashes", folder, f"{which.name.upper()}{kind}.rsp"):
        if "msg" not in case.fields:
            continue
        message = case.hex("msg")[: int(case.fields["len"]) // 8]
        sink = mechanism.hash_sink()
        sink.update(message[:70])
        sink.update(message[70:])
        assert digest(message) == case.hex("md") == sink.digest()
        seen += 1
    assert seen >= 64


def test_blake2b_of_512_bits(table: Table) -> None:
    """The vectors of the reference implementation, which RFC 7693 has from there."""
    digest = table.find(BLAKE2B_512.digest).hasher()
    found = list(cases("hashes", "blake2", "blake2b.txt"))
    assert len(found) == 7
    for case in found:
        message = case.hex("msg")[: int(case.fields["len"]) // 8]
        assert digest(message) == case.hex("md")


@pytest.mark.parametrize("which", BLAKE2B, ids=lambda each: each.name)
@settings(max_examples=5, deadline=None)
@given(data=st.binary(max_size=400))
def test_blake2b_of_every_size_is_that_of_the_coreutils(which: Hash, data: bytes) -> None:
    command = ["b2sum", "-l", str(8 * which.size)]
    other = subprocess.run(command, input=data, capture_output=True, check=True).stdout
    digest = all_mechanisms().find(which.digest).hasher()
    assert digest(data).hex() == other.split()[0].decode()


@pytest.mark.parametrize("which", HASHES, ids=lambda each: each.name)
def test_sizes_and_names(table: Table, which: Hash) -> None:
    mechanism = table.find(which.digest)
    assert mechanism.digest_bytes() == which.size == len(opener(which)(b"").digest())
    assert mechanism.keyless_operation() == which.operation
    assert (mechanism.minimum, mechanism.maximum) == (0, 0)
    assert mechanism.flags == ck.CKF_HW | ck.CKF_DIGEST
