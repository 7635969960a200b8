"""Multi-part operations: a context in one card's memory, and the state blob that finds it again.

The queue that served the Init serves all that follows. A context belongs to one caller: it is not
for use from several threads at once. An error ends it on the card.
"""

from ghostcard.driver.exchange import Exchange
from ghostcard.firmware.abi import verbs


class _Context:
    __slots__ = ("_exchange", "_state", "_targets")

    def __init__(self, exchange: Exchange, init: int, *params: bytes) -> None:
        answer = exchange.ask(init, *params)
        self._exchange = exchange
        self._state = answer.params[0]
        self._targets = (answer.qid,)

    @property
    def qid(self) -> int:
        """The queue that holds the context."""
        return self._targets[0]

    def _ask(self, function: int, *params: bytes) -> tuple[bytes, ...]:
        return self._exchange.ask(function, self._state, *params, targets=self._targets).params

    def _feed(self, function: int, data: bytes) -> bytes:
        """An Update: keep the new state and give what comes out, if the verb has output."""
        self._state, *output = self._ask(function, data)
        return output[0] if output else b""


class Encryption(_Context):
    """EncryptInit and what follows; data in, data out."""

    __slots__ = ()

    def __init__(self, exchange: Exchange, mechanism: bytes, key: bytes) -> None:
        super().__init__(exchange, verbs.ENCRYPT_INIT, mechanism, key)

    def update(self, data: bytes) -> bytes:
        """EncryptUpdate: the ciphertext that comes out so far."""
        return self._feed(verbs.ENCRYPT_UPDATE, data)

    def final(self) -> bytes:
        """EncryptFinal: the rest."""
        return self._ask(verbs.ENCRYPT_FINAL)[0]

    def whole(self, data: bytes) -> bytes:
        """Encrypt: last part and rest in one."""
        return self._ask(verbs.ENCRYPT, data)[0]


class Decryption(_Context):
    """DecryptInit and what follows; data in, data out."""

    __slots__ = ()

    def __init__(self, exchange: Exchange, mechanism: bytes, key: bytes) -> None:
        super().__init__(exchange, verbs.DECRYPT_INIT, mechanism, key)

    def update(self, data: bytes) -> bytes:
        """DecryptUpdate: the plaintext that comes out so far."""
        return self._feed(verbs.DECRYPT_UPDATE, data)

    def final(self) -> bytes:
        """DecryptFinal: the rest."""
        return self._portions(self._ask(verbs.DECRYPT_FINAL)[0])

    def whole(self, data: bytes) -> bytes:
        """Decrypt: last part and rest in one."""
        return self._portions(self._ask(verbs.DECRYPT, data)[0])

    def _portions(self, first: bytes) -> bytes:
        portions = [first]
        while len(portions[-1]) == verbs.PORTION:
            portions.append(self._ask(verbs.DECRYPT_FINAL)[0])
        return b"".join(portions)


class Signature(_Context):
    """SignInit and what follows; data in, one signature or MAC out."""

    __slots__ = ()

    def __init__(self, exchange: Exchange, mechanism: bytes, key: bytes) -> None:
        super().__init__(exchange, verbs.SIGN_INIT, mechanism, key)

    def update(self, data: bytes) -> None:
        """SignUpdate."""
        self._feed(verbs.SIGN_UPDATE, data)

    def final(self) -> bytes:
        """SignFinal: the signature."""
        return self._ask(verbs.SIGN_FINAL)[0]

    def whole(self, data: bytes) -> bytes:
        """Sign: last part and signature in one."""
        return self._ask(verbs.SIGN, data)[0]


class Verification(_Context):
    """VerifyInit and what follows; a bad signature raises Ep11Error."""

    __slots__ = ()

    def __init__(self, exchange: Exchange, mechanism: bytes, key: bytes) -> None:
        super().__init__(exchange, verbs.VERIFY_INIT, mechanism, key)

    def update(self, data: bytes) -> None:
        """VerifyUpdate."""
        self._feed(verbs.VERIFY_UPDATE, data)

    def final(self, signature: bytes) -> None:
        """VerifyFinal."""
        self._ask(verbs.VERIFY_FINAL, signature)

    def whole(self, data: bytes, signature: bytes) -> None:
        """Verify: last part and check in one."""
        self._ask(verbs.VERIFY, data, signature)


class Digest(_Context):
    """DigestInit and what follows; data in, one digest out."""

    __slots__ = ()

    def __init__(self, exchange: Exchange, mechanism: bytes) -> None:
        super().__init__(exchange, verbs.DIGEST_INIT, mechanism)

    def update(self, data: bytes) -> None:
        """DigestUpdate."""
        self._feed(verbs.DIGEST_UPDATE, data)

    def final(self) -> bytes:
        """DigestFinal: the digest."""
        return self._ask(verbs.DIGEST_FINAL)[0]

    def whole(self, data: bytes) -> bytes:
        """Digest: last part and digest in one."""
        return self._ask(verbs.DIGEST, data)[0]
