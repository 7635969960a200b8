"""Verbs of multi-part operations: *Init, *Update, *Final, and the one call after an Init.

An Init only prepares (operation `query`); data is priced where it is worked on. An error ends the
operation, as PKCS #11 wants it (3.2, 5.2).
"""

from collections.abc import Callable
from functools import partial

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.ep11 import rights
from ghostcard.firmware.ep11.answer import Answer, Params, Verb
from ghostcard.firmware.ep11.contexts import Context, Contexts, no_signature
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.ep11.workbench import Workbench, null_result, null_verifier
from ghostcard.firmware.mechanisms.hashes import Sink
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import CipherStream, Holder, Mechanism
from ghostcard.firmware.mechanisms.refusal import Refused

DIGEST, SIGN, VERIFY, ENCRYPT, DECRYPT = "digest", "sign", "verify", "encrypt", "decrypt"


class NullSink:
    """Takes data and forgets it."""

    __slots__ = ()

    def update(self, data: bytes, /) -> None:
        return

    def digest(self) -> bytes:
        return b""


class NullStream:
    """A cipher stream of zeros that comes out in the same sizes as the real one."""

    __slots__ = ("_in", "_out", "_released", "_total")

    def __init__(self, released: Callable[[int], int], total: Callable[[int], int]) -> None:
        self._released = released
        self._total = total
        self._in = self._out = 0

    def update(self, data: bytes, /) -> bytes:
        self._in += len(data)
        return self._upto(self._released(self._in))

    def finish(self) -> bytes:
        return self._upto(self._total(self._in))

    def _upto(self, total: int) -> bytes:
        fresh = max(total - self._out, 0)
        self._out += fresh
        return bytes(fresh)


