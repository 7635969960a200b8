"""AES-CCM and ChaCha20-Poly1305 against NIST's CAVS files, RFC 8439 and OpenSSL's vectors."""

from collections.abc import Iterator

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import Case, cases, text
from tests.firmware.mechanisms.refusing import refuses


def ccm_cases(name: str) -> Iterator[dict[str, str]]:
    """The cases of a CCM file: `Count` begins one; headings and what stands alone hold on."""
    held: dict[str, str] = {}
    case: dict[str, str] = {}
    for line in text("ciphers", "AES", "CCM", name).splitlines():
        if line.startswith("#") or "=" not in line:
            continue
        pairs = [pair.split("=") for pair in line.strip("[] ").split(",")]
        found = {key.strip().lower(): value.strip() for key, value in pairs}
        if found.keys() & {"count", "alen", "plen", "nlen", "tlen", "key"} and case:
            yield held | case
            case = {}
        if "count" in found or case:
            case |= found
        else:
            held |= found
    yield held | case


@pytest.mark.parametrize("bits", [128, 192, 256])
@pytest.mark.parametrize("kind", ["DVPT", "VADT", "VNT", "VPT", "VTT"])
def test_ccm(table: Table, bits: int, kind: str) -> None:
    mechanism = table.find(ck.CKM_AES_CCM)
    seen = failed = 0
    for case in list(ccm_cases(f"{kind}{bits}.rsp"))[::4]:
        key = secret_key(ck.CKK_AES, bytes.fromhex(case["key"]))
        sizes = {name: int(case[name]) for name in ("alen", "plen", "nlen", "tlen")}
        aad = bytes.fromhex(case["adata"])[: sizes["alen"]]
        if len(aad) > 0xFEFF:
            continue  # does not fit in a message
        nonce, sealed = bytes.fromhex(case["nonce"]), bytes.fromhex(case["ct"])
        assert (len(nonce), len(sealed)) == (sizes["nlen"], sizes["plen"] + sizes["tlen"])
        parameters = wire.Ccm(sizes["plen"], sizes["tlen"], nonce, aad)
        params = pack(ck.CKM_AES_CCM, parameters)[4:]
        seen += 1
        if case.get("result") == "Fail":
            failed += 1
            with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
                mechanism.decrypter(key)(params, sealed)
            continue
        plain = bytes.fromhex(case["payload"])[: sizes["plen"]]
        assert mechanism.encrypter(key)(params, plain) == sealed
        assert mechanism.decrypter(key)(params, sealed) == plain
        stream = mechanism.encryption(key, params)
        assert stream.update(plain[:7]) + stream.update(plain[7:]) + stream.finish() == sealed
    assert seen >= 15
    assert (failed > 5) == (kind == "DVPT")


def ccm(**changes: int | bytes) -> bytes:
    good = wire.Ccm(16, 16, bytes(12), b"head")._replace(**changes)  # type: ignore[arg-type]
    return pack(ck.CKM_AES_CCM, good)[4:]


KEY = secret_key(ck.CKK_AES, bytes(range(16)))


@pytest.mark.parametrize(
    "params",
    [
        *(ccm(mac_bytes=size) for size in (0, 2, 3, 5, 15, 17, 18)),
        *(ccm(nonce=bytes(size)) for size in (0, 6, 14)),
        ccm(nonce=bytes(13), data_bytes=1 << 16),
        ccm(nonce=bytes(12), data_bytes=1 << 24),
        ccm(aad=bytes(0xFF00)),
    ],
)
def test_ccm_parameters_of_no_ccm(table: Table, params: bytes) -> None:
    mechanism = table.find(ck.CKM_AES_CCM)
    for use in (mechanism.encrypter(KEY), mechanism.decrypter(KEY)):
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            use(params, bytes(16))
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.encryption(KEY, params)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.decryption(KEY, params)


def test_ccm_wants_the_length_it_was_told(table: Table) -> None:
    mechanism, params = table.find(ck.CKM_AES_CCM), ccm()
    for size in (0, 15, 17):
        with refuses(ck.CKR_DATA_LEN_RANGE):
            mechanism.encrypter(KEY)(params, bytes(size))
        with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
            mechanism.decrypter(KEY)(params, bytes(size + 16))
    stream = mechanism.encryption(KEY, params)
    stream.update(bytes(15))
    with refuses(ck.CKR_DATA_LEN_RANGE):
        stream.finish()
    stream = mechanism.encryption(KEY, params)
    with refuses(ck.CKR_DATA_LEN_RANGE):
        stream.update(bytes(17))


def quoted(case: Case, name: str) -> bytes:
    """A field in hexadecimal digits, or as text in quotation marks."""
    value = case.fields[name]
    return value[1:-1].encode() if value.startswith('"') else case.hex(name)


# Files, how many cases of them have a nonce of 12 bytes, and the names of nonce, text, additional
# data and ciphertext in them.
FILES = {
    "boringssl.txt": (66, ("nonce", "in", "ad", "ct")),
    "openssl.txt": (4, ("iv", "plaintext", "aad", "ciphertext")),
}


@pytest.mark.parametrize("name", FILES)
def test_chacha20_poly1305(table: Table, name: str) -> None:
    mechanism = table.find(ck.CKM_CHACHA20_POLY1305)
    expected, names = FILES[name]
    seen = 0
    for case in cases("ciphers", "ChaCha20Poly1305", name):
        nonce, data, aad, cipher = (quoted(case, field) for field in names)
        if len(nonce) != 12 or "result" in case.fields:
            continue
        sealed = cipher + case.hex("tag")
        key = secret_key(ck.CKK_CHACHA20, case.hex("key"))
        params = pack(ck.CKM_CHACHA20_POLY1305, wire.ChaCha20Poly1305(nonce, aad))[4:]
        assert mechanism.encrypter(key)(params, data) == sealed
        assert mechanism.decrypter(key)(params, sealed) == data
        stream = mechanism.encryption(key, params)
        assert stream.update(data[:9]) + stream.update(data[9:]) + stream.finish() == sealed
        seen += 1
    assert seen == expected


@pytest.mark.parametrize("size", [0, 8, 11, 13, 24])
def test_chacha20_poly1305_with_another_nonce(table: Table, size: int) -> None:
    key = secret_key(ck.CKK_CHACHA20, bytes(range(32)))
    mechanism = table.find(ck.CKM_CHACHA20_POLY1305)
    params = pack(ck.CKM_CHACHA20_POLY1305, wire.ChaCha20Poly1305(bytes(size)))[4:]
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.encrypter(key)(params, b"data")
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.encryption(key, params)
