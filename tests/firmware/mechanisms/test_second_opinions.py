"""What nobody has published vectors of, or only in parts: against libraries of other origin than
those the card computes with, and against NIST's files by way of what they are made of.
"""

from typing import Any

import pytest
from Cryptodome.Cipher import AES, DES, DES3
from Cryptodome.Hash import SHA3_224, SHA3_256, SHA3_384, SHA3_512, SHA512, BLAKE2b
from Cryptodome.PublicKey import DSA, ECC
from Cryptodome.Signature import DSS
from Cryptodome.Util.Padding import pad

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.firmware.mechanisms import ec, ffc
from ghostcard.firmware.mechanisms.curves import P256
from ghostcard.firmware.mechanisms.hashes import HASHES, SHA1, SHA224, SHA256, SHA384, Hash
from ghostcard.firmware.mechanisms.hashes import SHA512 as SHA_512
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import ec_spki, public_key
from ghostcard.firmware.mechanisms.secret import secret_key, with_parity
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses

USUAL = (SHA1, SHA224, SHA256, SHA384, SHA_512)  # RFC 2202 and RFC 4231 have their HMACs
OTHER = [each for each in HASHES if each not in USUAL]
SHA3: dict[str, Any] = {
    "sha3_224": SHA3_224,
    "sha3_256": SHA3_256,
    "sha3_384": SHA3_384,
    "sha3_512": SHA3_512,
}
BY_SHA3 = [each for each in HASHES if each.name in SHA3]
# Bytes of a block: FIPS 180-4, FIPS 202, RFC 7693.
BLOCKS = {"sha512": 128, "blake2b": 128, "sha3": 200}


def pycryptodome(which: Hash, data: bytes) -> bytes:
    """The hash of another origin than OpenSSL's."""
    if which.name in SHA3:
        made: bytes = SHA3[which.name].new(data).digest()
        return made
    if which.operation == "blake2b":
        return BLAKE2b.new(data=data, digest_bytes=which.size).digest()
    return SHA512.new(data, truncate=which.name.removeprefix("sha512_")).digest()


def hmac(which: Hash, key: bytes, data: bytes) -> bytes:
    """RFC 2104, 2."""
    block = BLOCKS[which.name.split("_")[0]] - (2 * which.size if which.name in SHA3 else 0)
    key = (pycryptodome(which, key) if len(key) > block else key).ljust(block, b"\0")
    inner, outer = (bytes(byte ^ filling for byte in key) for filling in (0x36, 0x5C))
    return pycryptodome(which, outer + pycryptodome(which, inner + data))


def spoilt(value: bytes) -> bytes:
    """With the first bit turned over."""
    return bytes((value[0] ^ 0x80,)) + value[1:]


@pytest.mark.parametrize("which", OTHER, ids=lambda each: each.name)
@pytest.mark.parametrize("size", [1, 71, 72, 73, 128, 129, 145, 300])
def test_hmac(table: Table, which: Hash, size: int) -> None:
    value, data = bytes(place % 251 for place in range(size)), b"what is to be signed"
    code, key = hmac(which, value, data), secret_key(which.hmac_key_type, value)
    assert table.find(which.hmac).signer(key, b"")(data) == code
    table.find(which.hmac).verifier(key, b"")(data, code)
    with refuses(ck.CKR_SIGNATURE_INVALID):
        table.find(which.hmac).verifier(key, b"")(data, spoilt(code))
    for length in (1, 8, which.size):
        params = length.to_bytes(4, "big")
        assert table.find(which.hmac_general).signer(key, params)(data) == code[:length]
        with refuses(ck.CKR_SIGNATURE_INVALID):
            table.find(which.hmac_general).verifier(key, params)(data, spoilt(code[:length]))


@pytest.mark.parametrize("which", USUAL, ids=lambda each: each.name)
def test_hmacs_of_the_rfcs_cut(table: Table, which: Hash) -> None:
    """RFC 2202, RFC 4231: leading bytes of their codes, and a wrong one."""
    rfc = "2202" if which is SHA1 else "4231"
    for case in cases("HMAC", f"rfc-{rfc}-{which.name}.txt"):
        key, data = secret_key(ck.CKK_GENERIC_SECRET, case.hex("key")), case.hex("msg")
        for length in (1, 10, 16):
            params, code = length.to_bytes(4, "big"), case.hex("md")[:length]
            mechanism = table.find(which.hmac_general)
            assert mechanism.signer(key, params)(data) == code
            mechanism.verifier(key, params)(data, code)
            with refuses(ck.CKR_SIGNATURE_INVALID):
                mechanism.verifier(key, params)(data, spoilt(code))
        whole = case.hex("md")
        if len(whole) == which.size:
            with refuses(ck.CKR_SIGNATURE_INVALID):
                table.find(which.hmac).verifier(key, b"")(data, spoilt(whole))


