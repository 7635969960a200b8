"""The parameter sets of the post-quantum key types: numbers, identifiers and sizes.

FIPS 203, table 2 and 3; FIPS 204, table 1 and 2; FIPS 205, table 2. A key of these types is as
large as its public key: that is what GetMechanismInfo counts, in bytes.
"""

from typing import NamedTuple

from ghostcard import pkcs11 as p


class ParameterSet(NamedTuple):
    """One parameter set; sizes in bytes. `output`: of a signature, or of a KEM's ciphertext."""

    name: str  # in operation names
    key_type: int
    number: int  # CKP_*, the value of CKA_PARAMETER_SET
    oid: bytes  # object identifier in DER
    public: int
    private: int  # the private key in full
    seed: int  # what the private key is made of; 0: the library here takes no seed
    output: int


def _nist(arcs: str) -> bytes:
    """An object identifier below 2.16.840.1.101.3.4, in DER."""
    return bytes.fromhex("0609608648016503" + "04" + arcs)


SHARED_SECRET = 32  # bytes of what a KEM agrees on

ML_KEM = (
    ParameterSet("mlkem512", p.CKK_ML_KEM, p.CKP_ML_KEM_512, _nist("0401"), 800, 1632, 0, 768),
    ParameterSet("mlkem768", p.CKK_ML_KEM, p.CKP_ML_KEM_768, _nist("0402"), 1184, 2400, 64, 1088),
    ParameterSet("mlkem1024", p.CKK_ML_KEM, p.CKP_ML_KEM_1024, _nist("0403"), 1568, 3168, 64, 1568),
)
ML_DSA = (
    ParameterSet("mldsa44", p.CKK_ML_DSA, p.CKP_ML_DSA_44, _nist("0311"), 1312, 2560, 32, 2420),
    ParameterSet("mldsa65", p.CKK_ML_DSA, p.CKP_ML_DSA_65, _nist("0312"), 1952, 4032, 32, 3309),
    ParameterSet("mldsa87", p.CKK_ML_DSA, p.CKP_ML_DSA_87, _nist("0313"), 2592, 4896, 32, 4627),
)


def _slh_dsa(kind: str, hash: str, arc: int, n: int, signature: int) -> ParameterSet:
    number: int = getattr(p, f"CKP_SLH_DSA_{hash.upper()}_{kind.upper()}")
    oid, name = _nist(f"03{arc:02x}"), f"slhdsa-{hash}-{kind}"
    return ParameterSet(name, p.CKK_SLH_DSA, number, oid, 2 * n, 4 * n, 0, signature)


SLH_DSA = tuple(
    _slh_dsa(kind, hash, first + place, n, signature)
    for hash, first in (("sha2", 20), ("shake", 26))
    for place, (kind, n, signature) in enumerate(
        (
            *(("128s", 16, 7856), ("128f", 16, 17088)),
            *(("192s", 24, 16224), ("192f", 24, 35664)),
            *(("256s", 32, 29792), ("256f", 32, 49856)),
        )
    )
)
PARAMETER_SETS = (*ML_KEM, *ML_DSA, *SLH_DSA)
KEY_TYPES = frozenset(each.key_type for each in PARAMETER_SETS)
