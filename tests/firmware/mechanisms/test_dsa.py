"""DSA against NIST's files: signatures good and bad, key pairs, domains; and what is refused."""

import pytest
from Cryptodome.Hash import SHA3_256
from Cryptodome.PublicKey import DSA
from Cryptodome.Signature import DSS
from cryptography.hazmat.primitives.asymmetric import dsa as reference
from cryptography.hazmat.primitives.asymmetric import utils

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import ffc
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, algorithm
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Attributes
from ghostcard.firmware.mechanisms.public import public_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import Case, cases
from tests.firmware.mechanisms.refusing import refuses

FOLDER = ("asymmetric", "DSA", "FIPS_186-3")
BY_NAME = {each.name.replace("sha", "SHA-"): each for each in HASHES[:5]}
HASHED = {
    "sha1": ck.CKM_DSA_SHA1,
    "sha224": ck.CKM_DSA_SHA224,
    "sha256": ck.CKM_DSA_SHA256,
    "sha384": ck.CKM_DSA_SHA384,
    "sha512": ck.CKM_DSA_SHA512,
    "sha3_224": ck.CKM_DSA_SHA3_224,
    "sha3_256": ck.CKM_DSA_SHA3_256,
    "sha3_384": ck.CKM_DSA_SHA3_384,
    "sha3_512": ck.CKM_DSA_SHA3_512,
}


def number(case: Case, name: str) -> int:
    return int(case.fields[name], 16)


def signed(file: str, step: int = 1) -> list[tuple[ffc.Domain, Hash, Case]]:
    """The signatures of a file, with the domain and hash of their section."""
    found: list[tuple[ffc.Domain, Hash, Case]] = []
    domain, which = ffc.Domain(0, 0), HASHES[0]
    for case in cases(*FOLDER, file):
        if case.headings:
            which = BY_NAME[case.headings[-1].rpartition(" ")[2]]
        if "p" in case.fields:
            domain = ffc.Domain(number(case, "p"), number(case, "g"), number(case, "q"))
        if "msg" in case.fields:
            found.append((domain, which, case))
    return found[::step]


def signature(domain: ffc.Domain, case: Case) -> bytes:
    size = (domain.q.bit_length() + 7) // 8
    return case.hex("r").rjust(size, b"\0") + case.hex("s").rjust(size, b"\0")


def test_signatures_of_the_cavs_file_verify(table: Table) -> None:
    found = signed("SigGen.txt", step=5)
    assert len(found) == 20 * 15 // 5
    for domain, which, case in found:
        public = ffc.public_key(ck.CKK_DSA, domain, number(case, "y"))
        verify = table.find(HASHED[which.name]).verifier(public, b"")
        verify(case.hex("msg"), signature(domain, case))


def test_good_and_bad_signatures_of_the_cavs_file(table: Table) -> None:
    found = signed("SigVer.rsp", step=3)
    assert len(found) == 20 * 15 // 3
    refused = 0
    for domain, which, case in found:
        public = ffc.public_key(ck.CKK_DSA, domain, number(case, "y"))
        verify = table.find(HASHED[which.name]).verifier(public, b"")
        if case.fields["result"].startswith("P"):
            verify(case.hex("msg"), signature(domain, case))
            continue
        refused += 1
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(case.hex("msg"), signature(domain, case))
    assert refused > 30


def test_public_values_of_the_cavs_file() -> None:
    domain, seen = ffc.Domain(0, 0), 0
    for case in cases(*FOLDER, "KeyPair.rsp"):
        if "p" in case.fields:
            domain = ffc.Domain(number(case, "p"), number(case, "g"), number(case, "q"))
        if "x" in case.fields:
            private = ffc.private_key(ck.CKK_DSA, domain, number(case, "x"))
            assert ffc.y_of(private) == number(case, "y")
            seen += 1
    assert seen == 40


@pytest.fixture(scope="module")
def pair() -> tuple[Key, Key]:
    """A pair in the first domain of 2048 bits, with an order of 256."""
    domain = next(each for each, _, _ in signed("SigGen.txt") if each.q.bit_length() == 256)
    private = ffc.private_key(ck.CKK_DSA, domain, 987654321)
    return private, ffc.public_key(ck.CKK_DSA, domain, ffc.y_of(private))


@pytest.mark.parametrize("which", [each for each in HASHES if each.name in HASHED], ids=str)
def test_every_hash(table: Table, pair: tuple[Key, Key], which: Hash) -> None:
    """What we sign the reference verifies, in one piece and in parts."""
    private, public = pair
    mechanism, bare = table.find(HASHED[which.name]), table.find(ck.CKM_DSA)
    made = mechanism.signer(private, b"")(b"some data")
    assert len(made) == mechanism.signature_bytes(private, b"") == 64
    domain = ffc.domain_of(public)
    parameters = reference.DSAParameterNumbers(domain.p, domain.q, domain.g)
    other = reference.DSAPublicNumbers(ffc.y_of(public), parameters).public_key()
    r, s = (int.from_bytes(half, "big") for half in (made[:32], made[32:]))
    other.verify(utils.encode_dss_signature(r, s), b"some data", algorithm(which))
    sink = mechanism.sink(private, b"")
    sink.update(b"some ")
    sink.update(b"data")
    bare.verifier(public, b"")(sink.digest(), made)
    mechanism.verifier(public, b"")(b"some data", bare.signer(private, b"")(sink.digest()))


