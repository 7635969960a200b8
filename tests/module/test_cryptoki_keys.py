"""Keys the card makes: generation, wrapping, derivation; their history; the rules of templates."""

import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ghostcard import pkcs11 as ck
from ghostcard.module.encoding import FALSE, TRUE, ulong
from tests.module.program import P256, Program, Values, attributes, mechanism, refusing

pytestmark = pytest.mark.every_kind

P384 = bytes.fromhex("06052b81040022")  # 1.3.132.0.34
P521 = bytes.fromhex("06052b81040023")  # 1.3.132.0.35
AES_KEY_GEN = mechanism(ck.CKM_AES_KEY_GEN)
GENERIC_KEY_GEN = mechanism(ck.CKM_GENERIC_SECRET_KEY_GEN)
RSA_KEY_GEN = mechanism(ck.CKM_RSA_PKCS_KEY_PAIR_GEN)
EC_KEY_GEN = mechanism(ck.CKM_EC_KEY_PAIR_GEN)
KWP = mechanism(ck.CKM_AES_KEY_WRAP_KWP)
CBC_PAD = mechanism(ck.CKM_AES_CBC_PAD, bytes(16))
ECDSA = mechanism(ck.CKM_ECDSA)


def check_value(key: bytes) -> bytes:
    """PKCS #11 3.2, 4.10.2: of an AES key, the first bytes of an encrypted block of zeros."""
    context = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return context.update(bytes(16))[:3]


@pytest.mark.parametrize("size", [16, 24, 32])
def test_aes_keys(program: Program, size: int) -> None:
    key = program.aes(VALUE_LEN=size, SENSITIVE=False)
    value = program.one(key, "VALUE")
    assert len(value) == size
    assert program.get(key, "VALUE_LEN", "CHECK_VALUE", "KEY_TYPE", "CLASS") == [
        ulong(size),
        check_value(value),
        ulong(ck.CKK_AES),
        ulong(ck.CKO_SECRET_KEY),
    ]


HISTORY = {
    # (SENSITIVE, EXTRACTABLE) -> (ALWAYS_SENSITIVE, NEVER_EXTRACTABLE) of a generated key
    (True, False): [TRUE, TRUE],
    (True, True): [TRUE, FALSE],
    (False, False): [FALSE, TRUE],
    (False, True): [FALSE, FALSE],
}


@pytest.mark.parametrize(("sensitive", "extractable"), HISTORY)
def test_history_of_generated_keys(program: Program, sensitive: bool, extractable: bool) -> None:
    flags: Values = {"SENSITIVE": sensitive, "EXTRACTABLE": extractable}
    for key, how in (
        (program.aes(**flags), AES_KEY_GEN),
        (program.ec(P256, **flags)[1], EC_KEY_GEN),
    ):
        assert (
            program.get(key, "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE")
            == HISTORY[sensitive, extractable]
        )
        assert program.get(key, "LOCAL", "KEY_GEN_MECHANISM") == [
            TRUE,
            ulong(int.from_bytes(how, "big")),
        ]


@pytest.mark.parametrize("key_type", [ck.CKK_GENERIC_SECRET, ck.CKK_SHA256_HMAC])
def test_generic_keys(program: Program, key_type: int) -> None:
    key = program.library.generate_key(
        program.session,
        GENERIC_KEY_GEN,
        attributes(VALUE_LEN=20, KEY_TYPE=key_type, SENSITIVE=False),
    )
    assert len(program.one(key, "VALUE")) == 20
    assert program.one(key, "KEY_TYPE") == ulong(key_type)
    hmac = mechanism(ck.CKM_SHA256_HMAC)
    program.verify(hmac, key, b"data", program.run("sign", hmac, key, b"data"))
    if key_type == ck.CKK_SHA256_HMAC:  # a key of one HMAC is of no other
        with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
            program.init("sign", mechanism(ck.CKM_SHA512_HMAC), key)


