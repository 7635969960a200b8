"""Requests that can be told from one another, and the answers that are theirs alone."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from ghostcard import pkcs11 as p
from ghostcard.driver.cca import CcaHost
from ghostcard.firmware.abi import request, type50, verbs
from ghostcard.firmware.abi.request import Head
from ghostcard.firmware.abi.type50 import ModExpo

SIZE = 256  # bytes of an RSA modulus
_MODULUS = (1 << 8 * SIZE) - 1905  # odd; no key of anybody
_EXPONENT = 65537


class Asked(NamedTuple):
    """A request block, bytes that no other has, and bytes that its reply has to contain."""

    block: bytes
    mark: bytes
    answer: bytes


def accelerator(number: int) -> Asked:
    """Type 50, 2048 bits."""
    message, result = _power(number)
    operands = ModExpo(_bytes(_EXPONENT), _bytes(_MODULUS), message)
    return Asked(type50.pack(operands, SIZE), message, result)


def ep11(number: int) -> Asked:
    """DigestSingle with SHA-256, domain 0."""
    data = f"request {number:016d} of the conformance kit".encode()
    mechanism = p.CKM_SHA256.to_bytes(4, "big")
    block = request.pack(Head(verbs.DIGEST_SINGLE, 0), (mechanism, data))
    return Asked(block, data, hashlib.sha256(data).digest())


def cca(number: int) -> Asked:
    """PK, 2048 bits, domain 0, as the host library makes it."""
    message, result = _power(number)
    blocks: list[bytes] = []

    class Kept(Exception):
        """The block is there; nobody will answer."""

    class Keeping:
        def call(
            self, function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
        ) -> tuple[bytes, int]:
            blocks.append(render(0))
            raise Kept

    with suppress(Kept):
        CcaHost(Keeping(), (0,)).mod_expo(_bytes(_MODULUS), _bytes(_EXPONENT), message)
    return Asked(blocks[0], message, result)


def _bytes(value: int) -> bytes:
    return value.to_bytes(SIZE, "big")


def _power(number: int) -> tuple[bytes, bytes]:
    seed = number.to_bytes(8, "big")
    message = int.from_bytes(hashlib.sha512(seed).digest() * 4, "big") >> 1
    return _bytes(message), _bytes(pow(message, _EXPONENT, _MODULUS))


KINDS: dict[str, Callable[[int], Asked]] = {"cex8a": accelerator, "cex8p": ep11, "cex8c": cca}
