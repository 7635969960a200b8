"""Crossings of the message-based functions (PKCS #11 3.2, 5.9, 5.11, 5.14, 5.16)."""

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries.edge import Edge, Pointer
from ghostcard.module.entries.operations import end, init, transform
from ghostcard.module.message import MessageParameter


def room(capacity: int) -> int | None:
    """A crossing's capacity as the plain layer has it."""
    return None if capacity < 0 else capacity


def parameter_of(edge: Edge, numbers: Pointer, iv: Pointer, tag: Pointer) -> MessageParameter:
    """What `module/message.c` has read."""
    structure, data_bytes, iv_bytes, fixed_bits, generator, tag_bits = numbers[0:6]
    told = edge.read(tag, tag_bits // 8) if tag else b""
    read = edge.read(iv, iv_bytes)
    return MessageParameter(structure, data_bytes, read, fixed_bits, generator, tag_bits, told)


def connect(edge: Edge, cryptoki: Cryptoki) -> None:
    """Registers these crossings."""
    connect_encryption(edge, cryptoki)
    connect_decryption(edge, cryptoki)
    connect_signatures(edge, cryptoki)
    connect_verification(edge, cryptoki)
    for name in ("encrypt", "decrypt", "sign", "verify"):
        edge.cross(f"message_{name}_init", init(edge, getattr(cryptoki, f"message_{name}_init")))
        edge.cross(f"message_{name}_final", end(getattr(cryptoki, f"message_{name}_final")))


def connect_encryption(edge: Edge, cryptoki: Cryptoki) -> None:
    read, write = edge.read, edge.write

    def encrypt_message(
        session: int,
        numbers: Pointer,
        iv: Pointer,
        tag: Pointer,
        aad: Pointer,
        aad_length: int,
        data: Pointer,
        length: int,
        out: Pointer,
        capacity: int,
    ) -> int:
        parameter = parameter_of(edge, numbers, iv, edge.ffi.NULL)
        result = cryptoki.encrypt_message(
            session, parameter, read(aad, aad_length), read(data, length), room(capacity)
        )
        if isinstance(result, int):
            return result
        for place, value in zip((out, iv, tag), result, strict=True):
            write(place, value, len(value))
        return len(result[0])

    def encrypt_message_begin(
        session: int, numbers: Pointer, iv: Pointer, aad: Pointer, length: int
    ) -> int:
        parameter = parameter_of(edge, numbers, iv, edge.ffi.NULL)
        made = cryptoki.encrypt_message_begin(session, parameter, read(aad, length))
        write(iv, made, len(made))
        return 0

    def encrypt_message_next(
        session: int,
        numbers: Pointer,
        tag: Pointer,
        data: Pointer,
        length: int,
        out: Pointer,
        capacity: int,
        flags: int,
    ) -> int:
        result = cryptoki.encrypt_message_next(
            session,
            numbers[5] // 8,
            read(data, length),
            room(capacity),
            bool(flags & ck.CKF_END_OF_MESSAGE),
        )
        if isinstance(result, int):
            return result
        for place, value in zip((out, tag), result, strict=True):
            write(place, value, len(value))
        return len(result[0])

    edge.cross("encrypt_message", encrypt_message)
    edge.cross("encrypt_message_begin", encrypt_message_begin)
    edge.cross("encrypt_message_next", encrypt_message_next)


def connect_decryption(edge: Edge, cryptoki: Cryptoki) -> None:
    read = edge.read

    def decrypt_message(
        session: int,
        numbers: Pointer,
        iv: Pointer,
        tag: Pointer,
        aad: Pointer,
        aad_length: int,
        data: Pointer,
        length: int,
        out: Pointer,
        capacity: int,
    ) -> int:
        parameter = parameter_of(edge, numbers, iv, tag)
        result = cryptoki.decrypt_message(
            session, parameter, read(aad, aad_length), read(data, length), room(capacity)
        )
        return _put(edge, result, out)

    def decrypt_message_begin(
        session: int, numbers: Pointer, iv: Pointer, aad: Pointer, length: int
    ) -> int:
        parameter = parameter_of(edge, numbers, iv, edge.ffi.NULL)
        cryptoki.decrypt_message_begin(session, parameter, read(aad, length))
        return 0

    def decrypt_message_next(
        session: int,
        numbers: Pointer,
        tag: Pointer,
        data: Pointer,
        length: int,
        out: Pointer,
        capacity: int,
        flags: int,
    ) -> int:
        result = cryptoki.decrypt_message_next(
            session,
            read(tag, numbers[5] // 8),
            read(data, length),
            room(capacity),
            bool(flags & ck.CKF_END_OF_MESSAGE),
        )
        return _put(edge, result, out)

    edge.cross("decrypt_message", decrypt_message)
    edge.cross("decrypt_message_begin", decrypt_message_begin)
    edge.cross("decrypt_message_next", decrypt_message_next)


def connect_signatures(edge: Edge, cryptoki: Cryptoki) -> None:
    read = edge.read

    def sign_message_next(
        session: int, data: Pointer, length: int, out: Pointer, capacity: int, is_last: int
    ) -> int:
        part = read(data, length)
        result = cryptoki.sign_message_next(session, part, room(capacity), bool(is_last))
        return _put(edge, result, out)

    edge.cross("sign_message", transform(edge, cryptoki.sign_message))
    edge.cross("sign_message_begin", end(cryptoki.sign_message_begin))
    edge.cross("sign_message_next", sign_message_next)


def connect_verification(edge: Edge, cryptoki: Cryptoki) -> None:
    read = edge.read

    def verify_message(
        session: int, data: Pointer, length: int, signature: Pointer, size: int
    ) -> int:
        cryptoki.verify_message(session, read(data, length), read(signature, size))
        return 0

    def verify_message_next(
        session: int, data: Pointer, length: int, signature: Pointer, size: int, is_last: int
    ) -> int:
        given = read(signature, size) if is_last else None
        cryptoki.verify_message_next(session, read(data, length), given)
        return 0

    edge.cross("verify_message", verify_message)
    edge.cross("verify_message_begin", end(cryptoki.verify_message_begin))
    edge.cross("verify_message_next", verify_message_next)


def _put(edge: Edge, result: bytes | int, out: Pointer) -> int:
    """Writes a result that the plain layer gives only if there is room."""
    if isinstance(result, int):
        return result
    if result:
        edge.write(out, result, len(result))
    return len(result)
