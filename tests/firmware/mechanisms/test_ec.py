"""ECDSA and ECDH on the prime curves, against NIST's files and those of the RFCs."""

import re
from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec as reference
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.parameters import Ecdh
from ghostcard.firmware.mechanisms import all_mechanisms, ec, ecdsa, kdf, private
from ghostcard.firmware.mechanisms.curves import (
    CURVES,
    P192,
    P224,
    P256,
    P384,
    P521,
    SECP256K1,
    Curve,
    group,
    of_key,
)
from ghostcard.firmware.mechanisms.hashes import SIGNATURE_HASHES, Hash
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import ec_spki, public_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import Case, cases, text
from tests.firmware.mechanisms.refusing import refuses

TABLE = all_mechanisms()
NAMES = {"P-192": P192, "P-224": P224, "P-256": P256, "P-384": P384, "P-521": P521}
HASHES = {each.name.replace("sha", "SHA-"): each for each in SIGNATURE_HASHES[:5]}
FOLDER = ("asymmetric", "ECDSA", "FIPS_186-3")


def private_of(curve: Curve, scalar: int) -> Key:
    return ec.private_key(curve, scalar)


def public_of(private: Key) -> Key:
    curve = of_key(private)
    return public_key(ec_spki(curve, ec.point_of(private)))


def _in_section(file: str) -> list[tuple[Curve, Hash, Case]]:
    found, section = [], ""
    for case in cases(*FOLDER, file):
        section = case.headings[-1] if case.headings else section
        curve, _, which = section.partition(",")
        if curve in NAMES and which in HASHES and "r" in case.fields:
            found.append((NAMES[curve], HASHES[which], case))
    return found


def _signature(curve: Curve, case: Case) -> bytes:
    return case.hex("r").rjust(curve.size, b"\0") + case.hex("s").rjust(curve.size, b"\0")


def _public(curve: Curve, case: Case) -> Key:
    x, y = (case.hex(name).rjust(curve.size, b"\0") for name in ("qx", "qy"))
    return public_key(ec_spki(curve, b"\4" + x + y))


def test_signatures_of_the_cavs_file_verify() -> None:
    found = _in_section("SigGen.txt")
    assert len(found) == 5 * 5 * 15
    for curve, which, case in found:
        verify = TABLE.find(which.ecdsa or 0).verifier(_public(curve, case), b"")
        verify(case.hex("msg"), _signature(curve, case))


def test_good_and_bad_signatures_of_the_cavs_file() -> None:
    found = _in_section("SigVer.rsp")
    assert len(found) == 5 * 5 * 15
    refused = 0
    for curve, which, case in found:
        mechanism = TABLE.find(which.ecdsa or 0)
        if case.fields["result"].startswith("P"):
            mechanism.verifier(_public(curve, case), b"")(case.hex("msg"), _signature(curve, case))
            continue
        refused += 1
        with refuses(ck.CKR_SIGNATURE_INVALID):
            mechanism.verifier(_public(curve, case), b"")(case.hex("msg"), _signature(curve, case))
    assert refused > 200


def test_signatures_on_secp256k1() -> None:
    """Made by pyca/cryptography for their tests, with the messages of NIST's file."""
    which, seen = SIGNATURE_HASHES[0], 0
    for case in cases("asymmetric", "ECDSA", "SECP256K1", "SigGen.txt"):
        if case.headings:
            which = HASHES[case.headings[-1].partition(",")[2]]
        public = _public(SECP256K1, case)
        if seen % 10 == 0:
            verify = TABLE.find(which.ecdsa or 0).verifier(public, b"")
            verify(case.hex("msg"), _signature(SECP256K1, case))
            ours = private_of(SECP256K1, int(case.fields["d"], 16))
            assert ec.point_of(ours) == public.material
        seen += 1
    assert seen > 1000


