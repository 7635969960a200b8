"""The parameters of mechanisms: a class per structure of PKCS #11 3.2, and who takes which.

The order of the fields is the order on the wire (`mechanism.py`). A field is a number, a byte
string, or with `Annotated[bytes, n]` exactly n bytes. The C structure that each class comes from
stands in `module/flattening.py`.
"""

from typing import Annotated, NamedTuple, TypeAlias

from ghostcard import pkcs11 as p

IV_SIZE = 16  # an AES block
DES_IV_SIZE = 8

Parameters: TypeAlias = tuple[int | bytes, ...]
"""Any of the classes below."""


class Raw(NamedTuple):
    """Parameter bytes that the wire does not look into; mostly none."""

    data: bytes = b""


class Iv(NamedTuple):
    """CBC, OFB, CFB, CTS: an initialisation vector of one AES block; XTS: the tweak."""

    iv: Annotated[bytes, IV_SIZE]


class DesIv(NamedTuple):
    """The same of DES and triple DES: a block of theirs."""

    iv: Annotated[bytes, DES_IV_SIZE]


class Ctr(NamedTuple):
    """CK_AES_CTR_PARAMS: how many low bits of the 16-byte block count."""

    counter_bits: int
    block: Annotated[bytes, IV_SIZE]


class Gcm(NamedTuple):
    """CK_GCM_PARAMS: tag size in bits, IV of 1 byte or more, additional data."""

    tag_bits: int
    iv: bytes
    aad: bytes = b""


class Ccm(NamedTuple):
    """CK_CCM_PARAMS: bytes of plaintext and of the MAC, nonce, additional data."""

    data_bytes: int
    mac_bytes: int
    nonce: bytes
    aad: bytes = b""


class ChaCha20(NamedTuple):
    """CK_CHACHA20_PARAMS: block counter, little-endian, and nonce."""

    counter: bytes
    nonce: bytes


class ChaCha20Poly1305(NamedTuple):
    """CK_SALSA20_CHACHA20_POLY1305_PARAMS: nonce and additional data."""

    nonce: bytes
    aad: bytes = b""


class Pss(NamedTuple):
    """CK_RSA_PKCS_PSS_PARAMS: hash mechanism, CKG_MGF1_*, salt size in bytes."""

    hash: int
    mgf: int
    salt_bytes: int


class Oaep(NamedTuple):
    """CK_RSA_PKCS_OAEP_PARAMS: hash mechanism, CKG_MGF1_*, label source and label."""

    hash: int
    mgf: int
    source: int = p.CKZ_DATA_SPECIFIED
    label: bytes = b""


class Ecdh(NamedTuple):
    """CK_ECDH1_DERIVE_PARAMS: CKD_*, shared data, public point of the other side."""

    kdf: int
    shared: bytes
    point: bytes


class X942Dh(NamedTuple):
    """CK_X9_42_DH1_DERIVE_PARAMS: CKD_*, other information, public value of the other side."""

    kdf: int
    other: bytes
    public: bytes


class RsaAes(NamedTuple):
    """CK_RSA_AES_KEY_WRAP_PARAMS: bits of the AES key, and the parameters of OAEP."""

    aes_bits: int
    hash: int
    mgf: int
    source: int = p.CKZ_DATA_SPECIFIED
    label: bytes = b""


class EcdhAes(NamedTuple):
    """CK_ECDH_AES_KEY_WRAP_PARAMS: bits of the AES key, CKD_*, shared data."""

    aes_bits: int
    kdf: int
    shared: bytes = b""


class MacLength(NamedTuple):
    """CK_MAC_GENERAL_PARAMS: bytes of MAC wanted."""

    length: int


class Eddsa(NamedTuple):
    """CK_EDDSA_PARAMS: pre-hash flag and context."""

    prehash: int
    context: bytes = b""


class SignContext(NamedTuple):
    """CK_SIGN_ADDITIONAL_CONTEXT: CKH_* and context string of ML-DSA and SLH-DSA."""

    hedge: int
    context: bytes = b""


class HashSignContext(NamedTuple):
    """CK_HASH_SIGN_ADDITIONAL_CONTEXT: CKH_*, the hash that was used, context string."""

    hedge: int
    hash: int
    context: bytes = b""


class StringData(NamedTuple):
    """CK_KEY_DERIVATION_STRING_DATA: data that goes into a derivation."""

    data: bytes


class BitIndex(NamedTuple):
    """CK_EXTRACT_PARAMS: the bit of the base key that the derived key begins with."""

    bit: int


