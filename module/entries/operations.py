"""Crossings of the functions that encrypt, decrypt, digest, sign, verify (PKCS #11 3.2, 5.8-5.16).

They have few shapes, those of `module/shape.h`. A crossing is the hot path: it holds what it needs
in its own variables, and knows nothing but pointers and a method.
"""

from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries.edge import Crossing, Edge, Pointer
from ghostcard.module.errors import CryptokiError
from ghostcard.module.otp import Host, Image


def init(edge: Edge, method: Callable[[int, bytes | None, int], None]) -> Crossing:
    """``C_EncryptInit`` and its kind; a length of -1 is no mechanism, which cancels."""
    read = edge.read

    def crossing(session: int, mechanism: Pointer, length: int, key: int) -> int:
        method(session, None if length < 0 else read(mechanism, length), key)
        return 0

    return crossing


LONG = 8192
"""Bytes of data from which on a copy costs more than what spares it."""

MARGIN = 64
"""Bytes by which a result may be longer than its data, or more."""


def transform(edge: Edge, method: Callable[[int, bytes, int | None], bytes | int]) -> Crossing:
    """``C_EncryptUpdate`` and its kind; the length of the answer, which is written if it fits."""
    read, write = edge.read, edge.write

    def crossing(session: int, data: Pointer, length: int, out: Pointer, capacity: int) -> int:
        result = method(session, read(data, length), None if capacity < 0 else capacity)
        if isinstance(result, int):
            return result
        size = len(result)
        if size <= capacity:
            write(out, result, size)
        return size

    return crossing


def whole(edge: Edge, method: Callable[..., bytes | int]) -> Crossing:
    """``C_Encrypt`` and its kind: as `transform`, but long data is worked on where it is."""
    read, write, in_place = edge.read, edge.write, placing(edge, method)

    def crossing(session: int, data: Pointer, length: int, out: Pointer, capacity: int) -> int:
        if length < LONG or capacity < 0:
            result = method(session, read(data, length), None if capacity < 0 else capacity)
        else:
            result = in_place(session, data, length, out, capacity)
        if isinstance(result, int):
            return result
        size = len(result)
        if size <= capacity:
            write(out, result, size)
        return size

    return crossing


def placing(edge: Edge, method: Callable[..., bytes | int]) -> Callable[..., bytes | int]:
    """A method called with views of the caller's memory instead of a copy, if data and result do
    not overlap. Views are void when it returns; one that was kept would be an error, not a leak.
    """
    read, buffer = edge.read, edge.ffi.buffer

    def in_place(
        session: int, data: Pointer, length: int, out: Pointer, capacity: int
    ) -> bytes | int:
        room = min(capacity, length + MARGIN)
        if data + length > out and out + room > data:
            return method(session, read(data, length), capacity)
        given, space = memoryview(buffer(data, length)), memoryview(buffer(out, room))
        try:
            return method(session, given, capacity, space)
        finally:  # quicker than `with`
            given.release()
            space.release()

    return in_place


def sign(edge: Edge, method: Callable[..., bytes | int]) -> Crossing:
    """``C_Sign``: as `whole`, but a one-time password has pointers into the caller's buffer."""
    read, write, cast, in_place = edge.read, edge.write, edge.ffi.cast, placing(edge, method)

    def crossing(session: int, data: Pointer, length: int, out: Pointer, capacity: int) -> int:
        if length < LONG or capacity < 0:
            result = method(session, read(data, length), None if capacity < 0 else capacity)
        else:
            result = in_place(session, data, length, out, capacity)
        if isinstance(result, int):
            return result
        size = len(result)
        if size <= capacity:
            if isinstance(result, Image):
                result = result.placed_at(int(cast("uintptr_t", out)))
            write(out, result, size)
        return size

    return crossing


