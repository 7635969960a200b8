"""Private keys of the post-quantum types outside of blobs: what stands in their PKCS #8.

RFC 9935, 6, and RFC 9881, 6: the seed under [0], or the key in full as OCTET STRING, or both in a
SEQUENCE. A seed is kept as the seed; of both, the full ML-KEM key must agree with it. ML-DSA keys
in full are not taken: the library knows seeds alone. RFC 9909, 5: SLH-DSA keys stand bare.
"""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi.parameter_sets import PARAMETER_SETS, ParameterSet
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.parameter_set import set_of
from ghostcard.firmware.mechanisms.public import raw_spki, sequence
from ghostcard.firmware.mechanisms.refusal import Refused

_SEED = 0x80  # [0] IMPLICIT OCTET STRING
_INTEGER = 0x02
_BY_ALGORITHM = {sequence(each.oid): each for each in PARAMETER_SETS}
_FAMILIES = {ck.CKK_ML_KEM: "mlkem", ck.CKK_ML_DSA: "mldsa", ck.CKK_SLH_DSA: "slhdsa"}


def _family(key_type: int) -> ModuleType:
    """Imported when there is such a key, which few programs have."""
    return import_module(f"ghostcard.firmware.mechanisms.{_FAMILIES[key_type]}")


def spki(key: Key) -> bytes:
    """The public half of a private key."""
    public: bytes = _family(key.key_type).public_of(key)
    return raw_spki(set_of(key), public)


def parts(key: Key) -> tuple[bytes, bytes]:
    """AlgorithmIdentifier and contents of the privateKey of a private key."""
    chosen = set_of(key)
    if key.key_type == ck.CKK_SLH_DSA:
        return sequence(chosen.oid), key.material[1:]
    if len(key.material) == chosen.private:
        return sequence(chosen.oid), ber.octets(key.material)
    return sequence(chosen.oid), ber.head(_SEED, chosen.seed) + key.material[: chosen.seed]


def named_in(pkcs8: bytes) -> ParameterSet | None:
    """The parameter set that a PrivateKeyInfo names; None if it is of another type of key."""
    start, end = _algorithm_span(pkcs8)
    return _BY_ALGORITHM.get(pkcs8[start:end])


def _algorithm_span(pkcs8: bytes) -> tuple[int, int]:
    start, _ = ber.value_span(pkcs8, 0, ber.SEQUENCE)
    _, version_end = ber.value_span(pkcs8, start, _INTEGER)
    _, end = ber.value_span(pkcs8, version_end, ber.SEQUENCE)
    return version_end, end


def private_key(chosen: ParameterSet, pkcs8: bytes) -> Key:
    """The key of a PrivateKeyInfo of that set; WireError or Refused if it is none."""
    start, end = ber.value_span(pkcs8, _algorithm_span(pkcs8)[1], ber.OCTET_STRING)
    value = pkcs8[start:end]
    if chosen.key_type == ck.CKK_SLH_DSA:
        from ghostcard.firmware.mechanisms import slhdsa

        return slhdsa.private_key(chosen, value)
    seed, full = _forms(value)
    if seed and len(seed) != chosen.seed:
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    return (_ml_dsa if chosen.key_type == ck.CKK_ML_DSA else _ml_kem)(chosen, seed, full)


def _forms(value: bytes) -> tuple[bytes, bytes]:
    """Seed and full key; empty is the one that is not there."""
    if value[:1] == bytes((_SEED,)):
        return _whole(value, _SEED), b""
    if value[:1] != b"\x30":
        return b"", _whole(value, ber.OCTET_STRING)
    both = _whole(value, ber.SEQUENCE)
    _, seed_end = ber.value_span(both, 0, ber.OCTET_STRING)
    return _whole(both[:seed_end], ber.OCTET_STRING), _whole(both[seed_end:], ber.OCTET_STRING)


def _whole(value: bytes, tag: int) -> bytes:
    start, end = ber.value_span(value, 0, tag)
    if end != len(value):
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    return value[start:]


def _ml_dsa(chosen: ParameterSet, seed: bytes, full: bytes) -> Key:
    from ghostcard.firmware.mechanisms import mldsa

    if not seed or (full and len(full) != chosen.private):
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    key = mldsa.seeded_key(chosen, seed)
    # FIPS 204, algorithm 24: a full key begins with the start of the public key
    if full and full[:32] != mldsa.public_of(key)[:32]:
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    return key


def _ml_kem(chosen: ParameterSet, seed: bytes, full: bytes) -> Key:
    from ghostcard.firmware.mechanisms import mlkem

    if not seed:
        return mlkem.full_key(chosen, full)
    key = mlkem.seeded_key(chosen, seed)
    if full and mlkem.public_of(mlkem.full_key(chosen, full)) != mlkem.public_of(key):
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    return key


def null_key(key_type: int, pkcs8_bytes: int) -> Key:
    """For the `null` function track: the kind of key whose PKCS #8 is nearest to that size.

    Of sets whose keys are of one size it is the first.
    """
    make: Callable[[ParameterSet], Key] = _family(key_type).null_key
    kinds = [make(each) for each in PARAMETER_SETS if each.key_type == key_type]
    return min(kinds, key=lambda key: abs(sum(map(len, parts(key))) - pkcs8_bytes))
