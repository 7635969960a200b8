"""Keys in clear on their way into the card and out of it."""

import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ghostcard import pkcs11 as ck
from ghostcard.module import der
from ghostcard.module.encoding import FALSE, big, ulong
from tests.module.program import ED25519, P256, Program, Values, attributes, mechanism, refusing

pytestmark = pytest.mark.every_kind

ECDSA = mechanism(ck.CKM_ECDSA)
SHA256_RSA = mechanism(ck.CKM_SHA256_RSA_PKCS)
# RFC 4231, test case 2
HMAC_KEY, HMAC_DATA = b"Jefe", b"what do ya want for nothing?"
HMAC_SHA256 = bytes.fromhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")


def test_a_secret_key_in_clear_goes_in_and_comes_out(program: Program) -> None:
    key = program.secret(HMAC_KEY)
    assert program.run("sign", mechanism(ck.CKM_SHA256_HMAC), key, HMAC_DATA) == HMAC_SHA256
    assert program.get(key, "VALUE", "VALUE_LEN", "LOCAL", "ALWAYS_SENSITIVE") == [
        HMAC_KEY,
        ulong(4),
        FALSE,
        FALSE,
    ]
    assert program.one(key, "KEY_GEN_MECHANISM") == ulong(ck.CK_UNAVAILABLE_INFORMATION)


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _rsa_parts(key: rsa.RSAPrivateKey) -> dict[str, bytes]:
    private = key.private_numbers()
    public = private.public_numbers
    return {
        "MODULUS": big(public.n),
        "PUBLIC_EXPONENT": big(public.e),
        "PRIVATE_EXPONENT": big(private.d),
        "PRIME_1": big(private.p),
        "PRIME_2": big(private.q),
        "EXPONENT_1": big(private.dmp1),
        "EXPONENT_2": big(private.dmq1),
        "COEFFICIENT": big(private.iqmp),
    }


@pytest.mark.parametrize(
    "left_out",
    [
        set(),
        {"PUBLIC_EXPONENT"},
        {"EXPONENT_1", "EXPONENT_2", "COEFFICIENT"},
        {"PRIME_1", "PRIME_2", "EXPONENT_1", "EXPONENT_2", "COEFFICIENT"},
        {"PUBLIC_EXPONENT", "PRIME_1", "PRIME_2", "EXPONENT_1", "EXPONENT_2", "COEFFICIENT"},
    ],
)
def test_rsa_private_keys_in_clear(
    program: Program, rsa_key: rsa.RSAPrivateKey, left_out: set[str]
) -> None:
    """What the template leaves out of an RSA key is computed."""
    parts = _rsa_parts(rsa_key)
    given = {name: value for name, value in parts.items() if name not in left_out}
    kind: Values = {"CLASS": ck.CKO_PRIVATE_KEY, "KEY_TYPE": ck.CKK_RSA}
    key = program.create(**kind, **given, SENSITIVE=False, EXTRACTABLE=True)
    public = program.create(
        CLASS=ck.CKO_PUBLIC_KEY,
        KEY_TYPE=ck.CKK_RSA,
        MODULUS=parts["MODULUS"],
        PUBLIC_EXPONENT=parts["PUBLIC_EXPONENT"],
    )
    program.verify(SHA256_RSA, public, b"data", program.run("sign", SHA256_RSA, key, b"data"))
    read = dict(zip(parts, program.get(key, *parts), strict=True))
    assert (read["MODULUS"], read["PUBLIC_EXPONENT"]) == (
        parts["MODULUS"],
        parts["PUBLIC_EXPONENT"],
    )
    assert {read["PRIME_1"], read["PRIME_2"]} == {parts["PRIME_1"], parts["PRIME_2"]}
    info = program.one(public, "PUBLIC_KEY_INFO")
    assert program.one(key, "PUBLIC_KEY_INFO") == info
    assert info == rsa_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def test_rsa_keys_whose_parts_do_not_fit(program: Program, rsa_key: rsa.RSAPrivateKey) -> None:
    kind: Values = {"CLASS": ck.CKO_PRIVATE_KEY, "KEY_TYPE": ck.CKK_RSA}
    parts = _rsa_parts(rsa_key)
    for name in parts.keys() - {"PUBLIC_EXPONENT"}:
        bent = parts[name][:-1] + bytes((parts[name][-1] ^ 2,))
        with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
            program.create(**kind, **{**parts, name: bent})


