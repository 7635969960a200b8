"""Ed25519 and Ed448 against the signatures of their first implementation and of RFC 8032."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as codec
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms import octet_keys
from ghostcard.firmware.mechanisms.curves import (
    ED448,
    ED25519,
    OCTET_CURVES,
    OctetCurve,
    octet_of_key,
)
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import octet_spki, public_key
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases, text
from tests.firmware.mechanisms.refusing import refuses

BOTH = pytest.mark.parametrize("curve", [ED25519, ED448], ids=lambda curve: curve.name)


def pair(curve: OctetCurve, secret: bytes) -> tuple[Key, Key]:
    private = octet_keys.private_key(curve, secret)
    return private, public_key(octet_spki(curve, octet_keys.public_of(private)))


def params(prehash: int, context: bytes = b"") -> bytes:
    return codec.pack(ck.CKM_EDDSA, wire.Eddsa(prehash, context))[4:]


def test_sign_input(table: Table) -> None:
    """`sign.input` of ed25519.cr.yp.to: seed and key, key, message, signature and message."""
    mechanism = table.find(ck.CKM_EDDSA)
    lines = text("asymmetric", "Ed25519", "sign.input").split()
    assert len(lines) == 1024
    for line in lines[::4]:
        secret, public, message, signed = map(bytes.fromhex, line.split(":")[:4])
        private, other = pair(ED25519, secret[:32])
        assert octet_keys.public_of(private) == public
        assert mechanism.signer(private, b"")(message) == signed[:64]
        mechanism.verifier(other, b"")(message, signed[:64])


def test_ed448_of_the_rfc(table: Table) -> None:
    """RFC 8032, 7.4."""
    mechanism = table.find(ck.CKM_EDDSA)
    seen = 0
    for case in cases("asymmetric", "Ed448", "rfc8032.txt"):
        private, public = pair(ED448, case.hex("secret"))
        message, signature = case.hex("message"), case.hex("signature")
        context = bytes.fromhex(case.fields.get("context", ""))
        assert octet_keys.public_of(private) == case.hex("public")
        for how in [params(0, context)] + [b""] * (not context):
            assert mechanism.signer(private, how)(message) == signature
            mechanism.verifier(public, how)(message, signature)
        seen += 1
    assert seen == 9


# RFC 8032, 7.2: curve25519 with a context; the first three have one key, of the fourth another.
SECRET = "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6"
OTHER = "ab9c2853ce297ddab85c993b3ae14bcad39b2c682beabc27d6d4eb20711d6560"
MESSAGE = "f726936d19c800494e3fdaff20b276a8"
CONTEXTS = [
    (
        *(SECRET, MESSAGE, b"foo"),
        "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a"
        "8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d",
    ),
    (
        *(SECRET, MESSAGE, b"bar"),
        "fc60d5872fc46b3aa69f8b5b4351d5808f92bcc044606db097abab6dbcb1aee3"
        "216c48e8b3b66431b5b186d1d28f8ee15a5ca2df6668346291c2043d4eb3e90d",
    ),
    (
        *(SECRET, "508e9e6882b979fea900f62adceaca35", b"foo"),
        "8b70c1cc8310e1de20ac53ce28ae6e7207f33c3295e03bb5c0732a1d20dc6490"
        "8922a8b052cf99b7c4fe107a5abb5b2c4085ae75890d02df26269d8945f84b0b",
    ),
    (
        *(OTHER, MESSAGE, b"foo"),
        "21655b5f1aa965996b3f97b3c849eafba922a0a62992f73b3d1b73106a84ad85"
        "e9b86a7b6005ea868337ff2d20a7f5fbd4cd10b0be49a68da2b2e0dc0ad8960f",
    ),
]


@pytest.mark.parametrize(("secret", "message", "context", "signature"), CONTEXTS)
def test_ed25519ctx_of_the_rfc(
    table: Table, secret: str, message: str, context: bytes, signature: str
) -> None:
    private, public = pair(ED25519, bytes.fromhex(secret))
    mechanism = table.find(ck.CKM_EDDSA)
    how = params(0, context)
    assert mechanism.signer(private, how)(bytes.fromhex(message)).hex() == signature
    verify = mechanism.verifier(public, how)
    verify(bytes.fromhex(message), bytes.fromhex(signature))
    with refuses(ck.CKR_SIGNATURE_INVALID):
        verify(bytes.fromhex(message) + b"x", bytes.fromhex(signature))
    with refuses(ck.CKR_SIGNATURE_INVALID):
        mechanism.verifier(public, params(0, context + b"x"))(
            bytes.fromhex(message), bytes.fromhex(signature)
        )


# RFC 8032, 7.3 and 7.5, "TEST abc" (the second of Ed448ph with the context "foo").
PREHASHES = [
    (
        *(ED25519, b""),
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
        "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
    ),
    (
        *(ED448, b""),
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"
        "ef7822e0d5104127dc05d6dbefde69e3ab2cec7c867c6e2c49",
        "822f6901f7480f3d5f562c592994d9693602875614483256505600bbc281ae38"
        "1f54d6bce2ea911574932f52a4e6cadd78769375ec3ffd1b801a0d9b3f4030cd"
        "433964b6457ea39476511214f97469b57dd32dbc560a9a94d00bff07620464a3"
        "ad203df7dc7ce360c3cd3696d9d9fab90f00",
    ),
    (
        *(ED448, b"foo"),
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"
        "ef7822e0d5104127dc05d6dbefde69e3ab2cec7c867c6e2c49",
        "c32299d46ec8ff02b54540982814dce9a05812f81962b649d528095916a2aa48"
        "1065b1580423ef927ecf0af5888f90da0f6a9a85ad5dc3f280d91224ba9911a3"
        "653d00e484e2ce232521481c8658df304bb7745a73514cdb9bf3e15784ab7128"
        "4f8d0704a608c54a6b62d97beb511d132100",
    ),
]


@pytest.mark.parametrize(("curve", "context", "secret", "signature"), PREHASHES)
def test_prehashed_schemes_of_the_rfc(
    table: Table, curve: OctetCurve, context: bytes, secret: str, signature: str
) -> None:
    private, public = pair(curve, bytes.fromhex(secret))
    mechanism = table.find(ck.CKM_EDDSA)
    how = params(1, context)
    assert mechanism.signer(private, how)(b"abc").hex() == signature
    mechanism.verifier(public, how)(b"abc", bytes.fromhex(signature))
    sink = mechanism.sink(private, how)
    for part in (b"a", b"", b"bc"):
        sink.update(part)
    assert mechanism.closer(private, how)(sink.digest()).hex() == signature
    mechanism.checker(public, how)(sink.digest(), bytes.fromhex(signature))
    for other in (params(0, context), params(1, context + b"o"), b""):
        with refuses(ck.CKR_SIGNATURE_INVALID):
            mechanism.verifier(public, other)(b"abc", bytes.fromhex(signature))


@BOTH
@pytest.mark.parametrize("how", [b"", params(0, b"context"), params(1)], ids=bytes.hex)
def test_changed_signatures(table: Table, curve: OctetCurve, how: bytes) -> None:
    private, public = pair(curve, bytes(curve.size))
    mechanism = table.find(ck.CKM_EDDSA)
    signature = mechanism.signer(private, how)(b"data")
    size = 2 * curve.size
    assert len(signature) == mechanism.signature_bytes(private, how) == size
    verify = mechanism.verifier(public, how)
    for at in range(0, size, 3):
        changed = signature[:at] + bytes((signature[at] ^ 1,)) + signature[at + 1 :]
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(b"data", changed)
    for wrong in (b"", signature[:-1], signature + b"\0"):
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            verify(b"data", wrong)


@BOTH
def test_an_empty_context_is_the_pure_scheme(table: Table, curve: OctetCurve) -> None:
    private, _ = pair(curve, bytes(curve.size))
    sign = table.find(ck.CKM_EDDSA).signer
    assert sign(private, params(0))(b"data") == sign(private, b"")(b"data")


@pytest.mark.parametrize("how", [bytes(3), params(2), params(0, bytes(256)), params(1, bytes(256))])
def test_parameters_that_are_none(table: Table, how: bytes) -> None:
    private, public = pair(ED25519, bytes(32))
    mechanism = table.find(ck.CKM_EDDSA)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.signer(private, how)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.verifier(public, how)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.signature_bytes(private, how)


@pytest.mark.parametrize("how", [b"", params(1)], ids=bytes.hex)
def test_octets_that_are_no_point(table: Table, how: bytes) -> None:
    public = public_key(octet_spki(ED25519, b"\xff" * 32))
    verify = table.find(ck.CKM_EDDSA).verifier
    with pytest.raises(Refused) as caught:
        verify(public, how)(b"data", bytes(64))
    assert caught.value.rv in (ck.CKR_PUBLIC_KEY_INVALID, ck.CKR_SIGNATURE_INVALID)


KEYGEN = {
    ck.CKK_EC_EDWARDS: ck.CKM_EC_EDWARDS_KEY_PAIR_GEN,
    ck.CKK_EC_MONTGOMERY: ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
}


@pytest.mark.parametrize(
    ("curve", "name"),
    [(curve, name) for curve in OCTET_CURVES for name in (curve.oid, *curve.other_params)],
    ids=lambda value: value.hex() if isinstance(value, bytes) else value.name,
)
def test_each_name_of_a_curve_makes_a_pair(table: Table, curve: OctetCurve, name: bytes) -> None:
    mechanism = table.find(KEYGEN[curve.key_type])
    public = {ck.CKA_EC_PARAMS: name}
    real, null = mechanism.generate_pair(public, bytes), mechanism.null_pair(public)
    assert octet_of_key(real.private) == curve
    assert octet_keys.public_of(real.private) == public_key(real.spki).material
    assert len(real.spki) == len(null.spki) == curve.size + 12
    assert len(real.private.material) == len(null.private.material) == 2 * curve.size
    assert null.private.is_null
    assert mechanism.pair_operation(public) == f"{curve.name}-keygen"


@pytest.mark.parametrize("key_type", KEYGEN)
@pytest.mark.parametrize(
    ("params", "rv"),
    [
        (None, ck.CKR_TEMPLATE_INCOMPLETE),
        (b"", ck.CKR_CURVE_NOT_SUPPORTED),
        (b"\x13\x09edwards25", ck.CKR_CURVE_NOT_SUPPORTED),
        (bytes.fromhex("06082a8648ce3d030107"), ck.CKR_CURVE_NOT_SUPPORTED),
    ],
)
def test_other_curves(table: Table, key_type: int, params: bytes | None, rv: int) -> None:
    public: dict[int, int | bytes] = {} if params is None else {ck.CKA_EC_PARAMS: params}
    with refuses(rv):
        table.find(KEYGEN[key_type]).generate_pair(public, bytes)


def test_curves_of_the_other_type(table: Table) -> None:
    for curve in OCTET_CURVES:
        for key_type, keygen in KEYGEN.items():
            if key_type != curve.key_type:
                with refuses(ck.CKR_CURVE_NOT_SUPPORTED):
                    table.find(keygen).pair_operation({ck.CKA_EC_PARAMS: curve.oid})
