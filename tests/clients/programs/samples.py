"""One object of each kind of the attribute table, as C_CreateObject takes it.

The numbers of RSA, DSA and curve keys are fresh; those of the rest are as good as any.
"""

import os
import struct

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519

from ghostcard import pkcs11 as ck

Template = dict[int, bytes]


def ulong(value: int) -> bytes:
    return struct.pack("=Q", value)


def big(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _rsa() -> tuple[Template, Template]:
    private = rsa.generate_private_key(65537, 1024).private_numbers()  # larger ones take longer
    public = private.public_numbers
    both = {ck.CKA_MODULUS: big(public.n), ck.CKA_PUBLIC_EXPONENT: big(public.e)}
    parts = {
        ck.CKA_PRIVATE_EXPONENT: private.d,
        ck.CKA_PRIME_1: private.p,
        ck.CKA_PRIME_2: private.q,
        ck.CKA_EXPONENT_1: private.dmp1,
        ck.CKA_EXPONENT_2: private.dmq1,
        ck.CKA_COEFFICIENT: private.iqmp,
    }
    return both, both | {type: big(part) for type, part in parts.items()}


def _ec() -> tuple[Template, Template]:
    curve = {ck.CKA_EC_PARAMS: bytes.fromhex("06082a8648ce3d030107")}
    key = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    x, y = (value.to_bytes(32, "big") for value in (key.public_numbers.x, key.public_numbers.y))
    point = {ck.CKA_EC_POINT: b"\x04\x41\x04" + x + y}
    return curve | point, curve | {ck.CKA_VALUE: big(key.private_value)}


def _edwards() -> tuple[Template, Template]:
    curve = {ck.CKA_EC_PARAMS: bytes.fromhex("06032b6570")}
    key = ed25519.Ed25519PrivateKey.generate()
    point = {ck.CKA_EC_POINT: b"\x04\x20" + key.public_key().public_bytes_raw()}
    return curve | point, curve | {ck.CKA_VALUE: key.private_bytes_raw()}


def _montgomery() -> tuple[Template, Template]:
    curve = {ck.CKA_EC_PARAMS: bytes.fromhex("06032b656e")}
    key = x25519.X25519PrivateKey.generate()
    point = {ck.CKA_EC_POINT: b"\x04\x20" + key.public_key().public_bytes_raw()}
    return curve | point, curve | {ck.CKA_VALUE: key.private_bytes_raw()}


DOMAIN = dsa.generate_parameters(1024).parameter_numbers()
_PQG = {ck.CKA_PRIME: big(DOMAIN.p), ck.CKA_SUBPRIME: big(DOMAIN.q), ck.CKA_BASE: big(DOMAIN.g)}
_PG = {ck.CKA_PRIME: big(DOMAIN.p), ck.CKA_BASE: big(DOMAIN.g)}


def _field(domain: Template) -> tuple[Template, Template]:
    """A key of DSA or Diffie-Hellman."""
    x = int.from_bytes(os.urandom(19), "big") | 1 << 150  # less than q, which has 160 bits
    y = pow(DOMAIN.g, x, DOMAIN.p)
    return domain | {ck.CKA_VALUE: big(y)}, domain | {ck.CKA_VALUE: big(x)}


PAIRS = {
    ck.CKK_RSA: _rsa(),
    ck.CKK_EC: _ec(),
    ck.CKK_EC_EDWARDS: _edwards(),
    ck.CKK_EC_MONTGOMERY: _montgomery(),
    ck.CKK_DSA: _field(_PQG),
    ck.CKK_DH: _field(_PG),
    ck.CKK_X9_42_DH: _field(_PQG),
}
HMACS = (
    *(ck.CKK_SHA_1_HMAC, ck.CKK_SHA224_HMAC, ck.CKK_SHA256_HMAC, ck.CKK_SHA384_HMAC),
    *(ck.CKK_SHA512_HMAC, ck.CKK_SHA512_224_HMAC, ck.CKK_SHA512_256_HMAC),
    *(ck.CKK_SHA3_224_HMAC, ck.CKK_SHA3_256_HMAC, ck.CKK_SHA3_384_HMAC),
    *(ck.CKK_SHA3_512_HMAC, ck.CKK_BLAKE2B_160_HMAC, ck.CKK_BLAKE2B_256_HMAC),
    *(ck.CKK_BLAKE2B_384_HMAC, ck.CKK_BLAKE2B_512_HMAC),
)
ODD = bytes.fromhex("0123456789abcdeffedcba987654321089abcdef01234567")  # in every byte's parity
SECRETS = {
    **{
        (ck.CKO_SECRET_KEY, type): bytes(range(1, size + 1))
        for type, size in (
            *((ck.CKK_AES, 32), (ck.CKK_AES_XTS, 64), (ck.CKK_CHACHA20, 32)),
            *((ck.CKK_POLY1305, 32), (ck.CKK_HKDF, 32), (ck.CKK_GENERIC_SECRET, 32)),
            *((type, 20) for type in HMACS),
        )
    },
    (ck.CKO_SECRET_KEY, ck.CKK_DES3): ODD,
    (ck.CKO_SECRET_KEY, ck.CKK_DES2): ODD[:16],
    (ck.CKO_SECRET_KEY, ck.CKK_DES): ODD[:8],
    (ck.CKO_OTP_KEY, ck.CKK_HOTP): bytes(range(1, 21)),
}
SAMPLES: dict[tuple[int, int], Template] = {
    (ck.CKO_DATA, 0): {ck.CKA_VALUE: b"data"},
    (ck.CKO_CERTIFICATE, ck.CKC_X_509): {ck.CKA_SUBJECT: b"0\0", ck.CKA_VALUE: b"0\0"},
    (ck.CKO_CERTIFICATE, ck.CKC_WTLS): {ck.CKA_SUBJECT: b"s", ck.CKA_VALUE: b"v"},
    (ck.CKO_CERTIFICATE, ck.CKC_X_509_ATTR_CERT): {ck.CKA_OWNER: b"0\0", ck.CKA_VALUE: b"0\0"},
    (ck.CKO_TRUST, 0): {
        ck.CKA_ISSUER: b"0\0",
        ck.CKA_SERIAL_NUMBER: b"\2\1\1",
        ck.CKA_HASH_OF_CERTIFICATE: bytes(20),
    },
    **{(ck.CKO_PUBLIC_KEY, type): public for type, (public, _) in PAIRS.items()},
    **{(ck.CKO_PRIVATE_KEY, type): private for type, (_, private) in PAIRS.items()},
    **{kind: {ck.CKA_VALUE: value} for kind, value in SECRETS.items()},
    (ck.CKO_DOMAIN_PARAMETERS, ck.CKK_DSA): _PQG,
    (ck.CKO_DOMAIN_PARAMETERS, ck.CKK_X9_42_DH): _PQG,
    (ck.CKO_DOMAIN_PARAMETERS, ck.CKK_DH): _PG,
}

GENERATED: dict[int, tuple[int, int]] = {
    ck.CKK_ML_DSA: (ck.CKM_ML_DSA_KEY_PAIR_GEN, ck.CKP_ML_DSA_44),
    ck.CKK_ML_KEM: (ck.CKM_ML_KEM_KEY_PAIR_GEN, ck.CKP_ML_KEM_512),
    ck.CKK_SLH_DSA: (ck.CKM_SLH_DSA_KEY_PAIR_GEN, ck.CKP_SLH_DSA_SHA2_128F),
}
"""Key types whose samples the token makes: mechanism and parameter set."""
