"""The encodings of RFC 8017 against what the signatures and ciphertexts of others hold."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa as reference
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import rsa, rsa_vectors
from ghostcard.firmware.mechanisms import rsa_encodings as encodings
from ghostcard.firmware.mechanisms.hashes import SHA1, SHA256, SHA512, SIGNATURE_HASHES, Hash
from ghostcard.firmware.mechanisms.hashes import algorithm as library_hash
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import public_key, rsa_spki
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.rsa_schemes import Oaep, Pkcs1, Pss
from tests.firmware.mechanisms.elsewhere import by_python
from tests.firmware.mechanisms.laboratories import examples
from tests.firmware.mechanisms.refusing import refuses

FOLDER = ("asymmetric", "RSA")
OLD = (*FOLDER, "pkcs-1v2-1d2-vec")
SIGNED = hashlib.sha256(b"data").digest()


def test_pss_with_the_salt_of_the_vectors() -> None:
    scheme = Pss(SHA1, SHA1, 20)
    for _, public, fields in examples("signature", *OLD, "pss-vect.txt"):
        digest = hashlib.sha1(fields["message to be signed"]).digest()
        encoded = rsa.public_operation(public, fields["signature"])
        assert encodings.pss(digest, scheme, fields["salt"], public.bits) == encoded
        assert encodings.is_pss(encoded, digest, scheme, public.bits)


def test_oaep_with_the_seed_of_the_vectors() -> None:
    scheme = Oaep(SHA1, SHA1)
    for private, _, fields in examples("encryption", *OLD, "oaep-vect.txt"):
        encoded = rsa.private_operation(private, fields["encryption"])
        made = encodings.oaep(fields["message"], scheme, fields["seed"], len(encoded))
        assert made == encoded
        assert encodings.oaep_decoded(encoded, scheme) == fields["message"]


@pytest.mark.parametrize("which", SIGNATURE_HASHES, ids=lambda each: each.name)
def test_digest_info_is_the_librarys(which: Hash, library_key: reference.RSAPrivateKey) -> None:
    signature = library_key.sign(b"data", padding.PKCS1v15(), library_hash(which))
    public = public_key(rsa_spki(*_public(library_key)))
    digest = hashlib.new(which.name, b"data").digest()
    encoded = rsa.public_operation(public, signature)
    assert encodings.pkcs1_signed(digest, which, len(encoded)) == encoded


@pytest.fixture(scope="module")
def library_key() -> reference.RSAPrivateKey:
    return reference.generate_private_key(65537, 1024)


def _public(key: reference.RSAPrivateKey) -> tuple[int, int]:
    numbers = key.public_key().public_numbers()
    return numbers.n, numbers.e


@given(st.binary(min_size=128, max_size=128))
def test_bad_padding_is_answered_as_openssl_answers_it(
    library_key: reference.RSAPrivateKey, ciphertext: bytes
) -> None:
    """Implicit rejection: one algorithm, so programs cannot tell who decrypts."""
    ciphertext = bytes((ciphertext[0] & 0x7F,)) + ciphertext[1:]
    key = by_python(rsa.private_key(library_key.private_numbers()))
    ours = rsa.private_handle(key).decrypter(Pkcs1())(ciphertext)
    assert ours == library_key.decrypt(ciphertext, padding.PKCS1v15())


@pytest.mark.parametrize(
    "encoded",
    [
        b"\0\2" + b"x" * 7 + b"\0" + b"short padding".ljust(118, b"m"),
        b"\0\1" + b"x" * 8 + b"\0" + b"type of a signature".ljust(117, b"m"),
        b"\1\2" + b"x" * 8 + b"\0" + b"not below".ljust(117, b"m"),
        b"\0\2" + b"x" * 126,
        b"\0\2\0" + b"m" * 125,
    ],
)
def test_each_way_to_be_badly_padded(encoded: bytes) -> None:
    ciphertext, exponent = bytes(range(128)), bytes(128)
    answer = encodings.pkcs1_decoded(encoded, ciphertext, exponent)
    assert answer == encodings.pkcs1_decoded(bytes(128), ciphertext, exponent)


@given(st.binary(max_size=117))
def test_filled_messages_come_back(data: bytes) -> None:
    filled = encodings.pkcs1_filled(data, 128)
    assert len(filled) == 128
    assert filled.index(b"\0", 2) == 127 - len(data)
    assert encodings.pkcs1_decoded(filled, b"", b"") == data


@given(st.binary(max_size=62), st.binary(max_size=40), st.integers(0, 127), st.integers(1, 255))
def test_an_oaep_message_with_a_byte_changed_is_none(
    data: bytes, label: bytes, at: int, change: int
) -> None:
    scheme = Oaep(SHA256, SHA1, label)
    encoded = encodings.oaep(data, scheme, bytes(range(32)), 128)
    assert encodings.oaep_decoded(encoded, scheme) == data
    changed = encoded[:at] + bytes((encoded[at] ^ change,)) + encoded[at + 1 :]
    assert encodings.oaep_decoded(changed, scheme) != data
    assert encodings.oaep_decoded(encoded, Oaep(SHA256, SHA1, label + b"!")) is None


def test_every_way_to_be_no_oaep_message() -> None:
    scheme = Oaep(SHA256, SHA256)
    seed = bytes(32)

    def encoded(block: bytes, first: int = 0) -> bytes:
        masked = _xor(block, encodings.mgf1(seed, 95, SHA256))
        return bytes((first,)) + _xor(seed, encodings.mgf1(masked, 32, SHA256)) + masked

    label = hashlib.sha256(b"").digest()
    good = label + bytes(60) + b"\1hi"
    assert encodings.oaep_decoded(encoded(good), scheme) == b"hi"
    for wrong in (label + bytes(63), label + b"\2".rjust(61, b"\0") + b"hi", bytes(92) + b"\1hi"):
        assert encodings.oaep_decoded(encoded(wrong), scheme) is None
    assert encodings.oaep_decoded(encoded(good, first=1), scheme) is None


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


@given(
    st.integers(1024, 1040),
    st.sampled_from([SHA1, SHA256, SHA512]),
    st.sampled_from([SHA1, SHA256]),
    st.sampled_from([0, 1, 20, 62]),
    st.data(),
)
def test_pss_of_any_size_holds_its_hash_and_no_other(
    bits: int, which: Hash, mask: Hash, salt_bytes: int, data: st.DataObject
) -> None:
    scheme = Pss(which, mask, min(salt_bytes, (bits + 6) // 8 - which.size - 2))
    digest = hashlib.new(which.name, b"data").digest()
    encoded = encodings.pss(digest, scheme, b"s" * scheme.salt_bytes, bits)
    assert int.from_bytes(encoded, "big").bit_length() < bits
    encoded = encoded.rjust((bits + 7) // 8, b"\0")
    assert encodings.is_pss(encoded, digest, scheme, bits)
    at = data.draw(st.integers(0, len(encoded) - 1))
    change = data.draw(st.integers(1, 255))
    changed = encoded[:at] + bytes((encoded[at] ^ change,)) + encoded[at + 1 :]
    assert not encodings.is_pss(changed, digest, scheme, bits)
    assert not encodings.is_pss(encoded, digest[::-1], scheme, bits)
    longer = scheme._replace(salt_bytes=scheme.salt_bytes + 1)
    assert not encodings.is_pss(encoded, digest, longer, bits)


@pytest.mark.parametrize("scheme", [Pkcs1(SHA256), Pss(SHA256, SHA256, 32)], ids=str)
def test_a_wrong_power_does_not_become_a_signature(scheme: Pkcs1 | Pss) -> None:
    """One that is right modulo one prime would give the other away (Boneh, DeMillo, Lipton)."""
    key = rsa_vectors.SIGNING_KEY.pair()[0]
    p, q = rsa.all_numbers(key)[3:5]
    by_python(key)
    right = key.power
    assert right is not None

    def faulty(message: bytes) -> bytes:
        number = int.from_bytes(right(message), "big")
        return ((number + p) % (p * q)).to_bytes(128, "big")

    sign = rsa.private_handle(key).signer(scheme)
    assert len(sign(SIGNED)) == 128
    key.power = faulty
    with refuses(ck.CKR_DEVICE_ERROR):
        sign(SIGNED)


def test_what_happens_elsewhere_is_told() -> None:
    """And is neither a wrong signature nor bad padding."""

    def gone(message: bytes) -> bytes:
        raise Refused(ck.CKR_DEVICE_REMOVED)

    private, public = rsa_vectors.SIGNING_KEY.pair()
    private.power = public.power = gone
    opened, closed = rsa.private_handle(private), rsa.public_handle(public)
    for call in (
        lambda: opened.signer(Pkcs1(SHA256))(SIGNED),
        lambda: opened.decrypter(Pkcs1())(bytes(128)),
        lambda: opened.decrypter(Oaep(SHA1, SHA1))(bytes(128)),
        lambda: closed.verifier(Pss(SHA256, SHA256, 32))(SIGNED, bytes(128)),
        lambda: closed.encrypter(Oaep(SHA1, SHA1))(b"data"),
    ):
        with refuses(ck.CKR_DEVICE_REMOVED):
            call()


@pytest.mark.parametrize(
    ("modulus", "exponent"), [((1 << 1024) - 2, 3), ((1 << 1024) - 1, 1), ((1 << 1024) - 1, 65536)]
)
def test_numbers_that_are_no_public_key(modulus: int, exponent: int) -> None:
    key: Key = by_python(public_key(rsa_spki(modulus, exponent)))
    with refuses(ck.CKR_PUBLIC_KEY_INVALID):
        rsa.public_handle(key)
