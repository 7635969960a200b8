"""Diffie-Hellman over finite fields against published exchanges, and the groups of the RFCs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import mechanism as codec
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms import dh, dh_groups, ffc, kdf
from ghostcard.firmware.mechanisms.hashes import SHA1
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Attributes
from ghostcard.firmware.mechanisms.power import power
from ghostcard.firmware.mechanisms.public import public_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses

GROUP = ffc.Domain(dh_groups.prime(1024), 2)


def test_groups_of_the_rfc() -> None:
    """RFC 3526, as pyca/cryptography carries it: 1536 to 8192 bits."""
    seen = set()
    for case in cases("asymmetric", "DH", "rfc3526.txt"):
        prime = int(case.fields["p"], 16)
        assert dh_groups.prime(prime.bit_length()) == prime
        assert int(case.fields["g"], 16) == dh_groups.BASE
        seen.add(prime.bit_length())
    assert seen == {1536, 2048, 3072, 4096, 6144, 8192}


@pytest.mark.parametrize("bits", [768, 1024])
def test_the_smaller_groups_are_safe_primes(bits: int) -> None:
    """RFC 2409, 6.1 and 6.2, which have no file: Fermat to four bases, of prime and half."""
    prime = dh_groups.prime(bits)
    assert prime.bit_length() == bits
    assert f"{prime:X}".startswith("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD1")
    for number in (prime, prime // 2):
        assert all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7))


def test_exchanges_of_botan() -> None:
    seen = 0
    for case in cases("asymmetric", "DH", "vec.txt"):
        prime, base, x, y = (int(case.fields[name]) for name in "pgxy")
        if prime.bit_length() < 512:
            with refuses(ck.CKR_KEY_SIZE_RANGE):
                ffc.private_key(ck.CKK_DH, ffc.Domain(prime, base), x)
            continue
        private = ffc.private_key(ck.CKK_DH, ffc.Domain(prime, base), x)
        assert dh.shared_secret(private, y) == case.hex("k").rjust(
            len(private.material) // 5, b"\0"
        )
        seen += 1
    assert seen == 4


def test_exchanges_of_the_cavs_file() -> None:
    """FFC static agreement: a secret that does not match is marked in the file, not a refusal."""
    domain, good, bad = ffc.Domain(0, 0), 0, 0
    for case in cases("asymmetric", "DH", "KASValidityTest_FFCStatic_NOKC_ZZOnly_init.fax"):
        if "p" in case.fields:
            domain = ffc.Domain(*(int(case.fields[name], 16) for name in "pgq"))
        if "xstatiut" not in case.fields or case.fields["result"].startswith(("F (1", "F (2")):
            continue
        private = ffc.private_key(ck.CKK_X9_42_DH, domain, int(case.fields["xstatiut"], 16))
        secret = dh.shared_secret(private, int(case.fields["ystatcavs"], 16))
        is_right = secret == case.hex("z").rjust((domain.p.bit_length() + 7) // 8, b"\0")
        good, bad = good + is_right, bad + (not is_right)
        if case.fields["result"].startswith("P"):
            assert is_right
            assert ffc.y_of(private) == int(case.fields["ystatiut"], 16)
    assert good >= 30
    assert bad >= 1


def test_exchanges_of_rfc_5114() -> None:
    seen = 0
    for case in cases("asymmetric", "DH", "RFC5114.txt"):
        domain = ffc.Domain(*(int(case.fields[name], 16) for name in "pgq"))
        private = ffc.private_key(ck.CKK_X9_42_DH, domain, int(case.fields["xstatiut"], 16))
        assert ffc.y_of(private) == int(case.fields["ystatiut"], 16)
        assert dh.shared_secret(private, int(case.fields["ystatcavs"], 16)) == case.hex("z")
        seen += 1
    assert seen == 3


@given(
    base=st.integers(2, 10**6),
    exponent=st.integers(1, 10**9),
    modulus=st.sampled_from([1000003, 2**61 - 1, 2**127 - 1]),
)
def test_a_blinded_exponent_gives_the_same_power(base: int, exponent: int, modulus: int) -> None:
    assert power(base, exponent, modulus, modulus - 1) == pow(base, exponent, modulus)


def private_of(x: int) -> Key:
    return ffc.private_key(ck.CKK_DH, GROUP, x)


def test_both_sides_derive_the_same(table: Table) -> None:
    mechanism = table.find(ck.CKM_DH_PKCS_DERIVE)
    one, two = private_of(1 << 400 | 5), private_of(1 << 399 | 7)
    publics = [ffc.y_of(key).to_bytes(128, "big") for key in (one, two)]
    whole = mechanism.derive(one, publics[1], None)
    assert mechanism.derive(two, publics[0], None) == whole
    assert len(whole) == mechanism.derived_bytes(one, publics[1], None) == 128
    assert mechanism.derive(two, publics[0].lstrip(b"\0"), 16) == whole[-16:]
    for public in (0, 1, GROUP.p - 1, GROUP.p, GROUP.p + 5):
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.derive(one, public.to_bytes(128, "big"), None)
    for size in (0, 129):
        with refuses(ck.CKR_KEY_SIZE_RANGE):
            mechanism.derive(one, publics[1], size)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.derived_bytes(one, b"\0" + publics[1], None)


def x942(kdf_number: int, public: int, other: bytes = b"") -> bytes:
    parameters = wire.X942Dh(kdf_number, other, public.to_bytes(128, "big"))
    return codec.pack(ck.CKM_X9_42_DH_DERIVE, parameters)[4:]


def test_x942_with_and_without_a_kdf(table: Table) -> None:
    case = next(cases("asymmetric", "DH", "RFC5114.txt"))
    domain = ffc.Domain(*(int(case.fields[name], 16) for name in "pgq"))
    private = ffc.private_key(ck.CKK_X9_42_DH, domain, int(case.fields["xstatiut"], 16))
    public, secret = int(case.fields["ystatcavs"], 16), case.hex("z")
    derive = table.find(ck.CKM_X9_42_DH_DERIVE).derive
    assert derive(private, x942(ck.CKD_NULL, public), None) == secret
    derived = derive(private, x942(ck.CKD_SHA1_KDF_CONCATENATE, public, b"info"), 40)
    assert derived == kdf.x963(SHA1, secret, b"info", 40)
    for wrong in (
        x942(ck.CKD_SHA1_KDF_ASN1, public),
        x942(ck.CKD_SHA256_KDF, public),
        x942(ck.CKD_NULL, public, b"info"),
        x942(ck.CKD_NULL, 5),  # not of the order's group
        b"",
    ):
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            derive(private, wrong, None)


def template(domain: ffc.Domain, **more: int) -> Attributes:
    found: dict[int, int | bytes] = {
        ck.CKA_PRIME: domain.p.to_bytes(128, "big"),
        ck.CKA_BASE: domain.g.to_bytes(128, "big"),
    }
    return {**found, **{getattr(ck, f"CKA_{name}"): value for name, value in more.items()}}


def test_domains_and_pairs_are_generated(table: Table) -> None:
    generator = table.find(ck.CKM_DH_PKCS_PARAMETER_GEN)
    assert isinstance(generator, ffc.ParameterGen)
    wanted: Attributes = {ck.CKA_PRIME_BITS: 1024}
    domain = generator.generate_parameters(wanted)
    assert domain == GROUP
    assert generator.parameter_operation(wanted) == "dh-paramgen"
    sizes = [len(part) for part in generator.on_the_wire(generator.null_parameters(wanted))]
    assert sizes == [len(part) for part in generator.on_the_wire(domain)] == [128, 128]
    for bits, rv in ((None, ck.CKR_TEMPLATE_INCOMPLETE), (1025, ck.CKR_KEY_SIZE_RANGE)):
        with refuses(rv):
            generator.generate_parameters({} if bits is None else {ck.CKA_PRIME_BITS: bits})
    keygen = table.find(ck.CKM_DH_PKCS_KEY_PAIR_GEN)
    for more, most in (({}, 512), ({"VALUE_BITS": 200}, 200), ({"VALUE_BITS": 1024}, 1024)):
        private, spki = keygen.generate_pair(template(domain, **more), lambda size: b"\xff" * size)
        assert 0 < ffc.x_of(private) < 1 << most
        assert ffc.y_of(public_key(spki)) == pow(2, ffc.x_of(private), domain.p)
        assert len(keygen.null_pair(template(domain, **more)).spki) == len(spki)
    assert keygen.pair_operation(template(domain)) == "dh1024-keygen"
    for bits in (0, 159, 1025):
        with refuses(ck.CKR_ATTRIBUTE_VALUE_INVALID):
            keygen.pair_operation(template(domain, VALUE_BITS=bits))
    with refuses(ck.CKR_TEMPLATE_INCOMPLETE):
        keygen.pair_operation({ck.CKA_PRIME: b"\xff" * 128})
    with refuses(ck.CKR_TEMPLATE_INCOMPLETE):  # X9.42 needs an order
        table.find(ck.CKM_X9_42_DH_KEY_PAIR_GEN).pair_operation(template(domain))
