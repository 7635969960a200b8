"""What the control points of a domain allow to be done with keys (AP sheet 7.6).

A point that is off refuses with CKR_FUNCTION_CANCELED: the administrator may set it again. The use
of a public key, to verify or encrypt, is never restricted, but for the size and kind of the key.
"""

from collections.abc import Iterator

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi.controlpoints import ControlPoint as Cp
from ghostcard.firmware.ep11 import rights
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

_SECRET, _PRIVATE, _PUBLIC = ck.CKO_SECRET_KEY, ck.CKO_PRIVATE_KEY, ck.CKO_PUBLIC_KEY

USES: dict[tuple[int, int], int] = {
    (rights.SIGN, _PRIVATE): Cp.SIGN_ASYMM,
    (rights.SIGN, _SECRET): Cp.SIGN_SYMM,
    (rights.VERIFY, _SECRET): Cp.SIGVERIFY_SYMM,
    (rights.ENCRYPT, _SECRET): Cp.ENCRYPT_SYMM,
    (rights.DECRYPT, _PRIVATE): Cp.DECRYPT_ASYMM,
    (rights.DECRYPT, _SECRET): Cp.DECRYPT_SYMM,
    (rights.WRAP, _PUBLIC): Cp.WRAP_ASYMM,
    (rights.WRAP, _SECRET): Cp.WRAP_SYMM,
    (rights.UNWRAP, _PRIVATE): Cp.UNWRAP_ASYMM,
    (rights.UNWRAP, _SECRET): Cp.UNWRAP_SYMM,
    (rights.DERIVE, _PRIVATE): Cp.DERIVE,
    (rights.DERIVE, _SECRET): Cp.DERIVE,
}
"""Right asked for, class of the key -> the point that allows it."""

ALGORITHMS: dict[int, tuple[int, ...]] = {
    ck.CKK_RSA: (Cp.ALG_RSA,),
    ck.CKK_DSA: (Cp.ALG_DSA,),
    ck.CKK_DH: (Cp.ALG_DH,),
    ck.CKK_X9_42_DH: (Cp.ALG_DH,),
    ck.CKK_EC: (Cp.ALG_EC,),
    ck.CKK_EC_EDWARDS: (Cp.ALG_EC, Cp.ALG_EC_25519),
    ck.CKK_EC_MONTGOMERY: (Cp.ALG_EC, Cp.ALG_EC_25519),
    ck.CKK_ML_DSA: (Cp.ALG_PQC, Cp.ALG_ML_DSA),
    ck.CKK_ML_KEM: (Cp.ALG_PQC, Cp.ALG_ML_KEM),
    ck.CKK_SLH_DSA: (Cp.ALG_PQC,),
}
"""Key type -> the points that allow keys of it."""

MECHANISMS: dict[int, int] = {
    ck.CKM_RSA_X_509: Cp.ALG_RAW_RSA,
    ck.CKM_RSA_PKCS_OAEP: Cp.ALG_RSA_OAEP,
    ck.CKM_DSA_PARAMETER_GEN: Cp.DSA_PARAMETER_GEN,
}
"""Mechanism -> a point of its own."""

# Of both uses of one key at once (the key has both rights): the point that allows it.
_COMBINED = (
    (rights.WRAP | rights.UNWRAP, rights.ENCRYPT | rights.DECRYPT, Cp.WRAP_CRYPT_KEYS),
    (rights.SIGN | rights.VERIFY, rights.ENCRYPT | rights.DECRYPT, Cp.SIGN_CRYPT_KEYS),
    (rights.WRAP | rights.UNWRAP, rights.SIGN | rights.VERIFY, Cp.WRAP_SIGN_KEYS),
)

