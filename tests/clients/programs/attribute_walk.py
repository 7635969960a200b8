"""Every attribute of every kind of object, created, copied, modified and read, against the table.

What may happen is worked out here from the notes of a row alone, not by the library's own rules.
Prints a line per cell that is wrong, then how many cells there were.
"""

import ctypes
import sys
from collections.abc import Iterator

from cryptoki import Cryptoki, Mechanism, Ulong, flat, from_environment
from samples import GENERATED, SAMPLES, Template, ulong

from ghostcard import pkcs11 as ck
from ghostcard.module import attributes as table
from ghostcard.module.attributes import Attribute

TRUE, FALSE = b"\1", b"\0"
VENDOR = ck.CKA_VENDOR_DEFINED | 0x1234
EVERY = (*sorted(table.KNOWN), VENDOR)
OK, READ_ONLY = ck.CKR_OK, ck.CKR_ATTRIBUTE_READ_ONLY
EXAMPLES = {
    table.BOOL: TRUE,
    table.ULONG: ulong(1),
    table.DATE: b"20261123",
    table.BYTES: b"bytes",
    table.BIG: b"\3",
    table.MECHANISMS: ulong(ck.CKM_ECDSA),
    table.ULONGS: ulong(1),
    table.TEMPLATE: b"",
}
SIZES = {table.BOOL: {1}, table.ULONG: {8}, table.DATE: {0, 8}}
FOLLOWS = frozenset(  # their value follows from others, so that an example contradicts them
    (
        *(ck.CKA_CLASS, ck.CKA_KEY_TYPE, ck.CKA_CERTIFICATE_TYPE, ck.CKA_PUBLIC_KEY_INFO),
        *(ck.CKA_CHECK_VALUE, ck.CKA_VALUE, ck.CKA_MODULUS, ck.CKA_PUBLIC_EXPONENT),
        *(ck.CKA_PRIVATE_EXPONENT, ck.CKA_PRIME_1, ck.CKA_PRIME_2, ck.CKA_EXPONENT_1),
        *(ck.CKA_EXPONENT_2, ck.CKA_COEFFICIENT, ck.CKA_EC_PARAMS, ck.CKA_EC_POINT),
        *(ck.CKA_PRIME, ck.CKA_SUBPRIME, ck.CKA_BASE, ck.CKA_SEED, ck.CKA_PARAMETER_SET),
        *(ck.CKA_HSS_LEVELS, ck.CKA_HSS_LMS_TYPES, ck.CKA_HSS_LMOTS_TYPES),
    )
)


