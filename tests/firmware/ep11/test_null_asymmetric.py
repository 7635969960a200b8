"""The `null` function track of the asymmetric families: sizes and operations of the real one."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.driver.exercise_domains import domain
from ghostcard.firmware.abi import ber, mechanism, verbs
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.blob import blob_bytes
from ghostcard.firmware.mechanisms.curves import OCTET_CURVES, P224, X25519
from tests.firmware.ep11.caller import ALL, RESULT, Caller, mech, template, u32
from tests.firmware.ep11.test_null import Pair

PRIME, ORDER, BASE = domain(1024)
DSA = {ck.CKA_PRIME: PRIME, ck.CKA_SUBPRIME: ORDER, ck.CKA_BASE: BASE}
DH = {ck.CKA_PRIME: PRIME, ck.CKA_BASE: BASE}
GENERATORS = [
    (ck.CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS, {ck.CKA_EC_PARAMS: P224.oid}),
    *(
        (
            ck.CKM_EC_EDWARDS_KEY_PAIR_GEN
            if curve.key_type == ck.CKK_EC_EDWARDS
            else ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
            {ck.CKA_EC_PARAMS: curve.oid},
        )
        for curve in OCTET_CURVES
    ),
    (ck.CKM_DSA_KEY_PAIR_GEN, DSA),
    (ck.CKM_X9_42_DH_KEY_PAIR_GEN, DSA),
    (ck.CKM_DH_PKCS_KEY_PAIR_GEN, DH),
]
Keys = tuple[bytes, bytes]
KEYGEN = {
    ck.CKM_DSA_PARAMETER_GEN: ck.CKM_DSA_KEY_PAIR_GEN,
    ck.CKM_DH_PKCS_PARAMETER_GEN: ck.CKM_DH_PKCS_KEY_PAIR_GEN,
    ck.CKM_X9_42_DH_PARAMETER_GEN: ck.CKM_X9_42_DH_KEY_PAIR_GEN,
}


@pytest.fixture
def pair() -> Pair:
    return Pair()


def made(card: Caller, number: int, strings: dict[int, bytes]) -> Keys:
    """Blob and SPKI of a new pair."""
    params = (mech(number), template(strings=strings), template(ALL), b"")
    blob, spki = card.ask(verbs.GENERATE_KEY_PAIR, *params)
    return blob, spki


def both(pair: Pair, number: int, strings: dict[int, bytes]) -> tuple[Keys, Keys]:
    return made(pair.real, number, strings), made(pair.null, number, strings)


@pytest.mark.parametrize(("number", "strings"), GENERATORS)
def test_pairs(pair: Pair, number: int, strings: dict[int, bytes]) -> None:
    params = (mech(number), template(strings=strings), template(ALL), b"")
    pair.same(verbs.GENERATE_KEY_PAIR, params, params)
    (real, _), (null, _) = both(pair, number, strings)
    told = mech(ck.CKM_PUB_KEY_FROM_PRIV_KEY)
    pair.same(verbs.DERIVE_KEY, (told, template(), real, b""), (told, template(), null, b""))


@pytest.mark.parametrize(
    ("number", "bits", "sizes"),
    [
        (ck.CKM_DSA_PARAMETER_GEN, 1024, [128, 128, 20]),
        (ck.CKM_X9_42_DH_PARAMETER_GEN, 1024, [128, 128, 20]),
        (ck.CKM_DH_PKCS_PARAMETER_GEN, 768, [96, 96]),
    ],
)
def test_domains(pair: Pair, number: int, bits: int, sizes: list[int]) -> None:
    params = (RESULT, u32(0), mech(number), template(0, {ck.CKA_PRIME_BITS: bits}), b"")
    pair.same(verbs.GENERATE_KEY, params, params)
    for card in (pair.real, pair.null):
        numbers, checksum = card.ask(verbs.GENERATE_KEY, *params)
        assert ([len(each) for each in ber.unpack(numbers)], checksum) == (sizes, b"")
        strings = dict(
            zip((ck.CKA_PRIME, ck.CKA_BASE, ck.CKA_SUBPRIME), ber.unpack(numbers), strict=False)
        )
        blob, _ = made(card, KEYGEN[number], strings)
        assert len(blob) == blob_bytes(ck.CKK_DSA, sizes[0])


def test_signatures(pair: Pair) -> None:
    edwards = both(pair, ck.CKM_EC_EDWARDS_KEY_PAIR_GEN, {ck.CKA_EC_PARAMS: OCTET_CURVES[1].oid})
    dsa = both(pair, ck.CKM_DSA_KEY_PAIR_GEN, DSA)
    hashed = mechanism.pack(ck.CKM_EDDSA, wire.Eddsa(1, b"context"))
    for how, ((real, real_public), (null, null_public)) in (
        (mech(ck.CKM_EDDSA), edwards),
        (hashed, edwards),
        (mech(ck.CKM_DSA), dsa),
        (mech(ck.CKM_DSA_SHA3_256), dsa),
        (mech(ck.CKM_RSA_X_509), (pair.real.rsa(), pair.null.rsa())),
        (mech(ck.CKM_SHA3_384_RSA_PKCS), (pair.real.rsa(), pair.null.rsa())),
    ):
        pair.same(verbs.SIGN_SINGLE, (how, real, bytes(32)), (how, null, bytes(32)))
        (good,) = pair.real.ask(verbs.SIGN_SINGLE, how, real, bytes(32))
        zeros = bytes(len(good))
        pair.same(
            verbs.VERIFY_SINGLE,
            (how, real_public, bytes(32), good),
            (how, null_public, bytes(32), zeros),
        )


@pytest.mark.parametrize("which", [ck.CKM_SHA256, ck.CKM_SHA3_512, ck.CKM_SHA512_256])
def test_encryption(pair: Pair, which: int) -> None:
    (real, real_public), (null, null_public) = pair.real.rsa(), pair.null.rsa()
    oaep = mechanism.pack(ck.CKM_RSA_PKCS_OAEP, wire.Oaep(which, ck.CKG_MGF1_SHA3_256))
    for how, size in ((oaep, 16), (mech(ck.CKM_RSA_X_509), 256)):
        data = b"\1".rjust(size, b"\0")
        pair.same(
            verbs.ENCRYPT_SINGLE,
            (RESULT, how, real_public, data),
            (RESULT, how, null_public, data),
        )
    how = mech(ck.CKM_RSA_X_509)
    ciphertext = bytes(255) + b"\5"
    pair.same(
        verbs.DECRYPT_SINGLE, (RESULT, how, real, ciphertext), (RESULT, how, null, ciphertext)
    )


def test_agreements(pair: Pair) -> None:
    x25519 = both(pair, ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN, {ck.CKA_EC_PARAMS: X25519.oid})
    dh = both(pair, ck.CKM_DH_PKCS_KEY_PAIR_GEN, DH)
    x942 = both(pair, ck.CKM_X9_42_DH_KEY_PAIR_GEN, DSA)
    point, y = x25519[0][1][-32:], dh[0][1][-128:]
    group = x942[0][1][-128:]
    asked = template(ALL, {ck.CKA_KEY_TYPE: ck.CKK_AES, ck.CKA_VALUE_LEN: 32})
    for how, ((real, _), (null, _)) in (
        (mechanism.pack(ck.CKM_ECDH1_DERIVE, wire.Ecdh(ck.CKD_NULL, b"", point)), x25519),
        (
            mechanism.pack(
                ck.CKM_ECDH1_COFACTOR_DERIVE, wire.Ecdh(ck.CKD_SHA3_256_KDF_SP800, b"x", point)
            ),
            x25519,
        ),
        (mech(ck.CKM_DH_PKCS_DERIVE, y), dh),
        (mechanism.pack(ck.CKM_X9_42_DH_DERIVE, wire.X942Dh(ck.CKD_NULL, b"", group)), x942),
    ):
        pair.same(verbs.DERIVE_KEY, (how, asked, real, b""), (how, asked, null, b""))


def test_wrapping(pair: Pair) -> None:
    x25519 = both(pair, ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN, {ck.CKA_EC_PARAMS: X25519.oid})
    ecdh = wire.EcdhAes(256, ck.CKD_SHA256_KDF)
    rsa = wire.RsaAes(256, ck.CKM_SHA_1, ck.CKG_MGF1_SHA1)
    real_key, null_key = pair.real.aes(), pair.null.aes()
    for number, parameters, ((real, real_public), (null, null_public)) in (
        (ck.CKM_ECDH_AES_KEY_WRAP, ecdh, (pair.real.ec(), pair.null.ec())),
        (ck.CKM_ECDH_COF_AES_KEY_WRAP, ecdh, (pair.real.ec(), pair.null.ec())),
        (ck.CKM_ECDH_X_AES_KEY_WRAP, ecdh, x25519),
        (ck.CKM_RSA_AES_KEY_WRAP, rsa, (pair.real.rsa(), pair.null.rsa())),
    ):
        how = mechanism.pack(number, parameters)
        pair.same(
            verbs.WRAP_KEY,
            (RESULT, how, real_key, real_public, b""),
            (RESULT, how, null_key, null_public, b""),
        )
        wrapped = pair.real.wrap(how, real_key, real_public)
        asked = template(ALL, {ck.CKA_KEY_TYPE: ck.CKK_AES})
        pair.same(
            verbs.UNWRAP_KEY,
            (asked, how, real, b"", b"", wrapped),
            (asked, how, null, b"", b"", bytes(len(wrapped))),
        )


def test_keys_that_do_not_fit(pair: Pair) -> None:
    """Type, half and size are refused alike on both tracks."""
    for card in (pair.real, pair.null):
        ed25519 = {ck.CKA_EC_PARAMS: OCTET_CURVES[0].oid}
        edwards, spki = made(card, ck.CKM_EC_EDWARDS_KEY_PAIR_GEN, ed25519)
        dsa, _ = made(card, ck.CKM_DSA_KEY_PAIR_GEN, DSA)
        inconsistent = ck.CKR_KEY_TYPE_INCONSISTENT
        for number, key in (
            (ck.CKM_DSA, edwards),
            (ck.CKM_EDDSA, dsa),
            (ck.CKM_ECDSA, edwards),
            (ck.CKM_RSA_X_509, dsa),
            (ck.CKM_EDDSA, spki),
        ):
            card.refused(inconsistent, verbs.SIGN_SINGLE, mech(number), key, b"data")
        point = mechanism.pack(ck.CKM_ECDH1_DERIVE, wire.Ecdh(ck.CKD_NULL, b"", bytes(32)))
        asked = template(ALL, {ck.CKA_VALUE_LEN: 16})
        card.refused(inconsistent, verbs.DERIVE_KEY, point, asked, edwards, b"")
        told = mech(ck.CKM_PUB_KEY_FROM_PRIV_KEY)
        card.refused(inconsistent, verbs.DERIVE_KEY, told, template(), spki, b"")
        secret = template(0, {ck.CKA_CLASS: ck.CKO_SECRET_KEY})
        card.refused(ck.CKR_TEMPLATE_INCONSISTENT, verbs.DERIVE_KEY, told, secret, dsa, b"")
        card.refused(
            ck.CKR_MECHANISM_PARAM_INVALID, verbs.DERIVE_KEY, told + b"\0", template(), dsa, b""
        )
