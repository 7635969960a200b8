"""HMAC of every hash, whole or cut to a length (PKCS #11 3.2, 6.20.3, 6.20.4 and their kin)."""

import hmac
from collections.abc import Callable
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.mechanisms.hashes import HASHES, Hash, Sink, algorithm, opener
from ghostcard.firmware.mechanisms.key import Key, Signer, Verifier
from ghostcard.firmware.mechanisms.mechanism import Signing, no_parameters, parameters
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import MAX_BITS
from ghostcard.firmware.mechanisms.table import Table


class _Case(NamedTuple):
    name: str
    key: bytes
    data: bytes
    mac: str


# SHA-1: RFC 2202, test case 2. SHA-224 to SHA-512: RFC 4231, test case 2. The HMACs of SHA-512/t
# have no case of their own here: they differ from HMAC-SHA-512 in the hash alone, which the digest
# family tests.
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


def _keyed(which: Hash, key: bytes) -> Callable[[bytes], bytes]:
    """HMAC under one key; the key's two blocks are hashed once, and copied for each message."""
    from cryptography.hazmat.primitives.hmac import HMAC

    copy = HMAC(key, algorithm(which)).copy

    def mac(data: bytes) -> bytes:
        context = copy()
        context.update(data)
        return context.finalize()

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
    """Add HMAC and HMAC_GENERAL of every hash."""
    whole = [Hmac(each, each.hmac) for each in HASHES]
    cut = [HmacGeneral(each, each.hmac_general) for each in HASHES]
    table.register("hmac", known_answers, [*whole, *cut])
