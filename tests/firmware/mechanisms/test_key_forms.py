"""Keys outside of blobs, SPKI and PKCS #8, against the cryptographic library's own forms."""

from base64 import b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import dsa, ed448, ed25519, x448, x25519
from cryptography.hazmat.primitives.asymmetric import ec as ec_reference
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_reference
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi.status import CKR_IBM_BLOB_ERROR
from ghostcard.firmware.mechanisms import ffc, private
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import public_key
from ghostcard.firmware.mechanisms.refusal import Refused
from tests.firmware.mechanisms.nist import cases, text
from tests.firmware.mechanisms.refusing import refuses

KEYS: dict[str, tuple[int, Any]] = {
    "rsa1024": (ck.CKK_RSA, rsa_reference.generate_private_key(65537, 1024)),
    "rsa2048": (ck.CKK_RSA, rsa_reference.generate_private_key(65537, 2048)),
    "rsa1030": (ck.CKK_RSA, rsa_reference.generate_private_key(3, 1030)),
    "p256": (ck.CKK_EC, ec_reference.generate_private_key(ec_reference.SECP256R1())),
    "p384": (ck.CKK_EC, ec_reference.generate_private_key(ec_reference.SECP384R1())),
    "p521": (ck.CKK_EC, ec_reference.generate_private_key(ec_reference.SECP521R1())),
    "secp256k1": (ck.CKK_EC, ec_reference.generate_private_key(ec_reference.SECP256K1())),
    "brainpool256": (
        ck.CKK_EC,
        ec_reference.generate_private_key(ec_reference.BrainpoolP256R1()),
    ),
    "ed25519": (ck.CKK_EC_EDWARDS, ed25519.Ed25519PrivateKey.generate()),
    "ed448": (ck.CKK_EC_EDWARDS, ed448.Ed448PrivateKey.generate()),
    "x25519": (ck.CKK_EC_MONTGOMERY, x25519.X25519PrivateKey.generate()),
    "x448": (ck.CKK_EC_MONTGOMERY, x448.X448PrivateKey.generate()),
    "dsa1024": (ck.CKK_DSA, dsa.generate_private_key(1024)),
}


def pkcs8(key: Any) -> bytes:
    der: bytes = key.private_bytes(
        forms.Encoding.DER, forms.PrivateFormat.PKCS8, forms.NoEncryption()
    )
    return der


def spki(key: Any) -> bytes:
    der: bytes = key.public_key().public_bytes(
        forms.Encoding.DER, forms.PublicFormat.SubjectPublicKeyInfo
    )
    return der


@pytest.mark.parametrize("name", KEYS)
def test_there_and_back(name: str) -> None:
    key_type, reference = KEYS[name]
    key = private.private_key(key_type, pkcs8(reference))
    assert private.pkcs8(key) == pkcs8(reference)
    public = public_key(spki(reference))
    if key_type == ck.CKK_DSA:  # ours has the public value at full width
        assert public_key(private.spki(key)).material == public.material
    else:
        assert private.spki(key) == spki(reference)
    assert (public.object_class, public.key_type, public.bits) == (
        ck.CKO_PUBLIC_KEY,
        key_type,
        key.bits,
    )


@pytest.mark.parametrize("name", KEYS)
def test_zeros_behind_a_private_key_filled_up_a_block(name: str) -> None:
    key_type, reference = KEYS[name]
    key = private.private_key(key_type, pkcs8(reference) + bytes(15))
    assert private.pkcs8(key) == pkcs8(reference)
    with refuses(ck.CKR_WRAPPED_KEY_INVALID):
        private.private_key(key_type, pkcs8(reference) + b"\0\1")


@pytest.mark.parametrize("name", KEYS)
def test_another_kind_of_key_than_asked_for(name: str) -> None:
    key_type, reference = KEYS[name]
    for other in private.KEY_TYPES - {key_type}:
        with refuses(ck.CKR_WRAPPED_KEY_INVALID):
            private.private_key(other, pkcs8(reference))


def _pem(*path: str) -> bytes:
    """The DER inside a vector file."""
    lines = text("asymmetric", *path).splitlines()
    return b64decode("".join(line for line in lines if not line.startswith("-----")))


@pytest.mark.parametrize(
    "file", ["secp128r1_private_key.pem", "explicit_parameters_private_key.pem"]
)
def test_keys_on_curves_the_card_does_not_have(file: str) -> None:
    with refuses(ck.CKR_WRAPPED_KEY_INVALID):
        private.private_key(ck.CKK_EC, _pem("EC", file))


