"""Crossings of the functions that wrap keys with authentication (PKCS #11 3.2, 5.18)."""

from ghostcard.module import flat
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries.edge import Edge, Pointer
from ghostcard.module.entries.messages import parameter_of, room


def connect(edge: Edge, cryptoki: Cryptoki) -> None:
    """Registers these crossings."""
    read, write = edge.read, edge.write

    def wrap_key_authenticated(
        session: int,
        mechanism: int,
        numbers: Pointer,
        iv: Pointer,
        wrapping_key: int,
        key: int,
        aad: Pointer,
        aad_length: int,
        out: Pointer,
        capacity: int,
    ) -> int:
        parameter = parameter_of(edge, numbers, iv, edge.ffi.NULL)
        result = cryptoki.wrap_key_authenticated(
            session, mechanism, parameter, wrapping_key, key, read(aad, aad_length), room(capacity)
        )
        if isinstance(result, int):
            return result
        for place, value in zip((out, iv), result, strict=True):
            write(place, value, len(value))
        return len(result[0])

    def unwrap_key_authenticated(
        session: int,
        mechanism: int,
        numbers: Pointer,
        iv: Pointer,
        key: int,
        wrapped: Pointer,
        wrapped_length: int,
        attributes: Pointer,
        size: int,
        aad: Pointer,
        aad_length: int,
    ) -> int:
        return cryptoki.unwrap_key_authenticated(
            session,
            mechanism,
            parameter_of(edge, numbers, iv, edge.ffi.NULL),
            key,
            read(wrapped, wrapped_length),
            flat.unpack(read(attributes, size)),
            read(aad, aad_length),
        )

    edge.cross("wrap_key_authenticated", wrap_key_authenticated)
    edge.cross("unwrap_key_authenticated", unwrap_key_authenticated)
