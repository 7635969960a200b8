"""The small DER of the module, against `cryptography` and against nonsense."""

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.module import der, pkcs8, spki
from ghostcard.module.curves import ED25519, P256, P384, P521
from ghostcard.module.encoding import big, ulong
from ghostcard.module.errors import CryptokiError
from ghostcard.module.template import Attributes

DER = serialization.Encoding.DER
CURVES = {P256: ec.SECP256R1(), P384: ec.SECP384R1(), P521: ec.SECP521R1()}


def _spki(key: object) -> bytes:
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(DER, info))  # type: ignore[attr-defined]


def test_object_identifiers() -> None:
    """X.690, 8.19.5, and the curves of RFC 5480 and RFC 8410."""
    assert der.object_identifier("2.999.3") == bytes.fromhex("0603883703")
    assert P256.oid == bytes.fromhex("06082a8648ce3d030107")
    assert P384.oid == bytes.fromhex("06052b81040022")
    assert P521.oid == bytes.fromhex("06052b81040023")
    assert ED25519.oid == bytes.fromhex("06032b6570")


@pytest.mark.parametrize("curve", CURVES)
def test_elliptic_public_keys(curve: object) -> None:
    info = _spki(ec.generate_private_key(CURVES[curve]).public_key())  # type: ignore[index]
    attributes = spki.public_attributes(info, ck.CKK_EC)
    assert attributes[ck.CKA_EC_PARAMS] == curve.oid  # type: ignore[attr-defined]
    assert spki.build(attributes | {ck.CKA_KEY_TYPE: ulong(ck.CKK_EC)}) == info


def test_edwards_public_keys() -> None:
    info = _spki(ed25519.Ed25519PrivateKey.generate().public_key())
    attributes = spki.public_attributes(info, ck.CKK_EC_EDWARDS)
    assert attributes[ck.CKA_EC_POINT] == b"\x04\x20" + info[-32:]
    assert spki.build(attributes | {ck.CKA_KEY_TYPE: ulong(ck.CKK_EC_EDWARDS)}) == info


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(3, 2048)


def test_rsa_public_keys(rsa_key: rsa.RSAPrivateKey) -> None:
    info = _spki(rsa_key.public_key())
    attributes = spki.public_attributes(info, ck.CKK_RSA)
    assert attributes == {
        ck.CKA_MODULUS: big(rsa_key.public_key().public_numbers().n),
        ck.CKA_PUBLIC_EXPONENT: b"\3",
        ck.CKA_MODULUS_BITS: ulong(2048),
    }
    assert spki.build(attributes | {ck.CKA_KEY_TYPE: ulong(ck.CKK_RSA)}) == info


@pytest.mark.parametrize("key_type", [ck.CKK_RSA, ck.CKK_EC, ck.CKK_EC_EDWARDS])
def test_keys_of_another_type(rsa_key: rsa.RSAPrivateKey, key_type: int) -> None:
    infos = {
        ck.CKK_RSA: _spki(rsa_key.public_key()),
        ck.CKK_EC: _spki(ec.generate_private_key(ec.SECP256R1()).public_key()),
        ck.CKK_EC_EDWARDS: _spki(ed25519.Ed25519PrivateKey.generate().public_key()),
    }
    for other in infos.keys() - {key_type}:
        with pytest.raises(CryptokiError) as caught:
            spki.public_attributes(infos[other], key_type)
        assert caught.value.rv == ck.CKR_PUBLIC_KEY_INVALID


def test_private_keys_as_pkcs8(rsa_key: rsa.RSAPrivateKey) -> None:
    """What `build` makes, `cryptography` reads; what `cryptography` writes, `secret_attributes`
    reads.
    """
    elliptic = ec.generate_private_key(ec.SECP521R1())
    edwards = ed25519.Ed25519PrivateKey.generate()
    for key, key_type, params in (
        (rsa_key, ck.CKK_RSA, b""),
        (elliptic, ck.CKK_EC, P521.oid),
        (edwards, ck.CKK_EC_EDWARDS, ED25519.oid),
    ):
        written = key.private_bytes(
            DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        kind = {ck.CKA_KEY_TYPE: ulong(key_type), ck.CKA_EC_PARAMS: params}
        parts: Attributes = kind | pkcs8.secret_attributes(written, key_type)
        again = serialization.load_der_private_key(pkcs8.build(parts), None)
        assert _spki(again.public_key()) == _spki(key.public_key())


def test_exponents_that_are_found(rsa_key: rsa.RSAPrivateKey) -> None:
    numbers = rsa_key.private_numbers()
    key: Attributes = {
        ck.CKA_KEY_TYPE: ulong(ck.CKK_RSA),
        ck.CKA_MODULUS: big(numbers.public_numbers.n),
        ck.CKA_PRIVATE_EXPONENT: big(numbers.d),
        ck.CKA_PUBLIC_EXPONENT: b"\3",
    }
    read = pkcs8.secret_attributes(pkcs8.build(key), ck.CKK_RSA)
    primes = {int.from_bytes(read[part], "big") for part in (ck.CKA_PRIME_1, ck.CKA_PRIME_2)}
    assert primes == {numbers.p, numbers.q}
    for wrong in (b"\5", big(65537)):
        with pytest.raises(CryptokiError) as caught:
            pkcs8.build(key | {ck.CKA_PUBLIC_EXPONENT: wrong})
        assert caught.value.rv == ck.CKR_ATTRIBUTE_VALUE_INVALID


@given(st.integers(0, 1 << 4096))
def test_integers(value: int) -> None:
    reader = der.Reader(der.integer(value))
    assert reader.integer() == value
    reader.end()


@given(st.integers(0, 255), st.binary(max_size=300))
def test_values(tag: int, contents: bytes) -> None:
    encoded = der.encode(tag, contents)
    assert der.read(encoded, tag) == contents
    for wrong in (encoded + b"\0", encoded[:-1], b"", encoded[:1]):
        with pytest.raises(der.DerError):
            der.read(wrong, tag)
    with pytest.raises(der.DerError):
        der.read(encoded, tag ^ 1)


@pytest.mark.parametrize(
    "data",
    ["308000", "30810130", "30820001ff", "3085000000000100", "308400000001ff", "30ff", "3081"],
)
def test_lengths_that_are_not_der(data: str) -> None:
    with pytest.raises(der.DerError):
        der.read(bytes.fromhex(data), der.SEQUENCE)


@pytest.mark.parametrize("data", ["0200", "0201ff", "02020001", "020180"])
def test_integers_that_are_not(data: str) -> None:
    with pytest.raises(der.DerError):
        der.Reader(bytes.fromhex(data)).integer()


_KEY_TYPES = st.sampled_from([ck.CKK_RSA, ck.CKK_EC, ck.CKK_EC_EDWARDS])


@given(
    st.binary(max_size=100) | st.binary(max_size=40).map(lambda b: b"\x30" + bytes((len(b),)) + b),
    _KEY_TYPES,
)
def test_any_bytes_are_a_key_or_refused(data: bytes, key_type: int) -> None:
    try:
        attributes = spki.public_attributes(data, key_type)
    except CryptokiError as error:
        assert error.rv == ck.CKR_PUBLIC_KEY_INVALID  # noqa: PT017
    else:
        assert attributes
    with suppress(der.DerError):
        assert pkcs8.secret_attributes(data, key_type)
