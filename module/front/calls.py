"""The functions of `libghostcard-capture.so`, written from the standard: each notes and passes on.

What a function's arguments are is read from their types. PINs and names are CK_UTF8CHAR, and not
even their length is noted.
"""

from collections.abc import Iterator, Sequence

from ghostcard.module.declarations import IN_C, Standard

_SESSION = "CK_SESSION_HANDLE"
_OBJECT = "CK_OBJECT_HANDLE"
_BYTES = "CK_BYTE *"
_SECOND = {"C_EncryptMessage": 1, "C_DecryptMessage": 1}
"""Functions whose first bytes are associated data; what is processed comes after."""
_NO_DATA = frozenset(
    (
        *("C_EncryptMessageBegin", "C_DecryptMessageBegin", "C_VerifySignatureInit"),
        *("C_WrapKeyAuthenticated", "C_SetOperationState", "C_AsyncJoin"),
    )
)
_MAKES = frozenset(("C_GenerateKey", "C_GenerateKeyPair"))
_FORGETS = {
    "C_DestroyObject": "keys_forget(a1);",
    "C_CloseSession": "keys_forget_session(a0);",
    **dict.fromkeys(
        ("C_CloseAllSessions", "C_Finalize", "C_Logout", "C_InitToken"), "keys_forget_all();"
    ),
}
"""What is not known any more once such a call has succeeded."""


def calls_c(standard: Standard) -> str:
    """The C source of all functions but those that give the lists."""
    functions = enumerate(standard.functions.items())
    return '#include "../front/front.h"\n' + "".join(
        _call(number, name, types) for number, (name, types) in functions if name not in IN_C
    )


def _call(number: int, name: str, types: Sequence[str]) -> str:
    declared = ", ".join(f"{kind} a{n}" for n, kind in enumerate(types))
    passed = ", ".join(f"a{n}" for n in range(len(types)))
    session = "a0" if types[0] == _SESSION else "0"
    body = "".join(f"    {line}\n" for line in _before(name, types))
    after = f"    if (rv == CKR_OK) {_FORGETS[name]}\n" if name in _FORGETS else ""
    return (
        f"\nCK_RV {name}({declared})\n{{\n    noted_t noted;\n    CK_RV rv;\n"
        f"    if (!front_ready()) return CKR_GENERAL_ERROR;\n"
        f"    if (!real.{name}) return CKR_FUNCTION_NOT_SUPPORTED;\n"
        f"    note_begin(&noted, {number}, {session});\n{body}    note_start(&noted);\n"
        f"    rv = real.{name}({passed});\n{after}    note_end(&noted, rv);\n    return rv;\n}}\n"
    )


def _before(name: str, types: Sequence[str]) -> Iterator[str]:
    """What is noted before the call."""
    if "CK_MECHANISM *" in types:
        yield f"note_mechanism(&noted, a{types.index('CK_MECHANISM *')});"
        if name in _MAKES:
            place = types.index("CK_ATTRIBUTE *")
            yield f"note_template(&noted, a{place}, a{place + 1});"
        elif _OBJECT in types:
            yield f"note_key(&noted, a0, a{types.index(_OBJECT)});"
    if "CK_MECHANISM_TYPE" in types:
        yield f"noted.row.mechanism = (uint32_t)a{types.index('CK_MECHANISM_TYPE')};"
    data = [n for n in range(len(types) - 1) if (types[n], types[n + 1]) == (_BYTES, "CK_ULONG")]
    if data and name not in _NO_DATA:
        place = data[_SECOND.get(name, 0)]
        yield f"noted.row.data_bytes = (uint32_t)a{place + 1};"
    for n in range(len(types) - 1):
        if (types[n], types[n + 1]) == (_BYTES, "CK_ULONG *"):
            yield f"noted.result_length = a{n + 1};"
            yield f"if (!a{n}) noted.row.flags |= FLAG_QUERY;"
