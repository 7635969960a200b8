"""Which operation a function with a mechanism and a key is."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.benchmarks.capture.file import NONE
from ghostcard.benchmarks.capture.operations import (
    DECAPSULATE,
    DECRYPT,
    DERIVE,
    DIGEST,
    ENCAPSULATE,
    ENCRYPT,
    GENERATE,
    SIGN,
    UNWRAP,
    VERIFY,
    WRAP,
    Key,
    operation,
    update_operation,
)

P256 = bytes.fromhex("06082a8648ce3d030107")
X25519 = bytes.fromhex("06032b656e")
NO_KEY = Key(NONE, 0, b"")
RSA = Key(ck.CKK_RSA, 2048, b"")
EC = Key(ck.CKK_EC, 0, P256)
AES = Key(ck.CKK_AES, 256, b"")
SECRET = Key(ck.CKK_GENERIC_SECRET, 256, b"")

CASES = [
    (SIGN, ck.CKM_RSA_PKCS, RSA, "rsa2048-sign"),
    (VERIFY, ck.CKM_SHA256_RSA_PKCS_PSS, RSA, "rsa2048-verify"),
    (DECRYPT, ck.CKM_RSA_PKCS_OAEP, Key(ck.CKK_RSA, 4096, b""), "rsa4096-decrypt"),
    (SIGN, ck.CKM_RSA_PKCS, Key(ck.CKK_RSA, 1536, b""), "rsa2048-sign"),  # the next larger
    (SIGN, ck.CKM_ECDSA_SHA256, EC, "ecdsa-p256-sign"),
    (DERIVE, ck.CKM_ECDH1_DERIVE, EC, "ecdh-p256"),
    (DERIVE, ck.CKM_ECDH1_DERIVE, Key(ck.CKK_EC_MONTGOMERY, 0, X25519), "x25519-derive"),
    (SIGN, ck.CKM_EDDSA, Key(ck.CKK_EC_EDWARDS, 0, b"\x13\x0cedwards25519"), "ed25519-sign"),
    (SIGN, ck.CKM_DSA_SHA256, Key(ck.CKK_DSA, 2048, b""), "dsa2048-sign"),
    (DERIVE, ck.CKM_DH_PKCS_DERIVE, Key(ck.CKK_DH, 2048, b""), "dh2048-derive"),
    (ENCRYPT, ck.CKM_AES_GCM, AES, "aes-256-gcm"),
    (DECRYPT, ck.CKM_AES_CBC_PAD, AES, "aes-256-cbc"),
    (SIGN, ck.CKM_AES_CMAC, AES, "aes-256-cmac"),
    (ENCRYPT, ck.CKM_AES_XTS, Key(ck.CKK_AES_XTS, 512, b""), "aes-256-xts"),
    (ENCRYPT, ck.CKM_DES3_CBC, Key(ck.CKK_DES3, 0, b""), "des3-cbc"),
    (ENCRYPT, ck.CKM_CHACHA20_POLY1305, Key(ck.CKK_CHACHA20, 256, b""), "chacha20-poly1305"),
    (SIGN, ck.CKM_SHA256_HMAC, SECRET, "hmac-sha256"),
    (SIGN, ck.CKM_SHA_1_HMAC_GENERAL, SECRET, "hmac-sha1"),
    (SIGN, ck.CKM_SHA3_384_HMAC, SECRET, "hmac-sha3-384"),
    (DIGEST, ck.CKM_SHA_1, NO_KEY, "sha1"),
    (DIGEST, ck.CKM_SHA512_256, NO_KEY, "sha512"),
    (DIGEST, ck.CKM_SHA3_224, NO_KEY, "sha3-224"),
    (DIGEST, ck.CKM_BLAKE2B_256, NO_KEY, "blake2b"),
    (GENERATE, ck.CKM_RSA_PKCS_KEY_PAIR_GEN, Key(NONE, 3072, b""), "rsa3072-keygen"),
    (GENERATE, ck.CKM_EC_KEY_PAIR_GEN, Key(NONE, 0, P256), "ec-p256-keygen"),
    (GENERATE, ck.CKM_EC_MONTGOMERY_KEY_PAIR_GEN, Key(NONE, 0, X25519), "x25519-keygen"),
    (GENERATE, ck.CKM_AES_KEY_GEN, Key(NONE, 256, b""), "aes-keygen"),
    (GENERATE, ck.CKM_GENERIC_SECRET_KEY_GEN, Key(NONE, 256, b""), "secret-keygen"),
    (GENERATE, ck.CKM_DSA_PARAMETER_GEN, Key(NONE, 2048, b""), "dsa2048-paramgen"),
    (GENERATE, ck.CKM_ML_DSA_KEY_PAIR_GEN, Key(NONE, ck.CKP_ML_DSA_65, b""), "mldsa65-keygen"),
    (SIGN, ck.CKM_ML_DSA, Key(ck.CKK_ML_DSA, ck.CKP_ML_DSA_44, b""), "mldsa44-sign"),
    (
        VERIFY,
        ck.CKM_SLH_DSA,
        Key(ck.CKK_SLH_DSA, ck.CKP_SLH_DSA_SHAKE_192F, b""),
        "slhdsa-shake-192f-verify",
    ),
    (
        ENCAPSULATE,
        ck.CKM_ML_KEM,
        Key(ck.CKK_ML_KEM, ck.CKP_ML_KEM_768, b""),
        "mlkem768-encapsulate",
    ),
    (
        DECAPSULATE,
        ck.CKM_ML_KEM,
        Key(ck.CKK_ML_KEM, ck.CKP_ML_KEM_1024, b""),
        "mlkem1024-decapsulate",
    ),
    (WRAP, ck.CKM_AES_KEY_WRAP, AES, "wrap"),
    (UNWRAP, ck.CKM_RSA_PKCS, RSA, "unwrap"),
    (DERIVE, ck.CKM_SHA256_KEY_DERIVATION, SECRET, "derive"),
    (DIGEST, ck.CKM_MD5, NO_KEY, None),
    (SIGN, ck.CKM_ECDSA, Key(ck.CKK_EC, 0, b"\6\1\1"), None),  # a curve that nobody knows
    (SIGN, 0x80000001, RSA, "rsa2048-sign"),  # a vendor's, with a key that tells
    (SIGN, 0x80000001, NO_KEY, None),
    (ENCRYPT, ck.CKM_AES_GCM, Key(ck.CKK_AES, 0, b""), None),  # its size was not to be had
    (SIGN, ck.CKM_RSA_PKCS, Key(ck.CKK_RSA, 1 << 20, b""), None),
]


@pytest.mark.parametrize(("verb", "mechanism", "key", "wanted"), CASES)
def test_operation(verb: str, mechanism: int, key: Key, wanted: str | None) -> None:
    assert operation(verb, mechanism, key) == wanted


@pytest.mark.parametrize(
    ("verb", "mechanism", "key", "wanted"),
    [
        (SIGN, ck.CKM_SHA256_RSA_PKCS, RSA, "sha256"),
        (SIGN, ck.CKM_ECDSA_SHA384, EC, "sha384"),
        (VERIFY, ck.CKM_SHA3_256_RSA_PKCS, RSA, "sha3-256"),
        (SIGN, ck.CKM_RSA_PKCS, RSA, "query"),  # the card keeps it
        (SIGN, ck.CKM_SHA256_HMAC, SECRET, "hmac-sha256"),
        (ENCRYPT, ck.CKM_AES_CBC, AES, "aes-256-cbc"),
        (DIGEST, ck.CKM_SHA256, NO_KEY, "sha256"),
    ],
)
def test_parts_before_the_last(verb: str, mechanism: int, key: Key, wanted: str) -> None:
    assert update_operation(verb, mechanism, key) == wanted
