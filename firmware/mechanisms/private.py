"""Private keys outside of blobs: PKCS #8 in DER, and their SPKI.

RFC 5208, 5915, 8017 A.1.2, 8410, and for keys over finite fields RFC 3279. Written here; parsed by
the cryptographic library, which checks that the numbers belong together, but for finite fields,
whose public values are computed anew.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import ber
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.parameter_sets import KEY_TYPES as POST_QUANTUM
from ghostcard.firmware.mechanisms import ec, ffc, octet_keys, postquantum, rsa
from ghostcard.firmware.mechanisms.curves import CURVES, OCTET_CURVES, octet_of_key, of_key
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import (
    RSA_ALGORITHM,
    bit_string,
    ec_algorithm,
    ec_spki,
    ffc_algorithm,
    ffc_domain,
    ffc_spki,
    integer,
    octet_algorithm,
    octet_spki,
    rsa_spki,
    sequence,
)
from ghostcard.firmware.mechanisms.refusal import Refused

OCTET_TYPES = frozenset((ck.CKK_EC_EDWARDS, ck.CKK_EC_MONTGOMERY))
FFC_TYPES = frozenset(ffc.BITS)
KEY_TYPES = frozenset((ck.CKK_RSA, ck.CKK_EC)) | OCTET_TYPES | FFC_TYPES | POST_QUANTUM
_PUBLIC_KEY = 0xA1  # [1] of ECPrivateKey
_INTEGER = 0x02
_VERSION = integer(0)
_LIKELY_MORE = 6  # bytes
_LONG = 2500  # bytes of PrivateKeyInfo: above those of RSA-4096


def spki(key: Key) -> bytes:
    """The public half of a private key."""
    if key.key_type == ck.CKK_RSA:
        return rsa_spki(*rsa.public_numbers(key))
    if key.key_type in POST_QUANTUM:
        return postquantum.spki(key)
    if key.key_type == ck.CKK_EC:
        return ec_spki(of_key(key), ec.point_of(key))
    if key.key_type in FFC_TYPES:
        return ffc_spki(key.key_type, ffc.domain_of(key), ffc.y_of(key))
    return octet_spki(octet_of_key(key), octet_keys.public_of(key))


def pkcs8(key: Key) -> bytes:
    """PrivateKeyInfo of a private key."""
    algorithm, value = _parts(key)
    return sequence(_VERSION + algorithm + ber.octets(value))


def _parts(key: Key) -> tuple[bytes, bytes]:
    if key.key_type == ck.CKK_RSA:
        return RSA_ALGORITHM, sequence(b"".join(map(integer, (0, *rsa.all_numbers(key)))))
    if key.key_type in OCTET_TYPES:
        return octet_algorithm(octet_of_key(key)), ber.octets(octet_keys.secret_of(key))
    if key.key_type in FFC_TYPES:
        return ffc_algorithm(key.key_type, ffc.domain_of(key)), integer(ffc.x_of(key))
    if key.key_type in POST_QUANTUM:
        return postquantum.parts(key)
    curve = of_key(key)
    public = bit_string(ec.point_of(key))
    tagged = ber.head(_PUBLIC_KEY, len(public)) + public
    value = integer(1) + ber.octets(key.material[: curve.size]) + tagged
    return ec_algorithm(curve), sequence(value)


def private_key(key_type: int, value: bytes) -> Key:
    """The key of a PrivateKeyInfo, behind which zeros may fill up a block; refused if not that.

    One answer for all that can be wrong with it: the bytes come out of a decryption.
    """
    try:
        _, end = ber.value_span(value, 0, ber.SEQUENCE)
        key = _parsed(key_type, value[:end])
    except (WireError, Refused):
        key = None
    if key is None or key.key_type != key_type or any(value[end:]):
        raise Refused(ck.CKR_WRAPPED_KEY_INVALID)
    return key


def _parsed(key_type: int, value: bytes) -> Key | None:
    if key_type in FFC_TYPES:
        return _ffc_key(value)
    chosen = postquantum.named_in(value)
    return _loaded(value) if chosen is None else postquantum.private_key(chosen, value)


def _ffc_key(value: bytes) -> Key:
    start, _ = ber.value_span(value, 0, ber.SEQUENCE)
    _, version_end = ber.value_span(value, start, _INTEGER)
    _, algorithm_end = ber.value_span(value, version_end, ber.SEQUENCE)
    key_type, domain = ffc_domain(value[version_end:algorithm_end])
    at, _ = ber.value_span(value, algorithm_end, ber.OCTET_STRING)
    x_start, x_end = ber.value_span(value, at, _INTEGER)
    return ffc.private_key(key_type, domain, int.from_bytes(value[x_start:x_end], "big"))


def _loaded(value: bytes) -> Key | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    # The library's test of long primes takes half a minute; `belong_together` takes milliseconds.
    is_long = len(value) > _LONG
    try:
        return _imported(load_der_private_key(value, None, unsafe_skip_rsa_key_validation=is_long))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _imported(loaded: object) -> Key | None:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if isinstance(loaded, RSAPrivateKey):
        numbers = loaded.private_numbers()
        return rsa.private_key(numbers) if rsa.belong_together(numbers) else None
    if isinstance(loaded, EllipticCurvePrivateKey):
        for curve in CURVES:
            if curve.title.lower() == loaded.curve.name.lower():
                return ec.private_key(curve, loaded.private_numbers().private_value)
        return None
    return octet_keys.imported(loaded)


def null_key(key_type: int, pkcs8_bytes: int) -> Key:
    """For the `null` function track: the kind of key whose PKCS #8 is nearest to that size, or to a
    few bytes more, since padding is taken to be as long as it can be.
    """
    if key_type in POST_QUANTUM:
        return postquantum.null_key(key_type, pkcs8_bytes)
    likely = pkcs8_bytes + _LIKELY_MORE
    return min(_null_kinds(key_type), key=lambda key: abs(len(pkcs8(key)) - likely))


def _null_kinds(key_type: int) -> list[Key]:
    if key_type == ck.CKK_RSA:
        return [_null_kind(key_type, bits, rsa.material_bytes(bits)) for bits in _RSA_SIZES]
    if key_type == ck.CKK_EC:  # those of NIST: others of their sizes cannot be told from them
        return [
            _null_kind(key_type, curve.bits, 3 * curve.size + 1)
            for curve in CURVES
            if not curve.variant
        ]
    if key_type in FFC_TYPES:
        return [ffc.null_key(key_type, domain) for domain in _null_domains(key_type)]
    return [
        _null_kind(key_type, curve.bits, 2 * curve.size)
        for curve in OCTET_CURVES
        if curve.key_type == key_type
    ]


_RSA_SIZES = (512, 768, *range(1024, 4097, 256), 6144, 8192, 16384)


def _null_domains(key_type: int) -> list[ffc.Domain]:
    """Domains of common sizes that have no primes in them."""
    if key_type == ck.CKK_DH:
        return [ffc.Domain((1 << bits) - 1, 2) for bits in (1024, 1536, 2048, 3072, 4096, 8192)]
    orders = {1024: 160, 2048: 256, 3072: 256, 4096: 256}
    return [ffc.null_domain(bits, order) for bits, order in orders.items()]


def _null_kind(key_type: int, bits: int, size: int) -> Key:
    # All ones: numbers of their full length, so that sizes are those of real keys.
    return Key(ck.CKO_PRIVATE_KEY, key_type, bits, b"\xff" * size, is_null=True)
