"""Crossings of the object management functions (PKCS #11 3.2, 5.7)."""

from ghostcard import pkcs11 as ck
from ghostcard.module import flat
from ghostcard.module.attributes import NESTED
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries.edge import Edge, Pointer

parse_template = flat.unpack


def put_value(edge: Edge, attribute: Pointer, value: bytes | int) -> int:
    """Answers one attribute of C_GetAttributeValue: CKR_OK or why not (PKCS #11 3.2, 5.7.5)."""
    if isinstance(value, int):
        attribute.ulValueLen = ck.CK_UNAVAILABLE_INFORMATION
        return value
    if attribute.type in NESTED:
        return put_template(edge, attribute, flat.unpack(value))
    size = len(value)
    if attribute.pValue != edge.ffi.NULL:
        if attribute.ulValueLen < size:
            attribute.ulValueLen = ck.CK_UNAVAILABLE_INFORMATION
            return ck.CKR_BUFFER_TOO_SMALL
        edge.write(attribute.pValue, value, size)
    attribute.ulValueLen = size
    return ck.CKR_OK


def put_template(edge: Edge, attribute: Pointer, template: list[tuple[int, bytes]]) -> int:
    """Answers an attribute that is a template: the caller's array of CK_ATTRIBUTE is filled in by
    the rules for the outer one, and what type its elements have is told, not asked.
    """
    size = len(template) * edge.ffi.sizeof("CK_ATTRIBUTE")
    codes = []
    if attribute.pValue != edge.ffi.NULL:
        if attribute.ulValueLen < size:
            attribute.ulValueLen = ck.CK_UNAVAILABLE_INFORMATION
            return ck.CKR_BUFFER_TOO_SMALL
        elements = edge.ffi.cast("CK_ATTRIBUTE *", attribute.pValue)
        for place, (type, value) in enumerate(template):
            elements[place].type = type
            codes.append(put_value(edge, elements[place], value))
    attribute.ulValueLen = size
    return next(filter(None, codes), ck.CKR_OK)


def connect(edge: Edge, cryptoki: Cryptoki) -> None:
    """Registers these crossings."""
    connect_life(edge, cryptoki)
    connect_attributes(edge, cryptoki)
    connect_search(edge, cryptoki)


def connect_life(edge: Edge, cryptoki: Cryptoki) -> None:
    def create_object(session: int, attributes: Pointer, length: int) -> int:
        return cryptoki.create_object(session, parse_template(edge.read(attributes, length)))

    def copy_object(session: int, object: int, attributes: Pointer, length: int) -> int:
        return cryptoki.copy_object(session, object, parse_template(edge.read(attributes, length)))

    def destroy_object(session: int, object: int) -> int:
        cryptoki.destroy_object(session, object)
        return 0

    def get_object_size(session: int, object: int) -> int:
        return cryptoki.get_object_size(session, object)

    edge.cross("create_object", create_object)
    edge.cross("copy_object", copy_object)
    edge.cross("destroy_object", destroy_object)
    edge.cross("get_object_size", get_object_size)


def connect_attributes(edge: Edge, cryptoki: Cryptoki) -> None:
    def get_attribute_value(session: int, object: int, attributes: Pointer, count: int) -> int:
        wanted = [attributes[i] for i in range(count)]
        values = cryptoki.get_attribute_value(
            session, object, [attribute.type for attribute in wanted]
        )
        # every attribute is answered, also after one that cannot be
        codes = [
            put_value(edge, attribute, value)
            for attribute, value in zip(wanted, values, strict=True)
        ]
        return -next(filter(None, codes), ck.CKR_OK)

    def set_attribute_value(session: int, object: int, attributes: Pointer, length: int) -> int:
        cryptoki.set_attribute_value(session, object, parse_template(edge.read(attributes, length)))
        return 0

    edge.cross("get_attribute_value", get_attribute_value)
    edge.cross("set_attribute_value", set_attribute_value)


def connect_search(edge: Edge, cryptoki: Cryptoki) -> None:
    def find_objects_init(session: int, attributes: Pointer, length: int) -> int:
        cryptoki.find_objects_init(session, parse_template(edge.read(attributes, length)))
        return 0

    def find_objects(session: int, objects: Pointer, capacity: int) -> int:
        return edge.write_numbers(cryptoki.find_objects(session, capacity), objects, capacity)

    def find_objects_final(session: int) -> int:
        cryptoki.find_objects_final(session)
        return 0

    edge.cross("find_objects_init", find_objects_init)
    edge.cross("find_objects", find_objects)
    edge.cross("find_objects_final", find_objects_final)