def test_sha3_by_another_implementation(table: Table, pair: tuple[Key, Key]) -> None:
    private, public = pair
    made = table.find(ck.CKM_DSA_SHA3_256).signer(private, b"")(b"data")
    p, g, q = ffc.domain_of(public)
    other = DSA.construct((ffc.y_of(public), g, p, q))
    DSS.new(other, "fips-186-3").verify(SHA3_256.new(b"data"), made)


def test_changed_signatures(table: Table, pair: tuple[Key, Key]) -> None:
    private, public = pair
    mechanism = table.find(ck.CKM_DSA_SHA256)
    good = mechanism.signer(private, b"")(b"data")
    verify = mechanism.verifier(public, b"")
    for at in range(0, 64, 5):
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(b"data", good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :])
    for wrong in (bytes(64), b"\xff" * 64):
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(b"data", wrong)
    for wrong in (b"", good[:-1], good + b"\0"):
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            verify(b"data", wrong)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.signer(private, b"\0")
    with refuses(ck.CKR_DATA_LEN_RANGE):
        table.find(ck.CKM_DSA).signer(private, b"")(b"")


def test_a_domain_and_a_pair_are_generated(table: Table) -> None:
    generator = table.find(ck.CKM_DSA_PARAMETER_GEN)
    assert isinstance(generator, ffc.ParameterGen)
    wanted: Attributes = {ck.CKA_PRIME_BITS: 1024, ck.CKA_SUBPRIME_BITS: 160}
    domain, null = generator.generate_parameters(wanted), generator.null_parameters(wanted)
    assert generator.parameter_operation(wanted) == "dsa1024-paramgen"
    assert [len(part) for part in generator.on_the_wire(domain)] == [128, 128, 20]
    assert [len(part) for part in generator.on_the_wire(null)] == [128, 128, 20]
    assert pow(domain.g, domain.q, domain.p) == 1 != domain.g
    keygen = table.find(ck.CKM_DSA_KEY_PAIR_GEN)
    public: Attributes = {
        ck.CKA_PRIME: domain.p.to_bytes(128, "big"),
        ck.CKA_SUBPRIME: domain.q.to_bytes(20, "big"),
        ck.CKA_BASE: domain.g.to_bytes(128, "big"),
    }
    private, spki = keygen.generate_pair(public, lambda size: b"\xa5" * size)
    assert ffc.x_of(private) == int.from_bytes(b"\xa5" * 28, "big") % (domain.q - 1) + 1
    made = table.find(ck.CKM_DSA_SHA256).signer(private, b"")(b"data")
    table.find(ck.CKM_DSA_SHA256).verifier(public_key(spki), b"")(b"data", made)
    empty = keygen.null_pair(public)
    assert (len(empty.spki), empty.private.is_null) == (len(spki), True)
    assert len(empty.private.material) == len(private.material)
    assert keygen.pair_operation(public) == "dsa1024-keygen"


@pytest.mark.parametrize(
    ("wanted", "rv"),
    [
        ({}, ck.CKR_TEMPLATE_INCOMPLETE),
        ({ck.CKA_PRIME_BITS: 512}, ck.CKR_KEY_SIZE_RANGE),
        ({ck.CKA_PRIME_BITS: 1025}, ck.CKR_KEY_SIZE_RANGE),
        ({ck.CKA_PRIME_BITS: 1024, ck.CKA_SUBPRIME_BITS: 256}, ck.CKR_ATTRIBUTE_VALUE_INVALID),
    ],
)
def test_domains_that_are_refused(table: Table, wanted: Attributes, rv: int) -> None:
    generator = table.find(ck.CKM_DSA_PARAMETER_GEN)
    assert isinstance(generator, ffc.ParameterGen)
    for attempt in (
        generator.parameter_operation,
        generator.generate_parameters,
        generator.null_parameters,
    ):
        with refuses(rv):
            attempt(wanted)


def test_pairs_that_are_refused(table: Table, pair: tuple[Key, Key]) -> None:
    domain = ffc.domain_of(pair[0])
    whole: dict[int, int | bytes] = {
        ck.CKA_PRIME: domain.p.to_bytes(256, "big"),
        ck.CKA_SUBPRIME: domain.q.to_bytes(32, "big"),
        ck.CKA_BASE: domain.g.to_bytes(256, "big"),
    }
    keygen = table.find(ck.CKM_DSA_KEY_PAIR_GEN)
    for name in whole:
        with refuses(ck.CKR_TEMPLATE_INCOMPLETE):
            keygen.pair_operation({each: whole[each] for each in whole if each != name})
    with refuses(ck.CKR_DOMAIN_PARAMS_INVALID):
        keygen.pair_operation({**whole, ck.CKA_SUBPRIME: whole[ck.CKA_BASE]})
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        keygen.pair_operation({**whole, ck.CKA_PRIME: b"\xff" * 100})
