"""Wrapping with a key pair and an AES key: each step once more by the cryptographic library."""

import pytest
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec as reference
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as codec
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms import all_mechanisms, ec, octet_keys, rsa_vectors
from ghostcard.firmware.mechanisms.curves import P256, P521, X25519, Curve, group
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import ec_spki, octet_spki, public_key
from ghostcard.firmware.mechanisms.rsa import private_numbers
from tests.firmware.mechanisms.refusing import refuses

TABLE = all_mechanisms()


def ecdh_aes(bits: int, kdf: int, shared: bytes = b"") -> bytes:
    return codec.pack(ck.CKM_ECDH_AES_KEY_WRAP, wire.EcdhAes(bits, kdf, shared))[4:]


def rsa_aes(bits: int, label: bytes = b"") -> bytes:
    parameters = wire.RsaAes(bits, ck.CKM_SHA256, ck.CKG_MGF1_SHA256, label=label)
    return codec.pack(ck.CKM_RSA_AES_KEY_WRAP, parameters)[4:]


def pair_on(curve: Curve) -> tuple[Key, Key]:
    private = ec.private_key(curve, 123456789)
    return private, public_key(ec_spki(curve, ec.point_of(private)))


@pytest.mark.parametrize("curve", [P256, P521], ids=lambda curve: curve.name)
@pytest.mark.parametrize("number", [ck.CKM_ECDH_AES_KEY_WRAP, ck.CKM_ECDH_COF_AES_KEY_WRAP])
def test_an_agreement_by_the_library(curve: Curve, number: int) -> None:
    private, public = pair_on(curve)
    mechanism, value = TABLE.find(number), b"a value of 19 bytes"
    scalar = reference.derive_private_key(123456789, group(curve))
    for bits, kdf, function in (
        (128, ck.CKD_SHA256_KDF, X963KDF(hashes.SHA256(), 16, b"shared")),
        (256, ck.CKD_SHA512_KDF_SP800, ConcatKDFHash(hashes.SHA512(), 32, b"shared")),
    ):
        params = ecdh_aes(bits, kdf, b"shared")
        wrapped = mechanism.wrapper(public)(params, value)
        size = 1 + 2 * curve.size
        assert len(wrapped) == mechanism.wrapped_bytes(public, params, len(value)) == size + 32
        point = reference.EllipticCurvePublicKey.from_encoded_point(group(curve), wrapped[:size])
        key = function.derive(scalar.exchange(reference.ECDH(), point))
        assert keywrap.aes_key_unwrap_with_padding(key, wrapped[size:]) == value
        assert mechanism.unwrapper(private)(params, wrapped) == value


def test_without_a_kdf_the_key_is_the_leading_part() -> None:
    """PKCS #11 3.2, 6.3.21: the first bits of the derived key."""
    _, public = pair_on(P521)
    wrapped = TABLE.find(ck.CKM_ECDH_AES_KEY_WRAP).wrapper(public)(ecdh_aes(192, ck.CKD_NULL), b"v")
    scalar = reference.derive_private_key(123456789, group(P521))
    point = reference.EllipticCurvePublicKey.from_encoded_point(group(P521), wrapped[:133])
    key = scalar.exchange(reference.ECDH(), point)[:24]
    assert keywrap.aes_key_unwrap_with_padding(key, wrapped[133:]) == b"v"


def test_a_montgomery_curve() -> None:
    secret = bytes(range(32))
    private = octet_keys.private_key(X25519, secret)
    public = public_key(octet_spki(X25519, octet_keys.public_of(private)))
    mechanism = TABLE.find(ck.CKM_ECDH_X_AES_KEY_WRAP)
    params = ecdh_aes(256, ck.CKD_SHA1_KDF)
    wrapped = mechanism.wrapper(public)(params, b"value")
    shared = X25519PrivateKey.from_private_bytes(secret).exchange(
        X25519PublicKey.from_public_bytes(wrapped[:32])
    )
    key = X963KDF(hashes.SHA1(), 32, None).derive(shared)
    assert keywrap.aes_key_unwrap_with_padding(key, wrapped[32:]) == b"value"
    assert mechanism.unwrapper(private)(params, wrapped) == b"value"


