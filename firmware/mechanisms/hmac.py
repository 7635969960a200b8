"""HMAC of every hash, whole or cut to a length, and keys for it (PKCS #11 3.2, 6.20 onwards).

The HMACs of BLAKE2b are HMAC (RFC 2104), as their names say, and not BLAKE2b with a key.
"""

import hmac
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, Sink, algorithm, opener
from ghostcard.firmware.mechanisms.key import Key, Signer
from ghostcard.firmware.mechanisms.mac import Mac
from ghostcard.firmware.mechanisms.secret import MAX_BITS, ValueKeyGen
from ghostcard.firmware.mechanisms.table import Table


class _Case(NamedTuple):
    name: str
    key: bytes
    data: bytes
    mac: str


# SHA-1: RFC 2202, test case 2. SHA-224 to SHA-512: RFC 4231, test case 2. SHA-3: the same case in
# Bouncy Castle's vectors. BLAKE2b: the same case by OpenSSL. SHA-512/t and the shorter BLAKE2b
# have no case of their own here: they differ in the hash alone, which the digest family tests.
_CASES = tuple(
    _Case(name, b"Jefe", b"what do ya want for nothing?", mac)
    for name, mac in (
        ("sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        ("sha224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
        ("sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            "sha384",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
            "8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            "sha512",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
        ("sha3_224", "7fdb8dd88bd2f60d1b798634ad386811c2cfc85bfaf5d52bbace5e66"),
        ("sha3_256", "c7d4072e788877ae3596bbb0da73b887c9171f93095b294ae857fbe2645e1ba5"),
        (
            "sha3_384",
            "f1101f8cbf9766fd6764d2ed61903f21ca9b18f57cf3e1a23ca13508a93243ce"
            "48c045dc007f26a21b3f5e0e9df4c20a",
        ),
        (
            "sha3_512",
            "5a4bfeab6166427c7a3647b747292b8384537cdb89afb3bf5665e4c5e709350b"
            "287baec921fd7ca0ee7a0c31d022a95e1fc92ba9d77df883960275beb4e62024",
        ),
        (
            "blake2b_512",
            "6ff884f8ddc2a6586b3c98a4cd6ebdf14ec10204b6710073eb5865ade37a2643"
            "b8807c1335d107ecdb9ffeaeb6828c4625ba172c66379efcd222c2de11727ab4",
        ),
    )
)


class Hmac(Mac):
    """HMAC with the whole hash as MAC, or with as much of it as the parameter says."""

    __slots__ = ("hash",)

    def __init__(self, which: Hash, number: int, usual: int) -> None:
        key_types = (ck.CKK_GENERIC_SECRET, which.hmac_key_type)
        super().__init__(number, 8, MAX_BITS, which.size, usual, *key_types)
        self.hash = which

    def operation(self, key: Key, use: str) -> str:
        return f"hmac-{self.hash.operation}"

    def keyed(self, key: Key, params: bytes) -> Signer:
        return _keyed(self.hash, key.material)

    def sink(self, key: Key, params: bytes) -> Sink:
        return hmac.new(key.material, digestmod=opener(self.hash))


def _keyed(which: Hash, key: bytes) -> Signer:
    """HMAC under one key; the key's two blocks are hashed once, and copied for each message."""
    if which.operation == "blake2b":  # in `cryptography` only with its largest size
        return _keyed_by_hashlib(which, key)
    from cryptography.hazmat.primitives.hmac import HMAC

    copy = HMAC(key, algorithm(which)).copy

    def mac(data: bytes) -> bytes:
        context = copy()
        context.update(data)
        return context.finalize()

    return mac


def _keyed_by_hashlib(which: Hash, key: bytes) -> Signer:
    copy = hmac.new(key, digestmod=opener(which)).copy

    def mac(data: bytes) -> bytes:
        context = copy()
        context.update(data)
        return context.digest()

    return mac


def known_answers() -> bool:
    """Both ways to compute an HMAC, one-shot and in parts, give the answers above."""
    hashes = {each.name: each for each in HASHES}
    return all(
        _keyed(hashes[case.name], case.key)(case.data).hex() == case.mac
        and hmac.new(case.key, case.data, opener(hashes[case.name])).hexdigest() == case.mac
        for case in _CASES
    )


def register(table: Table) -> None:
    """Add HMAC, HMAC_GENERAL and key generation of every hash."""
    whole = [Hmac(each, each.hmac, each.size) for each in HASHES]
    cut = [Hmac(each, each.hmac_general, 0) for each in HASHES]
    made = [ValueKeyGen(each.key_gen, each.hmac_key_type) for each in HASHES]
    table.register("hmac", known_answers, [*whole, *cut, *made])