def test_signatures_of_rfc_6979() -> None:
    """As OpenSSL carries them: P-192 to P-521, with SHA-1 and SHA-2."""
    whole = text("asymmetric", "ECDSA", "RFC6979", "evppkey_ecdsa_rfc6979.txt")
    pems = re.findall(r"PrivateKey=(P-\d+)_PRIV\n-+BEGIN.*?-\n(.*?)-+END", whole, re.DOTALL)
    keys = {name: private.private_key(ck.CKK_EC, b64decode(pem)) for name, pem in pems}
    assert keys.keys() == NAMES.keys()
    pattern = (
        r"DigestSign = (SHA\d+)\nKey = (P-\d+)_PRIV\nNonceType = deterministic\n"
        r'Input = "(\w+)"\nOutput = ([0-9A-Fa-f]+)'
    )
    found = re.findall(pattern, whole)
    assert len(found) == 5 * 2 * 5
    for which, name, message, der in found:
        number = HASHES[which.replace("SHA", "SHA-")].ecdsa or 0
        verify = TABLE.find(number).verifier(public_of(keys[name]), b"")
        signature = ecdsa.from_der(bytes.fromhex(der), NAMES[name].size)
        verify(message.encode(), signature)
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(message.encode() + b"x", signature)


def test_agreements_on_brainpool_curves() -> None:
    """RFC 7027, A.1 to A.3."""
    curves = {curve.title.lower(): curve for curve in CURVES}
    seen = 0
    for case in cases("asymmetric", "ECDH", "brainpool.txt"):
        curve = curves[case.fields["curve"].lower()]
        ours = private_of(curve, int(case.fields["da"], 16))
        assert ec.point_of(ours) == b"\4" + case.hex("x_qa") + case.hex("y_qa")
        params = agreement(ck.CKD_NULL, b"\4" + case.hex("x_qb") + case.hex("y_qb"))
        assert TABLE.find(ck.CKM_ECDH1_DERIVE).derive(ours, params, None) == case.hex("x_z")
        seen += 1
    assert seen == 3


@pytest.mark.parametrize("which", SIGNATURE_HASHES, ids=lambda each: each.name)
@pytest.mark.parametrize("curve", CURVES, ids=lambda each: each.name)
def test_every_hash_on_every_curve(curve: Curve, which: Hash) -> None:
    private = private_of(curve, 12345)
    public = public_of(private)
    hashed, bare = TABLE.find(which.ecdsa or 0), TABLE.find(ck.CKM_ECDSA)
    signature = hashed.signer(private, b"")(b"some data")
    assert len(signature) == hashed.signature_bytes(private, b"") == 2 * curve.size
    hashed.verifier(public, b"")(b"some data", signature)
    sink = hashed.sink(public, b"")
    sink.update(b"some ")
    sink.update(b"data")
    bare.verifier(public, b"")(sink.digest(), signature)
    hashed.verifier(public, b"")(b"some data", bare.signer(private, b"")(sink.digest()))


@pytest.mark.parametrize("curve", CURVES, ids=lambda each: each.name)
def test_changed_signatures(curve: Curve) -> None:
    private = private_of(curve, 12345)
    mechanism = TABLE.find(ck.CKM_ECDSA_SHA256)
    signature = mechanism.signer(private, b"")(b"data")
    verify = mechanism.verifier(public_of(private), b"")
    for at in range(2 * curve.size):
        changed = signature[:at] + bytes((signature[at] ^ 1,)) + signature[at + 1 :]
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(b"data", changed)
    for wrong in (b"", signature[:-1], signature + b"\0"):
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            verify(b"data", wrong)
    for wrong in (bytes(2 * curve.size), b"\xff" * 2 * curve.size):
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(b"data", wrong)


@given(data=st.binary(min_size=1, max_size=64))
@pytest.mark.parametrize("curve", CURVES, ids=lambda each: each.name)
def test_data_of_any_length_stands_for_its_leading_bits(curve: Curve, data: bytes) -> None:
    """PKCS #11 3.2, 6.3.12; the reference signs the number of the leading bits, zero-filled."""
    private = private_of(curve, 54321)
    size = min(curve.size, 64)
    number = int.from_bytes(data[:size], "big")
    signature = TABLE.find(ck.CKM_ECDSA).signer(private, b"")(data)
    verify = TABLE.find(ck.CKM_ECDSA).verifier(public_of(private), b"")
    verify(number.to_bytes(size, "big"), signature)