def final(edge: Edge, method: Callable[[int, int | None], bytes | int]) -> Crossing:
    """``C_EncryptFinal`` and its kind; the answer is that of `transform`."""
    write = edge.write

    def crossing(session: int, out: Pointer, capacity: int) -> int:
        result = method(session, None if capacity < 0 else capacity)
        if isinstance(result, int):
            return result
        size = len(result)
        if size <= capacity:
            write(out, result, size)
        return size

    return crossing


def end(method: Callable[[int], None]) -> Crossing:
    """``C_VerifySignatureFinal`` and its kind."""

    def crossing(session: int) -> int:
        method(session)
        return 0

    return crossing


def feed(edge: Edge, method: Callable[[int, bytes], None]) -> Crossing:
    """``C_DigestUpdate`` and its kind."""
    read = edge.read

    def crossing(session: int, data: Pointer, length: int) -> int:
        method(session, read(data, length))
        return 0

    return crossing


def connect(edge: Edge, cryptoki: Cryptoki) -> None:
    """Registers these crossings."""
    connect_shapes(edge, cryptoki)
    connect_exceptions(edge, cryptoki)


INITS = (
    "encrypt_init",
    "decrypt_init",
    "sign_init",
    "sign_recover_init",
    "verify_init",
    "verify_recover_init",
)
WHOLES = ("encrypt", "decrypt", "digest")
TRANSFORMS = (
    *("encrypt_update", "decrypt_update"),
    *("sign_recover", "verify_recover"),
    *(
        "digest_encrypt_update",
        "decrypt_digest_update",
        "sign_encrypt_update",
        "decrypt_verify_update",
    ),
)
FINALS = ("encrypt_final", "decrypt_final", "digest_final", "sign_final")
FEEDS = (
    *("digest_update", "sign_update", "verify_update", "verify_final"),
    *("verify_signature", "verify_signature_update"),
)


def connect_shapes(edge: Edge, cryptoki: Cryptoki) -> None:
    """Those that have one of the shapes above."""
    for name in INITS:
        edge.cross(name, init(edge, getattr(cryptoki, name)))
    edge.cross("sign", sign(edge, cryptoki.sign))
    Host.memory = staticmethod(lambda address, size: memory(edge, address, size))
    for name in WHOLES:
        edge.cross(name, whole(edge, getattr(cryptoki, name)))
    for name in TRANSFORMS:
        edge.cross(name, transform(edge, getattr(cryptoki, name)))
    for name in FINALS:
        edge.cross(name, final(edge, getattr(cryptoki, name)))
    for name in FEEDS:
        edge.cross(name, feed(edge, getattr(cryptoki, name)))


def memory(edge: Edge, address: int, size: int) -> bytes:
    """What the application has at an address."""
    if not address:
        raise CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)
    return edge.read(edge.ffi.cast("char *", address), size)


def connect_exceptions(edge: Edge, cryptoki: Cryptoki) -> None:
    """Those that have a shape of their own."""
    read = edge.read

    def digest_init(session: int, mechanism: Pointer, length: int) -> int:
        cryptoki.digest_init(session, None if length < 0 else read(mechanism, length))
        return 0

    def digest_key(session: int, key: int) -> int:
        cryptoki.digest_key(session, key)
        return 0

    def verify(
        session: int, data: Pointer, length: int, signature: Pointer, signature_length: int
    ) -> int:
        cryptoki.verify(session, read(data, length), read(signature, signature_length))
        return 0

    edge.cross("digest_init", digest_init)
    edge.cross("digest_key", digest_key)

    def verify_signature_init(
        session: int, mechanism: Pointer, length: int, key: int, signature: Pointer, size: int
    ) -> int:
        wanted = None if length < 0 else read(mechanism, length)
        cryptoki.verify_signature_init(session, wanted, key, read(signature, size))
        return 0

    edge.cross("verify", verify)
    edge.cross("verify_signature_init", verify_signature_init)
    edge.cross("verify_signature_final", end(cryptoki.verify_signature_final))