@pytest.mark.parametrize("which", HASHES, ids=lambda each: each.name)
def test_keys_that_are_hashes(table: Table, which: Hash) -> None:
    """NIST CAVP, ShortMsg: the message is the key; BLAKE2b by pycryptodome."""
    mechanism, seen = table.find(which.derivation), 0
    if which.operation == "blake2b":
        for size in (1, 64, 129):
            value = bytes(range(size))
            derived = mechanism.derive(secret_key(ck.CKK_GENERIC_SECRET, value), b"", None)
            assert derived == pycryptodome(which, value)
        return
    folder = {"sha1": "SHA1", "sha3": "SHA3"}.get(which.name.split("_")[0], "SHA2")
    for case in cases("hashes", folder, f"{which.name.upper()}ShortMsg.rsp"):
        if int(case.fields.get("len", 0)):
            key = secret_key(ck.CKK_GENERIC_SECRET, case.hex("msg"))
            assert mechanism.derive(key, b"", None) == case.hex("md")
            seen += 1
    assert seen >= 60


@pytest.mark.parametrize("bits", [128, 256])
def test_keys_that_are_output_of_shake(table: Table, bits: int) -> None:
    """NIST CAVP, SHAKE ShortMsg."""
    number = ck.CKM_SHAKE_128_KEY_DERIVATION if bits == 128 else ck.CKM_SHAKE_256_KEY_DERIVATION
    mechanism, seen = table.find(number), 0
    for case in cases("hashes", "SHAKE", f"SHAKE{bits}ShortMsg.rsp"):
        if int(case.fields.get("len", 0)):
            key, output = secret_key(ck.CKK_GENERIC_SECRET, case.hex("msg")), case.hex("output")
            assert mechanism.derive(key, b"", len(output)) == output
            seen += 1
    assert seen >= 60


AES_DATA = (ck.CKM_AES_ECB_ENCRYPT_DATA, ck.CKM_AES_CBC_ENCRYPT_DATA)
DES_DATA = (ck.CKM_DES_ECB_ENCRYPT_DATA, ck.CKM_DES_CBC_ENCRYPT_DATA)
DES3_DATA = (ck.CKM_DES3_ECB_ENCRYPT_DATA, ck.CKM_DES3_CBC_ENCRYPT_DATA)


@pytest.mark.parametrize("number", [*AES_DATA, *DES_DATA, *DES3_DATA], ids=hex)
def test_keys_that_are_encrypted_data(table: Table, number: int) -> None:
    """NIST CAVP, MMT of AES and of triple DES: the plaintext is the data."""
    mode, is_aes = "CBC" if number in (AES_DATA + DES_DATA + DES3_DATA)[1::2] else "ECB", False
    if number in AES_DATA:
        is_aes, key_type, file = True, ck.CKK_AES, ("AES", mode, f"{mode}MMT256.rsp")
    else:
        key_type = ck.CKK_DES if number in DES_DATA else ck.CKK_DES3
        file = ("3DES", mode, f"T{mode}MMT{1 if number in DES_DATA else 3}.rsp")
    mechanism, seen = table.find(number), 0
    for case in cases("ciphers", *file):
        if "plaintext" not in case.fields:
            continue
        if is_aes:
            value = case.hex("key")
        else:
            value = b"".join(case.hex(f"key{place}") for place in (1, 2, 3))
            value = value[: 8 if number in DES_DATA else 24]
        data = case.hex("plaintext")
        made: Any = parameters.StringData(data)
        if mode == "CBC":
            kind = parameters.CbcData if is_aes else parameters.DesCbcData
            made = kind(case.hex("iv"), data)
        key = secret_key(key_type, with_parity(key_type, value))
        assert mechanism.derive(key, pack(number, made)[4:], None) == case.hex("ciphertext")
        seen += 1
    assert seen >= 10


PADDED: dict[int, tuple[int, int, Any]] = {
    ck.CKM_AES_CBC_PAD: (ck.CKK_AES, 32, AES),
    ck.CKM_DES_CBC_PAD: (ck.CKK_DES, 8, DES),
    ck.CKM_DES3_CBC_PAD: (ck.CKK_DES3, 24, DES3),
}


