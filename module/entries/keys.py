"""Crossings of the key management and random number functions (PKCS #11 3.2, 5.18 and 5.19)."""

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries import structures
from ghostcard.module.entries.edge import Edge, Pointer
from ghostcard.module.entries.objects import parse_template
from ghostcard.module.entries.operations import feed
from ghostcard.module.errors import CryptokiError


def connect(edge: Edge, cryptoki: Cryptoki) -> None:
    """Registers these crossings."""
    connect_generation(edge, cryptoki)
    connect_transport(edge, cryptoki)
    connect_encapsulation(edge, cryptoki)
    connect_random(edge, cryptoki)


def connect_generation(edge: Edge, cryptoki: Cryptoki) -> None:
    read = edge.read

    def generate_key(
        session: int, mechanism: Pointer, length: int, attributes: Pointer, size: int
    ) -> int:
        return cryptoki.generate_key(
            session, read(mechanism, length), parse_template(read(attributes, size))
        )

    def generate_key_pair(
        session: int,
        mechanism: Pointer,
        length: int,
        public: Pointer,
        public_length: int,
        private: Pointer,
        private_length: int,
        keys: Pointer,
    ) -> int:
        keys[0], keys[1] = cryptoki.generate_key_pair(
            session,
            read(mechanism, length),
            parse_template(read(public, public_length)),
            parse_template(read(private, private_length)),
        )
        return 0

    edge.cross("generate_key", generate_key)
    edge.cross("generate_key_pair", generate_key_pair)


def connect_transport(edge: Edge, cryptoki: Cryptoki) -> None:
    read, write = edge.read, edge.write

    def wrap_key(
        session: int,
        mechanism: Pointer,
        length: int,
        wrapping: int,
        key: int,
        out: Pointer,
        capacity: int,
    ) -> int:
        limit = None if capacity < 0 else capacity
        wrapped = cryptoki.wrap_key(session, read(mechanism, length), wrapping, key, limit)
        if isinstance(wrapped, int):
            return wrapped
        if len(wrapped) <= capacity:
            write(out, wrapped, len(wrapped))
        return len(wrapped)

    def unwrap_key(
        session: int,
        mechanism: Pointer,
        length: int,
        key: int,
        wrapped: Pointer,
        wrapped_length: int,
        attributes: Pointer,
        size: int,
    ) -> int:
        template = parse_template(read(attributes, size))
        return cryptoki.unwrap_key(
            session, read(mechanism, length), key, read(wrapped, wrapped_length), template
        )

    def derive_key(
        session: int,
        mechanism: Pointer,
        length: int,
        base_key: int,
        attributes: Pointer,
        size: int,
        made: Pointer,
    ) -> int:
        how, template = read(mechanism, length), parse_template(read(attributes, size))
        found = structures.read(edge, how) or structures.Structured(how)
        if found.has_key and made == edge.ffi.NULL:
            raise CryptokiError(ck.CKR_ARGUMENTS_BAD)
        if found.finish is None:
            made[0] = cryptoki.derive_key(session, found.mechanism, base_key, template)
            return 0
        templates = [template, *found.templates]
        handles, data = cryptoki.derive_keys(session, found.mechanism, base_key, templates)
        if found.has_key:
            made[0] = handles[0]
        found.finish(handles, data)
        return 0

    edge.cross("wrap_key", wrap_key)
    edge.cross("unwrap_key", unwrap_key)
    edge.cross("derive_key", derive_key)


def connect_encapsulation(edge: Edge, cryptoki: Cryptoki) -> None:
    read, write = edge.read, edge.write

    def encapsulate_key(
        session: int,
        mechanism: Pointer,
        length: int,
        key: int,
        attributes: Pointer,
        size: int,
        out: Pointer,
        capacity: int,
        made: Pointer,
    ) -> int:
        template = parse_template(read(attributes, size))
        limit = None if capacity < 0 else capacity
        answer = cryptoki.encapsulate_key(session, read(mechanism, length), key, template, limit)
        if isinstance(answer, int):
            return answer
        made[0], ciphertext = answer
        write(out, ciphertext, len(ciphertext))
        return len(ciphertext)

    def decapsulate_key(
        session: int,
        mechanism: Pointer,
        length: int,
        key: int,
        attributes: Pointer,
        size: int,
        ciphertext: Pointer,
        ciphertext_length: int,
    ) -> int:
        template = parse_template(read(attributes, size))
        return cryptoki.decapsulate_key(
            session, read(mechanism, length), key, template, read(ciphertext, ciphertext_length)
        )

    edge.cross("encapsulate_key", encapsulate_key)
    edge.cross("decapsulate_key", decapsulate_key)


def connect_random(edge: Edge, cryptoki: Cryptoki) -> None:
    def generate_random(session: int, out: Pointer, length: int) -> int:
        random = cryptoki.generate_random(session, length)
        if len(random) != length:
            raise CryptokiError(ck.CKR_FUNCTION_FAILED)
        edge.write(out, random, length)
        return 0

    edge.cross("seed_random", feed(edge, cryptoki.seed_random))
    edge.cross("generate_random", generate_random)
