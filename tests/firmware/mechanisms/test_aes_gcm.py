"""AES-GCM against NIST's CAVS files: all IV, text, AAD and tag sizes, good and bad tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameters import Gcm
from ghostcard.firmware.mechanisms import aead, all_mechanisms
from ghostcard.firmware.mechanisms.aes_gcm import IV_BYTES, TAG_BITS
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import Case, cases
from tests.firmware.mechanisms.refusing import refuses

TABLE = all_mechanisms()
KEY = secret_key(ck.CKK_AES, bytes(range(16)))


def params(iv: bytes, aad: bytes = b"", tag_bits: int = 128) -> bytes:
    return wire.pack(ck.CKM_AES_GCM, Gcm(tag_bits, iv, aad))[4:]


def _usable(case: Case) -> bool:
    return "iv" in case.fields and len(case.hex("iv")) in IV_BYTES


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_cavs_encrypt(table: Table, bits: int) -> None:
    mechanism = table.find(ck.CKM_AES_GCM)
    found = [
        case
        for case in cases("ciphers", "AES", "GCM", f"gcmEncryptExtIV{bits}.rsp")
        if _usable(case) and 8 * len(case.hex("tag")) in TAG_BITS
    ]
    assert len(found) > 2000
    for case in found[::8]:
        key = secret_key(ck.CKK_AES, case.hex("key"))
        how = params(case.hex("iv"), case.hex("aad"), 8 * len(case.hex("tag")))
        sealed = case.hex("ct") + case.hex("tag")
        assert mechanism.encrypter(key)(how, case.hex("pt")) == sealed
        assert mechanism.decrypter(key)(how, sealed) == case.hex("pt")


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_cavs_decrypt(table: Table, bits: int) -> None:
    mechanism = table.find(ck.CKM_AES_GCM)
    found = [
        case
        for case in cases("ciphers", "AES", "GCM", f"gcmDecrypt{bits}.rsp")
        if _usable(case) and 8 * len(case.hex("tag")) in TAG_BITS
    ]
    refused = 0
    for case in found[::8]:
        decrypt = mechanism.decrypter(secret_key(ck.CKK_AES, case.hex("key")))
        how = params(case.hex("iv"), case.hex("aad"), 8 * len(case.hex("tag")))
        sealed = case.hex("ct") + case.hex("tag")
        if "fail" in case.fields:
            refused += 1
            with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
                decrypt(how, sealed)
        else:
            assert decrypt(how, sealed) == case.hex("pt")
    assert refused > 50


@given(
    iv=st.binary(min_size=8, max_size=40),
    aad=st.binary(max_size=40),
    data=st.binary(max_size=80),
    tag_bits=st.sampled_from(sorted(TAG_BITS)),
    cut=st.integers(0, 90),
)
def test_parts_give_what_the_whole_gives(
    iv: bytes, aad: bytes, data: bytes, tag_bits: int, cut: int
) -> None:
    mechanism, how = TABLE.find(ck.CKM_AES_GCM), params(iv, aad, tag_bits)
    whole = mechanism.encrypter(KEY)(how, data)
    assert len(whole) == mechanism.encrypted_bytes(KEY, how, len(data))
    assert mechanism.decrypted_bytes(KEY, how, len(whole)) == len(data)
    sealing = mechanism.encryption(KEY, how)
    parts = [sealing.update(data[:cut]), sealing.update(data[cut:])]
    assert [len(part) for part in parts] == [len(data[:cut]), len(data[cut:])]
    assert b"".join(parts) + sealing.finish() == whole
    opening = mechanism.decryption(KEY, how)
    assert opening.update(whole[:cut]) + opening.update(whole[cut:]) == b""
    assert opening.finish() == data


def test_a_change_of_any_bit_is_refused(table: Table) -> None:
    mechanism, how = table.find(ck.CKM_AES_GCM), params(bytes(12), b"head")
    sealed = mechanism.encrypter(KEY)(how, b"some text")
    decrypt = mechanism.decrypter(KEY)
    for bit in range(8 * len(sealed)):
        changed = (int.from_bytes(sealed, "big") ^ 1 << bit).to_bytes(len(sealed), "big")
        with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
            decrypt(how, changed)
        opening = mechanism.decryption(KEY, how)
        assert opening.update(changed) == b""
        with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
            opening.finish()
    for other in (params(bytes(11) + b"\1", b"head"), params(bytes(12), b"Head")):
        with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
            decrypt(other, sealed)


@pytest.mark.parametrize("size", range(16))
def test_shorter_than_its_tag(table: Table, size: int) -> None:
    with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        table.find(ck.CKM_AES_GCM).decrypter(KEY)(params(bytes(12)), bytes(size))


@pytest.mark.parametrize("tag_bits", [0, 8, 16, 31, 33, 120 + 1, 127, 129, 256])
def test_other_tag_sizes_are_refused(table: Table, tag_bits: int) -> None:
    mechanism, how = table.find(ck.CKM_AES_GCM), params(bytes(12), tag_bits=tag_bits)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.encrypter(KEY)(how, b"")
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.decryption(KEY, how)


@pytest.mark.parametrize("how", [params(bytes(7)), params(bytes(129)), params(b""), b"", bytes(7)])
def test_other_ivs_are_refused(table: Table, how: bytes) -> None:
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        table.find(ck.CKM_AES_GCM).encrypter(KEY)(how, b"")


@pytest.mark.parametrize("missing", range(1, 20))
def test_usual_parameters_cut_short(table: Table, missing: int) -> None:
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        table.find(ck.CKM_AES_GCM).encrypter(KEY)(params(bytes(12))[:-missing], b"")


def test_decryption_in_parts_is_bounded(table: Table) -> None:
    opening = table.find(ck.CKM_AES_GCM).decryption(KEY, params(bytes(12)))
    for _ in range(aead.DECRYPTION_LIMIT >> 20):
        opening.update(bytes(1 << 20))
    with refuses(ck.CKR_DATA_LEN_RANGE):
        opening.update(b"x")