class CbcData(NamedTuple):
    """CK_AES_CBC_ENCRYPT_DATA_PARAMS: IV, and the data whose encryption is the derived key."""

    iv: Annotated[bytes, IV_SIZE]
    data: bytes


class DesCbcData(NamedTuple):
    """CK_DES_CBC_ENCRYPT_DATA_PARAMS."""

    iv: Annotated[bytes, 8]
    data: bytes


class OtherKey(NamedTuple):
    """A second key: its blob. To the host it is a handle, 8 bytes."""

    key: bytes


class Hkdf(NamedTuple):
    """CK_HKDF_PARAMS: which of the two steps, hash, CKF_HKDF_SALT_*, salt or salt key, info."""

    extract: int
    expand: int
    hash: int
    salt_type: int
    salt: bytes = b""
    salt_key: bytes = b""
    info: bytes = b""


class Kbkdf(NamedTuple):
    """CK_SP800_108_KDF_PARAMS: PRF, IV of the feedback mode, and the data fields of each step.

    A field is CK_SP800_108_*, the length of its value, the value: bytes; of a counter two numbers
    (whether little-endian, width in bits); of a length three (CK_SP800_108_DKM_LENGTH_*, and both).
    """

    prf: int
    iv: bytes
    fields: bytes


class TlsMaster(NamedTuple):
    """CK_TLS12_MASTER_KEY_DERIVE_PARAMS: hash, random data of client and server."""

    hash: int
    client: bytes
    server: bytes


class TlsSession(NamedTuple):
    """CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS: hash, hash of the session."""

    hash: int
    session_hash: bytes


class TlsKeys(NamedTuple):
    """CK_TLS12_KEY_MAT_PARAMS: hash; bits of MAC keys, keys and IVs; random data of both sides."""

    hash: int
    mac_bits: int
    key_bits: int
    iv_bits: int
    client: bytes
    server: bytes


class TlsKdf(NamedTuple):
    """CK_TLS_KDF_PARAMS: hash, label, random data of both sides, context."""

    hash: int
    label: bytes
    client: bytes
    server: bytes
    context: bytes


class TlsMac(NamedTuple):
    """CK_TLS_MAC_PARAMS: hash, bytes of MAC, 1 for the server's and 2 for the client's."""

    hash: int
    length: int
    side: int


class Hotp(NamedTuple):
    """HOTP, of CK_OTP_PARAMS and the key: digits of the password, counter."""

    digits: int
    counter: Annotated[bytes, 8]


class Pbkdf2(NamedTuple):
    """CK_PKCS5_PBKD2_PARAMS2: CKZ_*, iterations, CKP_PKCS5_PBKD2_*, salt, PRF data, password."""

    source: int
    iterations: int
    prf: int
    salt: bytes
    prf_data: bytes
    password: bytes


def _each(names: str, hashes: tuple[str, ...]) -> tuple[int, ...]:
    """The mechanisms of that name, with each hash in the place of {}."""
    return tuple(getattr(p, "CKM_" + names.format(one)) for one in hashes)


_PREHASHES = (
    *("SHA224", "SHA256", "SHA384", "SHA512"),
    *("SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512", "SHAKE128", "SHAKE256"),
)
_CONTEXT_SIGNERS = (
    *(p.CKM_ML_DSA, p.CKM_SLH_DSA),
    *_each("HASH_ML_DSA_{}", _PREHASHES),
    *_each("HASH_SLH_DSA_{}", _PREHASHES),
)
_SHA2 = ("SHA224", "SHA256", "SHA384", "SHA512")
_SHA3 = ("SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512")
_BLAKE2B = ("BLAKE2B_160", "BLAKE2B_256", "BLAKE2B_384", "BLAKE2B_512")

