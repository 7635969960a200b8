"""Reads the RSA vector files of RSA Laboratories: `# Name:` comments over lines of hex bytes."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers, RSAPublicNumbers

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import rsa
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.public import public_key, rsa_spki
from tests.firmware.mechanisms.nist import text

_HEX = re.compile(r"(?:[0-9a-f]{2} ?)+")
_KEY = ("prime 1", "prime 2", "prime exponent 1", "prime exponent 2", "coefficient")


class Example(NamedTuple):
    """One example of a file: a key pair of ours, and the example's fields as bytes."""

    private: Key
    public: Key
    fields: dict[str, bytes]


def _fields(*path: str) -> Iterator[tuple[str, bytes]]:
    name, value = "", ""
    for line in map(str.strip, text(*path).splitlines()):
        if line.startswith("#"):
            if value:
                yield name, bytes.fromhex(value)
            name, value = line.strip("# ").rstrip(":").strip().lower(), ""
        elif _HEX.fullmatch(line):
            value += line
    if value:
        yield name, bytes.fromhex(value)


def _pair(key: dict[str, bytes], exponents: list[bytes]) -> tuple[Key, Key]:
    e, d = (int.from_bytes(each, "big") for each in (exponents[0], exponents[-1]))
    n = int.from_bytes(key["modulus"], "big")
    p, q, dp, dq, qi = (int.from_bytes(key[name], "big") for name in _KEY)
    private = rsa.private_key(RSAPrivateNumbers(p, q, d, dp, dq, qi, RSAPublicNumbers(e, n)))
    return private, public_key(rsa_spki(n, e))


def examples(last: str, *path: str) -> Iterator[Example]:
    """The examples whose key has a size the card knows; `last` names the field that ends each."""
    key: dict[str, bytes] = {}
    exponents: list[bytes] = []
    fields: dict[str, bytes] = {}
    pair: tuple[Key, Key] | None = None
    for name, value in _fields(*path):
        if name == "modulus" and "coefficient" in key:
            key, exponents, pair = {}, [], None
        if name in ("exponent", "public exponent"):
            exponents.append(value)
        elif name == "modulus" or name in _KEY:
            key[name] = value
        else:
            fields[name] = value
        if name == last:
            if (8 * len(key["modulus"]) % 256 == 0) and key["modulus"][0] & 0x80:
                pair = pair or _pair(key, exponents)
                yield Example(*pair, fields)
            fields = {}


def sha1_params() -> tuple[int, int]:
    """What the files' PSS and OAEP examples use."""
    return ck.CKM_SHA_1, ck.CKG_MGF1_SHA1
