"""Derivations through Cryptoki: every mechanism by other means, histories, and refusals."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ghostcard import pkcs11 as ck
from ghostcard.module.encoding import FALSE, TRUE, boolean, ulong
from tests.module.program import Program, Value, attributes, mechanism, refusing

OPEN = {"EXTRACTABLE": True, "SENSITIVE": False}
BASE = b"a base key of some bytes"
BYTES, VARIABLE = ck.CK_SP800_108_BYTE_ARRAY, ck.CK_SP800_108_ITERATION_VARIABLE


def base(program: Program, value: bytes = BASE, **values: Value) -> int:
    return program.secret(value, **{"DERIVE": True, **OPEN, **values})


def derive(program: Program, how: bytes, key: int, **values: Value) -> int:
    wanted = attributes(**{**OPEN, **values})
    return program.library.derive_key(program.session, how, key, wanted)


def value(program: Program, how: bytes, key: int, **values: Value) -> bytes:
    return program.one(derive(program, how, key, **values), "VALUE")


def counted(size: int, data: bytes) -> bytes:
    return size.to_bytes(4, "big") + data


HASHES = {
    "SHA1": "sha1", "SHA224": "sha224", "SHA256": "sha256", "SHA384": "sha384",
    "SHA512": "sha512", "SHA512_224": "sha512_224", "SHA512_256": "sha512_256",
    "SHA3_224": "sha3_224", "SHA3_256": "sha3_256", "SHA3_384": "sha3_384",
    "SHA3_512": "sha3_512",
}  # fmt: skip


@pytest.mark.parametrize("name", HASHES)
def test_hashes(program: Program, name: str) -> None:
    how = mechanism(getattr(ck, f"CKM_{name}_KEY_DERIVATION"))
    expected = hashlib.new(HASHES[name], BASE).digest()
    assert value(program, how, base(program)) == expected
    aes = derive(program, how, base(program), KEY_TYPE=ck.CKK_AES, VALUE_LEN=16)
    assert program.one(aes, "VALUE") == expected[:16]
    with refusing(ck.CKR_KEY_SIZE_RANGE):
        derive(program, how, base(program), VALUE_LEN=len(expected) + 1)


@pytest.mark.parametrize("bits", [160, 256, 384, 512])
def test_blake2b(program: Program, bits: int) -> None:
    how = mechanism(getattr(ck, f"CKM_BLAKE2B_{bits}_KEY_DERIVE"))
    expected = hashlib.blake2b(BASE, digest_size=bits // 8).digest()
    assert value(program, how, base(program)) == expected


@pytest.mark.parametrize("bits", [128, 256])
def test_shake(program: Program, bits: int) -> None:
    how = mechanism(getattr(ck, f"CKM_SHAKE_{bits}_KEY_DERIVATION"))
    shake = hashlib.shake_128 if bits == 128 else hashlib.shake_256
    assert value(program, how, base(program), VALUE_LEN=100) == shake(BASE).digest(100)
    with refusing(ck.CKR_TEMPLATE_INCOMPLETE):
        derive(program, how, base(program))


def test_parts(program: Program) -> None:
    key, data = base(program), b"some data"
    xor = bytes(one ^ other for one, other in zip(BASE, data, strict=False))
    for number, expected in (
        (ck.CKM_CONCATENATE_BASE_AND_DATA, BASE + data),
        (ck.CKM_CONCATENATE_DATA_AND_BASE, data + BASE),
        (ck.CKM_XOR_BASE_AND_DATA, xor),
    ):
        assert value(program, mechanism(number, data), key) == expected
    other = base(program, b"another").to_bytes(8, "big")
    assert (
        value(program, mechanism(ck.CKM_CONCATENATE_BASE_AND_KEY, other), key) == BASE + b"another"
    )
    cut = mechanism(ck.CKM_EXTRACT_KEY_FROM_KEY, 21)
    small = base(program, bytes.fromhex("329f84a9"))  # the example of the standard
    assert value(program, cut, small, VALUE_LEN=2) == bytes.fromhex("9526")


def test_ciphertexts(program: Program) -> None:
    data, iv, aes = bytes(range(32)), bytes(range(16)), bytes(range(1, 17))
    key = base(program, aes, KEY_TYPE=ck.CKK_AES)
    for number, mode, front in (
        (ck.CKM_AES_ECB_ENCRYPT_DATA, modes.ECB(), b""),
        (ck.CKM_AES_CBC_ENCRYPT_DATA, modes.CBC(iv), iv),
    ):
        expected = Cipher(algorithms.AES(aes), mode).encryptor().update(data)
        assert value(program, mechanism(number, front + data), key) == expected
        with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
            derive(program, mechanism(number, front + data[:-1]), key)
    des = program.library.generate_key(
        program.session, mechanism(ck.CKM_DES3_KEY_GEN), attributes(DERIVE=True, **OPEN)
    )
    by_des = value(program, mechanism(ck.CKM_DES3_ECB_ENCRYPT_DATA, data), des)
    assert by_des == program.run("encrypt", mechanism(ck.CKM_DES3_ECB), des, data)
    by_des = value(program, mechanism(ck.CKM_DES3_CBC_ENCRYPT_DATA, iv[:8] + data), des)
    assert by_des == program.run("encrypt", mechanism(ck.CKM_DES3_CBC, iv[:8]), des, data)


def hkdf(kind: int, salt: bytes = b"", key: bytes = b"", data: bool = False) -> bytes:
    number = ck.CKM_HKDF_DATA if data else ck.CKM_HKDF_DERIVE
    strings = (counted(len(salt), salt), counted(len(key), key), b"info")
    return mechanism(number, 1, 1, ck.CKM_SHA256, kind, *strings)


def test_hkdf(program: Program) -> None:
    made = program.library.generate_key(
        program.session, mechanism(ck.CKM_HKDF_KEY_GEN), attributes(VALUE_LEN=40, **OPEN)
    )
    assert program.one(made, "KEY_TYPE") == ulong(ck.CKK_HKDF)
    expected = HKDF(hashes.SHA256(), 70, b"salt", b"info").derive(program.one(made, "VALUE"))
    by_data = hkdf(ck.CKF_HKDF_SALT_DATA, b"salt")
    assert value(program, by_data, made, VALUE_LEN=70) == expected
    salt = base(program, b"salt").to_bytes(8, "big")
    by_key = hkdf(ck.CKF_HKDF_SALT_KEY, b"", salt)
    assert value(program, by_key, made, VALUE_LEN=70) == expected
    expected = HKDF(hashes.SHA256(), 70, None, b"info").derive(program.one(made, "VALUE"))
    assert value(program, hkdf(ck.CKF_HKDF_SALT_NULL), made, VALUE_LEN=70) == expected
    with refusing(ck.CKR_KEY_HANDLE_INVALID):
        derive(program, hkdf(ck.CKF_HKDF_SALT_KEY, b"", bytes(8)), made)
    with refusing(ck.CKR_KEY_FUNCTION_NOT_PERMITTED):
        deaf = program.secret(b"salt").to_bytes(8, "big")
        derive(program, hkdf(ck.CKF_HKDF_SALT_KEY, b"", deaf), made)


def test_hkdf_as_data(program: Program) -> None:
    how, key = hkdf(ck.CKF_HKDF_SALT_NULL, data=True), base(program)
    made = program.library.derive_key(
        program.session, how, key, attributes(CLASS=ck.CKO_DATA, VALUE_LEN=50, LABEL="made")
    )
    expected = HKDF(hashes.SHA256(), 50, None, b"info").derive(BASE)
    assert program.one(made, "VALUE") == expected
    assert program.find(LABEL="made", CLASS=ck.CKO_DATA) == [made]
    for values, rv in (
        ({"VALUE_LEN": 50, "VALUE": b"x"}, ck.CKR_TEMPLATE_INCONSISTENT),
        ({}, ck.CKR_TEMPLATE_INCOMPLETE),
        ({"CLASS": ck.CKO_SECRET_KEY, "VALUE_LEN": 50}, ck.CKR_TEMPLATE_INCONSISTENT),
    ):
        with refusing(rv):
            program.library.derive_key(program.session, how, key, attributes(**values))


def kdf(number: int, *fields: bytes) -> bytes:
    return mechanism(number, ck.CKM_SHA256_HMAC, 0, *fields)


def field(kind: int, data: bytes = b"") -> bytes:
    return kind.to_bytes(4, "big") + counted(len(data), data)


def test_sp_800_108(program: Program) -> None:
    counter = field(VARIABLE, counted(0, (8).to_bytes(4, "big")))
    how = kdf(ck.CKM_SP800_108_COUNTER_KDF, counter, field(BYTES, b"label"))
    blocks = [hmac.digest(BASE, bytes((i,)) + b"label", "sha256") for i in (1, 2, 3)]
    key = base(program)
    assert value(program, how, key, VALUE_LEN=96) == b"".join(blocks)
    templates = [
        attributes(KEY_TYPE=ck.CKK_AES, VALUE_LEN=32, **OPEN),
        attributes(VALUE_LEN=30, LABEL="second", **OPEN),
    ]
    handles, data = program.library.derive_keys(program.session, how, key, templates)
    assert data == b""
    assert program.one(handles[0], "VALUE") == blocks[0]
    assert program.one(handles[1], "VALUE") == blocks[1][:30]
    assert program.find(LABEL="second") == [handles[1]]
    feedback = kdf(ck.CKM_SP800_108_FEEDBACK_KDF, field(VARIABLE), field(BYTES, b"x"))
    assert value(program, feedback, key, VALUE_LEN=32) == hmac.digest(BASE, b"x", "sha256")
    double = kdf(ck.CKM_SP800_108_DOUBLE_PIPELINE_KDF, field(VARIABLE), field(BYTES, b"x"))
    first = hmac.digest(BASE, b"x", "sha256")
    assert value(program, double, key, VALUE_LEN=32) == hmac.digest(BASE, first + b"x", "sha256")
    other = field(ck.CK_SP800_108_KEY_HANDLE, base(program, b"label").to_bytes(8, "big"))
    with_key = kdf(ck.CKM_SP800_108_COUNTER_KDF, counter, other)
    assert value(program, with_key, key, VALUE_LEN=32) == blocks[0]


CLIENT, SERVER = bytes(range(32)), bytes(range(32, 64))
PREMASTER = b"\3\3" + bytes(46)


def tls_prf(secret: bytes, seed: bytes, size: int) -> bytes:
    link, made = seed, b""
    while len(made) < size:
        link = hmac.digest(secret, link, "sha256")
        made += hmac.digest(secret, link + seed, "sha256")
    return made[:size]


def test_tls(program: Program) -> None:
    premaster = base(program, PREMASTER)
    randoms = (counted(32, CLIENT), SERVER)
    expected = tls_prf(PREMASTER, b"master secret" + CLIENT + SERVER, 48)
    for number in (ck.CKM_TLS12_MASTER_KEY_DERIVE, ck.CKM_TLS12_MASTER_KEY_DERIVE_DH):
        how = mechanism(number, ck.CKM_SHA256, *randoms)
        assert value(program, how, premaster) == expected
    session = bytes(range(32))
    expected = tls_prf(PREMASTER, b"extended master secret" + session, 48)
    for number in (
        ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE,
        ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH,
    ):
        how = mechanism(number, ck.CKM_SHA256, session)
        assert value(program, how, premaster) == expected
    how = mechanism(ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, ck.CKM_SHA256, session)
    (master,), version = program.library.derive_keys(
        program.session, how, premaster, [attributes(DERIVE=True, SIGN=True, **OPEN)]
    )
    assert version == b"\3\3"
    assert program.one(master, "VALUE") == expected
    label = counted(8, b"EXPORTER")
    exporter = (label, counted(32, CLIENT), counted(32, SERVER), b"c")
    made = tls_prf(expected, b"EXPORTER" + CLIENT + SERVER + b"\0\1c", 40)
    for number in (ck.CKM_TLS12_KDF, ck.CKM_TLS_KDF):
        assert (
            value(program, mechanism(number, ck.CKM_SHA256, *exporter), master, VALUE_LEN=40)
            == made
        )
    for number in (ck.CKM_TLS12_MAC, ck.CKM_TLS_MAC):
        how = mechanism(number, ck.CKM_SHA256, 12, 2)
        mac = program.run("sign", how, master, session)
        assert mac == tls_prf(expected, b"client finished" + session, 12)
        with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
            program.init("sign", mechanism(number, ck.CKM_SHA256, 12, 3), master)


def connection(number: int, mac_bits: int, key_bits: int, iv_bits: int) -> bytes:
    sizes = (mac_bits, key_bits, iv_bits)
    return mechanism(number, ck.CKM_SHA256, *sizes, counted(32, CLIENT), SERVER)


def test_the_keys_of_a_connection(program: Program) -> None:
    master = base(program, bytes(range(48)))
    how = connection(ck.CKM_TLS12_KEY_AND_MAC_DERIVE, 160, 128, 64)
    wanted = [attributes(KEY_TYPE=ck.CKK_AES)]
    handles, ivs = program.library.derive_keys(program.session, how, master, wanted)
    block = tls_prf(bytes(range(48)), b"key expansion" + SERVER + CLIENT, 88)
    made = [program.one(handle, "VALUE") for handle in handles]
    assert made == [block[:20], block[20:40], block[40:56], block[56:72]]
    assert ivs == block[72:]
    kinds = [program.one(handle, "KEY_TYPE") for handle in handles]
    assert kinds == [ulong(ck.CKK_GENERIC_SECRET)] * 2 + [ulong(ck.CKK_AES)] * 2
    assert [program.one(handles[0], name) for name in ("SIGN", "VERIFY", "DERIVE")] == [TRUE] * 3
    assert [program.one(handles[3], name) for name in ("ENCRYPT", "DECRYPT")] == [TRUE] * 2
    safe = connection(ck.CKM_TLS12_KEY_SAFE_DERIVE, 0, 256, 96)
    handles, ivs = program.library.derive_keys(program.session, safe, master, wanted)
    assert (len(handles), ivs) == (2, b"")
    with refusing(ck.CKR_TEMPLATE_INCONSISTENT):
        program.library.derive_keys(
            program.session, safe, master, [attributes(KEY_TYPE=ck.CKK_AES, SENSITIVE=True)]
        )
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        derive(program, safe, master, KEY_TYPE=ck.CKK_AES)


def test_keys_from_passwords(program: Program) -> None:
    def how(iterations: int, prf: int = ck.CKP_PKCS5_PBKD2_HMAC_SHA256) -> bytes:
        strings = (counted(4, b"salt"), counted(0, b""), b"password")
        return mechanism(ck.CKM_PKCS5_PBKD2, ck.CKZ_SALT_SPECIFIED, iterations, prf, *strings)

    made = program.library.generate_key(
        program.session, how(1000), attributes(KEY_TYPE=ck.CKK_AES, VALUE_LEN=32, **OPEN)
    )
    expected = hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000, 32)
    assert program.one(made, "VALUE") == expected
    assert program.one(made, "LOCAL") == TRUE
    for wrong in (how(0), how(1, 99), mechanism(ck.CKM_PKCS5_PBKD2)):
        with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
            program.library.generate_key(program.session, wrong, attributes(VALUE_LEN=32))


HASHED = mechanism(ck.CKM_SHA256_KEY_DERIVATION)
JOINED = mechanism(ck.CKM_CONCATENATE_BASE_AND_DATA, b"data")


@pytest.mark.parametrize("how", [HASHED, JOINED])
@pytest.mark.parametrize("is_secret", [True, False])
def test_history(program: Program, how: bytes, is_secret: bool) -> None:
    key = program.library.generate_key(
        program.session,
        mechanism(ck.CKM_GENERIC_SECRET_KEY_GEN),
        attributes(VALUE_LEN=20, DERIVE=True, SENSITIVE=is_secret, EXTRACTABLE=not is_secret),
    )
    keeps = how == JOINED and is_secret
    for wanted in (True, False):
        made = derive(program, how, key, SENSITIVE=wanted, EXTRACTABLE=not wanted)
        is_kept = wanted or keeps
        names = ("SENSITIVE", "EXTRACTABLE", "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE")
        expected = [is_kept, not is_kept, is_secret and is_kept, is_secret and is_kept]
        assert [program.one(made, name) for name in names] == list(map(boolean, expected))
        assert program.one(made, "LOCAL") == FALSE


def test_two_bases_have_the_better_history(program: Program) -> None:
    kept = program.library.generate_key(
        program.session,
        mechanism(ck.CKM_GENERIC_SECRET_KEY_GEN),
        attributes(VALUE_LEN=20, DERIVE=True, SENSITIVE=True, EXTRACTABLE=False),
    )
    joining = mechanism(ck.CKM_CONCATENATE_BASE_AND_KEY, kept.to_bytes(8, "big"))
    made = derive(program, joining, base(program))
    names = ("SENSITIVE", "EXTRACTABLE", "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE")
    assert [program.one(made, name) for name in names] == [TRUE, FALSE, FALSE, FALSE]


def test_refusals(program: Program) -> None:
    deaf = program.secret(BASE)
    with refusing(ck.CKR_KEY_FUNCTION_NOT_PERMITTED):
        derive(program, HASHED, deaf)
    with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
        derive(program, mechanism(ck.CKM_AES_ECB_ENCRYPT_DATA, bytes(16)), base(program))
    with refusing(ck.CKR_TEMPLATE_INCOMPLETE):
        derive(program, HASHED, base(program), KEY_TYPE=ck.CKK_AES)
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        derive(program, HASHED + b"\0", base(program))
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        derive(program, mechanism(ck.CKM_CONCATENATE_BASE_AND_KEY, bytes(7)), base(program))
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        derive(program, mechanism(ck.CKM_HKDF_DERIVE, 1, 1), base(program))