FAMILIES: dict[int, type[Parameters]] = {
    **dict.fromkeys(
        (
            *(p.CKM_AES_CBC, p.CKM_AES_CBC_PAD, p.CKM_AES_CTS, p.CKM_AES_XTS),
            *(p.CKM_AES_OFB, p.CKM_AES_CFB128, p.CKM_AES_CFB8),
        ),
        Iv,
    ),
    **dict.fromkeys(
        (
            *(p.CKM_DES_CBC, p.CKM_DES_CBC_PAD, p.CKM_DES3_CBC, p.CKM_DES3_CBC_PAD),
            *(p.CKM_DES_OFB64, p.CKM_DES_CFB64, p.CKM_DES_CFB8),
        ),
        DesIv,
    ),
    p.CKM_AES_CTR: Ctr,
    p.CKM_AES_GCM: Gcm,
    p.CKM_AES_GMAC: Gcm,
    p.CKM_AES_CCM: Ccm,
    p.CKM_CHACHA20: ChaCha20,
    p.CKM_CHACHA20_POLY1305: ChaCha20Poly1305,
    p.CKM_RSA_PKCS_PSS: Pss,
    **dict.fromkeys(_each("{}_RSA_PKCS_PSS", ("SHA1", *_SHA2, *_SHA3)), Pss),
    p.CKM_RSA_PKCS_OAEP: Oaep,
    p.CKM_ECDH1_DERIVE: Ecdh,
    p.CKM_ECDH1_COFACTOR_DERIVE: Ecdh,
    p.CKM_X9_42_DH_DERIVE: X942Dh,
    p.CKM_RSA_AES_KEY_WRAP: RsaAes,
    p.CKM_ECDH_AES_KEY_WRAP: EcdhAes,
    p.CKM_ECDH_X_AES_KEY_WRAP: EcdhAes,
    p.CKM_ECDH_COF_AES_KEY_WRAP: EcdhAes,
    p.CKM_EDDSA: Eddsa,
    **dict.fromkeys(
        (
            *(p.CKM_CONCATENATE_BASE_AND_DATA, p.CKM_CONCATENATE_DATA_AND_BASE),
            *(p.CKM_XOR_BASE_AND_DATA, p.CKM_AES_ECB_ENCRYPT_DATA),
            *(p.CKM_DES_ECB_ENCRYPT_DATA, p.CKM_DES3_ECB_ENCRYPT_DATA),
        ),
        StringData,
    ),
    p.CKM_EXTRACT_KEY_FROM_KEY: BitIndex,
    p.CKM_AES_CBC_ENCRYPT_DATA: CbcData,
    **dict.fromkeys((p.CKM_DES_CBC_ENCRYPT_DATA, p.CKM_DES3_CBC_ENCRYPT_DATA), DesCbcData),
    p.CKM_CONCATENATE_BASE_AND_KEY: OtherKey,
    **dict.fromkeys((p.CKM_HKDF_DERIVE, p.CKM_HKDF_DATA), Hkdf),
    **dict.fromkeys(
        (
            *(p.CKM_SP800_108_COUNTER_KDF, p.CKM_SP800_108_FEEDBACK_KDF),
            p.CKM_SP800_108_DOUBLE_PIPELINE_KDF,
        ),
        Kbkdf,
    ),
    **dict.fromkeys((p.CKM_TLS12_MASTER_KEY_DERIVE, p.CKM_TLS12_MASTER_KEY_DERIVE_DH), TlsMaster),
    **dict.fromkeys(
        (p.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, p.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH),
        TlsSession,
    ),
    **dict.fromkeys((p.CKM_TLS12_KEY_AND_MAC_DERIVE, p.CKM_TLS12_KEY_SAFE_DERIVE), TlsKeys),
    **dict.fromkeys((p.CKM_TLS12_KDF, p.CKM_TLS_KDF), TlsKdf),
    **dict.fromkeys((p.CKM_TLS12_MAC, p.CKM_TLS_MAC), TlsMac),
    p.CKM_PKCS5_PBKD2: Pbkdf2,
    p.CKM_HOTP: Hotp,
    **dict.fromkeys(_CONTEXT_SIGNERS, SignContext),
    p.CKM_HASH_ML_DSA: HashSignContext,
    **dict.fromkeys(
        (
            *(p.CKM_AES_MAC_GENERAL, p.CKM_DES3_MAC_GENERAL, p.CKM_DES_MAC_GENERAL),
            *(p.CKM_AES_CMAC_GENERAL, p.CKM_DES3_CMAC_GENERAL),
        ),
        MacLength,
    ),
    **dict.fromkeys(
        _each("{}_HMAC_GENERAL", ("SHA_1", *_SHA2, "SHA512_224", "SHA512_256", *_SHA3, *_BLAKE2B)),
        MacLength,
    ),
}
"""Mechanism -> class of its parameters; what is not here takes `Raw`."""

OPTIONAL = frozenset(
    (
        *_CONTEXT_SIGNERS,
        p.CKM_EDDSA,
    )
)
"""Mechanisms whose parameters may be left out; they then have `Raw(b"")`."""


def mechanisms(family: type[Parameters]) -> tuple[int, ...]:
    """The mechanisms that take parameters of this class."""
    return tuple(sorted(number for number, found in FAMILIES.items() if found is family))
