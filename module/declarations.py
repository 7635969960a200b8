"""What is written from `module/standard.json`: C header, function lists, exports, numbers.

``python -m ghostcard.module.declarations`` rewrites `ghostcard/pkcs11.py`, which is committed; each
build writes the C files to `module/generated/`. Nothing of the standard is typed by hand.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
LIST_TAGS = {
    "2.40": "CK_FUNCTION_LIST",
    "3.0": "CK_FUNCTION_LIST_3_0",
    "3.2": "CK_FUNCTION_LIST_3_2",
}
IN_C = ("C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface")
"""Functions that work before the library is initialised (PKCS #11 3.2, 5.4)."""

_BASIC = """\
typedef unsigned char CK_BYTE;
typedef CK_BYTE CK_CHAR;
typedef CK_BYTE CK_UTF8CHAR;
typedef CK_BYTE CK_BBOOL;
typedef unsigned long CK_ULONG;
"""
_CALLBACKS = """\
typedef CK_RV (*CK_NOTIFY)(CK_SESSION_HANDLE, CK_NOTIFICATION, void *);
typedef CK_RV (*CK_CREATEMUTEX)(void **);
typedef CK_RV (*CK_DESTROYMUTEX)(void *);
typedef CK_RV (*CK_LOCKMUTEX)(void *);
typedef CK_RV (*CK_UNLOCKMUTEX)(void *);
"""
_PKCS11 = '''\
"""The numbers of PKCS #11 3.2, generated from `module/standard.json` (`module/declarations.py`).

Facts of the standard, not of a layer: firmware, driver and module all import them from here.
"""
'''


class Field(NamedTuple):
    """A member of a structure, in C's words."""

    type: str
    name: str

    def declare(self) -> str:
        """``CK_BYTE iv[16];`` of the type ``CK_BYTE[16]``."""
        base, bracket, size = self.type.removeprefix("struct ").partition("[")
        gap = "" if base.endswith("*") else " "
        return f"{base}{gap}{self.name}{bracket}{size};"


class Standard(NamedTuple):
    """PKCS #11 3.2 as data."""

    ulong_types: list[str]
    constants: dict[str, dict[str, str]]
    structures: dict[str, list[Field]]
    functions: dict[str, list[str]]
    interfaces: dict[str, list[str]]


def load(path: Path = HERE / "standard.json") -> Standard:
    """The standard as the committed file has it; KeyError when the file lacks a part."""
    data = json.loads(path.read_text(encoding="utf-8"))
    structures = {
        name: [Field(field["type"], field["name"]) for field in fields]
        for name, fields in data["structures"].items()
    }
    return Standard(
        data["ulong_types"], data["constants"], structures, data["functions"], data["interfaces"]
    )


def numbers(standard: Standard) -> str:
    """The source of `ghostcard/pkcs11.py`: the numbers, and the functions in their order."""
    groups = [
        f"\n# {group}\n"
        + "".join(f"{name} = 0x{value[2:].upper()}\n" for name, value in values.items())
        for group, values in standard.constants.items()
    ]
    functions = "".join(f'    "{name}",\n' for name in standard.functions)
    return _PKCS11 + "".join(groups) + f"\nFUNCTIONS = (\n{functions})\n"


def constants_c(standard: Standard) -> str:
    """One ``#define`` for each number of the standard."""
    return "".join(
        f"#define {name} {value}UL\n"
        for values in standard.constants.values()
        for name, value in values.items()
    )


def types_c(standard: Standard) -> str:
    """The basic types, those that are a CK_ULONG, and the callbacks."""
    named = [*standard.ulong_types, "CK_SP800_108_PRF_TYPE"]
    return _BASIC + "".join(f"typedef CK_ULONG {name};\n" for name in named) + _CALLBACKS


def structures_c(standard: Standard, names: Iterable[str]) -> str:
    """Declarations of the structures of those names, each after the ones that it holds."""
    ordered = list(_dependencies_first(standard, names))
    forward = "".join(f"typedef struct {name} {name};\n" for name in ordered)
    return forward + "".join(_structure(name, standard.structures[name]) for name in ordered)


def _structure(name: str, fields: list[Field]) -> str:
    body = "".join(f"    {field.declare()}\n" for field in fields)
    return f"struct {name} {{\n{body}}};\n"


def _dependencies_first(standard: Standard, names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in seen:
            return
        seen.add(name)
        for field in standard.structures[name]:
            base = re.match(r"\w+", field.type.removeprefix("struct "))
            if base and base[0] in standard.structures:
                yield from visit(base[0])
        yield name

    for name in names:
        yield from visit(name)


def prototypes_c(standard: Standard) -> str:
    """The functions' prototypes."""
    return "".join(
        f"CK_RV {name}({', '.join(arguments)});\n" for name, arguments in standard.functions.items()
    )


def lists_c(standard: Standard) -> str:
    """The three function list structures in the standard's order."""
    return "\n".join(
        f"struct {tag} {{\n    CK_VERSION version;\n"
        + "".join(
            f"    CK_RV (*{name})({', '.join(standard.functions[name])});\n"
            for name in standard.interfaces[version]
        )
        + "};\n"
        for version, tag in LIST_TAGS.items()
    )


def header(standard: Standard) -> str:
    """The complete C header of the standard, `generated/cryptoki.h`."""
    forward = "".join(f"typedef struct {tag} {tag};\n" for tag in LIST_TAGS.values())
    parts = (
        "/* PKCS #11 3.2, written from module/standard.json; do not edit. */\n#pragma once\n",
        constants_c(standard),
        types_c(standard),
        structures_c(standard, standard.structures),
        forward,
        prototypes_c(standard),
        lists_c(standard),
    )
    return "\n".join(parts)


def function_lists(standard: Standard) -> str:
    """The three filled-in function lists, `generated/lists.h`."""
    return "".join(
        f"static {tag} list_{version.replace('.', '_')} = {{\n"
        f"    {{{version.replace('.', ', ')}}},\n"
        + "".join(f"    {name},\n" for name in standard.interfaces[version])
        + "};\n"
        for version, tag in LIST_TAGS.items()
    )


def unsupported(standard: Standard) -> str:
    """A weak definition of every function, which gives way to the real one where there is one."""
    return '#include "library.h"\n\n' + "".join(
        f"__attribute__((weak)) CK_RV {name}({_unnamed(arguments)}) "
        "{ return refuse_unsupported(); }\n"
        for name, arguments in standard.functions.items()
        if name not in IN_C
    )


def _unnamed(arguments: list[str]) -> str:
    return ", ".join(f"{kind} a{i} __attribute__((unused))" for i, kind in enumerate(arguments))


def exports(standard: Standard) -> str:
    """The linker's version script: the standard's functions and nothing else leave the library."""
    names = "".join(f"        {name};\n" for name in standard.functions)
    return f"{{\n    global:\n{names}    local:\n        *;\n}};\n"


def write_c(folder: Path) -> None:
    """Writes the C files to ``folder``, which is created; files that are right are left alone."""
    standard = load()
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "cryptoki.h", header(standard))
    write(folder / "lists.h", function_lists(standard))
    write(folder / "unsupported.c", unsupported(standard))
    write(folder / "exports.map", exports(standard))


def write(path: Path, text: str) -> None:
    """Writes what has changed, so that a build does not do again what is done."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(HERE.parent / "ghostcard" / "pkcs11.py", numbers(load()))
