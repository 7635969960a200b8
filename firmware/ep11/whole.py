"""Whole operations from and to the memory of the caller, for data of any length.

The function track of a real program's threads comes here with what would take several requests, or
one long one: the mechanisms are those of the *Single verbs, only the blocks are spared. Decryption
with authentication goes by way of a copy: no plaintext is in the caller's memory before its tag has
been checked.
"""

from collections.abc import Callable
from typing import TypeAlias

from ghostcard.firmware.abi import verbs
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.ep11.single import SingleVerbs
from ghostcard.firmware.ep11.workbench import Workbench

Whole: TypeAlias = Callable[[Domain, bytes, bytes, memoryview, memoryview], int]
"""Domain, mechanism, key, data, out -> bytes written."""


class WholeVerbs:
    """EncryptSingle, DecryptSingle, DigestSingle and SignSingle without a request."""

    def __init__(self, workbench: Workbench, single: SingleVerbs) -> None:
        self._workbench = workbench
        self._single = single

    def table(self) -> dict[int, Whole]:
        """What there is, by function id."""
        return {
            verbs.ENCRYPT_SINGLE: self._cipher("encrypt"),
            verbs.DECRYPT_SINGLE: self._cipher("decrypt"),
            verbs.DIGEST_SINGLE: self.digest,
            verbs.SIGN_SINGLE: self.sign,
        }

    def _cipher(self, use: str) -> Whole:
        make = self._workbench.placer

        def cipher(
            domain: Domain, mechanism: bytes, blob: bytes, data: memoryview, out: memoryview
        ) -> int:
            key = domain.key(blob)
            place = key.placers.get((use, mechanism[:4])) or make(key, mechanism, use)
            return place(mechanism[4:], data, out)

        return cipher

    def digest(
        self, domain: Domain, mechanism: bytes, blob: bytes, data: memoryview, out: memoryview
    ) -> int:
        """There is no key; `blob` is empty."""
        digest, _ = self._single.hasher(mechanism)
        return _put(digest(data), out)

    def sign(
        self, domain: Domain, mechanism: bytes, blob: bytes, data: memoryview, out: memoryview
    ) -> int:
        key = domain.key(blob)
        sign, _ = key.signers.get(mechanism) or self._workbench.signer(key, mechanism)
        return _put(sign(bytes(data)), out)


def _put(result: bytes, out: memoryview) -> int:
    out[: len(result)] = result
    return len(result)
