"""Keys that are made: published pairs from the secrets they have, and what is drawn, checked by
libraries that did not make it.
"""

from collections.abc import Callable
from functools import partial

import pytest
import slhdsa as reference_slhdsa
from Cryptodome.PublicKey import DSA, RSA

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi.parameter_sets import ML_DSA, ML_KEM, SLH_DSA, ParameterSet
from ghostcard.firmware.mechanisms import ec, ffc, private, rsa, slhdsa
from ghostcard.firmware.mechanisms.curves import (
    ED448,
    ED25519,
    P192,
    P224,
    P256,
    P384,
    P521,
    X448,
    X25519,
    Curve,
    OctetCurve,
)
from ghostcard.firmware.mechanisms.mechanism import Attributes
from ghostcard.firmware.mechanisms.public import ec_spki, octet_spki, public_key, raw_spki
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import Case, cases, text
from tests.firmware.mechanisms.refusing import refuses

NAMES = {"P-192": P192, "P-224": P224, "P-256": P256, "P-384": P384, "P-521": P521}


def drawing(value: bytes) -> Callable[[int], bytes]:
    """A random source that gives these bytes, and no other number of them."""

    def draw(size: int) -> bytes:
        assert size == len(value)
        return value

    return draw


def nist_pairs(curve: Curve) -> list[tuple[int, bytes]]:
    """FIPS 186-3, KeyPair.rsp: private number and public point."""
    found, section = [], ""
    for case in cases("asymmetric", "ECDSA", "FIPS_186-3", "KeyPair.rsp"):
        section = case.headings[0] if case.headings else section
        if NAMES.get(section) is curve and "d" in case.fields:
            x, y = (int(case.fields[name], 16).to_bytes(curve.size) for name in ("qx", "qy"))
            found.append((int(case.fields["d"], 16), b"\4" + x + y))
    return found


