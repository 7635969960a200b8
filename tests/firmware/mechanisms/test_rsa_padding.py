"""PKCS #1 v1.5, PSS and OAEP against the vectors of RSA Laboratories, and what must be refused."""

import hashlib
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa as reference

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameters import Oaep, Pss
from ghostcard.firmware.mechanisms import rsa, rsa_vectors
from ghostcard.firmware.mechanisms.hashes import SIGNATURE_HASHES, Hash, opener
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Gather
from ghostcard.firmware.mechanisms.public import public_key, rsa_spki
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.elsewhere import PLACES, Place
from tests.firmware.mechanisms.laboratories import Example, examples, sha1_params
from tests.firmware.mechanisms.refusing import refuses

FOLDER = ("asymmetric", "RSA")
OLD = (*FOLDER, "pkcs-1v2-1d2-vec")
# The DigestInfo in front of a SHA-256 hash: RFC 8017, 9.2, note 1.
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: place.__name__)
def place(request: pytest.FixtureRequest) -> Place:
    """Who does the exponentiations."""
    chosen: Place = request.param
    return chosen


@pytest.fixture(scope="module")
def pair(place: Place) -> tuple[Key, Key]:
    numbers = reference.generate_private_key(65537, 2048).private_numbers()
    private = rsa.private_key(numbers)
    return place(private), place(public_key(rsa_spki(*rsa.public_numbers(private))))


def placed(found: list[Example], place: Place) -> Iterator[Example]:
    return (Example(place(private), place(public), fields) for private, public, fields in found)


def pss(number: int, which: Hash, mask: Hash, salt: int) -> bytes:
    assert mask.mgf is not None
    return wire.pack(number, Pss(which.digest, mask.mgf, salt))[4:]


def oaep(which: Hash, mask: Hash, label: bytes = b"", source: int = 1) -> bytes:
    assert mask.mgf is not None
    return wire.pack(ck.CKM_RSA_PKCS_OAEP, Oaep(which.digest, mask.mgf, source, label))[4:]


def test_pkcs1_signatures(table: Table, place: Place) -> None:
    mechanism = table.find(ck.CKM_SHA1_RSA_PKCS)
    found = list(examples("signature", *FOLDER, "pkcs1v15sign-vectors.txt"))
    assert len(found) == 8 * 20  # keys of 1024, 1536 and 2048 bits
    for private, public, fields in placed(found, place):
        message, signature = fields["message to be signed"], fields["signature"]
        assert mechanism.signer(private, b"")(message) == signature
        mechanism.verifier(public, b"")(message, signature)


def test_pkcs1_encryption(table: Table, place: Place) -> None:
    mechanism = table.find(ck.CKM_RSA_PKCS)
    found = list(examples("encryption", *FOLDER, "pkcs1v15crypt-vectors.txt"))
    assert len(found) == 8 * 20
    for private, public, fields in placed(found, place):
        decrypt = mechanism.decrypter(private)
        assert decrypt(b"", fields["encryption"]) == fields["message"]
        assert (
            decrypt(b"", mechanism.encrypter(public)(b"", fields["message"])) == fields["message"]
        )


def test_pss_signatures(table: Table, place: Place) -> None:
    mechanism = table.find(ck.CKM_SHA1_RSA_PKCS_PSS)
    params = wire.pack(mechanism.number, Pss(*sha1_params(), 20))[4:]
    found = list(examples("signature", *OLD, "pss-vect.txt"))
    assert len(found) == 3 * 6
    for private, public, fields in placed(found, place):
        message = fields["message to be signed"]
        verify = mechanism.verifier(public, params)
        verify(message, fields["signature"])
        verify(message, mechanism.signer(private, params)(message))