class Walk:
    """One kind of object; each method answers (what was expected, what came)."""

    def __init__(self, p11: Cryptoki, kind: tuple[int, int]) -> None:
        self.p11 = p11
        self.schema = table.SCHEMAS[kind]
        object_class, subtype = kind
        named = table.subtype_of(object_class)
        self.base = {ck.CKA_CLASS: ulong(object_class)}
        if named is not None:
            self.base[named] = ulong(subtype)
        self.base |= SAMPLES[kind]
        rv, self.object = p11.create(list(self.base.items()))
        if rv:
            raise SystemExit(f"class {object_class} type {subtype:#x}: 0x{rv:x}")
        self.is_open = self.flag(ck.CKA_EXTRACTABLE) and not self.flag(ck.CKA_SENSITIVE)

    def flag(self, type: int) -> bool:
        return self.p11.get(self.object, type) == (OK, TRUE)

    def unknown(self, type: int) -> int:
        """What a template with an attribute that the kind does not have is answered."""
        if type in table.KNOWN:
            return ck.CKR_TEMPLATE_INCONSISTENT
        return ck.CKR_ATTRIBUTE_TYPE_INVALID

    def change(self, row: Attribute, allowing: set[int]) -> int:
        if not row.notes & allowing or 10 in row.notes:  # 10: TRUE is the security officer's
            return READ_ONLY
        if 12 in row.notes and not self.flag(row.type):
            return READ_ONLY
        return OK

    def create(self, type: int) -> tuple[int, int]:
        row = self.schema.get(type)
        value = EXAMPLES[row.kind] if row else b""
        wanted = self.unknown(type) if row is None else OK
        if row and row.notes & {2, 10}:
            wanted = READ_ONLY
        if wanted == OK and type in FOLLOWS:
            value = self.base.get(type, b"")  # what it is, which says nothing new
            if not value:
                return OK, OK
        rv, made = self.p11.create(list((self.base | {type: value}).items()))
        if rv == OK:
            rv = self.readable(made, type, value)
            self.p11.destroy(made)
        return wanted, rv

    def copy(self, type: int) -> tuple[int, int]:
        row = self.schema.get(type)
        wanted = self.change(row, {8, 10, 13}) if row else self.unknown(type)
        if not self.flag(ck.CKA_COPYABLE):
            wanted = ck.CKR_ACTION_PROHIBITED
        value = EXAMPLES[row.kind] if row else b""
        rv, made = self.p11.copy(self.object, [(type, value)])
        if rv == OK:
            rv = self.readable(made, type, value)
            self.p11.destroy(made)
        return wanted, rv

    def modify(self, type: int) -> tuple[int, int]:
        row = self.schema.get(type)
        wanted = self.change(row, {8, 10}) if row else self.unknown(type)
        value = EXAMPLES[row.kind] if row else b""
        _, fresh = self.p11.copy(self.object, [])
        rv = self.p11.set(fresh, [(type, value)])
        if rv == OK:
            rv = self.readable(fresh, type, value)
        self.p11.destroy(fresh)
        return wanted, rv

    def readable(self, made: int, type: int, value: bytes) -> int:
        """Whether it now has the value that was given, if that can be read."""
        rv, found = self.p11.get(made, type)
        if rv == ck.CKR_ATTRIBUTE_SENSITIVE and 7 in self.schema[type].notes:
            return OK
        same = found == value or type in (ck.CKA_EC_POINT, ck.CKA_PUBLIC_KEY_INFO)
        return rv or (OK if same else ck.CKR_GENERAL_ERROR)

    def read(self, type: int) -> tuple[int, int]:
        row = self.schema.get(type)
        rv, value = self.p11.get(self.object, type)
        if row is None:
            return ck.CKR_ATTRIBUTE_TYPE_INVALID, rv
        if 7 in row.notes and not self.is_open:
            return ck.CKR_ATTRIBUTE_SENSITIVE, rv
        if rv == ck.CKR_ATTRIBUTE_TYPE_INVALID and row.default is None:
            may_lack = not row.notes & {1}  # such as the key size of a template that is silent
            return (rv if may_lack else OK), rv
        sizes = SIZES.get(row.kind)
        return OK, rv or (OK if sizes is None or len(value) in sizes else ck.CKR_GENERAL_ERROR)

    def cells(self) -> Iterator[tuple[int, str, int, int]]:
        for type in EVERY:
            for verb in (self.create, self.copy, self.modify, self.read):
                yield type, verb.__name__, *verb(type)


def generated(p11: Cryptoki, key_type: int) -> dict[tuple[int, int], Template]:
    """Both halves of a fresh pair, with all that C_CreateObject wants to know of them."""
    number, parameters = GENERATED[key_type]
    open_key = [(ck.CKA_EXTRACTABLE, TRUE), (ck.CKA_SENSITIVE, FALSE)]
    handles = (Ulong * 2)()
    p11.expect(
        *("C_GenerateKeyPair", Ulong(p11.session), ctypes.byref(Mechanism(number, None, 0))),
        *(*flat([(ck.CKA_PARAMETER_SET, ulong(parameters))]), *flat(open_key)),
        *(ctypes.byref(handles, 0), ctypes.byref(handles, ctypes.sizeof(Ulong))),
    )
    made = {}
    for object_class, handle in zip((ck.CKO_PUBLIC_KEY, ck.CKO_PRIVATE_KEY), handles, strict=True):
        found = {
            type: p11.get(handle, type)
            for type in (ck.CKA_PARAMETER_SET, ck.CKA_SEED, ck.CKA_VALUE)
        }
        made[object_class, key_type] = {
            type: value for type, (rv, value) in found.items() if rv == OK
        }
    return made


def main() -> None:
    p11 = from_environment()
    p11.login(ck.CKU_USER, sys.argv[1].encode())
    cells = 0
    for key_type in GENERATED:
        SAMPLES.update(generated(p11, key_type))
    for kind in sorted(SAMPLES):
        for type, verb, wanted, found in Walk(p11, kind).cells():
            cells += 1
            if wanted != found:
                print(f"{kind} {type:#x} {verb}: 0x{found:x}, not 0x{wanted:x}")
    print(f"{len(SAMPLES)} kinds x {len(EVERY)} attributes x 4 = {cells}")


main()