@pytest.mark.parametrize("curve", NAMES.values(), ids=lambda each: each.name)
@pytest.mark.parametrize(
    "number", [ck.CKM_EC_KEY_PAIR_GEN, ck.CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS], ids=hex
)
def test_pairs_on_prime_curves(table: Table, number: int, curve: Curve) -> None:
    """What is drawn is d - 1, with 64 bits to spare: FIPS 186-5, A.2.1."""
    found = nist_pairs(curve)
    assert len(found) == 10
    for scalar, point in found:
        draw = drawing((scalar - 1).to_bytes((curve.bits + 71) // 8, "big"))
        pair = table.find(number).generate_pair({ck.CKA_EC_PARAMS: curve.oid}, draw)
        assert pair.private.material == scalar.to_bytes(curve.size, "big") + point
        assert pair.spki == ec_spki(curve, point)


@pytest.mark.parametrize("curve", NAMES.values(), ids=lambda each: each.name)
def test_the_public_key_of_a_private_key(table: Table, curve: Curve) -> None:
    """NIST's pairs again: of the private half as PKCS #8, as it comes to the card."""
    assert ck.CKK_EC in table.find(ck.CKM_PUB_KEY_FROM_PRIV_KEY).key_types
    for scalar, point in nist_pairs(curve):
        come = private.private_key(ck.CKK_EC, private.pkcs8(ec.private_key(curve, scalar)))
        assert private.spki(come) == ec_spki(curve, point)


def test_pairs_on_edwards_curves(table: Table) -> None:
    """ed25519.cr.yp.to, sign.input; RFC 8032, 7.4."""
    keygen, found = table.find(ck.CKM_EC_EDWARDS_KEY_PAIR_GEN), []
    for line in text("asymmetric", "Ed25519", "sign.input").split()[::64]:
        secret, public = (bytes.fromhex(part) for part in line.split(":")[:2])
        found.append((ED25519, secret[:32], public))
    for case in cases("asymmetric", "Ed448", "rfc8032.txt"):
        found.append((ED448, case.hex("secret"), case.hex("public")))
    assert len(found) == 16 + 9
    for curve, secret, public in found:
        pair = keygen.generate_pair({ck.CKA_EC_PARAMS: curve.oid}, drawing(secret))
        assert (pair.private.material, pair.spki) == (secret + public, octet_spki(curve, public))


@pytest.mark.parametrize("curve", [X25519, X448], ids=lambda each: each.name)
def test_pairs_on_montgomery_curves(table: Table, curve: OctetCurve) -> None:
    """RFC 7748, 5.2: the cases whose input is the base point (6.1, 6.2)."""
    keygen, seen = table.find(ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN), 0
    base = (9 if curve is X25519 else 5).to_bytes(curve.size, "little")
    for case in cases("asymmetric", curve.title, "rfc7748.txt"):
        if case.hex("input_u") == base:
            draw = drawing(case.hex("input_scalar"))
            pair = keygen.generate_pair({ck.CKA_EC_PARAMS: curve.oid}, draw)
            assert pair.spki == octet_spki(curve, case.hex("output_u"))
            seen += 1
    assert seen == 1


@pytest.mark.parametrize("bits", [1024, 2048])
def test_rsa_pairs(table: Table, bits: int) -> None:
    """pycryptodome looks at the numbers: primes, and that they belong together. FIPS 186-5, A.1.1:
    primes of half the size and far apart, a private exponent above the root of the modulus.
    """
    keygen = table.find(ck.CKM_RSA_PKCS_KEY_PAIR_GEN)
    for exponent in (3, 257, 65537):
        public: Attributes = {
            ck.CKA_MODULUS_BITS: bits,
            ck.CKA_PUBLIC_EXPONENT: exponent.to_bytes(3, "big"),
        }
        pair = keygen.generate_pair(public, bytes)
        n, e, d, p, q, dp, dq, qi = rsa.all_numbers(pair.private)
        RSA.construct((n, e, d, p, q), consistency_check=True)
        assert (e, n.bit_length()) == (exponent, bits)
        assert (d % (p - 1), d % (q - 1), qi * q % p) == (dp, dq, 1)
        assert min(p, q) ** 2 > 1 << bits - 1
        assert abs(p - q) > 1 << bits // 2 - 100
        assert d > 1 << bits // 2
        assert rsa.public_numbers(public_key(pair.spki)) == (n, e)


def numbers(case: Case, names: str) -> list[int]:
    return [int(case.fields[name], 16) for name in names]


def template(domain: ffc.Domain) -> dict[int, int | bytes]:
    width, order = ((each.bit_length() + 7) // 8 for each in (domain.p, domain.q))
    found: dict[int, int | bytes] = {
        ck.CKA_PRIME: domain.p.to_bytes(width, "big"),
        ck.CKA_BASE: domain.g.to_bytes(width, "big"),
    }
    return found | ({ck.CKA_SUBPRIME: domain.q.to_bytes(order, "big")} if order else {})


def test_dsa_pairs(table: Table) -> None:
    """FIPS 186-3, KeyPair.rsp; what is drawn is x - 1, with 64 bits to spare."""
    keygen, domain, seen = table.find(ck.CKM_DSA_KEY_PAIR_GEN), ffc.Domain(0, 0), 0
    for case in cases("asymmetric", "DSA", "FIPS_186-3", "KeyPair.rsp"):
        if "p" in case.fields:
            domain = ffc.Domain(*numbers(case, "pgq"))
        if "x" in case.fields:
            x, y = numbers(case, "xy")
            draw = drawing((x - 1).to_bytes((domain.q.bit_length() + 71) // 8, "big"))
            pair = keygen.generate_pair(template(domain), draw)
            assert (ffc.x_of(pair.private), ffc.y_of(public_key(pair.spki))) == (x, y)
            seen += 1
    assert seen == 40


def test_diffie_hellman_pairs(table: Table) -> None:
    """RFC 5114, A; and dhkey.txt, which pyca/cryptography made with OpenSSL."""
    found = []
    for case in cases("asymmetric", "DH", "RFC5114.txt"):
        x, y = (int(case.fields[name], 16) for name in ("xstatiut", "ystatiut"))
        found.append((ck.CKM_X9_42_DH_KEY_PAIR_GEN, ffc.Domain(*numbers(case, "pgq")), x, y))
    (case,) = cases("asymmetric", "DH", "dhkey.txt")
    x, y = numbers(case, "xy")
    found.append((ck.CKM_DH_PKCS_KEY_PAIR_GEN, ffc.Domain(*numbers(case, "pg")), x, y))
    assert len(found) == 4
    for number, domain, x, y in found:
        bound = domain.q or min(domain.p - 1, 1 << 8 * (x.bit_length() // 8 + 1))
        wanted = template(domain) | {ck.CKA_VALUE_BITS: (bound - 1).bit_length()}
        pair = table.find(number).generate_pair(wanted, partial(int.to_bytes, x - 1))
        assert (ffc.x_of(pair.private), ffc.y_of(public_key(pair.spki))) == (x, y)


@pytest.mark.parametrize("number", [ck.CKM_DSA_PARAMETER_GEN, ck.CKM_X9_42_DH_PARAMETER_GEN])
@pytest.mark.parametrize("bits", [(1024, 160), (2048, 256)], ids=str)
def test_domains(table: Table, number: int, bits: tuple[int, int]) -> None:
    """pycryptodome looks at them: both are primes, q divides p - 1, g generates the group of q."""
    generator = table.find(number)
    assert isinstance(generator, ffc.ParameterGen)
    wanted: Attributes = {ck.CKA_PRIME_BITS: bits[0], ck.CKA_SUBPRIME_BITS: bits[1]}
    p, g, q = generator.generate_parameters(wanted)
    assert (p.bit_length(), q.bit_length()) == bits
    DSA.construct((pow(g, 5, p), g, p, q), consistency_check=True)


def test_groups(table: Table) -> None:
    """RFC 3526, as pyca/cryptography carries it."""
    generator, seen = table.find(ck.CKM_DH_PKCS_PARAMETER_GEN), 0
    assert isinstance(generator, ffc.ParameterGen)
    for case in cases("asymmetric", "DH", "rfc3526.txt"):
        p, g = numbers(case, "pg")
        assert generator.generate_parameters({ck.CKA_PRIME_BITS: p.bit_length()}) == (p, g, 0)
        seen += 1
    assert seen == 6


def kat(chosen: ParameterSet) -> Case:
    """The first case of NIST's file, of those whose keys are made of seeds."""
    name, size = chosen.name[:5].upper(), chosen.name.removeprefix("mldsa").removeprefix("mlkem")
    file = f"kat_MLDSA_{size}_det_pure.rsp" if name == "MLDSA" else f"kat_MLKEM_{size}.rsp"
    return next(cases("asymmetric", name, file))


@pytest.mark.parametrize("chosen", [*ML_DSA, *ML_KEM[1:]], ids=lambda each: each.name)
def test_pairs_of_seeds(table: Table, chosen: ParameterSet) -> None:
    """NIST ACVP: xi of FIPS 204, 5.1; d || z of FIPS 203, 7.1."""
    case, is_kem = kat(chosen), chosen in ML_KEM
    number = ck.CKM_ML_KEM_KEY_PAIR_GEN if is_kem else ck.CKM_ML_DSA_KEY_PAIR_GEN
    seed = case.hex("d") + case.hex("z") if is_kem else case.hex("xi")
    template = {ck.CKA_PARAMETER_SET: chosen.number}
    pair = table.find(number).generate_pair(template, drawing(seed))
    assert pair.spki == raw_spki(chosen, case.hex("pk"))


@pytest.mark.parametrize("name", ["sha2_128f", "shake_128f"])
def test_slh_dsa_pairs(table: Table, name: str) -> None:
    """What slh-dsa signs with the seeds holds only under the root that they make."""
    chosen = next(each for each in SLH_DSA if each.name == f"slhdsa-{name.replace('_', '-')}")
    keygen = table.find(ck.CKM_SLH_DSA_KEY_PAIR_GEN)
    pair = keygen.generate_pair({ck.CKA_PARAMETER_SET: chosen.number}, bytes)
    public = slhdsa.public_of(public_key(pair.spki))
    assert pair.private.material[1:][-len(public) :] == public
    other = reference_slhdsa.SecretKey.from_digest(
        pair.private.material[1:], getattr(reference_slhdsa, name)
    )
    signature = other.sign_pure(b"message")
    table.find(ck.CKM_SLH_DSA).verifier(public_key(pair.spki), b"")(b"message", signature)


@pytest.mark.parametrize(
    ("number", "key_type"),
    [
        (ck.CKM_GENERIC_SECRET_KEY_GEN, ck.CKK_GENERIC_SECRET),
        (ck.CKM_HKDF_KEY_GEN, ck.CKK_HKDF),
        (ck.CKM_HOTP_KEY_GEN, ck.CKK_HOTP),
    ],
)
def test_secrets(table: Table, number: int, key_type: int) -> None:
    """SP 800-133, 6.1: the value is what the random source gave."""
    for size in (1, 20, 2048):
        value = bytes(place % 251 for place in range(size))
        key = table.find(number).generate(size, drawing(value))
        assert (key.key_type, key.bits, key.material) == (key_type, 8 * size, value)
    for size in (0, 2049):
        with refuses(ck.CKR_KEY_SIZE_RANGE):
            table.find(number).generate(size, bytes)