def test_oaep_encryption(table: Table, place: Place) -> None:
    mechanism = table.find(ck.CKM_RSA_PKCS_OAEP)
    params = wire.pack(mechanism.number, Oaep(*sha1_params()))[4:]
    found = list(examples("encryption", *OLD, "oaep-vect.txt"))
    assert len(found) == 3 * 6
    for private, public, fields in placed(found, place):
        decrypt = mechanism.decrypter(private)
        assert decrypt(params, fields["encryption"]) == fields["message"]
        again = mechanism.encrypter(public)(params, fields["message"])
        assert decrypt(params, again) == fields["message"]


@pytest.mark.parametrize("which", SIGNATURE_HASHES, ids=lambda each: each.name)
@pytest.mark.parametrize("family", ["rsa_pkcs", "rsa_pss"])
def test_each_hash_signs_what_its_prehashed_form_verifies(
    table: Table, pair: tuple[Key, Key], which: Hash, family: str
) -> None:
    private, public = pair
    number = getattr(which, family)
    params = b"" if family == "rsa_pkcs" else pss(number, which, which, which.size)
    hashed = table.find(number)
    signature = hashed.signer(private, params)(b"some data")
    assert len(signature) == hashed.signature_bytes(private, params) == 256
    hashed.verifier(public, params)(b"some data", signature)
    sink = hashed.sink(public, params)
    sink.update(b"some ")
    sink.update(b"data")
    hashed.checker(public, params)(sink.digest(), signature)
    if family == "rsa_pss":
        bare = table.find(ck.CKM_RSA_PKCS_PSS)
        digest = opener(which)(b"some data").digest()
        bare.verifier(public, params)(digest, signature)
        hashed.verifier(public, params)(b"some data", bare.signer(private, params)(digest))


def test_bare_pkcs1_signs_the_digest_info_it_is_given(table: Table, pair: tuple[Key, Key]) -> None:
    private, public = pair
    bare = table.find(ck.CKM_RSA_PKCS)
    info = SHA256_INFO + hashlib.sha256(b"data").digest()
    signature = bare.signer(private, b"")(info)
    table.find(ck.CKM_SHA256_RSA_PKCS).verifier(public, b"")(b"data", signature)
    bare.verifier(public, b"")(info, signature)
    assert isinstance(bare.sink(private, b""), Gather)
    with refuses(ck.CKR_SIGNATURE_INVALID):
        bare.verifier(public, b"")(info[:-1] + bytes((info[-1] ^ 1,)), signature)


@pytest.mark.parametrize("size", [0, 1, 245])
def test_bare_pkcs1_takes_any_data_that_fits(
    table: Table, pair: tuple[Key, Key], size: int
) -> None:
    private, public = pair
    bare = table.find(ck.CKM_RSA_PKCS)
    bare.verifier(public, b"")(b"d" * size, bare.signer(private, b"")(b"d" * size))
    encrypted = bare.encrypter(public)(b"", b"d" * size)
    assert bare.decrypter(private)(b"", encrypted) == b"d" * size


def test_data_that_does_not_fit(table: Table, pair: tuple[Key, Key]) -> None:
    private, public = pair
    bare, padded = table.find(ck.CKM_RSA_PKCS), table.find(ck.CKM_RSA_PKCS_OAEP)
    sha256 = SIGNATURE_HASHES[2]
    with refuses(ck.CKR_DATA_LEN_RANGE):
        bare.signer(private, b"")(bytes(246))
    with refuses(ck.CKR_DATA_LEN_RANGE):
        bare.verifier(public, b"")(bytes(246), bytes(256))
    with refuses(ck.CKR_DATA_LEN_RANGE):
        bare.encrypter(public)(b"", bytes(246))
    assert len(padded.encrypter(public)(oaep(sha256, sha256), bytes(190))) == 256
    with refuses(ck.CKR_DATA_LEN_RANGE):
        padded.encrypter(public)(oaep(sha256, sha256), bytes(191))


