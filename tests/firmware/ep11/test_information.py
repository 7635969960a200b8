"""What the card tells of itself: mechanisms and get_xcp_info."""

import struct

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import information as wire
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.status import CKR_IBM_ERROR_STATE, CKR_IBM_PARAM_NOT_SUPPORTED
from ghostcard.firmware.mechanisms import aes_gcm
from ghostcard.firmware.mechanisms.directory import FAMILIES
from tests.firmware.ep11.caller import Caller, Services, gcm, u32

# Mechanism, least and most key size, and flags besides CKF_HW.
SIGNS = ck.CKF_SIGN | ck.CKF_VERIFY
CRYPTS = ck.CKF_ENCRYPT | ck.CKF_DECRYPT
WRAPS = ck.CKF_WRAP | ck.CKF_UNWRAP
EC = ck.CKF_EC_F_P | ck.CKF_EC_OID | ck.CKF_EC_UNCOMPRESS
EDWARDS = ck.CKF_EC_F_P | ck.CKF_EC_OID | ck.CKF_EC_CURVENAME
EXPECTED = {
    ck.CKM_RSA_PKCS_KEY_PAIR_GEN: (1024, 16384, ck.CKF_GENERATE_KEY_PAIR),
    ck.CKM_RSA_PKCS: (512, 16384, SIGNS | CRYPTS | WRAPS),
    ck.CKM_RSA_PKCS_OAEP: (512, 16384, CRYPTS | WRAPS),
    ck.CKM_RSA_PKCS_PSS: (512, 16384, SIGNS),
    ck.CKM_SHA1_RSA_PKCS: (512, 16384, SIGNS),
    ck.CKM_SHA512_RSA_PKCS_PSS: (512, 16384, SIGNS),
    ck.CKM_EC_KEY_PAIR_GEN: (192, 521, ck.CKF_GENERATE_KEY_PAIR | EC),
    ck.CKM_ECDSA: (192, 521, SIGNS | EC),
    ck.CKM_ECDSA_SHA512: (192, 521, SIGNS | EC),
    ck.CKM_ECDH1_DERIVE: (192, 521, ck.CKF_DERIVE | EC),
    ck.CKM_EC_EDWARDS_KEY_PAIR_GEN: (255, 448, ck.CKF_GENERATE_KEY_PAIR | EDWARDS),
    ck.CKM_EDDSA: (255, 448, SIGNS | EDWARDS),
    ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN: (255, 448, ck.CKF_GENERATE_KEY_PAIR | EDWARDS),
    ck.CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS: (192, 521, ck.CKF_GENERATE_KEY_PAIR | EC),
    ck.CKM_RSA_X_509: (512, 16384, SIGNS | CRYPTS | WRAPS),
    ck.CKM_SHA3_384_RSA_PKCS: (512, 16384, SIGNS),
    ck.CKM_RSA_AES_KEY_WRAP: (512, 16384, WRAPS),
    ck.CKM_ECDH_AES_KEY_WRAP: (192, 521, WRAPS | EC),
    ck.CKM_DSA_PARAMETER_GEN: (1024, 3072, ck.CKF_GENERATE),
    ck.CKM_DSA_KEY_PAIR_GEN: (1024, 4096, ck.CKF_GENERATE_KEY_PAIR),
    ck.CKM_DSA_SHA3_512: (1024, 4096, SIGNS),
    ck.CKM_DH_PKCS_PARAMETER_GEN: (768, 8192, ck.CKF_GENERATE),
    ck.CKM_DH_PKCS_DERIVE: (512, 8192, ck.CKF_DERIVE),
    ck.CKM_X9_42_DH_DERIVE: (512, 8192, ck.CKF_DERIVE),
    ck.CKM_PUB_KEY_FROM_PRIV_KEY: (0, 16384, ck.CKF_DERIVE),
    ck.CKM_AES_KEY_GEN: (16, 32, ck.CKF_GENERATE),
    ck.CKM_AES_ECB: (16, 32, CRYPTS | WRAPS),
    ck.CKM_AES_CBC: (16, 32, CRYPTS | WRAPS),
    ck.CKM_AES_CBC_PAD: (16, 32, CRYPTS | WRAPS),
    ck.CKM_AES_CTR: (16, 32, CRYPTS | WRAPS),
    ck.CKM_AES_GCM: (16, 32, CRYPTS | WRAPS),
    ck.CKM_AES_CCM: (16, 32, CRYPTS | WRAPS),
    ck.CKM_AES_KEY_WRAP: (16, 32, CRYPTS | WRAPS),
    ck.CKM_AES_CMAC_GENERAL: (16, 32, SIGNS),
    ck.CKM_AES_XCBC_MAC: (16, 16, SIGNS),
    ck.CKM_AES_XTS: (32, 64, CRYPTS | WRAPS),
    ck.CKM_AES_XTS_KEY_GEN: (32, 64, ck.CKF_GENERATE),
    ck.CKM_DES3_CBC: (16, 24, CRYPTS | WRAPS),
    ck.CKM_DES3_KEY_GEN: (24, 24, ck.CKF_GENERATE),
    ck.CKM_DES_MAC: (8, 8, SIGNS),
    ck.CKM_CHACHA20_POLY1305: (32, 32, CRYPTS | WRAPS),
    ck.CKM_POLY1305: (32, 32, SIGNS),
    ck.CKM_SHA3_256_KEY_GEN: (8, 16384, ck.CKF_GENERATE),
    ck.CKM_GENERIC_SECRET_KEY_GEN: (8, 16384, ck.CKF_GENERATE),
    ck.CKM_SHA256: (0, 0, ck.CKF_DIGEST),
    ck.CKM_SHA256_HMAC: (8, 16384, SIGNS),
    ck.CKM_SHA_1_HMAC_GENERAL: (8, 16384, SIGNS),
}


