"""Mechanisms on the wire, as docs/design.md, section 4, describes them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as p
from ghostcard.firmware.abi import mechanism
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.mechanism import Mechanism
from ghostcard.firmware.abi.parameters import (
    FAMILIES,
    Ccm,
    ChaCha20,
    ChaCha20Poly1305,
    Ctr,
    DesIv,
    Ecdh,
    Eddsa,
    Gcm,
    Iv,
    MacLength,
    Oaep,
    Parameters,
    Pss,
    Raw,
    mechanisms,
)

BLOCK = bytes(range(16))

# CKM_AES_CBC is 0x1082, CTR 0x1086, GCM 0x1087, RSA_PKCS_PSS 0xD, OAEP 9, ECDH1 0x1050, EDDSA
# 0x1057, SHA256_HMAC_GENERAL 0x252, SHA256 0x250 (PKCS #11 3.2, header).
GOLDEN: tuple[tuple[int, Parameters, str], ...] = (
    (p.CKM_SHA256, Raw(), "00000250"),
    (p.CKM_AES_CBC, Iv(BLOCK), "00001082" + BLOCK.hex()),
    (p.CKM_AES_CTR, Ctr(32, BLOCK), "00001086 00000020" + BLOCK.hex()),
    (p.CKM_AES_GCM, Gcm(128, b"\1\2\3", b"ad"), "00001087 00000080 00000003 010203 6164"),
    (p.CKM_RSA_PKCS_PSS, Pss(0x250, 2, 32), "0000000d 00000250 00000002 00000020"),
    (p.CKM_RSA_PKCS_OAEP, Oaep(0x250, 2, 1, b"L"), "00000009 00000250 00000002 00000001 4c"),
    (p.CKM_ECDH1_DERIVE, Ecdh(1, b"s", b"pt"), "00001050 00000001 00000001 73 7074"),
    (p.CKM_SHA256_HMAC_GENERAL, MacLength(16), "00000252 00000010"),
    (p.CKM_DES3_CBC, DesIv(BLOCK[:8]), "00000133" + BLOCK[:8].hex()),
    (
        p.CKM_AES_CCM,
        Ccm(5, 16, b"\1\2\3", b"ad"),
        "00001088 00000005 00000010 00000003 010203 6164",
    ),
    (p.CKM_CHACHA20, ChaCha20(b"\1\0\0\0", BLOCK), "00001226 00000004 01000000" + BLOCK.hex()),
    (p.CKM_CHACHA20_POLY1305, ChaCha20Poly1305(b"\1\2", b"ad"), "00004021 00000002 0102 6164"),
    (p.CKM_EDDSA, Eddsa(1, b"ctx"), "00001057 00000001 637478"),
    (p.CKM_EDDSA, Raw(), "00001057"),
    (0x80010007, Raw(b"xyz"), "80010007 78797a"),
)


@pytest.mark.parametrize(("id", "parameters", "golden"), GOLDEN)
def test_golden_bytes(id: int, parameters: Parameters, golden: str) -> None:
    packed = mechanism.pack(id, parameters)
    assert packed == bytes.fromhex(golden)
    assert mechanism.unpack(packed) == Mechanism(id, parameters)
    assert mechanism.identifier(packed) == id


@pytest.mark.parametrize(
    "packed",
    [
        "",
        "000010",
        "00001082",
        "00001082" + "00" * 15,
        "00001082" + "00" * 17,
        "00000133" + "00" * 7,
        "00000133" + "00" * 16,
        "00001088 00000005 00000010",
        "00001088 00000005 00000010 00000004 010203",
        "00001226 00000005 01000000",
        "00004021 00000002 01",
        "00001086" + "00" * 19,
        "00001086" + "00" * 21,
        "00001087 00000080",
        "00001087 00000080 00000004 010203",
        "0000000d 00000250 00000002",
        "0000000d 00000250 00000002 00000020 00",
        "00000009 00000250 00000002 000000",
        "00001050 00000001",
        "00001050 00000001 ffffffff 00",
        "00000252",
        "00000252 0000001000",
        "00001057 0000",
    ],
)
def test_malformed_parameters(packed: str) -> None:
    with pytest.raises(WireError):
        mechanism.unpack(bytes.fromhex(packed))


@pytest.mark.parametrize(
    ("id", "parameters"),
    [
        (p.CKM_AES_CBC, Raw(BLOCK)),
        (p.CKM_AES_CBC, Iv(BLOCK[:15])),
        (p.CKM_AES_CTR, Ctr(1, BLOCK + b"\0")),
        (p.CKM_AES_CTR, Ctr(-1, BLOCK)),
        (p.CKM_AES_GCM, Gcm(1 << 32, b"")),
        (p.CKM_SHA256, Iv(BLOCK)),
        (p.CKM_EDDSA, Raw(b"x")),
        (1 << 32, Raw()),
    ],
)
def test_parameters_of_another_family_or_size_are_not_packed(
    id: int, parameters: Parameters
) -> None:
    with pytest.raises(WireError):
        mechanism.pack(id, parameters)


U32 = st.integers(0, 0xFFFFFFFF)
BYTES = st.binary(max_size=40)
BLOCKS = st.binary(min_size=16, max_size=16)
HALVES = st.binary(min_size=8, max_size=8)
VALUES: st.SearchStrategy[tuple[int, Parameters]] = st.one_of(
    st.tuples(st.sampled_from(mechanisms(Iv)), st.builds(Iv, BLOCKS)),
    st.tuples(st.sampled_from(mechanisms(DesIv)), st.builds(DesIv, HALVES)),
    st.tuples(st.just(p.CKM_AES_CCM), st.builds(Ccm, U32, U32, BYTES, BYTES)),
    st.tuples(st.just(p.CKM_CHACHA20), st.builds(ChaCha20, BYTES, BYTES)),
    st.tuples(st.just(p.CKM_CHACHA20_POLY1305), st.builds(ChaCha20Poly1305, BYTES, BYTES)),
    st.tuples(st.just(p.CKM_AES_CTR), st.builds(Ctr, U32, BLOCKS)),
    st.tuples(st.just(p.CKM_AES_GCM), st.builds(Gcm, U32, BYTES, BYTES)),
    st.tuples(st.sampled_from(mechanisms(Pss)), st.builds(Pss, U32, U32, U32)),
    st.tuples(st.just(p.CKM_RSA_PKCS_OAEP), st.builds(Oaep, U32, U32, U32, BYTES)),
    st.tuples(st.just(p.CKM_ECDH1_DERIVE), st.builds(Ecdh, U32, BYTES, BYTES)),
    st.tuples(st.sampled_from(mechanisms(MacLength)), st.builds(MacLength, U32)),
    st.tuples(st.just(p.CKM_EDDSA), st.builds(Eddsa, U32, BYTES)),
    st.tuples(st.just(p.CKM_EDDSA), st.just(Raw())),
    st.tuples(U32.filter(lambda id: id not in FAMILIES), st.builds(Raw, BYTES)),
)


@given(VALUES)
def test_round_trip(value: tuple[int, Parameters]) -> None:
    assert mechanism.unpack(mechanism.pack(*value)) == Mechanism(*value)


@given(st.sampled_from(sorted(FAMILIES)), st.binary(max_size=40))
def test_any_bytes_parse_or_raise_wire_error(id: int, data: bytes) -> None:
    packed = id.to_bytes(4, "big") + data
    with suppress(WireError):
        found = mechanism.unpack(packed)
        assert mechanism.pack(*found) == packed
    with suppress(WireError):
        mechanism.unpack(data)
