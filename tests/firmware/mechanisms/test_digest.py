"""Hashes against NIST's CAVS files (SHA-1, SHA-2 short and long messages)."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, opener
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases


@pytest.mark.parametrize("which", HASHES, ids=lambda each: each.name)
@pytest.mark.parametrize("kind", ["ShortMsg", "LongMsg"])
def test_cavs(table: Table, which: Hash, kind: str) -> None:
    folder = "SHA1" if which.name == "sha1" else "SHA2"
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


@pytest.mark.parametrize("which", HASHES, ids=lambda each: each.name)
def test_sizes_and_names(table: Table, which: Hash) -> None:
    mechanism = table.find(which.digest)
    assert mechanism.digest_bytes() == which.size == len(opener(which)(b"").digest())
    assert mechanism.keyless_operation() == which.name.split("_")[0]
    assert (mechanism.minimum, mechanism.maximum) == (0, 0)
    assert mechanism.flags == ck.CKF_HW | ck.CKF_DIGEST
