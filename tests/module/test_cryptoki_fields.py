"""DSA and Diffie-Hellman through Cryptoki: domain parameters, keys, signatures, agreements."""

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import utils
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ghostcard import pkcs11 as ck
from ghostcard.driver.exercise_domains import domain
from ghostcard.module.encoding import ulong
from tests.module.program import Program, Values, attributes, mechanism, refusing

NAMES = (
    *("SHA1", "SHA224", "SHA256", "SHA384", "SHA512"),
    *("SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512"),
)
PRIME, ORDER, BASE = domain(1024)
DOMAINS: dict[int, Values] = {
    ck.CKK_DSA: {"PRIME": PRIME, "SUBPRIME": ORDER, "BASE": BASE},
    ck.CKK_DH: {"PRIME": PRIME, "BASE": BASE},
    ck.CKK_X9_42_DH: {"PRIME": PRIME, "SUBPRIME": ORDER, "BASE": BASE},
}
KEYGEN = {
    ck.CKK_DSA: ck.CKM_DSA_KEY_PAIR_GEN,
    ck.CKK_DH: ck.CKM_DH_PKCS_KEY_PAIR_GEN,
    ck.CKK_X9_42_DH: ck.CKM_X9_42_DH_KEY_PAIR_GEN,
}
NUMBERS = ("PRIME", "SUBPRIME", "BASE")
EACH = pytest.mark.parametrize("key_type", KEYGEN, ids=["DSA", "DH", "X9.42"])


def generate(program: Program, key_type: int, **values: Any) -> tuple[int, int]:
    return program.library.generate_key_pair(
        program.session,
        mechanism(KEYGEN[key_type]),
        attributes(**DOMAINS[key_type]),
        attributes(**values),
    )


@pytest.mark.parametrize("name", NAMES)
def test_signatures_with_every_hash(program: Program, name: str) -> None:
    public, private = generate(program, ck.CKK_DSA)
    other: Any = load_der_public_key(program.one(public, "PUBLIC_KEY_INFO"))
    how = mechanism(getattr(ck, f"CKM_DSA_{name}"))
    made = program.run("sign", how, private, b"some data")
    parts = program.run_in_parts("sign", how, private, b"some data", 4)
    for each in (made, parts):
        assert len(each) == 40
        r, s = int.from_bytes(each[:20], "big"), int.from_bytes(each[20:], "big")
        other.verify(utils.encode_dss_signature(r, s), b"some data", getattr(hashes, name)())
    program.verify(how, public, b"some data", parts)
    with refusing(ck.CKR_SIGNATURE_INVALID):
        program.verify(how, public, b"some date", made)
    digest = hashlib.new(name.lower(), b"some data").digest()
    bare = program.run("sign", mechanism(ck.CKM_DSA), private, digest)
    program.verify(how, public, b"some data", bare)


@EACH
def test_keys_in_clear_come_back(program: Program, key_type: int) -> None:
    public, private = generate(program, key_type, SENSITIVE=False, EXTRACTABLE=True)
    x, y = program.one(private, "VALUE"), program.one(public, "VALUE")
    p, g = (int.from_bytes(each, "big") for each in (PRIME, BASE))
    assert pow(g, int.from_bytes(x, "big"), p) == int.from_bytes(y, "big")
    domain_of = DOMAINS[key_type]
    assert [program.one(private, name) for name in domain_of] == list(domain_of.values())
    info = program.one(public, "PUBLIC_KEY_INFO")
    assert program.one(private, "PUBLIC_KEY_INFO") == info
    kind: Values = {"KEY_TYPE": key_type, "SENSITIVE": False, "EXTRACTABLE": True, **domain_of}
    again = program.create(CLASS=ck.CKO_PRIVATE_KEY, VALUE=x, **kind)
    assert (program.one(again, "VALUE"), program.one(again, "PUBLIC_KEY_INFO")) == (x, info)
    twin = program.create(CLASS=ck.CKO_PUBLIC_KEY, KEY_TYPE=key_type, VALUE=y, **domain_of)
    assert program.one(twin, "PUBLIC_KEY_INFO") == info
    aes, wrap = program.aes(), mechanism(ck.CKM_AES_KEY_WRAP_KWP)
    wrapped = program.library.wrap_key(program.session, wrap, aes, private, 4096)
    assert isinstance(wrapped, bytes)
    wanted = attributes(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=key_type)
    unwrapped = program.library.unwrap_key(program.session, wrap, aes, wrapped, wanted)
    assert program.one(unwrapped, "PUBLIC_KEY_INFO") == info
    how = mechanism(ck.CKM_PUB_KEY_FROM_PRIV_KEY)
    told = program.library.derive_key(program.session, how, private, [])
    assert program.one(told, "VALUE") == y
    assert program.one(told, "PUBLIC_KEY_INFO") == info