@pytest.mark.parametrize("number", [ck.CKM_SHA256_RSA_PKCS, ck.CKM_SHA256_RSA_PKCS_PSS], ids=hex)
def test_changed_signatures(table: Table, pair: tuple[Key, Key], number: int) -> None:
    private, public = pair
    sha256 = SIGNATURE_HASHES[2]
    params = b"" if number == ck.CKM_SHA256_RSA_PKCS else pss(number, sha256, sha256, 32)
    mechanism = table.find(number)
    signature = mechanism.signer(private, params)(b"data")
    verify = mechanism.verifier(public, params)
    for at in range(256):
        changed = signature[:at] + bytes((signature[at] ^ 1,)) + signature[at + 1 :]
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(b"data", changed)
    with refuses(ck.CKR_SIGNATURE_INVALID):
        verify(b"date", signature)
    for other in (b"", signature[:-1], signature + b"\0"):
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            verify(b"data", other)


def test_pss_parameters_that_do_not_fit(table: Table, place: Place) -> None:
    private = place(rsa_vectors.SIGNING_KEY.pair()[0])
    sha1, _, sha256, _, sha512, *_ = SIGNATURE_HASHES
    number = ck.CKM_SHA256_RSA_PKCS_PSS
    mechanism, bare = table.find(number), table.find(ck.CKM_RSA_PKCS_PSS)
    room = 1024 // 8 - 32 - 2
    assert len(mechanism.signer(private, pss(number, sha256, sha1, room))(b"")) == 128
    unknown = wire.pack(number, Pss(ck.CKM_MD5, 1, 0))[4:]
    for params in (
        pss(number, sha256, sha256, room + 1),
        pss(number, sha1, sha1, 20),  # not the hash of the mechanism
        unknown,
        wire.pack(number, Pss(sha256.digest, 99, 0))[4:],
        b"",
        bytes(11),
    ):
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.signer(private, params)
    with refuses(ck.CKR_DATA_LEN_RANGE):
        bare.signer(private, pss(number, sha512, sha512, 0))(bytes(32))


def test_oaep_labels_and_masks(table: Table, pair: tuple[Key, Key]) -> None:
    private, public = pair
    mechanism = table.find(ck.CKM_RSA_PKCS_OAEP)
    sha1, _, sha256, *_ = SIGNATURE_HASHES
    good = oaep(sha256, sha1, b"label")
    encrypted = mechanism.encrypter(public)(good, b"text")
    decrypt = mechanism.decrypter(private)
    assert decrypt(good, encrypted) == b"text"
    for other in (oaep(sha256, sha1), oaep(sha256, sha1, b"Label"), oaep(sha256, sha256, b"label")):
        with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
            decrypt(other, encrypted)
    # No source and no label is what many callers send.
    assert decrypt(oaep(sha1, sha1), mechanism.encrypter(public)(oaep(sha1, sha1, source=0), b"x"))
    for wrong in (oaep(sha1, sha1, b"label", 0), oaep(sha1, sha1, b"", 2), b"", bytes(11)):
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            decrypt(wrong, encrypted)


@pytest.mark.parametrize("size", [0, 255, 257])
def test_ciphertext_of_another_size(table: Table, pair: tuple[Key, Key], size: int) -> None:
    sha1 = SIGNATURE_HASHES[0]
    for number, params in ((ck.CKM_RSA_PKCS, b""), (ck.CKM_RSA_PKCS_OAEP, oaep(sha1, sha1))):
        with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
            table.find(number).decrypter(pair[0])(params, bytes(size))


def test_bad_pkcs1_padding_gives_repeatable_noise(table: Table, pair: tuple[Key, Key]) -> None:
    """Implicit rejection: no error that would tell, and the same answer when asked again."""
    private, public = pair
    bare = table.find(ck.CKM_RSA_PKCS)
    encrypted = bare.encrypter(public)(b"", b"secret")
    decrypt = bare.decrypter(private)
    for at in (0, 100, 255):
        changed = encrypted[:at] + bytes((encrypted[at] ^ 1,)) + encrypted[at + 1 :]
        if int.from_bytes(changed, "big") < rsa.public_numbers(public)[0]:
            assert decrypt(b"", changed) == decrypt(b"", changed) != b"secret"
