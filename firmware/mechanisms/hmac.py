"""HMAC of every hash, whole or cut to a length, and keys for it (PKCS #11 3.2, 6.20 to 6.32).

The HMACs of BLAKE2b are HMAC (RFC 2104), as their names say, and not BLAKE2b with a key.
"""

import hmac
from collections.abc import Callable
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, Sink, algorithm, opener
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.mechanism import (
    Draw,
    Mechanism,
    Signing,
    no_parameters,
    parameters,
)
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import MAX_BITS, secret_key
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


class Hmac(Signing):
    """HMAC with the whole hash as MAC."""

    __slots__ = ()
    hash: Hash

    def __init__(self, which: Hash, number: int) -> None:
        super().__init__(
            number, 8, MAX_BITS, which, ck.CKK_GENERIC_SECRET, which.hmac_key_type
        )  # fmt: skip

    def operation(self, key: Key, use: str) -> str:
        return f"hmac-{self.hash.operation}"

    def feed_operation(self, key: Key, use: str) -> str:
        return self.operation(key, use)

    def signature_bytes(self, key: Key, params: bytes) -> int:
        no_parameters(params)
        return self.hash.size

    def signer(self, key: Key, params: bytes) -> Signer:
        size = self.signature_bytes(key, params)
        mac = _keyed(self.hash, key.material)
        return mac if size == self.hash.size else lambda data: mac(data)[:size]

    def verifier(self, key: Key, params: bytes) -> Verifier:
        mac = _keyed(self.hash, key.material)
        check = self.checker(key, params)
        return lambda data, signature: check(mac(data), signature)

    def sink(self, key: Key, params: bytes) -> Sink:
        return hmac.new(key.material, digestmod=opener(self.hash))

    def closer(self, key: Key, params: bytes) -> Signer:
        size = self.signature_bytes(key, params)
        return lambda mac: mac[:size]

    def checker(self, key: Key, params: bytes) -> Verifier:
        size = self.signature_bytes(key, params)

        def check(mac: bytes, signature: bytes) -> None:
            if len(signature) != size:
                raise Refused(ck.CKR_SIGNATURE_LEN_RANGE)
            if not hmac.compare_digest(mac[:size], signature):
                raise Refused(ck.CKR_SIGNATURE_INVALID)

        return check


class HmacGeneral(Hmac):
    """HMAC cut to as many bytes as the parameter asks for (CK_MAC_GENERAL_PARAMS)."""

    __slots__ = ()

    def signature_bytes(self, key: Key, params: bytes) -> int:
        length = parameters(self.number, params, wire.MacLength).length
        if not 0 < length <= self.hash.size:
            raise Refused(ck.CKR_MECHANISM_PARAM_INVALID)
        return length


class HmacKeyGen(Mechanism):
    """CKM_*_KEY_GEN: a key for the HMAC of one hash, of any length."""

    __slots__ = ("_key_type",)

    def __init__(self, which: Hash) -> None:
        super().__init__(
            which.key_gen, 8, MAX_BITS, ck.CKF_HW | ck.CKF_GENERATE, which.hmac_key_type
        )
        self._key_type = which.hmac_key_type

    def keyless_operation(self) -> str:
        return "secret-keygen"

    def generate(self, key_bytes: int, draw: Draw) -> Key:
        if not 0 < key_bytes <= MAX_BITS // 8:
            raise Refused(ck.CKR_KEY_SIZE_RANGE)
        return secret_key(self._key_type, draw(key_bytes))


def _keyed(which: Hash, key: bytes) -> Callable[[bytes], bytes]:
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


def _keyed_by_hashlib(which: Hash, key: bytes) -> Callable[[bytes], bytes]:
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
    whole = [Hmac(each, each.hmac) for each in HASHES]
    cut = [HmacGeneral(each, each.hmac_general) for each in HASHES]
    table.register("hmac", known_answers, [*whole, *cut, *map(HmacKeyGen, HASHES)])