def test_data_that_cannot_be_signed() -> None:
    for curve, data in ((P256, b""), (P384, b""), (P521, b""), (P521, bytes(65))):
        private = private_of(curve, 1)
        with refuses(ck.CKR_DATA_LEN_RANGE):
            TABLE.find(ck.CKM_ECDSA).signer(private, b"")(data)
        with refuses(ck.CKR_DATA_LEN_RANGE):
            TABLE.find(ck.CKM_ECDSA).verifier(public_of(private), b"")(data, bytes(2 * curve.size))


@given(
    r=st.one_of(st.integers(1, 300), st.integers(1, P521.order - 1)),
    s=st.one_of(st.integers(1, 300), st.integers(1, P521.order - 1)),
)
def test_der_of_any_size_becomes_fixed_width(r: int, s: int) -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    der = encode_dss_signature(r, s)
    assert decode_dss_signature(der) == (r, s)
    assert ecdsa.from_der(der, 66) == r.to_bytes(66, "big") + s.to_bytes(66, "big")


@pytest.mark.parametrize("curve", CURVES, ids=lambda each: each.name)
class TestKeyPairs:
    def test_the_scalar_is_drawn_with_64_bits_to_spare(self, table: Table, curve: Curve) -> None:
        mechanism = table.find(ck.CKM_EC_KEY_PAIR_GEN)
        asked: list[int] = []

        def draw(size: int) -> bytes:
            asked.append(size)
            return b"\xff" * size

        private, spki = mechanism.generate_pair({ck.CKA_EC_PARAMS: curve.oid}, draw)
        assert asked == [(curve.bits + 64 + 7) // 8]
        scalar = ((1 << 8 * asked[0]) - 1) % (curve.order - 1) + 1
        expected = reference.derive_private_key(scalar, group(curve))
        assert private.material[: curve.size] == scalar.to_bytes(curve.size, "big")
        assert ec.private_handle(private).private_numbers() == expected.private_numbers()
        assert public_key(spki).material == ec.point_of(private)

    def test_null_pairs_have_the_sizes_of_real_ones(self, table: Table, curve: Curve) -> None:
        mechanism = table.find(ck.CKM_EC_KEY_PAIR_GEN)
        public = {ck.CKA_EC_PARAMS: curve.oid}
        null, real = mechanism.null_pair(public), mechanism.generate_pair(public, bytes)
        assert null.private.is_null
        assert len(null.private.material) == len(real.private.material)
        assert len(null.spki) == len(real.spki)
        assert public_key(null.spki).bits == curve.bits
        assert mechanism.pair_operation(public) == f"ec-{curve.name}-keygen"

    def test_a_blob_of_zeros_makes_no_key(self, table: Table, curve: Curve) -> None:
        public = public_key(ec_spki(curve, bytes(2 * curve.size + 1)))
        with refuses(ck.CKR_PUBLIC_KEY_INVALID):
            table.find(ck.CKM_ECDSA).verifier(public, b"")


@pytest.mark.parametrize(
    ("params", "rv"),
    [
        (None, ck.CKR_TEMPLATE_INCOMPLETE),
        (b"", ck.CKR_CURVE_NOT_SUPPORTED),
        (bytes.fromhex("06052b81040006"), ck.CKR_CURVE_NOT_SUPPORTED),  # secp112r1
        (P256.oid + b"\0", ck.CKR_CURVE_NOT_SUPPORTED),
    ],
)
def test_other_curves(table: Table, params: bytes | None, rv: int) -> None:
    public: dict[int, int | bytes] = {} if params is None else {ck.CKA_EC_PARAMS: params}
    with refuses(rv):
        table.find(ck.CKM_EC_KEY_PAIR_GEN).generate_pair(public, bytes)


def agreement(kdf: int, point: bytes, shared: bytes = b"") -> bytes:
    return wire.pack(ck.CKM_ECDH1_DERIVE, Ecdh(kdf, shared, point))[4:]


ECDH_FILE = ("asymmetric", "ECDH", "KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_resp.fax")
SECTIONS = {"EC": P256, "ED": P384, "EE": P521}


def test_shared_secrets_of_the_cavs_file(table: Table) -> None:
    derive = table.find(ck.CKM_ECDH1_DERIVE).derive
    good = bad = 0
    section = ""
    for case in cases(*ECDH_FILE):
        section = case.headings[-1] if case.headings else section
        curve = SECTIONS.get(section.split(" ")[0])
        result = case.fields.get("result", "")
        if curve is None or not re.match(r"P|F \([12] ", result):  # 5 to 8: our side is wrong
            continue
        private = private_of(curve, int(case.fields["dsiut"], 16))
        x, y = (case.hex(f"qscavs{axis}").rjust(curve.size, b"\0")[-curve.size :] for axis in "xy")
        params = agreement(ck.CKD_NULL, b"\4" + x + y)
        if result.startswith("F"):  # the peer's point fails validation
            bad += 1
            with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
                derive(private, params, None)
        else:
            good += 1
            assert derive(private, params, None) == case.hex("z").rjust(curve.size, b"\0")
    assert (good, bad) == (54, 12)


def test_kdf_of_the_cavs_file() -> None:
    seen, which = 0, SIGNATURE_HASHES[0]
    for case in cases("KDF", "ansx963_2001.txt"):
        named = [HASHES[each] for each in case.headings if each in HASHES]
        which = named[-1] if named else which
        if "key_data" in case.fields:
            found = kdf.x963(
                which, case.hex("z"), case.hex("sharedinfo"), len(case.hex("key_data"))
            )
            assert found == case.hex("key_data")
            seen += 1
    assert seen >= 80


@pytest.mark.parametrize("curve", CURVES, ids=lambda each: each.name)
@pytest.mark.parametrize("which", SIGNATURE_HASHES, ids=lambda each: each.name)
def test_both_sides_agree(table: Table, curve: Curve, which: Hash) -> None:
    mechanism = table.find(ck.CKM_ECDH1_DERIVE)
    one, two = private_of(curve, 111), private_of(curve, 222)
    for size in (1, 16, which.size, 100):
        values = {
            mechanism.derive(mine, agreement(which.kdf or 0, ec.point_of(other), b"info"), size)
            for mine, other in ((one, two), (two, one))
        }
        assert [len(value) for value in values] == [size]


def test_derived_values_are_cut_from_the_leading_end(table: Table) -> None:
    mechanism = table.find(ck.CKM_ECDH1_COFACTOR_DERIVE)
    one, two = private_of(P256, 111), private_of(P256, 222)
    params = agreement(ck.CKD_NULL, ec.point_of(two))
    whole = mechanism.derive(one, params, None)
    assert len(whole) == mechanism.derived_bytes(one, params, None) == 32
    assert mechanism.derive(one, params, 16) == whole[16:]
    wrapped = b"\x04\x41" + ec.point_of(two)  # as CKA_EC_POINT holds it
    assert mechanism.derive(one, agreement(ck.CKD_NULL, wrapped), None) == whole


@pytest.mark.parametrize(
    ("params", "size", "rv"),
    [
        (agreement(ck.CKD_NULL, bytes(65), b"info"), None, ck.CKR_MECHANISM_PARAM_INVALID),
        (agreement(99, bytes(65)), None, ck.CKR_MECHANISM_PARAM_INVALID),
        (agreement(ck.CKD_NULL, bytes(65)), 16, ck.CKR_MECHANISM_PARAM_INVALID),
        (agreement(ck.CKD_NULL, b""), 16, ck.CKR_MECHANISM_PARAM_INVALID),
        (agreement(ck.CKD_NULL, ec.point_of(ec.private_key(P384, 5))), 16, 0x71),
        (agreement(ck.CKD_NULL, bytes(65)), 33, ck.CKR_KEY_SIZE_RANGE),
        (agreement(ck.CKD_NULL, bytes(65)), 0, ck.CKR_KEY_SIZE_RANGE),
        (agreement(ck.CKD_SHA256_KDF, bytes(65)), 2049, ck.CKR_KEY_SIZE_RANGE),
        (b"", None, ck.CKR_MECHANISM_PARAM_INVALID),
    ],
)
def test_derivations_that_are_refused(
    table: Table, params: bytes, size: int | None, rv: int
) -> None:
    with refuses(rv):
        table.find(ck.CKM_ECDH1_DERIVE).derive(private_of(P256, 7), params, size)