@pytest.mark.parametrize("wrapped_point", [True, False])
def test_elliptic_keys_in_clear(program: Program, wrapped_point: bool) -> None:
    """CKA_EC_POINT as the OCTET STRING it should be, and as the bare point some programs write."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    octets = der.encode(der.OCTET_STRING, point)
    kind: Values = {"KEY_TYPE": ck.CKK_EC, "EC_PARAMS": P256}
    private = program.create(
        CLASS=ck.CKO_PRIVATE_KEY,
        VALUE=big(key.private_numbers().private_value, 32),
        SENSITIVE=False,
        EXTRACTABLE=True,
        **kind,
    )
    public = program.create(
        CLASS=ck.CKO_PUBLIC_KEY, EC_POINT=octets if wrapped_point else point, **kind
    )
    program.verify(ECDSA, public, bytes(32), program.run("sign", ECDSA, private, bytes(32)))
    assert program.one(public, "EC_POINT") == program.one(private, "EC_POINT") == octets
    assert int.from_bytes(program.one(private, "VALUE"), "big") == (
        key.private_numbers().private_value
    )


def test_edwards_keys_in_clear(program: Program) -> None:
    """RFC 8032, 7.1, test 2."""
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    point = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    kind: Values = {"KEY_TYPE": ck.CKK_EC_EDWARDS, "EC_PARAMS": ED25519}
    private = program.create(CLASS=ck.CKO_PRIVATE_KEY, VALUE=seed, **kind)
    signature = program.run("sign", mechanism(ck.CKM_EDDSA), private, b"\x72")
    assert signature == bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert program.one(private, "EC_POINT") == der.encode(der.OCTET_STRING, point)
    ed25519.Ed25519PublicKey.from_public_bytes(point).verify(signature, b"\x72")


@pytest.mark.parametrize(
    "parameters",
    [
        ED25519,
        bytes.fromhex("130c656477617264733235353139"),  # PrintableString edwards25519
        bytes.fromhex("06092b06010401da470f01"),  # 1.3.6.1.4.1.11591.15.1
    ],
)
def test_names_of_ed25519(program: Program, parameters: bytes) -> None:
    public, private = program.library.generate_key_pair(
        program.session,
        mechanism(ck.CKM_EC_EDWARDS_KEY_PAIR_GEN),
        attributes(EC_PARAMS=parameters),
        [],
    )
    assert program.one(public, "EC_PARAMS") == program.one(private, "EC_PARAMS") == parameters
    program.verify(
        mechanism(ck.CKM_EDDSA),
        public,
        b"x",
        program.run("sign", mechanism(ck.CKM_EDDSA), private, b"x"),
    )


BAD_KEYS = [
    ({"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_AES, "VALUE": bytes(15)}, "VALUE"),
    ({"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_AES, "VALUE": b""}, "VALUE"),
    ({"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_GENERIC_SECRET, "VALUE": b""}, "VALUE"),
    (
        {
            "CLASS": ck.CKO_SECRET_KEY,
            "KEY_TYPE": ck.CKK_AES,
            "VALUE": bytes(16),
            "CHECK_VALUE": b"abc",
        },
        "VALUE",
    ),
    (
        {
            "CLASS": ck.CKO_PUBLIC_KEY,
            "KEY_TYPE": ck.CKK_EC,
            "EC_PARAMS": P256,
            "EC_POINT": bytes(65),
        },
        "VALUE",
    ),
    (
        {
            "CLASS": ck.CKO_PUBLIC_KEY,
            "KEY_TYPE": ck.CKK_EC,
            "EC_PARAMS": b"\x06\x01\x2a",
            "EC_POINT": b"\x04" + bytes(64),
        },
        "CURVE",
    ),
    (
        {
            "CLASS": ck.CKO_PRIVATE_KEY,
            "KEY_TYPE": ck.CKK_EC,
            "EC_PARAMS": ED25519,
            "VALUE": b"\x01" * 32,
        },
        "KIND",
    ),
    (
        {
            "CLASS": ck.CKO_PRIVATE_KEY,
            "KEY_TYPE": ck.CKK_EC,
            "EC_PARAMS": P256,
            "VALUE": b"\x01" * 33,
        },
        "VALUE",
    ),
]
REASONS = {
    "VALUE": ck.CKR_ATTRIBUTE_VALUE_INVALID,
    "CURVE": ck.CKR_CURVE_NOT_SUPPORTED,
    "KIND": ck.CKR_TEMPLATE_INCONSISTENT,
}


@pytest.mark.parametrize(("given", "reason"), BAD_KEYS)
def test_keys_that_are_none(program: Program, given: Values, reason: str) -> None:
    with refusing(REASONS[reason]):
        program.create(**given)
    assert program.find() == []


def test_a_public_key_may_carry_its_own_info(program: Program) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    info = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    kind: Values = {"CLASS": ck.CKO_PUBLIC_KEY, "KEY_TYPE": ck.CKK_EC, "EC_PARAMS": P256}
    point = der.encode(der.OCTET_STRING, info[-65:])
    made = program.create(**kind, EC_POINT=point, PUBLIC_KEY_INFO=info)
    assert program.one(made, "PUBLIC_KEY_INFO") == info
    with refusing(ck.CKR_TEMPLATE_INCONSISTENT):
        program.create(**kind, EC_POINT=point, PUBLIC_KEY_INFO=info[:-1] + b"\0")


@pytest.mark.parametrize(
    "values",
    [
        {"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_GENERIC_SECRET, "VALUE": bytes(2049)},
        {
            "CLASS": ck.CKO_PRIVATE_KEY,
            "KEY_TYPE": ck.CKK_EC,
            "EC_PARAMS": P256,
            "VALUE": b"\xff" * 32,  # more than the order of the curve
        },
    ],
)
def test_a_value_that_the_card_refuses_is_an_attribute_s_fault(
    program: Program, values: Values
) -> None:
    """The program wrapped nothing: it hears nothing of wrapped keys."""
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        program.create(**values)


@pytest.mark.parametrize("size", [0, 2049, 60_000, 1 << 20])
def test_values_of_a_length_that_no_key_has(program: Program, size: int) -> None:
    """Also those that are longer than a message of the card."""
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        program.secret(bytes(size))


def test_primes_of_any_length_are_refused_without_arithmetic(program: Program) -> None:
    """Megabytes of them, whose product would take minutes."""
    began = time.monotonic()
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        program.create(
            CLASS=ck.CKO_PRIVATE_KEY,
            KEY_TYPE=ck.CKK_RSA,
            MODULUS=b"\xff" * 256,
            PRIVATE_EXPONENT=b"\x7f" * 256,
            PRIME_1=b"\x7f" * (4 << 20),
            PRIME_2=b"\x7f" * (4 << 20),
        )
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("key_type", [ck.CKK_HSS, ck.CKK_XMSS, ck.CKK_XMSSMT])
def test_keys_that_the_table_knows_and_no_card_makes(program: Program, key_type: int) -> None:
    given: Values = {"KEY_TYPE": key_type, "VALUE": b"value"}
    if key_type == ck.CKK_HSS:
        levels: Values = {"HSS_LEVELS": 1, "HSS_LMS_TYPES": ulong(5), "HSS_LMOTS_TYPES": ulong(4)}
        public = given
        private = given | levels
    else:
        public = private = given | {"PARAMETER_SET": 1}
    for object_class, template in ((ck.CKO_PUBLIC_KEY, public), (ck.CKO_PRIVATE_KEY, private)):
        with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
            program.create(CLASS=object_class, **template)