def test_the_list_is_sorted_and_each_has_information(card: Caller) -> None:
    answer = card.call(verbs.GET_MECHANISM_LIST)
    assert (answer.operation, answer.payload_bytes) == ("query", 0)
    numbers = struct.unpack(f">{len(answer.values[0]) // 4}I", answer.values[0])
    assert list(numbers) == sorted(set(numbers))
    assert set(EXPECTED) < set(numbers)
    for number in numbers:
        least, most, flags = struct.unpack(
            ">III", card.ask(verbs.GET_MECHANISM_INFO, u32(number))[0]
        )
        assert flags & ck.CKF_HW
        if number in EXPECTED:
            assert (least, most, flags & ~ck.CKF_HW) == EXPECTED[number]


def test_information_on_an_unknown_mechanism(card: Caller) -> None:
    card.refused(ck.CKR_MECHANISM_INVALID, verbs.GET_MECHANISM_INFO, u32(0x7FFFFFFF))


def query(card: Caller, kind: int, sub: int = 0) -> bytes:
    return card.ask(verbs.GET_XCP_INFO, u32(kind), u32(sub))[0]


def test_module(card: Caller) -> None:
    found = query(card, wire.MODULE)
    assert len(found) == 196
    # AP sheet 7.4: ordinal @0, versions @8, serial @108, domains @156, sizes from @160.
    assert found[0:4] == u32(6)
    assert found[108:124].isalnum()
    assert found[152:160] == u32(0x2000) + u32(2)
    assert found[160:168] == u32(64) + u32(64)
    assert found == query(card, wire.MODULE)
    module = wire.MODULE_LAYOUT.unpack(found)
    assert module.max_payload_bytes == card.services.profile.queue.max_message_bytes - 120
    assert module.private_blob_bytes == 9536
    assert module.secret_blob_bytes == 2240


def test_the_serial_number_stays_with_the_card() -> None:
    first = Caller(Services(seed=1))
    again = Caller(Services(seed=2, nvram=first.services.nvram))
    other = Caller(Services(seed=3))
    serials = [query(each, wire.MODULE)[108:124] for each in (first, again, other)]
    assert serials[0] == serials[1] != serials[2]


def test_module_details(card: Caller) -> None:
    text = query(card, wire.MODULE, wire.MODULE_TEXT)
    assert text.startswith(b"Ghostcard EP11 coprocessor image ")
    mask = int.from_bytes(query(card, wire.MODULE, wire.MODULE_FUNCTION_MASK), "big")
    served = {function for function in range(128) if mask >> (127 - function) & 1}
    assert served == set(verbs.VERBS)
    assert query(card, wire.MODULE, wire.MODULE_FUNCTION_COUNT) == u32(len(served))


def test_domain(card: Caller) -> None:
    for domain in (0, 1):
        (found,) = card.ask(verbs.GET_XCP_INFO, u32(wire.DOMAIN), u32(0), domain=domain)
        assert len(found) == 80
        assert found[:4] == u32(domain)
        assert found[4:36] == card.wrapping(domain).pattern
        assert found[36:68] == bytes(32)
        assert found[68:72] == u32(0x02)
    patterns = [card.wrapping(domain).pattern for domain in (0, 1)]
    assert patterns[0] != patterns[1]


def test_the_other_queries(card: Caller) -> None:
    assert query(card, wire.API)[:4] == u32(6)
    assert len(query(card, wire.API)) == 36
    assert query(card, wire.DOMAINS) == b"\xc0" + bytes(31)
    assert query(card, wire.EXT_CAPS) == u32(3)
    assert query(card, wire.EXT_CAPLIST) == b"".join(map(u32, (6, 0, 12, 0, 13, 0)))
    assert query(card, wire.EC_CURVES).count(b"\x06") == 13


@pytest.mark.parametrize(("kind", "sub"), [(7, 0), (1, 9), (3, 1), (4, 2), (0xFF000000, 0)])
def test_queries_that_are_not_known(card: Caller, kind: int, sub: int) -> None:
    card.refused(CKR_IBM_PARAM_NOT_SUPPORTED, verbs.GET_XCP_INFO, u32(kind), u32(sub))


def test_self_tests_on_demand_run_them_all(card: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert query(card, wire.SELFTEST) == u32(len(FAMILIES) + 1)  # and that of blobs
    card.refused(CKR_IBM_ERROR_STATE, verbs.GET_XCP_INFO, u32(wire.SELFTEST), u32(1))
    assert query(card, wire.API)  # asking for what a failure looks like is no failure


def test_a_failure_on_demand_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Caller()
    key = card.aes()
    card.encrypt(gcm(), key, b"")  # passed once
    monkeypatch.setattr(aes_gcm, "_SEALED", bytes(76))
    card.refused(CKR_IBM_ERROR_STATE, verbs.GET_XCP_INFO, u32(wire.SELFTEST), u32(0))
    card.refused(CKR_IBM_ERROR_STATE, verbs.GET_XCP_INFO, u32(wire.API), u32(0))
