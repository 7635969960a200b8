"""What this host's own processor takes for an operation: host time, measured on the spot.

By `cryptography` (OpenSSL), one thread, keys prepared: the work that a card would take over.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

Action = Callable[[bytes], object]
LEAST_CALLS = 3
SECONDS = 0.02  # of one measurement


class HostTime(NamedTuple):
    """The median of some calls, in nanoseconds of this host."""

    payload_bytes: int
    host_ns: float
    calls: int


def action(operation: str) -> Action | None:
    """What computes that operation; None for one that is not computed here."""
    for pattern, make in _MAKERS:
        found = re.fullmatch(pattern, operation)
        if found:
            return make(*found.groups())
    return None


def measure(
    operation: str, payloads: Sequence[int], seconds: float = SECONDS
) -> Iterator[HostTime]:
    """The operation with each length of its message; nothing for one that is not computed here."""
    compute = action(operation)
    if compute is None:
        return
    for payload in payloads:
        data = bytes(payload)
        compute(data)  # what is done once
        took: list[int] = []
        end = time.perf_counter_ns() + int(seconds * 1e9)
        while len(took) < LEAST_CALLS or time.perf_counter_ns() < end:
            began = time.perf_counter_ns()
            compute(data)
            took.append(time.perf_counter_ns() - began)
        took.sort()
        yield HostTime(payload, float(took[len(took) // 2]), len(took))


def _rsa(bits: str, what: str) -> Action:
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256

    key = rsa.generate_private_key(65537, int(bits))
    public, scheme, digest = key.public_key(), padding.PKCS1v15(), bytes(32)
    signature = key.sign(digest, scheme, Prehashed(SHA256()))
    sealed = public.encrypt(digest, scheme)
    actions: dict[str, Action] = {
        "sign": lambda _: key.sign(digest, scheme, Prehashed(SHA256())),
        "verify": lambda _: public.verify(signature, digest, scheme, Prehashed(SHA256())),
        "encrypt": lambda _: public.encrypt(digest, scheme),
        "decrypt": lambda _: key.decrypt(sealed, scheme),
    }
    return actions[what]


def _ecdsa(curve: str, what: str) -> Action:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA256

    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    key, scheme, digest = (
        ec.generate_private_key(curves[curve]),
        ec.ECDSA(Prehashed(SHA256())),
        bytes(32),
    )
    public, signature = key.public_key(), key.sign(digest, scheme)
    if what == "sign":
        return lambda _: key.sign(digest, scheme)
    return lambda _: public.verify(signature, digest, scheme)


def _ed25519(what: str) -> Action:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    public, message = key.public_key(), bytes(32)
    signature = key.sign(message)
    return key.sign if what == "sign" else lambda _: public.verify(signature, message)


def _aes(bits: str, mode: str) -> Action:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key, iv = bytes(int(bits) // 8), bytes(16)
    if mode == "gcm":
        gcm = AESGCM(key)
        return lambda data: gcm.encrypt(iv[:12], data, None)
    how: dict[str, modes.ECB | modes.CBC | modes.CTR] = {
        "ecb": modes.ECB(),
        "cbc": modes.CBC(iv),
        "ctr": modes.CTR(iv),
    }
    cipher = Cipher(algorithms.AES(key), how[mode])

    def encrypt(data: bytes) -> bytes:
        context = cipher.encryptor()
        return context.update(data + bytes(-len(data) % 16)) + context.finalize()

    return encrypt


def _hash(code: str | None, name: str) -> Action:
    import hashlib
    import hmac

    name = name.replace("sha3-", "sha3_")
    if code:
        return lambda data: hmac.digest(bytes(32), data, name)
    return lambda data: hashlib.new(name, data).digest()


_MAKERS: tuple[tuple[str, Callable[..., Action]], ...] = (
    (r"rsa(2048|3072|4096)-(sign|verify|encrypt|decrypt)", _rsa),
    (r"ecdsa-(p256|p384|p521)-(sign|verify)", _ecdsa),
    (r"ed25519-(sign|verify)", _ed25519),
    (r"aes-(128|192|256)-(ecb|cbc|ctr|gcm)", _aes),
    (r"(hmac-)?(sha1|sha224|sha256|sha384|sha512|sha3-(?:224|256|384|512))", _hash),
)