def test_public_keys_as_openssl_writes_them(program: Program) -> None:
    public, _ = generate(program, ck.CKK_DSA)
    numbers = load_der_public_key(program.one(public, "PUBLIC_KEY_INFO")).public_numbers()  # type: ignore[union-attr]
    found = numbers.y  # type: ignore[union-attr]
    assert found == int.from_bytes(program.one(public, "VALUE"), "big")


def agreement(number: int, value: bytes) -> bytes:
    if number == ck.CKM_DH_PKCS_DERIVE:
        return mechanism(number, value)
    return mechanism(number, ck.CKD_NULL, 0, value)


@pytest.mark.parametrize(
    ("key_type", "number"),
    [(ck.CKK_DH, ck.CKM_DH_PKCS_DERIVE), (ck.CKK_X9_42_DH, ck.CKM_X9_42_DH_DERIVE)],
)
def test_agreements(program: Program, key_type: int, number: int) -> None:
    one, two = (generate(program, key_type) for _ in range(2))
    values = []
    for mine, other in ((one, two), (two, one)):
        how = agreement(number, program.one(other[0], "VALUE"))
        for size in (None, 32):
            wanted: Values = {"EXTRACTABLE": True, **({"VALUE_LEN": size} if size else {})}
            derived = program.library.derive_key(
                program.session, how, mine[1], attributes(**wanted)
            )
            values.append(program.one(derived, "VALUE"))
    assert values[0] == values[2]
    assert values[1] == values[3] == values[0][-32:]
    assert len(values[0]) == 128
    p = int.from_bytes(PRIME, "big")
    secret = program.one(generate(program, key_type, SENSITIVE=False, EXTRACTABLE=True)[1], "VALUE")
    assert 0 < int.from_bytes(secret, "big") < p
    for bad in (0, 1, p - 1, p, p + 1):
        value = bad.to_bytes(128, "big")
        with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
            program.library.derive_key(program.session, agreement(number, value), one[1], [])


def test_x942_with_a_kdf(program: Program) -> None:
    mine, other = (generate(program, ck.CKK_X9_42_DH) for _ in range(2))
    value = program.one(other[0], "VALUE")
    open_key = attributes(EXTRACTABLE=True)
    plain = agreement(ck.CKM_X9_42_DH_DERIVE, value)
    secret = program.one(
        program.library.derive_key(program.session, plain, mine[1], open_key), "VALUE"
    )
    how = mechanism(ck.CKM_X9_42_DH_DERIVE, ck.CKD_SHA1_KDF_CONCATENATE, 4, b"info", value)
    derived = program.library.derive_key(program.session, how, mine[1], open_key)
    expected = hashlib.sha1(secret + b"\0\0\0\1info").digest()
    assert program.one(derived, "VALUE") == expected


def test_the_size_of_a_private_value(program: Program) -> None:
    _, private = generate(program, ck.CKK_DH, VALUE_BITS=200, SENSITIVE=False, EXTRACTABLE=True)
    assert int.from_bytes(program.one(private, "VALUE"), "big").bit_length() <= 200
    assert program.one(private, "VALUE_BITS") == ulong(200)
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        generate(program, ck.CKK_DH, VALUE_BITS=100)


