"""The parameter sets of the post-quantum key types, and how CKA_PARAMETER_SET names them."""

from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module import der
from ghostcard.module.errors import CryptokiError


class ParameterSet(NamedTuple):
    """``oid`` as DER; sizes in bytes. ``output`` is a signature, or the ciphertext of a KEM;
    ``seed`` 0: private keys have none.
    """

    key_type: int
    number: int
    oid: bytes
    public: int
    seed: int
    output: int


def _sets(key_type: int, seed: int, *rows: tuple[int, int, int, int]) -> list[ParameterSet]:
    """Rows of number, last arcs of the object identifier, and the two sizes."""
    return [
        ParameterSet(key_type, number, _oid(arcs), public, seed, output)
        for number, arcs, public, output in rows
    ]


def _oid(arcs: int) -> bytes:
    return der.object_identifier(f"2.16.840.1.101.3.4.{arcs // 100}.{arcs % 100}")


_SETS = (
    *_sets(
        ck.CKK_ML_KEM,
        64,
        (ck.CKP_ML_KEM_512, 401, 800, 768),
        (ck.CKP_ML_KEM_768, 402, 1184, 1088),
        (ck.CKP_ML_KEM_1024, 403, 1568, 1568),
    ),
    *_sets(
        ck.CKK_ML_DSA,
        32,
        (ck.CKP_ML_DSA_44, 317, 1312, 2420),
        (ck.CKP_ML_DSA_65, 318, 1952, 3309),
        (ck.CKP_ML_DSA_87, 319, 2592, 4627),
    ),
    *_sets(
        ck.CKK_SLH_DSA,
        0,
        (ck.CKP_SLH_DSA_SHA2_128S, 320, 32, 7856),
        (ck.CKP_SLH_DSA_SHA2_128F, 321, 32, 17088),
        (ck.CKP_SLH_DSA_SHA2_192S, 322, 48, 16224),
        (ck.CKP_SLH_DSA_SHA2_192F, 323, 48, 35664),
        (ck.CKP_SLH_DSA_SHA2_256S, 324, 64, 29792),
        (ck.CKP_SLH_DSA_SHA2_256F, 325, 64, 49856),
        (ck.CKP_SLH_DSA_SHAKE_128S, 326, 32, 7856),
        (ck.CKP_SLH_DSA_SHAKE_128F, 327, 32, 17088),
        (ck.CKP_SLH_DSA_SHAKE_192S, 328, 48, 16224),
        (ck.CKP_SLH_DSA_SHAKE_192F, 329, 48, 35664),
        (ck.CKP_SLH_DSA_SHAKE_256S, 330, 64, 29792),
        (ck.CKP_SLH_DSA_SHAKE_256F, 331, 64, 49856),
    ),
)
KEY_TYPES = frozenset(each.key_type for each in _SETS)

_BY_NUMBER = {(each.key_type, each.number): each for each in _SETS}
_BY_OID = {each.oid: each for each in _SETS}


def of_number(key_type: int, number: int) -> ParameterSet:
    """The set of a CKA_PARAMETER_SET; CKR_PARAMETER_SET_NOT_SUPPORTED."""
    try:
        return _BY_NUMBER[key_type, number]
    except KeyError:
        raise CryptokiError(ck.CKR_PARAMETER_SET_NOT_SUPPORTED) from None


def of_oid(oid: bytes, key_type: int) -> ParameterSet:
    """The set of an object identifier; DerError if it is none of this key type's."""
    found = _BY_OID.get(oid)
    if found is None or found.key_type != key_type:
        raise der.DerError("expected a parameter set of the key type")
    return found
