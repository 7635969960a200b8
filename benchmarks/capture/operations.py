"""Which operation of a card does what a function of PKCS #11 does with a mechanism and a key.

The names are those of docs/design.md, section 2; what has none here cannot be asked of a card.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.driver.pair_exercises import CURVE_NAMES
from ghostcard.driver.shapes import operations

SIGN, VERIFY, ENCRYPT, DECRYPT, DIGEST = "sign", "verify", "encrypt", "decrypt", "digest"
GENERATE, DERIVE, WRAP, UNWRAP = "keygen", "derive", "wrap", "unwrap"
ENCAPSULATE, DECAPSULATE = "encapsulate", "decapsulate"
QUERY, RANDOM = "query", "random"
INIT = QUERY  # what opens an operation in parts


class Key(NamedTuple):
    """What is known of a key: CKK_*, bits or parameter set, the identifier of its curve."""

    type: int
    bits: int
    curve: bytes


_MECHANISMS = {number: name for name, number in reversed(vars(ck).items()) if name[:4] == "CKM_"}
_PRINTABLE = {  # as a PrintableString (PKCS #11 3.0, 2.3.5)
    b"\x13\x0cedwards25519": "ed25519",
    b"\x13\x0aedwards448": "ed448",
    b"\x13\x0acurve25519": "x25519",
    b"\x13\x08curve448": "x448",
}
_CURVES = {**CURVE_NAMES, **_PRINTABLE}
_AES_MODES = {
    "ECB": "ecb", "CBC": "cbc", "CBC_PAD": "cbc", "CTS": "cbc", "CTR": "ctr", "GCM": "gcm",
    "GMAC": "gcm", "CCM": "ccm", "OFB": "ofb", "CFB128": "cfb", "CFB8": "cfb8", "CMAC": "cmac",
    "CMAC_GENERAL": "cmac", "MAC": "cmac", "MAC_GENERAL": "cmac", "XCBC_MAC": "cmac",
    "XCBC_MAC_96": "cmac", "KEY_WRAP": "kw", "KEY_WRAP_PAD": "kw", "KEY_WRAP_KWP": "kw",
    "KEY_WRAP_PKCS7": "kw",
}  # fmt: skip
_DES_MODES = {
    "ECB": "ecb", "CBC": "cbc", "CBC_PAD": "cbc", "OFB64": "ofb", "CFB64": "cfb", "CFB8": "cfb8",
    "CMAC": "cmac", "CMAC_GENERAL": "cmac", "MAC": "cmac", "MAC_GENERAL": "cmac",
}  # fmt: skip
_ML_DSA = {1: 44, 2: 65, 3: 87}  # CKP_ML_DSA_*
_ML_KEM = {1: 512, 2: 768, 3: 1024}  # CKP_ML_KEM_*
_SLH_DSA = dict(enumerate(
    (f"{hash}-{size}" for size in ("128s", "128f", "192s", "192f", "256s", "256f")
     for hash in ("sha2", "shake")), 1))  # fmt: skip
_ALONE = {  # mechanisms that say all, whatever the key
    "CHACHA20": "chacha20",
    "CHACHA20_POLY1305": "chacha20-poly1305",
    "POLY1305": "poly1305",
}
_PARAMETERS = re.compile(r"(DSA|DH_PKCS)_\w*PARAMETER_GEN")
_HASHED = re.compile(r"(?:HASH_)?(?:ECDSA_|DSA_|ML_DSA_|SLH_DSA_)?(SHA3_\d+|SHA\d+)(?:_|$)")


def mechanism_name(number: int) -> str:
    """CKM_AES_GCM, or the number of one that the standard does not have."""
    return _MECHANISMS.get(number, f"mechanism 0x{number:08x}")


@cache
def operation(verb: str, mechanism: int, key: Key) -> str | None:
    """The operation; None if no card has one for this."""
    name = mechanism_name(mechanism).removeprefix("CKM_")
    if verb in (WRAP, UNWRAP):
        return verb
    if verb == GENERATE:
        found = _generated(name, key)
    elif verb == DIGEST:
        found = _hash(name)
    else:
        found = _alone(verb, name, key) or _with_pair(verb, name, key)
    return found if found in _known() else None


def update_operation(verb: str, mechanism: int, key: Key) -> str | None:
    """What a part costs, before the last: what a key pair signs is hashed, or kept as it is; all
    else is as the whole.
    """
    whole = operation(verb, mechanism, key)
    if verb not in (SIGN, VERIFY) or whole is None or not whole.endswith(f"-{verb}"):
        return whole
    hashed = _HASHED.match(mechanism_name(mechanism).removeprefix("CKM_"))
    return _hash(hashed[1]) if hashed else QUERY


@cache
def _known() -> frozenset[str]:
    return frozenset(operations())


def _hash(name: str) -> str | None:
    found = re.fullmatch(r"SHA_?(1|\d{3})|SHA512_(?:\d{3}|T)|SHA3_(\d{3})|BLAKE2B_\d{3}", name)
    if found is None:
        return None
    if name.startswith("BLAKE2B"):
        return "blake2b"
    if name.startswith("SHA512_"):
        return "sha512"
    return f"sha3-{found[2]}" if found[2] else f"sha{found[1]}"


def _alone(verb: str, name: str, key: Key) -> str | None:
    """Of symmetric mechanisms, and key derivations that are no agreement."""
    if name in _ALONE:
        return _ALONE[name]
    mac = re.fullmatch(r"(\w+?)_HMAC(?:_GENERAL)?", name)
    if mac:
        hash = _hash(mac[1])
        return hash and f"hmac-{hash}"
    family, _, mode = name.partition("_")
    if family == "AES" and mode == "XTS":
        return f"aes-{key.bits // 2}-xts"
    if family == "AES" and mode in _AES_MODES:
        return f"aes-{key.bits}-{_AES_MODES[mode]}"
    if family in ("DES", "DES3") and mode in _DES_MODES:
        return f"des3-{_DES_MODES[mode]}"
    if verb == DERIVE and not name.startswith(("ECDH", "DH_PKCS")):
        return "derive"
    return None


def _with_pair(verb: str, name: str, key: Key) -> str | None:
    if key.type == ck.CKK_RSA:
        return _sized("rsa", key.bits, verb)
    if key.type == ck.CKK_DSA:
        return _sized("dsa", key.bits, verb)
    if key.type == ck.CKK_DH:
        return _sized("dh", key.bits, verb)
    curve = _CURVES.get(key.curve)
    if key.type == ck.CKK_EC and curve:
        return f"ecdh-{curve}" if verb == DERIVE else f"ecdsa-{curve}-{verb}"
    if key.type in (ck.CKK_EC_EDWARDS, ck.CKK_EC_MONTGOMERY) and curve:
        return f"{curve}-{verb}"
    return _quantum_safe(key.type, key.bits, verb)


def _sized(kind: str, bits: int, verb: str) -> str | None:
    """Of a size that cards know, or the next larger one."""
    pattern = re.compile(rf"{kind}(\d+)-{verb}")
    sizes = sorted(int(match[1]) for match in map(pattern.fullmatch, _known()) if match)
    size = next((size for size in sizes if size >= bits), None)
    return None if size is None or not bits else f"{kind}{size}-{verb}"


def _quantum_safe(type: int, parameters: int, verb: str) -> str | None:
    if type == ck.CKK_ML_DSA:
        return f"mldsa{_ML_DSA.get(parameters)}-{verb}"
    if type == ck.CKK_ML_KEM:
        return f"mlkem{_ML_KEM.get(parameters)}-{verb}"
    if type == ck.CKK_SLH_DSA:
        return f"slhdsa-{_SLH_DSA.get(parameters)}-{verb}"
    return None


_PAIRS = {
    "RSA_PKCS_KEY_PAIR_GEN": ck.CKK_RSA,
    "RSA_X9_31_KEY_PAIR_GEN": ck.CKK_RSA,
    "DSA_KEY_PAIR_GEN": ck.CKK_DSA,
    "DH_PKCS_KEY_PAIR_GEN": ck.CKK_DH,
    "ML_DSA_KEY_PAIR_GEN": ck.CKK_ML_DSA,
    "ML_KEM_KEY_PAIR_GEN": ck.CKK_ML_KEM,
    "SLH_DSA_KEY_PAIR_GEN": ck.CKK_SLH_DSA,
}


def _generated(name: str, key: Key) -> str | None:
    if name in _PAIRS:
        return _with_pair(GENERATE, name, key._replace(type=_PAIRS[name]))
    curve = _CURVES.get(key.curve)
    if name.endswith("_KEY_PAIR_GEN"):
        if curve is None:
            return None
        return f"{curve}-keygen" if "WARDS" in name or "MONT" in name else f"ec-{curve}-keygen"
    parameters = _PARAMETERS.match(name)
    if parameters:
        is_dsa = parameters[1] == "DSA"
        return _sized("dsa", key.bits, "paramgen") if is_dsa else "dh-paramgen"
    return "aes-keygen" if name.startswith("AES_") else "secret-keygen"
