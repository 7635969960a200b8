"""X25519 and X448 against RFC 7748, through CKM_ECDH1_DERIVE."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as codec
from ghostcard.firmware.abi.parameters import Ecdh
from ghostcard.firmware.mechanisms import kdf, octet_keys
from ghostcard.firmware.mechanisms.curves import X448, X25519, OctetCurve
from ghostcard.firmware.mechanisms.hashes import SHA256
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses

BOTH = pytest.mark.parametrize("curve", [X25519, X448], ids=lambda curve: curve.name)


def agreement(public: bytes, kdf_number: int = ck.CKD_NULL, shared: bytes = b"") -> bytes:
    return codec.pack(ck.CKM_ECDH1_DERIVE, Ecdh(kdf_number, shared, public))[4:]


@BOTH
def test_vectors_of_the_rfc(table: Table, curve: OctetCurve) -> None:
    seen = 0
    for case in cases("asymmetric", curve.title, "rfc7748.txt"):
        private = octet_keys.private_key(curve, case.hex("input_scalar"))
        for number in (ck.CKM_ECDH1_DERIVE, ck.CKM_ECDH1_COFACTOR_DERIVE):
            mechanism = table.find(number)
            params = codec.pack(number, Ecdh(ck.CKD_NULL, b"", case.hex("input_u")))[4:]
            assert mechanism.derive(private, params, None) == case.hex("output_u")
            assert mechanism.derived_bytes(private, params, None) == curve.size
            assert mechanism.operation(private, "derive") == f"{curve.name}-derive"
        seen += 1
    assert seen >= 3


@BOTH
def test_both_sides_agree(table: Table, curve: OctetCurve) -> None:
    derive = table.find(ck.CKM_ECDH1_DERIVE).derive
    one, two = (octet_keys.private_key(curve, bytes([each]) * curve.size) for each in (1, 2))
    publics = octet_keys.public_of(one), octet_keys.public_of(two)
    secret = derive(one, agreement(publics[1]), None)
    assert derive(two, agreement(publics[0]), None) == secret
    wrapped = bytes((4, curve.size)) + publics[1]  # as CKA_EC_POINT holds it
    assert derive(one, agreement(wrapped), None) == secret
    derived = derive(one, agreement(publics[1], ck.CKD_SHA256_KDF, b"info"), 50)
    assert derived == kdf.x963(SHA256, secret, b"info", 50)


@BOTH
def test_points_that_are_none(table: Table, curve: OctetCurve) -> None:
    """RFC 7748, 6.1: a result of all zeros comes from a point of small order."""
    private = octet_keys.private_key(curve, b"\7" * curve.size)
    one = b"\1" + bytes(curve.size - 1)
    for public in (b"", bytes(curve.size), one, bytes(curve.size - 1), bytes(curve.size + 1)):
        for number in (ck.CKM_ECDH1_DERIVE, ck.CKM_ECDH1_COFACTOR_DERIVE):
            with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
                table.find(number).derive(private, agreement(public), None)