@pytest.mark.parametrize("curve", [P256, P384, P521])
def test_elliptic_key_pairs(program: Program, curve: bytes) -> None:
    public, private = program.ec(curve)
    info = program.one(public, "PUBLIC_KEY_INFO")
    assert program.one(private, "PUBLIC_KEY_INFO") == info
    key = load_der_public_key(info)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature = program.run("sign", ECDSA, private, bytes(32))
    assert len(signature) == 2 * ((key.curve.key_size + 7) // 8)
    program.verify(ECDSA, public, bytes(32), signature)
    assert program.one(public, "EC_POINT") == program.one(private, "EC_POINT")
    assert program.get(public, "LOCAL", "PRIVATE") == [TRUE, FALSE]
    assert program.get(private, "PRIVATE", "SENSITIVE", "EXTRACTABLE") == [TRUE, TRUE, FALSE]


@pytest.mark.parametrize("exponent", [None, b"\x01\x00\x01", b"\x00\x01\x00\x01"])
def test_rsa_key_pairs(program: Program, exponent: bytes | None) -> None:
    wanted = attributes(MODULUS_BITS=2048)
    if exponent is not None:
        wanted += attributes(PUBLIC_EXPONENT=exponent)
    public, private = program.library.generate_key_pair(program.session, RSA_KEY_GEN, wanted, [])
    assert program.get(public, "MODULUS_BITS", "PUBLIC_EXPONENT") == [ulong(2048), b"\x01\x00\x01"]
    assert len(program.one(private, "MODULUS")) == 256
    key = load_der_public_key(program.one(private, "PUBLIC_KEY_INFO"))
    assert isinstance(key, rsa.RSAPublicKey)
    encrypted = key.encrypt(b"message", padding.PKCS1v15())
    decrypt = mechanism(ck.CKM_RSA_PKCS)
    program.init("decrypt", decrypt, private)
    assert program.library.decrypt(program.session, encrypted, 256) == b"message"
    assert program.get(private, "PRIME_1", "PRIVATE_EXPONENT") == [ck.CKR_ATTRIBUTE_SENSITIVE] * 2


GENERATION_ERRORS = [
    (AES_KEY_GEN, {}, ck.CKR_TEMPLATE_INCOMPLETE),
    (AES_KEY_GEN, {"VALUE_LEN": 15}, ck.CKR_KEY_SIZE_RANGE),
    (AES_KEY_GEN, {"VALUE_LEN": 1 << 40}, ck.CKR_KEY_SIZE_RANGE),
    (GENERIC_KEY_GEN, {"VALUE_LEN": 0}, ck.CKR_KEY_SIZE_RANGE),
    (GENERIC_KEY_GEN, {"VALUE_LEN": 1 << 20}, ck.CKR_KEY_SIZE_RANGE),
    (AES_KEY_GEN, {"VALUE_LEN": 16, "VALUE": bytes(16)}, ck.CKR_ATTRIBUTE_READ_ONLY),
    (AES_KEY_GEN, {"VALUE_LEN": 16, "LOCAL": True}, ck.CKR_ATTRIBUTE_READ_ONLY),
    (AES_KEY_GEN, {"VALUE_LEN": 16, "TRUSTED": True}, ck.CKR_ATTRIBUTE_READ_ONLY),
    (AES_KEY_GEN, {"VALUE_LEN": 16, "CLASS": ck.CKO_DATA}, ck.CKR_TEMPLATE_INCONSISTENT),
    (
        AES_KEY_GEN,
        {"VALUE_LEN": 16, "KEY_TYPE": ck.CKK_GENERIC_SECRET},
        ck.CKR_TEMPLATE_INCONSISTENT,
    ),
    (AES_KEY_GEN, {"VALUE_LEN": 16, "MODULUS": b"\3"}, ck.CKR_TEMPLATE_INCONSISTENT),
    (AES_KEY_GEN, {"VALUE_LEN": 16, "ENCRYPT": b"\2"}, ck.CKR_ATTRIBUTE_VALUE_INVALID),
    (mechanism(ck.CKM_ECDSA), {"VALUE_LEN": 16}, ck.CKR_MECHANISM_INVALID),
    (EC_KEY_GEN, {"VALUE_LEN": 16}, ck.CKR_MECHANISM_INVALID),
    (AES_KEY_GEN + b"x", {"VALUE_LEN": 16}, ck.CKR_MECHANISM_PARAM_INVALID),
    (mechanism(ck.CKM_BLOWFISH_KEY_GEN), {}, ck.CKR_MECHANISM_INVALID),
    (b"", {"VALUE_LEN": 16}, ck.CKR_MECHANISM_INVALID),
]


@pytest.mark.parametrize(("how", "given", "rv"), GENERATION_ERRORS)
def test_keys_that_cannot_be_generated(
    program: Program, how: bytes, given: Values, rv: int
) -> None:
    with refusing(rv):
        program.library.generate_key(program.session, how, attributes(**given))
    assert program.find() == []


PAIR_ERRORS: list[tuple[bytes, Values, Values, int]] = [
    (EC_KEY_GEN, {}, {}, ck.CKR_TEMPLATE_INCOMPLETE),
    (EC_KEY_GEN, {"EC_PARAMS": b"\x06\x01\x2a"}, {}, ck.CKR_CURVE_NOT_SUPPORTED),
    (EC_KEY_GEN, {"EC_PARAMS": b"\x06\x02\x2a"}, {}, ck.CKR_DOMAIN_PARAMS_INVALID),
    (EC_KEY_GEN, {"EC_PARAMS": b""}, {}, ck.CKR_DOMAIN_PARAMS_INVALID),
    (EC_KEY_GEN, {"EC_PARAMS": bytes.fromhex("06032b6570")}, {}, ck.CKR_TEMPLATE_INCONSISTENT),
    (EC_KEY_GEN, {"EC_PARAMS": P256}, {"EC_PARAMS": P256}, ck.CKR_ATTRIBUTE_READ_ONLY),
    (EC_KEY_GEN, {"EC_PARAMS": P256}, {"CLASS": ck.CKO_PUBLIC_KEY}, ck.CKR_TEMPLATE_INCONSISTENT),
    (EC_KEY_GEN, {"EC_PARAMS": P256}, {"KEY_TYPE": ck.CKK_RSA}, ck.CKR_TEMPLATE_INCONSISTENT),
    (RSA_KEY_GEN, {}, {}, ck.CKR_TEMPLATE_INCOMPLETE),
    (RSA_KEY_GEN, {"MODULUS_BITS": 1023}, {}, ck.CKR_KEY_SIZE_RANGE),
    (RSA_KEY_GEN, {"MODULUS_BITS": 16385}, {}, ck.CKR_KEY_SIZE_RANGE),
    (RSA_KEY_GEN, {"MODULUS_BITS": 1 << 40}, {}, ck.CKR_KEY_SIZE_RANGE),
    (RSA_KEY_GEN, {"MODULUS_BITS": 2048, "MODULUS": b"\3"}, {}, ck.CKR_ATTRIBUTE_READ_ONLY),
    (AES_KEY_GEN, {}, {}, ck.CKR_MECHANISM_INVALID),
]


@pytest.mark.parametrize(("how", "public", "private", "rv"), PAIR_ERRORS)
def test_pairs_that_cannot_be_generated(
    program: Program, how: bytes, public: Values, private: Values, rv: int
) -> None:
    with refusing(rv):
        program.library.generate_key_pair(
            program.session, how, attributes(**public), attributes(**private)
        )
    assert program.find() == []


def test_half_a_pair_is_not_kept(program: Program) -> None:
    """The private key may be of the session in a read-only one, but not the public key of the
    token.
    """
    reader = Program(program.library, ck.CKF_SERIAL_SESSION)
    with refusing(ck.CKR_SESSION_READ_ONLY):
        reader.library.generate_key_pair(
            reader.session, EC_KEY_GEN, attributes(EC_PARAMS=P256, TOKEN=True), []
        )
    assert program.find() == []


def _wrapped(program: Program, how: bytes, kek: int, key: int) -> bytes:
    library, session = program.library, program.session
    size = library.wrap_key(session, how, kek, key, None)
    assert isinstance(size, int)
    assert library.wrap_key(session, how, kek, key, size - 1) == size
    result = library.wrap_key(session, how, kek, key, size)
    assert isinstance(result, bytes)
    return result


@pytest.mark.parametrize("how", [KWP, CBC_PAD])
def test_secret_keys_are_wrapped_and_unwrapped(program: Program, how: bytes) -> None:
    library, session = program.library, program.session
    kek = program.aes()
    key = program.secret(b"the value of the key", EXTRACTABLE=True, SENSITIVE=True)
    wrapped = _wrapped(program, how, kek, key)
    made = library.unwrap_key(
        session,
        how,
        kek,
        wrapped,
        attributes(
            CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_GENERIC_SECRET, SENSITIVE=False, TOKEN=True
        ),
    )
    assert program.get(made, "VALUE", "VALUE_LEN", "LOCAL", "ALWAYS_SENSITIVE") == [
        b"the value of the key",
        ulong(20),
        FALSE,
        FALSE,
    ]
    assert program.one(made, "CHECK_VALUE") == program.one(key, "CHECK_VALUE")


def test_wrapping_is_that_of_another_implementation(program: Program) -> None:
    kek = program.aes(SENSITIVE=False)
    key = program.secret(b"value")
    expected = aes_key_wrap_with_padding(program.one(kek, "VALUE"), b"value")
    assert _wrapped(program, KWP, kek, key) == expected


def test_private_keys_are_wrapped_and_unwrapped(program: Program) -> None:
    library, session = program.library, program.session
    kek = program.aes()
    for public, private, key_type, how in (
        (*program.ec(EXTRACTABLE=True), ck.CKK_EC, ECDSA),
        (*program.rsa(EXTRACTABLE=True), ck.CKK_RSA, mechanism(ck.CKM_RSA_PKCS)),
    ):
        wrapped = _wrapped(program, CBC_PAD, kek, private)
        made = library.unwrap_key(
            session,
            CBC_PAD,
            kek,
            wrapped,
            attributes(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=key_type),
        )
        program.verify(how, public, bytes(32), program.run("sign", how, made, bytes(32)))
        assert program.one(made, "PUBLIC_KEY_INFO") == program.one(public, "PUBLIC_KEY_INFO")


def test_keys_under_rsa(program: Program) -> None:
    public, private = program.rsa()
    key = program.aes(SENSITIVE=False)
    for how in (
        mechanism(ck.CKM_RSA_PKCS),
        mechanism(ck.CKM_RSA_PKCS_OAEP, ck.CKM_SHA_1, ck.CKG_MGF1_SHA1, 1),
    ):
        wrapped = _wrapped(program, how, public, key)
        made = program.library.unwrap_key(
            program.session,
            how,
            private,
            wrapped,
            attributes(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_AES, SENSITIVE=False, VALUE_LEN=32),
        )
        assert program.one(made, "VALUE") == program.one(key, "VALUE")


def test_what_may_not_be_wrapped(program: Program) -> None:
    library, session = program.library, program.session
    kek, key = program.aes(), program.aes()
    public, private = program.ec()
    cases = [
        (kek, program.aes(EXTRACTABLE=False), ck.CKR_KEY_UNEXTRACTABLE),
        (kek, private, ck.CKR_KEY_UNEXTRACTABLE),
        (kek, public, ck.CKR_KEY_NOT_WRAPPABLE),
        (kek, program.aes(WRAP_WITH_TRUSTED=True), ck.CKR_KEY_NOT_WRAPPABLE),
        (program.aes(WRAP=False), key, ck.CKR_KEY_FUNCTION_NOT_PERMITTED),
        (public, key, ck.CKR_WRAPPING_KEY_TYPE_INCONSISTENT),
        (4711, key, ck.CKR_WRAPPING_KEY_HANDLE_INVALID),
        (kek, 4711, ck.CKR_KEY_HANDLE_INVALID),
        (program.data("no key"), key, ck.CKR_WRAPPING_KEY_HANDLE_INVALID),
    ]
    for under, what, rv in cases:
        with refusing(rv):
            library.wrap_key(session, KWP, under, what, None)
    with refusing(ck.CKR_MECHANISM_INVALID):
        library.wrap_key(session, ECDSA, kek, key, None)


def test_what_cannot_be_unwrapped(program: Program) -> None:
    library, session = program.library, program.session
    kek = program.aes()
    wrapped = _wrapped(program, KWP, kek, program.aes())
    kind: Values = {"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_AES}
    cases: list[tuple[int, bytes, Values, tuple[int, ...]]] = [
        (kek, wrapped, {}, (ck.CKR_TEMPLATE_INCOMPLETE,)),
        (kek, wrapped, {"CLASS": ck.CKO_SECRET_KEY}, (ck.CKR_TEMPLATE_INCOMPLETE,)),
        (kek, wrapped, {**kind, "CLASS": ck.CKO_PUBLIC_KEY}, (ck.CKR_TEMPLATE_INCONSISTENT,)),
        (kek, wrapped, {**kind, "VALUE": bytes(32)}, (ck.CKR_ATTRIBUTE_READ_ONLY,)),
        (kek, wrapped, {**kind, "VALUE_LEN": 16}, (ck.CKR_WRAPPED_KEY_LEN_RANGE,)),
        (kek, wrapped, {**kind, "VALUE_LEN": 1 << 40}, (ck.CKR_KEY_SIZE_RANGE,)),
        (kek, wrapped, {**kind, "CHECK_VALUE": b"abc"}, (ck.CKR_ATTRIBUTE_VALUE_INVALID,)),
        (kek, bytes(40), kind, (ck.CKR_WRAPPED_KEY_INVALID,)),
        (kek, b"", kind, (ck.CKR_WRAPPED_KEY_INVALID, ck.CKR_WRAPPED_KEY_LEN_RANGE)),
        (program.aes(UNWRAP=False), wrapped, kind, (ck.CKR_KEY_FUNCTION_NOT_PERMITTED,)),
        (4711, wrapped, kind, (ck.CKR_UNWRAPPING_KEY_HANDLE_INVALID,)),
        (program.secret(b"x"), wrapped, kind, (ck.CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,)),
    ]
    for under, what, given, rvs in cases:
        with refusing(*rvs):
            library.unwrap_key(session, KWP, under, what, attributes(**given))


def _ecdh(public: ec.EllipticCurvePublicKey, kdf: int = ck.CKD_NULL) -> bytes:
    point = public.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return mechanism(ck.CKM_ECDH1_DERIVE, kdf, 0, point)


def test_a_shared_secret(program: Program) -> None:
    public, private = program.ec(DERIVE=True)
    peer = ec.generate_private_key(ec.SECP256R1())
    ours = load_der_public_key(program.one(public, "PUBLIC_KEY_INFO"))
    assert isinstance(ours, ec.EllipticCurvePublicKey)
    secret = peer.exchange(ec.ECDH(), ours)
    library, session = program.library, program.session
    made = library.derive_key(
        session, _ecdh(peer.public_key()), private, attributes(SENSITIVE=False, EXTRACTABLE=True)
    )
    assert program.get(made, "VALUE", "VALUE_LEN", "KEY_TYPE", "LOCAL") == [
        secret,
        ulong(32),
        ulong(ck.CKK_GENERIC_SECRET),
        FALSE,
    ]
    made = library.derive_key(
        session,
        _ecdh(peer.public_key(), ck.CKD_SHA256_KDF),
        private,
        attributes(KEY_TYPE=ck.CKK_AES, VALUE_LEN=16, SENSITIVE=False),
    )
    # ANSI X9.63, 5.6.3: the hash of secret and counter
    assert program.one(made, "VALUE") == hashlib.sha256(secret + b"\0\0\0\1").digest()[:16]


DERIVED_HISTORY = {
    # (base: SENSITIVE, EXTRACTABLE), (derived: SENSITIVE, EXTRACTABLE) -> history of the derived
    ((True, False), (True, False)): [TRUE, TRUE],
    ((True, False), (False, True)): [FALSE, FALSE],
    ((False, True), (True, False)): [FALSE, FALSE],
    ((True, True), (True, False)): [TRUE, FALSE],
}


@pytest.mark.parametrize(("base", "derived"), DERIVED_HISTORY)
def test_history_of_derived_keys(
    program: Program, base: tuple[bool, bool], derived: tuple[bool, bool]
) -> None:
    _, private = program.ec(P256, DERIVE=True, SENSITIVE=base[0], EXTRACTABLE=base[1])
    how = _ecdh(ec.generate_private_key(ec.SECP256R1()).public_key())
    wanted = attributes(SENSITIVE=derived[0], EXTRACTABLE=derived[1])
    made = program.library.derive_key(program.session, how, private, wanted)
    assert (
        program.get(made, "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE") == DERIVED_HISTORY[base, derived]
    )


def test_what_cannot_be_derived(program: Program) -> None:
    library, session = program.library, program.session
    _, private = program.ec(DERIVE=True)
    _, other = program.ec()
    good = _ecdh(ec.generate_private_key(ec.SECP256R1()).public_key())
    cases: list[tuple[bytes, int, Values, int]] = [
        (good, other, {}, ck.CKR_KEY_FUNCTION_NOT_PERMITTED),
        (good, 4711, {}, ck.CKR_KEY_HANDLE_INVALID),
        (good, program.aes(), {}, ck.CKR_KEY_TYPE_INCONSISTENT),
        (good, private, {"KEY_TYPE": ck.CKK_AES}, ck.CKR_TEMPLATE_INCOMPLETE),
        (good, private, {"CLASS": ck.CKO_PRIVATE_KEY}, ck.CKR_TEMPLATE_INCONSISTENT),
        (good, private, {"VALUE": b"x"}, ck.CKR_ATTRIBUTE_READ_ONLY),
        (good[:-1], private, {}, ck.CKR_MECHANISM_PARAM_INVALID),
        (good[:4], private, {}, ck.CKR_MECHANISM_PARAM_INVALID),
    ]
    for how, base, given, rv in cases:
        with refusing(rv):
            library.derive_key(session, how, base, attributes(**given))


def test_keys_that_are_bound_to_trusted_ones(program: Program) -> None:
    """Only the SO makes a key trusted, and only under a trusted one such a key leaves the card."""
    library, session = program.library, program.session
    kek = program.aes(TOKEN=True, PRIVATE=False)
    with refusing(ck.CKR_ATTRIBUTE_READ_ONLY):
        program.set(kek, TRUSTED=True)
    library.logout(session)
    program.login(ck.CKU_SO, b"12345678")
    program.set(kek, TRUSTED=True)
    library.logout(session)
    program.login()
    key = program.aes(WRAP_WITH_TRUSTED=True)
    assert len(_wrapped(program, KWP, kek, key)) == 40
    with refusing(ck.CKR_ATTRIBUTE_READ_ONLY):
        program.set(key, WRAP_WITH_TRUSTED=False)
    free = program.aes(WRAP_WITH_TRUSTED=True, SENSITIVE=False)
    assert program.get(free, "VALUE") == [ck.CKR_ATTRIBUTE_SENSITIVE]


@pytest.mark.parametrize("value", [b"", b"abcd", bytes(9)])
def test_a_class_of_a_wrong_length_is_refused(program: Program, value: bytes) -> None:
    key = program.aes()
    how = mechanism(ck.CKM_AES_CBC_PAD, bytes(16))
    wanted = [(ck.CKA_CLASS, value)]
    answers = (ck.CKR_ATTRIBUTE_VALUE_INVALID, ck.CKR_TEMPLATE_INCONSISTENT)
    with refusing(*answers):
        program.library.create_object(program.session, wanted)
    with refusing(*answers):
        program.library.unwrap_key(program.session, how, key, bytes(32), wanted)
    with refusing(*answers):
        program.library.generate_key(program.session, AES_KEY_GEN, wanted)
