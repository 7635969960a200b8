"""Ed25519 against the thousand signatures that came with its first implementation."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import eddsa
from ghostcard.firmware.mechanisms.curves import ED25519_PARAMS
from ghostcard.firmware.mechanisms.public import ed25519_spki, public_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import text
from tests.firmware.mechanisms.refusing import refuses


def test_sign_input(table: Table) -> None:
    """`sign.input` of ed25519.cr.yp.to: seed and key, key, message, signature and message."""
    mechanism = table.find(ck.CKM_EDDSA)
    lines = text("asymmetric", "Ed25519", "sign.input").split()
    assert len(lines) == 1024
    for line in lines[::4]:
        secret, public, message, signed = map(bytes.fromhex, line.split(":")[:4])
        private = eddsa.private_key(secret[:32])
        assert eddsa.public_of(private) == public
        assert mechanism.signer(private, b"")(message) == signed[:64]
        mechanism.verifier(public_key(ed25519_spki(public)), b"")(message, signed[:64])


def test_changed_signatures(table: Table) -> None:
    private = eddsa.private_key(bytes(32))
    mechanism = table.find(ck.CKM_EDDSA)
    signature = mechanism.signer(private, b"")(b"data")
    assert len(signature) == mechanism.signature_bytes(private, b"") == 64
    verify = mechanism.verifier(public_key(ed25519_spki(eddsa.public_of(private))), b"")
    for at in range(64):
        changed = signature[:at] + bytes((signature[at] ^ 1,)) + signature[at + 1 :]
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(b"data", changed)
    for wrong in (b"", signature[:-1], signature + b"\0"):
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            verify(b"data", wrong)


@pytest.mark.parametrize("params", [bytes(4), b"\0\0\0\1", bytes(4) + b"context"])
def test_forms_other_than_the_pure_one_are_refused(table: Table, params: bytes) -> None:
    private = eddsa.private_key(bytes(32))
    mechanism = table.find(ck.CKM_EDDSA)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.signer(private, params)


@pytest.mark.parametrize("params", ED25519_PARAMS, ids=bytes.hex)
def test_each_name_of_the_curve_makes_a_pair(table: Table, params: bytes) -> None:
    mechanism = table.find(ck.CKM_EC_EDWARDS_KEY_PAIR_GEN)
    public = {ck.CKA_EC_PARAMS: params}
    real, null = mechanism.generate_pair(public, bytes), mechanism.null_pair(public)
    assert eddsa.public_of(real.private) == public_key(real.spki).material
    assert len(real.spki) == len(null.spki) == 44
    assert len(real.private.material) == len(null.private.material)
    assert null.private.is_null
    assert mechanism.pair_operation(public) == "ed25519-keygen"
    assert table.find(ck.CKM_EDDSA).operation(real.private, "sign") == "ed25519-sign"


@pytest.mark.parametrize(
    ("params", "rv"),
    [
        (None, ck.CKR_TEMPLATE_INCOMPLETE),
        (bytes.fromhex("06032b6571"), ck.CKR_CURVE_NOT_SUPPORTED),  # Ed448
        (b"\x13\x0aedwards448", ck.CKR_CURVE_NOT_SUPPORTED),
    ],
)
def test_other_curves(table: Table, params: bytes | None, rv: int) -> None:
    public: dict[int, int | bytes] = {} if params is None else {ck.CKA_EC_PARAMS: params}
    with refuses(rv):
        table.find(ck.CKM_EC_EDWARDS_KEY_PAIR_GEN).generate_pair(public, bytes)