class MultipartVerbs:
    """Digest, Sign, Verify, Encrypt and Decrypt in parts."""

    def __init__(self, workbench: Workbench, contexts: Contexts) -> None:
        self._workbench = workbench
        self._contexts = contexts
        self._digests: dict[bytes, Callable[[], Context]] = {}

    def table(self) -> dict[int, Verb]:
        """The verbs by function id."""
        return {
            verbs.DIGEST_INIT: self.digest_init,
            verbs.SIGN_INIT: self.sign_init,
            verbs.VERIFY_INIT: self.verify_init,
            verbs.ENCRYPT_INIT: self._cipher_init(ENCRYPT),
            verbs.DECRYPT_INIT: self._cipher_init(DECRYPT),
            verbs.DIGEST_UPDATE: self._update(DIGEST, has_output=False),
            verbs.SIGN_UPDATE: self._update(SIGN, has_output=False),
            verbs.VERIFY_UPDATE: self._update(VERIFY, has_output=False),
            verbs.ENCRYPT_UPDATE: self._update(ENCRYPT, has_output=True),
            verbs.DECRYPT_UPDATE: self._update(DECRYPT, has_output=True),
            verbs.DIGEST_FINAL: self._final(DIGEST),
            verbs.SIGN_FINAL: self._final(SIGN),
            verbs.ENCRYPT_FINAL: self._final(ENCRYPT),
            verbs.DECRYPT_FINAL: self.decrypt_final,
            verbs.DIGEST: self._whole(DIGEST),
            verbs.SIGN: self._whole(SIGN),
            verbs.ENCRYPT: self._whole(ENCRYPT),
            verbs.DECRYPT: self.decrypt,
            verbs.VERIFY_FINAL: self.verify_final,
            verbs.VERIFY: self.verify,
        }

    def digest_init(self, domain: Domain, params: Params) -> Answer:
        (mechanism,) = params
        begin = self._digests.get(mechanism)
        if begin is None:  # as many as there are digest mechanisms: they have no parameters
            begin = self._digests[mechanism] = self._digest(mechanism)
        return self._begin(domain, begin())

    def _digest(self, mechanism: bytes) -> Callable[[], Context]:
        """Makes the contexts of a digest, behind all checks of the mechanism."""
        _, operation = self._workbench.hasher(mechanism)
        found = self._workbench.find(mechanism)
        if self._workbench.is_null:
            zeros = bytes(found.digest_bytes())
            return lambda: _gathering(DIGEST, NullSink(), lambda: zeros, operation)

        def begin() -> Context:
            sink = found.hash_sink()
            return _gathering(DIGEST, sink, sink.digest, operation)

        return begin

    def sign_init(self, domain: Domain, params: Params) -> Answer:
        mechanism, blob = params
        key = domain.key(blob)
        found = self._workbench.usable(mechanism, key, ck.CKF_SIGN, rights.SIGN)
        operations = found.feed_operation(key, SIGN), found.operation(key, SIGN)
        if self._workbench.is_null:
            size = found.signature_bytes(key, mechanism[4:])
            close = partial(null_result, key, size)
            return self._begin(domain, _gathering(SIGN, NullSink(), close, *operations))
        sink = found.sink(key, mechanism[4:])
        sign = found.closer(key, mechanism[4:])
        return self._begin(
            domain, _gathering(SIGN, sink, lambda: sign(sink.digest()), *operations)
        )  # fmt: skip

    def verify_init(self, domain: Domain, params: Params) -> Answer:
        mechanism, blob = params
        key = domain.key(blob)
        found = self._workbench.usable(mechanism, key, ck.CKF_VERIFY, rights.VERIFY)
        operations = found.feed_operation(key, VERIFY), found.operation(key, VERIFY)
        if self._workbench.is_null:
            sink: Sink = NullSink()
            check = null_verifier(key, found.signature_bytes(key, mechanism[4:]))
        else:
            sink = found.sink(key, mechanism[4:])
            check = found.checker(key, mechanism[4:])
        return self._begin(
            domain,
            _gathering(
                VERIFY, sink, bytes, *operations, check=lambda mac: check(sink.digest(), mac)
            ),
        )

    def verify_final(self, domain: Domain, params: Params) -> Answer:
        state, signature = params
        return self._checked(domain, state, b"", signature)

    def verify(self, domain: Domain, params: Params) -> Answer:
        state, data, signature = params
        return self._checked(domain, state, data, signature)

    def _checked(self, domain: Domain, state: bytes, data: bytes, signature: bytes) -> Answer:
        context = self._contexts.find(domain.index, state, VERIFY)
        self._contexts.end(state)
        try:
            context.verify(data, signature)
        except Refused as refusal:
            raise refusal.during(context.close_operation, len(data)) from None
        return (), context.close_operation, len(data)

    def _cipher_init(self, kind: str) -> Verb:
        def init(domain: Domain, params: Params) -> Answer:
            mechanism, blob = params
            key = domain.key(blob)
            known = key.ciphers.get((kind, mechanism[:4]))
            found, operation = known or self._workbench.cipher(key, mechanism, kind)
            stream = self._stream(kind, found, key, mechanism[4:])
            holder = stream if isinstance(stream, Holder) else None
            operations = operation, operation
            return self._begin(
                domain, Context(kind, stream.update, stream.finish, operations, holder=holder)
            )

        return init

    def decrypt_final(self, domain: Domain, params: Params) -> Answer:
        return self._portion(domain, params[0], b"")

    def decrypt(self, domain: Domain, params: Params) -> Answer:
        return self._portion(domain, params[0], params[1])

    def _portion(self, domain: Domain, state: bytes, data: bytes) -> Answer:
        """The end of a decryption, which may be longer than a reply: in portions (abi.verbs)."""
        context = self._contexts.find(domain.index, state, DECRYPT)
        operation = context.close_operation
        try:
            out, is_more = context.portion(data, verbs.PORTION)
        except Refused as refusal:
            self._contexts.end(state)
            raise refusal.during(operation, len(data)) from None
        if not is_more:
            self._contexts.end(state)
        return (out,), operation, len(data)

    def _stream(self, kind: str, found: Mechanism, key: Key, params: bytes) -> CipherStream:
        encrypts = kind == ENCRYPT
        if self._workbench.is_null:
            total = found.encrypted_bytes if encrypts else found.decrypted_bytes
            return NullStream(
                lambda size: found.released_bytes(kind, size),
                lambda size: total(key, params, size),
            )
        return found.encryption(key, params) if encrypts else found.decryption(key, params)

    def _begin(self, domain: Domain, context: Context) -> Answer:
        return (self._contexts.add(domain.index, context),), QUERY, 0

    def _update(self, kind: str, has_output: bool) -> Verb:
        def update(domain: Domain, params: Params) -> Answer:
            state, data = params
            context = self._contexts.find(domain.index, state, kind)
            operation = context.feed_operation
            try:
                out = context.update(data)
                self._contexts.account(state, context)
            except Refused as refusal:
                self._contexts.end(state)
                raise refusal.during(operation, len(data)) from None
            return (state, out) if has_output else (state,), operation, len(data)

        return update

    def _final(self, kind: str) -> Verb:
        def final(domain: Domain, params: Params) -> Answer:
            return self._closed(domain, params[0], b"", kind)

        return final

    def _whole(self, kind: str) -> Verb:
        def whole(domain: Domain, params: Params) -> Answer:
            return self._closed(domain, params[0], params[1], kind)

        return whole

    def _closed(self, domain: Domain, state: bytes, data: bytes, kind: str) -> Answer:
        context = self._contexts.find(domain.index, state, kind)
        self._contexts.end(state)
        operation = context.close_operation
        try:
            out = context.finish(data)
        except Refused as refusal:
            raise refusal.during(operation, len(data)) from None
        return (out,), operation, len(data)


def _gathering(
    kind: str,
    sink: Sink,
    close: Callable[[], bytes],
    *operations: str,
    check: Callable[[bytes], None] = no_signature,
) -> Context:  # fmt: skip
    """A context that only takes data until it is closed; one operation prices both if it must."""

    def feed(data: bytes) -> bytes:
        sink.update(data)
        return b""

    feed_operation, close_operation = operations if len(operations) == 2 else operations * 2
    holder = sink if isinstance(sink, Holder) else None
    return Context(kind, feed, close, (feed_operation, close_operation), check, holder)
