"""Which public keys the cards can use: what is wrong with the others, told when they come in.

A card looks at the numbers of a public key when it first uses it, which is late for whoever made
it.
"""

from struct import iter_unpack

from ghostcard import pkcs11 as ck
from ghostcard.module import curves
from ghostcard.module.encoding import number
from ghostcard.module.field_keys import DOMAIN
from ghostcard.module.template import Attributes

RSA_BITS = range(512, 16385)
EXPONENT_BITS = 64
PRIME_BITS = {
    ck.CKK_DSA: range(1024, 4097, 1024),
    ck.CKK_DH: range(512, 8193),
    ck.CKK_X9_42_DH: range(512, 8193),
}
ORDER_BITS = (160, 224, 256)

Equation = tuple[int, int, int]
"""p, a, b: y^2 = x^3 + ax + b modulo p."""

# SEC 2 (version 1.0 for secp192r1) and RFC 5639.
_EQUATIONS: dict[bytes, Equation] = {
    curves.P192.oid: (
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFFFFFFFFFF,
        -3,
        0x64210519E59C80E70FA7E9AB72243049FEB8DEECC146B9B1,
    ),
    curves.P224.oid: (
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF000000000000000000000001,
        -3,
        0xB4050A850C04B3ABF54132565044B0B7D7BFD8BA270B39432355FFB4,
    ),
    curves.P256.oid: (
        0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
        -3,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    curves.P384.oid: (
        (1 << 384) - (1 << 128) - (1 << 96) + (1 << 32) - 1,
        -3,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
    curves.P521.oid: (
        (1 << 521) - 1,
        -3,
        0x51953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
    ),
    curves.SECP256K1.oid: ((1 << 256) - (1 << 32) - 977, 0, 7),
    curves.BRAINPOOL256.oid: (
        0xA9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377,
        0x7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9,
        0x26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6,
    ),
    curves.BRAINPOOL384.oid: (
        0x8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B412B1DA197FB71123ACD3A729901D1A71874700133107EC53,
        0x7BC382C63D8C150C3C72080ACE05AFA0C2BEA28E4FB22787139165EFBA91F90F8AA5814A503AD4EB04A8C7DD22CE2826,
        0x4A8C7DD22CE28268B39B55416F0447C2FB77DE107DCD2A62E880EA53EEB62D57CB4390295DBC9943AB78696FA504C11,
    ),
    curves.BRAINPOOL512.oid: (
        0xAADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA703308717D4D9B009BC66842AECDA12AE6A380E62881FF2F2D82C68528AA6056583A48F3,
        0x7830A3318B603B89E2327145AC234CC594CBDD8D3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CA,
        0x3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CADC083E67984050B75EBAE5DD2809BD638016F723,
    ),
}

_KYBER_PRIME = 3329
_SEED_BYTES = 32  # at the end of an encapsulation key


def flaw(attributes: Attributes) -> str:
    """Why no card can use the public key, or the domain, of these attributes; empty if one can.

    Of a public key `spki.build` has seen the lengths: keys of Edwards and Montgomery curves, of
    ML-DSA and SLH-DSA need no more. Whether primes are prime is not looked at.
    """
    key_type = number(attributes[ck.CKA_KEY_TYPE])
    if key_type == ck.CKK_RSA:
        return _rsa(*_numbers(attributes, ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT))
    if key_type == ck.CKK_EC:
        return _point(attributes)
    if key_type in DOMAIN:
        return _domain(attributes, key_type) or _value(attributes)
    return _encapsulation(attributes[ck.CKA_VALUE]) if key_type == ck.CKK_ML_KEM else ""


def prime_of(curve: curves.Curve) -> int:
    """The prime of a curve of CKK_EC."""
    return _EQUATIONS[curve.oid][0]


def _domain(attributes: Attributes, key_type: int) -> str:
    p, g = _numbers(attributes, ck.CKA_PRIME, ck.CKA_BASE)
    if p.bit_length() not in PRIME_BITS[key_type]:
        return f"its prime has {p.bit_length()} bits"
    if p % 2 == 0:
        return "its prime is even"
    if not 1 < g < p - 1:
        return "its base is not between 1 and the prime less 1"
    if ck.CKA_SUBPRIME in DOMAIN[key_type]:
        (q,) = _numbers(attributes, ck.CKA_SUBPRIME)
        if q.bit_length() not in ORDER_BITS or (p - 1) % q:
            return "its subprime is none of the prime's"
    return ""


def _rsa(n: int, e: int) -> str:
    if n.bit_length() not in RSA_BITS:
        return f"its modulus has {n.bit_length()} bits, not {RSA_BITS[0]} to {RSA_BITS[-1]}"
    if n % 2 == 0:
        return "its modulus is even"
    if e % 2 == 0 or e < 3:
        return "its exponent is even or 1"
    if e.bit_length() > EXPONENT_BITS or e >= n:
        return f"its exponent has {e.bit_length()} bits, at most {EXPONENT_BITS} are possible"
    return ""


def _point(attributes: Attributes) -> str:
    curve = curves.curve_of(attributes[ck.CKA_EC_PARAMS], ck.CKK_EC)
    point = curves.point_of(attributes[ck.CKA_EC_POINT], curve)
    x, y = (
        int.from_bytes(half, "big")
        for half in (point[1 : curve.coordinate + 1], point[curve.coordinate + 1 :])
    )
    p, a, b = _EQUATIONS[curve.oid]
    is_on_curve = max(x, y) < p and (y * y - (x * x + a) * x - b) % p == 0
    return "" if is_on_curve else f"its point is not on {curve.name}"


def _value(attributes: Attributes) -> str:
    if ck.CKA_VALUE not in attributes:  # a domain
        return ""
    p, y = _numbers(attributes, ck.CKA_PRIME, ck.CKA_VALUE)
    return "" if 1 < y < p - 1 else "its value is not between 1 and the prime less 1"


def _encapsulation(value: bytes) -> str:
    """FIPS 203, 7.2: two numbers of 12 bits in three bytes, each below the prime."""
    for low, middle, high in iter_unpack("3B", value[:-_SEED_BYTES]):
        if max(low | (middle & 15) << 8, middle >> 4 | high << 4) >= _KYBER_PRIME:
            return "its value has numbers beyond the prime"
    return ""


def _numbers(attributes: Attributes, *types: int) -> tuple[int, ...]:
    return tuple(int.from_bytes(attributes[type], "big") for type in types)
