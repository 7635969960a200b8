"""Multi-part operations: a context in one card's memory, and the state blob that finds it again.

The queue that served the Init serves all that follows. A context belongs to one caller: it is not
for use from several threads at once. An error ends it on the card.
"""

from functools import cache, lru_cache

from ghostcard.driver.exchange import Exchange
from ghostcard.driver.single import Feed, Opening, Step
from ghostcard.firmware.abi import verbs

MAX_DIGESTS = 64  # mechanisms whose DigestInit is kept ready


class Steps:
    """The verbs of multi-part operations, ready to be sent through one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.step = cache(lambda function: Step(exchange, function))
        self.digest_init = lru_cache(MAX_DIGESTS)(
            lambda mechanism: Opening(exchange, verbs.DIGEST_INIT, mechanism)
        )
        self.encrypt_update = Feed(exchange, verbs.ENCRYPT_UPDATE)
        self.decrypt_update = Feed(exchange, verbs.DECRYPT_UPDATE)


class _Context:
    """An operation with a key: `_state` leads to it, `_targets` is the queue that holds it."""

    __slots__ = ("_state", "_steps", "_targets")

    def __init__(self, steps: Steps, init: int, mechanism: bytes, key: bytes) -> None:
        self._steps = steps
        self._state, qid = steps.step(init)(mechanism, key, steps.exchange.targets)
        self._targets: tuple[int, ...] = (qid,)

    @property
    def qid(self) -> int:
        """The queue that holds the context."""
        return self._targets[0]

    def _ask(self, function: int, *params: bytes) -> tuple[bytes, ...]:
        return self._steps.exchange.ask(
            function, self._state, *params, targets=self._targets
        ).params

    def _give(self, function: int, data: bytes) -> bytes:
        """The one result of a verb that takes data."""
        return self._steps.step(function)(self._state, data, self._targets)[0]


class Encryption(_Context):
    """EncryptInit and what follows; data in, data out."""

    __slots__ = ()

    def __init__(self, steps: Steps, mechanism: bytes, key: bytes) -> None:
        super().__init__(steps, verbs.ENCRYPT_INIT, mechanism, key)

    def update(self, data: bytes) -> bytes:
        """EncryptUpdate: the ciphertext that comes out so far."""
        self._state, out = self._steps.encrypt_update.feed(self._state, data, self._targets)
        return out

    def final(self) -> bytes:
        """EncryptFinal: the rest."""
        return self._ask(verbs.ENCRYPT_FINAL)[0]

    def whole(self, data: bytes) -> bytes:
        """Encrypt: last part and rest in one."""
        return self._give(verbs.ENCRYPT, data)


class Decryption(_Context):
    """DecryptInit and what follows; data in, data out."""

    __slots__ = ()

    def __init__(self, steps: Steps, mechanism: bytes, key: bytes) -> None:
        super().__init__(steps, verbs.DECRYPT_INIT, mechanism, key)

    def update(self, data: bytes) -> bytes:
        """DecryptUpdate: the plaintext that comes out so far."""
        self._state, out = self._steps.decrypt_update.feed(self._state, data, self._targets)
        return out

    def final(self) -> bytes:
        """DecryptFinal: the rest."""
        return self._portions(self._ask(verbs.DECRYPT_FINAL)[0])

    def whole(self, data: bytes) -> bytes:
        """Decrypt: last part and rest in one."""
        return self._portions(self._give(verbs.DECRYPT, data))

    def _portions(self, first: bytes) -> bytes:
        portions = [first]
        while len(portions[-1]) == verbs.PORTION:
            portions.append(self._ask(verbs.DECRYPT_FINAL)[0])
        return b"".join(portions)


class Signature(_Context):
    """SignInit and what follows; data in, one signature or MAC out."""

    __slots__ = ()

    def __init__(self, steps: Steps, mechanism: bytes, key: bytes) -> None:
        super().__init__(steps, verbs.SIGN_INIT, mechanism, key)

    def update(self, data: bytes) -> None:
        """SignUpdate."""
        self._state = self._give(verbs.SIGN_UPDATE, data)

    def final(self) -> bytes:
        """SignFinal: the signature."""
        return self._ask(verbs.SIGN_FINAL)[0]

    def whole(self, data: bytes) -> bytes:
        """Sign: last part and signature in one."""
        return self._give(verbs.SIGN, data)


class Verification(_Context):
    """VerifyInit and what follows; a bad signature raises Ep11Error."""

    __slots__ = ()

    def __init__(self, steps: Steps, mechanism: bytes, key: bytes) -> None:
        super().__init__(steps, verbs.VERIFY_INIT, mechanism, key)

    def update(self, data: bytes) -> None:
        """VerifyUpdate."""
        self._state = self._give(verbs.VERIFY_UPDATE, data)

    def final(self, signature: bytes) -> None:
        """VerifyFinal."""
        self._ask(verbs.VERIFY_FINAL, signature)

    def whole(self, data: bytes, signature: bytes) -> None:
        """Verify: last part and check in one."""
        self._ask(verbs.VERIFY, data, signature)


class Digest(_Context):
    """DigestInit and what follows; data in, one digest out."""

    __slots__ = ()

    def __init__(self, steps: Steps, mechanism: bytes) -> None:
        self._steps = steps
        self._state, qid = steps.digest_init(mechanism)()
        self._targets = (qid,)

    def update(self, data: bytes) -> None:
        """DigestUpdate."""
        self._state = self._give(verbs.DIGEST_UPDATE, data)

    def final(self) -> bytes:
        """DigestFinal: the digest."""
        return self._ask(verbs.DIGEST_FINAL)[0]

    def whole(self, data: bytes) -> bytes:
        """Digest: last part and digest in one."""
        return self._give(verbs.DIGEST, data)
