"""The words of a trace: names and sizes for any bytes, and of bytes no more than their number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.module import attributes as table
from ghostcard.module import flat, tracing
from ghostcard.module.encoding import ulong
from ghostcard.module.names import flags, name
from tests.module.mechanisms import GCM, OAEP, PSS, SHA256
from tests.module.program import mechanism

HIDDEN = sorted(
    type
    for type, kind in table.KNOWN.items()
    if kind in (table.BYTES, table.BIG) and type not in tracing.SHOWN
)


@pytest.mark.parametrize("type", HIDDEN)
def test_of_bytes_only_their_number_is_told(type: int) -> None:
    told = tracing.template(flat.pack([(type, b"secret bytes")]))
    assert told == "{" + name("CKA", type) + ": 12 bytes}"


def test_an_attribute_nobody_knows_is_as_secret() -> None:
    told = tracing.template(flat.pack([(0x87654321, b"secret"), (ck.CKA_SIGN, b"secret")]))
    assert told == "{0x87654321: 6 bytes, CKA_SIGN: 6 bytes}"


def test_values_that_have_names() -> None:
    template = [
        (ck.CKA_CLASS, ulong(ck.CKO_DATA)),
        (ck.CKA_MODULUS_BITS, ulong(2048)),
        (ck.CKA_ALLOWED_MECHANISMS, ulong(ck.CKM_ECDSA) + ulong(1 << 40)),
        (ck.CKA_LABEL, b"a\nb"),
        (ck.CKA_LABEL, "\u00e4".encode()),
        (table.CKA_IBM_PROTKEY_EXTRACTABLE, b"\0"),
    ]
    assert tracing.template(flat.pack(template)) == (
        "{CKA_CLASS: CKO_DATA, CKA_MODULUS_BITS: 2048, "
        "CKA_ALLOWED_MECHANISMS: [CKM_ECDSA, 0x10000000000], CKA_LABEL: 610a62, CKA_LABEL: c3a4, "
        "CKA_IBM_PROTKEY_EXTRACTABLE: CK_FALSE}"
    )


def test_mechanisms() -> None:
    assert [tracing.mechanism(each) for each in (SHA256, GCM, PSS, OAEP)] == [
        "CKM_SHA256()",
        "CKM_AES_GCM(tag_bits=128, iv=12 bytes, aad=10 bytes)",
        "CKM_SHA256_RSA_PKCS_PSS(hash=CKM_SHA256, mgf=CKG_MGF1_SHA256, salt_bytes=32)",
        "CKM_RSA_PKCS_OAEP(hash=CKM_SHA256, mgf=CKG_MGF1_SHA256, source=CKZ_DATA_SPECIFIED, "
        "label=5 bytes)",
    ]
    assert tracing.mechanism(mechanism(ck.CKM_AES_GCM, b"cut")) == "CKM_AES_GCM(3 bytes)"
    assert tracing.mechanism(mechanism(0x80001234, b"raw")) == "0x80001234(data=3 bytes)"


def test_flags() -> None:
    both = ck.CKF_RW_SESSION | ck.CKF_SERIAL_SESSION
    assert tracing.call_flags("open_session", both) == "CKF_RW_SESSION|CKF_SERIAL_SESSION"
    assert flags("CKF", ck.CKF_SIGN | ck.CKF_VERIFY) == "CKF_SIGN|CKF_VERIFY"
    assert flags("CKF", 0) == "0"


@given(st.binary(max_size=200))
def test_any_bytes_have_words(data: bytes) -> None:
    assert tracing.template(data)
    assert tracing.mechanism(data)
