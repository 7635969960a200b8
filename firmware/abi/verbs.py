"""EP11 verbs: function ids (AP sheet 7.1), and the names of their parameters in wire order.

Encapsulate, Decapsulate and DeriveKeys (PKCS #11 3.2, 5.18) are ours: the sheet's verbs end at 44.
DeriveKeys makes several keys at once: `templates` has an attribute block for each, `keys`
a blob and a checksum for each, both a SEQUENCE of OCTET STRINGs.

Every parameter is one OCTET STRING behind the head of the payload. Where AP sheet 3.7 shows a verb,
the order is the sheet's; elsewhere it is ours (docs/design.md, section 4).
"""

from typing import NamedTuple

LOGIN = 1
LOGOUT = 2
SEED_RANDOM = 3
GENERATE_RANDOM = 4
DIGEST_INIT = 5
DIGEST_UPDATE = 6
DIGEST_KEY = 7
DIGEST_FINAL = 8
DIGEST = 9
DIGEST_SINGLE = 10
ENCRYPT_INIT = 11
DECRYPT_INIT = 12
ENCRYPT_UPDATE = 13
DECRYPT_UPDATE = 14
ENCRYPT_FINAL = 15
DECRYPT_FINAL = 16
ENCRYPT = 17
DECRYPT = 18
ENCRYPT_SINGLE = 19
DECRYPT_SINGLE = 20
GENERATE_KEY = 21
GENERATE_KEY_PAIR = 22
SIGN_INIT = 23
SIGN_UPDATE = 24
SIGN_FINAL = 25
SIGN = 26
VERIFY_INIT = 27
VERIFY_UPDATE = 28
VERIFY_FINAL = 29
VERIFY = 30
SIGN_SINGLE = 31
VERIFY_SINGLE = 32
WRAP_KEY = 33
UNWRAP_KEY = 34
DERIVE_KEY = 35
GET_MECHANISM_LIST = 36
GET_MECHANISM_INFO = 37
GET_XCP_INFO = 38
GET_ATTRIBUTE_VALUE = 39
SET_ATTRIBUTE_VALUE = 40
ADMIN = 41
REENCRYPT_SINGLE = 42
LOGIN_EXTENDED = 43
LOGOUT_EXTENDED = 44

ENCAPSULATE = 45
DECAPSULATE = 46
DERIVE_KEYS = 47

HIGHEST = 47

# The variant parameter of GenerateKey, Encrypt/DecryptSingle and WrapKey: what the caller asks for.
VARIANT_RESULT = bytes(4)
VARIANT_SIZE = (1).to_bytes(4, "big")


PORTION = 32768
"""Bytes of plaintext one DecryptFinal or Decrypt answers with at most. An answer of exactly this
size has a next portion, which another DecryptFinal fetches; a shorter one is the last."""


class Verb(NamedTuple):
    """A verb whose parameters are defined: function id, name, parameter names in wire order."""

    function: int
    name: str
    request: tuple[str, ...]
    reply: tuple[str, ...]


def _verb(function: int, name: str, request: str = "", reply: str = "") -> Verb:
    return Verb(function, name, tuple(request.split()), tuple(reply.split()))