# Strength in bits (SP 800-57 part 1, table 2) from which on a point counts.
_STRENGTHS = (
    (256, Cp.KEYSZ_256BIT),
    (192, Cp.KEYSZ_192BIT),
    (128, Cp.KEYSZ_128BIT),
    (112, Cp.KEYSZ_112BIT),
    (80, Cp.KEYSZ_80BIT),
    (0, Cp.KEYSZ_BELOW80BIT),
)
_MODULUS_STRENGTHS = ((15360, 256), (7680, 192), (3072, 128), (2048, 112), (1024, 80), (0, 0))
_BY_MODULUS = frozenset((ck.CKK_RSA, ck.CKK_DSA, ck.CKK_DH, ck.CKK_X9_42_DH))
_BY_CURVE = frozenset((ck.CKK_EC, ck.CKK_EC_EDWARDS, ck.CKK_EC_MONTGOMERY))
_SHORT = 112  # bits of a generic secret below which it counts as one of any size
_CURVES = (Cp.ALG_EC_NISTCRV, Cp.ALG_EC_SECGCRV, Cp.ALG_EC_BPOOLCRV)  # by `Curve.variant`


def offered(table: Table, points: frozenset[int]) -> list[int]:
    """The mechanisms that the points leave any kind of key to work with, in ascending order."""
    if points >= _ALL:  # then no family need be asked
        return table.numbers()
    return [number for number in table.numbers() if offers(table.describe(number), points)]


def offers(mechanism: Mechanism, points: frozenset[int]) -> bool:
    """Whether the points leave the mechanism any kind of key to work with."""
    kinds = [ALGORITHMS.get(key_type, ()) for key_type in mechanism.key_types] or [()]
    of_its_own = tuple(_of_mechanism(mechanism.number))
    return any(points.issuperset((*of_its_own, *needed)) for needed in kinds)


def check_use(key: Key, right: int, mechanism: int) -> None:
    """Refuse the use of a key that the points of its domain do not allow."""
    if key.points >= _ALL:
        return
    wanted = USES.get((right, key.object_class))
    needed = (wanted,) if wanted is not None else ()
    _demand(key.points, (*needed, *_of_mechanism(mechanism), *_of_key(key)))


def check_making(key: Key, points: frozenset[int]) -> None:
    """Refuse a new key that the points do not allow: generated, derived or unwrapped."""
    if points >= _ALL:
        return
    is_pair = key.object_class == _PRIVATE
    making = Cp.KEYGEN_ASYMM if is_pair else Cp.KEYGEN_SYMM
    _demand(points, (making, *_of_key(key)))


_ALL = frozenset(Cp) - {Cp.SKIP_KEYTESTS, Cp.ALG_NBSI2009}


def _demand(points: frozenset[int], needed: tuple[int, ...]) -> None:
    if not points.issuperset(needed):
        raise Refused(ck.CKR_FUNCTION_CANCELED)


def _of_mechanism(mechanism: int) -> tuple[int, ...]:
    point = MECHANISMS.get(mechanism)
    return () if point is None else (point,)


def _of_key(key: Key) -> Iterator[int]:
    yield from ALGORITHMS.get(key.key_type, ())
    if key.key_type == ck.CKK_EC:
        yield _CURVES[key.variant]
    if key.object_class != _PUBLIC:
        for first, second, point in _COMBINED:
            if key.booleans & first and key.booleans & second:
                yield point
    yield from _size_points(key)


def _size_points(key: Key) -> tuple[int, ...]:
    """The point that allows keys of this size; none for kinds that have one size or set."""
    if key.key_type in _BY_MODULUS:
        strength = next(value for least, value in _MODULUS_STRENGTHS if key.bits >= least)
    elif key.key_type in _BY_CURVE:
        strength = key.bits // 2 + 3  # 255 and 521 bits count as 128 and 256
    elif key.key_type == ck.CKK_AES:
        strength = key.bits
    elif key.key_type == ck.CKK_GENERIC_SECRET and key.bits < _SHORT:
        return (Cp.KEYSZ_HMAC_ANY,)
    else:
        return ()
    return (next(point for least, point in _STRENGTHS if strength >= least),)