def test_rsa_by_the_library() -> None:
    private, public = rsa_vectors.ENCRYPTION_KEY.pair()
    mechanism = TABLE.find(ck.CKM_RSA_AES_KEY_WRAP)
    params, value = rsa_aes(256, b"label"), bytes(1000)
    wrapped = mechanism.wrapper(public)(params, value)
    assert len(wrapped) == mechanism.wrapped_bytes(public, params, 1000) == 128 + 1008
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), b"label")
    key = private_numbers(private).private_key().decrypt(wrapped[:128], oaep)
    assert keywrap.aes_key_unwrap_with_padding(key, wrapped[128:]) == value
    assert mechanism.unwrapper(private)(params, wrapped) == value
    with refuses(ck.CKR_WRAPPED_KEY_INVALID):
        mechanism.unwrapper(private)(rsa_aes(256), wrapped)
    with refuses(ck.CKR_WRAPPED_KEY_INVALID):
        mechanism.unwrapper(private)(rsa_aes(128, b"label"), wrapped)


@pytest.mark.parametrize("name", ["RSA_", "ECDH_", "ECDH_X_", "ECDH_COF_"])
def test_every_changed_byte_is_refused(name: str) -> None:
    mechanism = TABLE.find(getattr(ck, f"CKM_{name}AES_KEY_WRAP"))
    private, public = rsa_vectors.ENCRYPTION_KEY.pair() if name == "RSA_" else pair_on(P256)
    params = rsa_aes(256) if name == "RSA_" else ecdh_aes(256, ck.CKD_SHA256_KDF)
    wrapped = mechanism.wrapper(public)(params, b"a value of 19 bytes")
    for at in range(0, len(wrapped), 7):
        changed = wrapped[:at] + bytes((wrapped[at] ^ 1,)) + wrapped[at + 1 :]
        with refuses(ck.CKR_WRAPPED_KEY_INVALID):
            mechanism.unwrapper(private)(params, changed)


@pytest.mark.parametrize("bits", [0, 8, 127, 129, 512, 1 << 31])
def test_sizes_that_aes_does_not_have(bits: int) -> None:
    private, public = rsa_vectors.ENCRYPTION_KEY.pair()
    ours, theirs = pair_on(P256)
    for number, params, both in (
        (ck.CKM_RSA_AES_KEY_WRAP, rsa_aes(bits), (public, private)),
        (ck.CKM_ECDH_AES_KEY_WRAP, ecdh_aes(bits, ck.CKD_SHA256_KDF), (theirs, ours)),
    ):
        mechanism = TABLE.find(number)
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.wrapper(both[0])(params, b"value")
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.unwrapper(both[1])(params, bytes(1000))
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.wrapped_bytes(both[0], params, 10)


def test_a_key_too_short_for_the_hash() -> None:
    _, public = rsa_vectors.ENCRYPTION_KEY.pair()
    parameters = wire.RsaAes(256, ck.CKM_SHA512, ck.CKG_MGF1_SHA512)
    params = codec.pack(ck.CKM_RSA_AES_KEY_WRAP, parameters)[4:]
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        TABLE.find(ck.CKM_RSA_AES_KEY_WRAP).wrapper(public)(params, b"value")


@settings(max_examples=50)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    ours, _ = pair_on(P256)
    size = len(data) - 65
    wrong_length = size < 16 or size % 8
    rv = ck.CKR_WRAPPED_KEY_LEN_RANGE if wrong_length else ck.CKR_WRAPPED_KEY_INVALID
    with refuses(rv):
        TABLE.find(ck.CKM_ECDH_AES_KEY_WRAP).unwrapper(ours)(ecdh_aes(128, ck.CKD_SHA256_KDF), data)