# `checksum` of a secret key: its 3-byte check value and its size in bits as u32 (AP sheet 7.6);
# of a private key: its SubjectPublicKeyInfo. GetMechanismList answers with one parameter, a u32 for
# each mechanism; GetMechanismInfo with one: least and most key size and flags, each a u32.
VERBS: dict[int, Verb] = {
    verb.function: verb
    for verb in (
        _verb(SEED_RANDOM, "SeedRandom", "seed"),
        _verb(GENERATE_RANDOM, "GenerateRandom", "count", "bytes"),
        _verb(DIGEST_INIT, "DigestInit", "mechanism", "state"),
        _verb(DIGEST_UPDATE, "DigestUpdate", "state data", "state"),
        _verb(DIGEST_FINAL, "DigestFinal", "state", "data"),
        _verb(DIGEST, "Digest", "state data", "data"),
        _verb(DIGEST_SINGLE, "DigestSingle", "mechanism data", "digest"),
        _verb(ENCRYPT_INIT, "EncryptInit", "mechanism key", "state"),
        _verb(DECRYPT_INIT, "DecryptInit", "mechanism key", "state"),
        _verb(ENCRYPT_UPDATE, "EncryptUpdate", "state data", "state data"),
        _verb(DECRYPT_UPDATE, "DecryptUpdate", "state data", "state data"),
        _verb(ENCRYPT_FINAL, "EncryptFinal", "state", "data"),
        _verb(DECRYPT_FINAL, "DecryptFinal", "state", "data"),
        _verb(ENCRYPT, "Encrypt", "state data", "data"),
        _verb(DECRYPT, "Decrypt", "state data", "data"),
        _verb(ENCRYPT_SINGLE, "EncryptSingle", "variant mechanism key data", "data"),
        _verb(DECRYPT_SINGLE, "DecryptSingle", "variant mechanism key data", "data"),
        _verb(
            GENERATE_KEY,
            "GenerateKey",
            "variant keybytes mechanism attributes pin",
            "blob checksum",
        ),
        _verb(
            GENERATE_KEY_PAIR,
            "GenerateKeyPair",
            "mechanism public_attributes private_attributes pin",
            "blob spki",
        ),
        _verb(SIGN_INIT, "SignInit", "mechanism key", "state"),
        _verb(SIGN_UPDATE, "SignUpdate", "state data", "state"),
        _verb(SIGN_FINAL, "SignFinal", "state", "data"),
        _verb(SIGN, "Sign", "state data", "data"),
        _verb(VERIFY_INIT, "VerifyInit", "mechanism key", "state"),
        _verb(VERIFY_UPDATE, "VerifyUpdate", "state data", "state"),
        _verb(VERIFY_FINAL, "VerifyFinal", "state signature"),
        _verb(VERIFY, "Verify", "state data signature"),
        _verb(SIGN_SINGLE, "SignSingle", "mechanism key data", "signature"),
        _verb(VERIFY_SINGLE, "VerifySingle", "mechanism key data signature"),
        _verb(WRAP_KEY, "WrapKey", "variant mechanism key kek mac_key", "wrapped"),
        _verb(
            UNWRAP_KEY,
            "UnwrapKey",
            "attributes mechanism kek mac_key pin wrapped",
            "blob checksum",
        ),
        _verb(DERIVE_KEY, "DeriveKey", "mechanism attributes base_key pin", "blob checksum"),
        _verb(DERIVE_KEYS, "DeriveKeys", "mechanism templates base_key pin", "keys data"),
        _verb(GET_MECHANISM_LIST, "GetMechanismList", "", "mechanisms"),
        _verb(GET_MECHANISM_INFO, "GetMechanismInfo", "mechanism_id", "info"),
        _verb(GET_XCP_INFO, "get_xcp_info", "query subquery", "bytes"),
        _verb(GET_ATTRIBUTE_VALUE, "GetAttributeValue", "key attributes", "attributes"),
        _verb(SET_ATTRIBUTE_VALUE, "SetAttributeValue", "key attributes", "key"),
        _verb(ADMIN, "Admin", "command payload counter signatures", "answer"),
        _verb(REENCRYPT_SINGLE, "ReencryptSingle", "key", "key"),
        _verb(ENCAPSULATE, "Encapsulate", "mechanism attributes key", "blob checksum ciphertext"),
        _verb(DECAPSULATE, "Decapsulate", "mechanism attributes key ciphertext", "blob checksum"),
    )
}


def name(function: int) -> str:
    """The verb's name; `function 41` for one whose parameters are not defined."""
    verb = VERBS.get(function)
    return verb.name if verb else f"function {function}"
