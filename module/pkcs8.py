"""Private keys in clear: attributes <-> PKCS #8 (RFC 5958, 8017, 5915, 8410, 3279)."""

from math import gcd, isqrt

from ghostcard import pkcs11 as ck
from ghostcard.module import der, field_keys, quantum_safe_keys
from ghostcard.module.curves import OCTET_TYPES, curve_of
from ghostcard.module.encoding import big, number
from ghostcard.module.errors import CryptokiError
from ghostcard.module.parameter_sets import KEY_TYPES as POST_QUANTUM
from ghostcard.module.spki import RSA_ENCRYPTION, algorithm
from ghostcard.module.template import Attributes

_RSA_PARTS = (
    ck.CKA_MODULUS,
    ck.CKA_PUBLIC_EXPONENT,
    ck.CKA_PRIVATE_EXPONENT,
    ck.CKA_PRIME_1,
    ck.CKA_PRIME_2,
    ck.CKA_EXPONENT_1,
    ck.CKA_EXPONENT_2,
    ck.CKA_COEFFICIENT,
)
"""In the order of RSAPrivateKey, RFC 8017, A.1.2."""

_USUAL_EXPONENT = 65537
_MAX_BYTES = 2048  # of a modulus: what the cards take; arithmetic with more takes long


def build(attributes: Attributes) -> bytes:
    """The PrivateKeyInfo of a private key's attributes; what the template left out of an RSA key is
    computed.
    """
    key_type = number(attributes[ck.CKA_KEY_TYPE])
    if key_type == ck.CKK_RSA:
        method = der.encode(der.SEQUENCE, RSA_ENCRYPTION, der.NULL)
        numbers = (der.integer(value) for value in (0, *_rsa_numbers(attributes)))
        return _info(method, der.encode(der.SEQUENCE, *numbers))
    if key_type in POST_QUANTUM:
        return quantum_safe_keys.private_info(attributes)
    if key_type in field_keys.KEY_TYPES:
        return field_keys.private_info(attributes, key_type)
    if ck.CKA_EC_PARAMS not in attributes:  # of a type that no card makes
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    curve = curve_of(attributes[ck.CKA_EC_PARAMS], key_type)
    secret = attributes[ck.CKA_VALUE]
    if len(secret) > curve.coordinate:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    octets = der.encode(der.OCTET_STRING, secret.rjust(curve.coordinate, b"\0"))
    if key_type == ck.CKK_EC:
        octets = der.encode(der.SEQUENCE, der.integer(1), octets)
    return _info(algorithm(curve.oid, key_type), octets)


def secret_attributes(info: bytes, key_type: int) -> Attributes:
    """The hidden attributes of a private key, from its PrivateKeyInfo; DerError if it is none."""
    reader = der.Reader(info).enter(der.SEQUENCE)
    reader.integer()
    reader.take(der.SEQUENCE)
    value = reader.take(der.OCTET_STRING)
    if key_type in POST_QUANTUM:
        return quantum_safe_keys.secret_attributes(value, key_type)
    key = der.Reader(value)
    if key_type in field_keys.KEY_TYPES:
        return {ck.CKA_VALUE: big(key.integer())}
    if key_type in OCTET_TYPES:
        return {ck.CKA_VALUE: key.take(der.OCTET_STRING)}
    numbers = key.enter(der.SEQUENCE)
    numbers.integer()  # the version
    if key_type == ck.CKK_RSA:
        return {part: big(numbers.integer()) for part in _RSA_PARTS}
    return {ck.CKA_VALUE: numbers.take(der.OCTET_STRING)}


def _info(method: bytes, key: bytes) -> bytes:
    return der.encode(der.SEQUENCE, der.integer(0), method, der.encode(der.OCTET_STRING, key))


def _rsa_numbers(attributes: Attributes) -> tuple[int, ...]:
    """The eight numbers of an RSA key, which must belong together; CKR_ATTRIBUTE_VALUE_INVALID if
    they do not.
    """
    n, e, d, p, q, dp, dq, u = (
        int.from_bytes(attributes.get(part, b""), "big") for part in _RSA_PARTS
    )
    is_small = n.bit_length() <= 8 * _MAX_BYTES
    if n < 3 or n % 2 == 0 or not (is_small and 1 < d < n and e < n):
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    e = e or _USUAL_EXPONENT
    if not (p and q):
        p, q = _primes(n, e, d)
    is_product = max(p, q) < n and p * q == n and min(p, q) > 2 and gcd(p, q) == 1
    if not is_product or (e * d - 1) % (p - 1) or (e * d - 1) % (q - 1):
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    right = (d % (p - 1), d % (q - 1), pow(q, -1, p))
    if any(given not in (0, computed) for given, computed in zip((dp, dq, u), right, strict=True)):
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    return (n, e, d, p, q, *right)


def _primes(n: int, e: int, d: int) -> tuple[int, int]:
    """The primes of n from both exponents (NIST SP 800-56B, appendix C.2), without a search."""
    multiple = (e * d - 1) * gcd(n - 1, e * d - 1)
    count, rest = divmod(multiple, n)
    total, is_broken = divmod(n - rest, count + 1)
    total += 1  # p + q
    square = total * total - 4 * n
    root = isqrt(max(square, 0))
    if is_broken or root * root != square:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    return (total + root) // 2, (total - root) // 2