@pytest.mark.parametrize("number", PADDED, ids=hex)
@pytest.mark.parametrize("size", range(18))
def test_cbc_with_padding(table: Table, number: int, size: int) -> None:
    """pycryptodome's padding (RFC 5652, 6.3) and CBC; all paddings but the right ones."""
    key_type, key_bytes, cipher = PADDED[number]
    value = with_parity(key_type, bytes(range(1, key_bytes + 1)))
    key, mechanism, block = secret_key(key_type, value), table.find(number), cipher.block_size
    iv, data = bytes(range(block)), bytes(range(100, 100 + size))
    made = cipher.new(value, cipher.MODE_CBC, iv).encrypt(pad(data, block))
    assert mechanism.encrypter(key)(iv, data) == made
    assert mechanism.decrypter(key)(iv, made) == data
    filling = block - size % block
    for wrong in {0, filling + 1, block + 1, 255} - {1}:
        last = data + bytes((wrong,)) * filling
        sealed = cipher.new(value, cipher.MODE_CBC, iv).encrypt(last)
        with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
            mechanism.decrypter(key)(iv, sealed)


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_cmac_cut(table: Table, bits: int) -> None:
    """NIST SP 800-38B: leading bytes of its codes."""
    mechanism = table.find(ck.CKM_AES_CMAC_GENERAL)
    for case in cases("CMAC", f"nist-800-38b-aes{bits}.txt"):
        key = secret_key(ck.CKK_AES, case.hex("key"))
        for length in (1, 8, 16):
            code = mechanism.signer(key, length.to_bytes(4, "big"))(case.hex("message"))
            assert code == case.hex("output")[:length]


def test_cmac_of_triple_des_cut(table: Table) -> None:
    """NIST SP 800-38B likewise."""
    mechanism = table.find(ck.CKM_DES3_CMAC_GENERAL)
    for case in cases("CMAC", "nist-800-38b-3des.txt"):
        value = b"".join(case.hex(f"key{place}") for place in (1, 2, 3))
        for length in (1, 4, 8):
            key, params = secret_key(ck.CKK_DES3, value), length.to_bytes(4, "big")
            code = mechanism.signer(key, params)(case.hex("message"))
            assert code == case.hex("output")[:length]


def by_dss(other: Any, which: Hash, table: Table, numbers: tuple[int, int], keys: Any) -> None:
    """What we sign it verifies, and the other way round, hashed by us or before."""
    (hashing, bare), (private, public) = numbers, keys
    dss, hashed = DSS.new(other, "fips-186-3"), SHA3[which.name].new(b"data")
    dss.verify(hashed, table.find(hashing).signer(private, b"")(b"data"))
    dss.verify(hashed, table.find(bare).signer(private, b"")(hashed.digest()))
    signature = dss.sign(hashed)
    for number, data in ((hashing, b"data"), (bare, hashed.digest())):
        verify = table.find(number).verifier(public, b"")
        verify(data, signature)
        for message, wrong in ((data, spoilt(signature)), (spoilt(data), signature)):
            with refuses(ck.CKR_SIGNATURE_INVALID):
                verify(message, wrong)


@pytest.mark.parametrize("which", BY_SHA3, ids=lambda each: each.name)
def test_ecdsa_with_sha3(table: Table, which: Hash) -> None:
    private = ec.private_key(P256, 987654321)
    public = public_key(ec_spki(P256, ec.point_of(private)))
    other = ECC.construct(curve="P-256", d=987654321)
    by_dss(other, which, table, (which.ecdsa or 0, ck.CKM_ECDSA), (private, public))


DSA_SHA3 = {
    "sha3_224": ck.CKM_DSA_SHA3_224,
    "sha3_256": ck.CKM_DSA_SHA3_256,
    "sha3_384": ck.CKM_DSA_SHA3_384,
    "sha3_512": ck.CKM_DSA_SHA3_512,
}


@pytest.mark.parametrize("which", BY_SHA3, ids=lambda each: each.name)
def test_dsa_with_sha3(table: Table, which: Hash) -> None:
    """In the first domain of 2048 bits of NIST's file, and 224 of the order."""
    case = next(
        each
        for each in cases("asymmetric", "DSA", "FIPS_186-3", "KeyPair.rsp")
        if len(each.fields.get("p", "")) == 512
    )
    p, g, q = (int(case.fields[name], 16) for name in "pgq")
    private = ffc.private_key(ck.CKK_DSA, ffc.Domain(p, g, q), 987654321)
    y = ffc.y_of(private)
    public = ffc.public_key(ck.CKK_DSA, ffc.Domain(p, g, q), y)
    other = DSA.construct((y, g, p, q, 987654321))
    by_dss(other, which, table, (DSA_SHA3[which.name], ck.CKM_DSA), (private, public))


def test_diffie_hellman(table: Table) -> None:
    """Botan, dh.vec, as pyca/cryptography carries it; and public values in no group."""
    mechanism, seen = table.find(ck.CKM_DH_PKCS_DERIVE), 0
    for case in cases("asymmetric", "DH", "vec.txt"):
        p, g, x, y = (int(case.fields[name]) for name in "pgxy")
        if p.bit_length() < 512:
            continue
        key: Key = ffc.private_key(ck.CKK_DH, ffc.Domain(p, g), x)
        size = (p.bit_length() + 7) // 8
        assert mechanism.derive(key, y.to_bytes(size), None) == case.hex("k").rjust(size, b"\0")
        for wrong in (0, 1, p - 1):
            with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
                mechanism.derive(key, wrong.to_bytes(size), None)
        seen += 1
    assert seen == 4