@pytest.mark.parametrize(
    ("key_type", "private_file", "public_file", "numbers_file"),
    [
        (ck.CKK_DH, "dhkey.pem", "dhpub.pem", "dhkey.txt"),
        (ck.CKK_X9_42_DH, "dhkey_rfc5114_2.pem", "dhpub_rfc5114_2.pem", "dhkey_rfc5114_2.txt"),
    ],
)
def test_diffie_hellman_keys(
    key_type: int, private_file: str, public_file: str, numbers_file: str
) -> None:
    """Files that pyca/cryptography made with OpenSSL."""
    der = _pem("DH", private_file)
    key = private.private_key(key_type, der)
    (numbers,) = cases("asymmetric", "DH", numbers_file)
    found = (*ffc.domain_of(key)[:2], ffc.y_of(key), ffc.x_of(key))
    assert found == tuple(int.from_bytes(numbers.hex(name), "big") for name in "pgyx")
    assert private.pkcs8(key) == der
    assert public_key(_pem("DH", public_file)).material == public_key(private.spki(key)).material


def test_numbers_out_of_range() -> None:
    key = private.private_key(ck.CKK_DSA, pkcs8(KEYS["dsa1024"][1]))
    domain = ffc.domain_of(key)
    for x in (0, domain.q, domain.q + 5):
        with refuses(ck.CKR_KEY_SIZE_RANGE):
            ffc.private_key(ck.CKK_DSA, domain, x)
    for y in (0, 1, domain.p - 1, domain.p):
        with refuses(ck.CKR_PUBLIC_KEY_INVALID):
            ffc.public_key(ck.CKK_DSA, domain, y)
    for wrong in (
        domain._replace(q=domain.q + 2),
        domain._replace(g=1),
        domain._replace(g=domain.p - 1),
        domain._replace(p=domain.p - 1),
        domain._replace(q=0),
    ):
        with refuses(ck.CKR_DOMAIN_PARAMS_INVALID):
            ffc.private_key(ck.CKK_DSA, wrong, 5)
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        ffc.private_key(ck.CKK_DSA, domain._replace(p=domain.p >> 1), 5)


def test_an_rsa_key_whose_numbers_do_not_belong_together() -> None:
    key = private.private_key(ck.CKK_RSA, pkcs8(KEYS["rsa1024"][1]))
    at = 128 + 8 + 5
    broken = Key(
        ck.CKO_PRIVATE_KEY,
        ck.CKK_RSA,
        1024,
        key.material[:at] + bytes((key.material[at] ^ 1,)) + key.material[at + 1 :],
    )
    with refuses(ck.CKR_WRAPPED_KEY_INVALID):
        private.private_key(ck.CKK_RSA, private.pkcs8(broken))


@given(data=st.binary(max_size=200))
def test_random_bytes_are_no_private_key(data: bytes) -> None:
    for key_type in private.KEY_TYPES:
        with refuses(ck.CKR_WRAPPED_KEY_INVALID):
            private.private_key(key_type, data)


@given(data=st.binary(max_size=200))
def test_random_bytes_are_no_public_key(data: bytes) -> None:
    with pytest.raises(Refused):
        public_key(b"\x30" + data)


def _refusal(der: bytes) -> int | None:
    try:
        public_key(der)
    except Refused as refusal:
        return refusal.rv
    return None


@pytest.mark.parametrize("name", KEYS)
def test_no_changed_public_key_breaks_the_parser(name: str) -> None:
    """A changed byte makes another key or none, and never another error."""
    der = spki(KEYS[name][1])
    for at in range(len(der)):
        for bit in (0x01, 0x80):
            rv = _refusal(der[:at] + bytes((der[at] ^ bit,)) + der[at + 1 :])
            assert rv in (
                None,
                CKR_IBM_BLOB_ERROR,
                ck.CKR_KEY_SIZE_RANGE,
                ck.CKR_KEY_TYPE_INCONSISTENT,
                ck.CKR_PUBLIC_KEY_INVALID,
                ck.CKR_DOMAIN_PARAMS_INVALID,
            )
    for size in range(len(der)):
        with pytest.raises(Refused):
            public_key(der[:size])
    with refuses(CKR_IBM_BLOB_ERROR):
        public_key(der + b"\0")


@pytest.mark.parametrize("name", [name for name in KEYS if name != "rsa1030"])
def test_null_keys_are_found_by_the_size_of_their_form(name: str) -> None:
    key_type, reference = KEYS[name]
    key = private.null_key(key_type, len(pkcs8(reference)))
    real = private.private_key(key_type, pkcs8(reference))
    assert (key.is_null, key.bits, len(key.material)) == (True, real.bits, len(real.material))


def test_a_key_says_nothing_of_its_value() -> None:
    key = private.private_key(*(KEYS["ed25519"][0], pkcs8(KEYS["ed25519"][1])))
    assert repr(key) == "<Key class 3 type 0x40, 255 bits>"