@pytest.mark.parametrize(
    ("number", "key_type", "bits"),
    [
        (ck.CKM_DSA_PARAMETER_GEN, ck.CKK_DSA, 1024),
        (ck.CKM_DH_PKCS_PARAMETER_GEN, ck.CKK_DH, 1536),
        (ck.CKM_X9_42_DH_PARAMETER_GEN, ck.CKK_X9_42_DH, 1024),
    ],
)
def test_domains(program: Program, number: int, key_type: int, bits: int) -> None:
    """From generated domain parameters to a key pair that works."""
    library, session = program.library, program.session
    made = library.generate_key(
        session, mechanism(number), attributes(PRIME_BITS=bits, TOKEN=True, LABEL="domain")
    )
    assert program.get(made, "CLASS", "KEY_TYPE", "LOCAL", "PRIME_BITS") == [
        ulong(ck.CKO_DOMAIN_PARAMETERS),
        ulong(key_type),
        b"\1",
        ulong(bits),
    ]
    names = [name for name in NUMBERS if name in DOMAINS[key_type]]
    numbers: Values = {name: program.one(made, name) for name in names}
    assert program.find(LABEL="domain") == [made]
    if key_type != ck.CKK_DH:
        assert program.one(made, "SUBPRIME_BITS") == ulong(160)
    public, private = library.generate_key_pair(
        session, mechanism(KEYGEN[key_type]), attributes(**numbers), []
    )
    if key_type == ck.CKK_DSA:
        how = mechanism(ck.CKM_DSA_SHA256)
        program.verify(how, public, b"data", program.run("sign", how, private, b"data"))
    again = program.create(CLASS=ck.CKO_DOMAIN_PARAMETERS, KEY_TYPE=key_type, **numbers)
    assert program.one(again, "PRIME_BITS") == ulong(bits)


@pytest.mark.parametrize(
    ("number", "values", "rv"),
    [
        (ck.CKM_DSA_PARAMETER_GEN, {}, ck.CKR_TEMPLATE_INCOMPLETE),
        (ck.CKM_DSA_PARAMETER_GEN, {"PRIME_BITS": 512}, ck.CKR_KEY_SIZE_RANGE),
        (
            ck.CKM_DSA_PARAMETER_GEN,
            {"PRIME_BITS": 1024, "SUBPRIME_BITS": 200},
            ck.CKR_ATTRIBUTE_VALUE_INVALID,
        ),
        (
            ck.CKM_DSA_PARAMETER_GEN,
            {"PRIME_BITS": 1024, "SUBPRIME_BITS": (1 << 32) + 160},
            ck.CKR_ATTRIBUTE_VALUE_INVALID,
        ),
        (ck.CKM_DH_PKCS_PARAMETER_GEN, {"PRIME_BITS": 1000}, ck.CKR_KEY_SIZE_RANGE),
        (ck.CKM_DH_PKCS_PARAMETER_GEN, {"PRIME_BITS": (1 << 32) + 1024}, ck.CKR_KEY_SIZE_RANGE),
        (
            ck.CKM_DH_PKCS_PARAMETER_GEN,
            {"PRIME_BITS": 1024, "CLASS": ck.CKO_SECRET_KEY},
            ck.CKR_TEMPLATE_INCONSISTENT,
        ),
        (
            ck.CKM_DH_PKCS_PARAMETER_GEN,
            {"PRIME_BITS": 1024, "KEY_TYPE": ck.CKK_DSA},
            ck.CKR_TEMPLATE_INCONSISTENT,
        ),
        (
            ck.CKM_DH_PKCS_PARAMETER_GEN,
            {"PRIME_BITS": 1024, "PRIME": b"\7"},
            ck.CKR_ATTRIBUTE_READ_ONLY,
        ),
    ],
)
def test_domains_that_are_refused(program: Program, number: int, values: Values, rv: int) -> None:
    with refusing(rv):
        program.library.generate_key(program.session, mechanism(number), attributes(**values))


def test_pairs_that_are_refused(program: Program) -> None:
    how = mechanism(ck.CKM_DSA_KEY_PAIR_GEN)
    for values, rv in (
        ({"PRIME": PRIME, "BASE": BASE}, ck.CKR_TEMPLATE_INCOMPLETE),
        ({"PRIME": PRIME, "BASE": BASE, "SUBPRIME": b"\7"}, ck.CKR_DOMAIN_PARAMS_INVALID),
        ({"PRIME": b"\7", "BASE": b"\2", "SUBPRIME": b"\3"}, ck.CKR_KEY_SIZE_RANGE),
    ):
        with refusing(rv):
            program.library.generate_key_pair(program.session, how, attributes(**values), [])
    for value in (b"\0", b"\xff" * 200):
        with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
            program.create(
                CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=ck.CKK_DSA, VALUE=value, **DOMAINS[ck.CKK_DSA]
            )
