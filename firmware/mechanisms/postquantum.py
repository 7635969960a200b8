"""Private keys of the post-quantum types outside of blobs: what stands in their PKCS #8.

RFC 9935, 6, and RFC 9881, 6: the seed under [0], or the key in full as OCTET STRING, or both in a
SEQUENCE. A seed is kept as the seed; of both, the full key is only looked at to see that they agree
where that can be seen.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi.parameter_sets import PARAMETER_SETS, ParameterSet, of_bits
from ghostcard.firmware.mechanisms import mlkem
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import raw_spki, sequence
from ghostcard.firmware.mechanisms.refusal import Refused

_SEED = 0x80  # [0] IMPLICIT OCTET STRING
_BY_ALGORITHM = {sequence(each.oid): each for each in PARAMETER_SETS}


def spki(key: Key) -> bytes:
    """The public half of a private key."""
    return raw_spki(of_bits(key.key_type, key.bits), mlkem.public_of(key))


def parts(key: Key) -> tuple[bytes, bytes]:
    """AlgorithmIdentifier and contents of the privateKey of a private key."""
    chosen = of_bits(key.key_type, key.bits)
    if len(key.material) == chosen.private:
        return sequence(chosen.oid), ber.octets(key.material)
    return sequence(chosen.oid), ber.head(_SEED, chosen.seed) + key.material[: chosen.seed]


def set_of(pkcs8: bytes) -> ParameterSet | None:
    """The parameter set that a PrivateKeyInfo names; None if it is of another type of key."""
    start, _ = ber.value_span(pkcs8, 0, ber.SEQUENCE)
    _, version_end = ber.value_span(pkcs8, start, 0x02)
    _, end = ber.value_span(pkcs8, version_end, ber.SEQUENCE)
    return _BY_ALGORITHM.get(pkcs8[version_end:end])


def private_key(chosen: ParameterSet, pkcs8: bytes) -> Key:
    """The key of a PrivateKeyInfo of that set; WireError or Refused if it is none."""
    start, _ = ber.value_span(pkcs8, 0, ber.SEQUENCE)
    _, version_end = ber.value_span(pkcs8, start, 0x02)
    _, algorithm_end = ber.value_span(pkcs8, version_end, ber.SEQUENCE)
    value_start, value_end = ber.value_span(pkcs8, algorithm_end, ber.OCTET_STRING)
    return _imported(chosen, *_forms(pkcs8[value_start:value_end]))


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


def _imported(chosen: ParameterSet, seed: bytes, full: bytes) -> Key:
    if not chosen.seed:  # then the full key is what there must be
        return mlkem.full_key(chosen, full)
    if not seed:
        return mlkem.full_key(chosen, full)
    if len(seed) != chosen.seed or (full and len(full) != chosen.private):
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    key = mlkem.seeded_key(chosen, seed)
    if full and mlkem.public_of(mlkem.full_key(chosen, full)) != mlkem.public_of(key):
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    return key


def null_key(key_type: int, pkcs8_bytes: int) -> Key:
    """For the `null` function track: the kind of key whose PKCS #8 is nearest to that size."""
    kinds = [mlkem.null_key(each) for each in PARAMETER_SETS if each.key_type == key_type]
    return min(kinds, key=lambda key: abs(sum(map(len, parts(key))) - pkcs8_bytes))
