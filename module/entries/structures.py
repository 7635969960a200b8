"""Parameters with arrays, keys or places for results: from C's structures to plain mechanisms.

`mechanism.c` hands these structures over as they are, bytes with pointers into the application's
memory. What stands here reads what they point to, and writes results there.
"""

from collections.abc import Callable, Sequence
from struct import Struct
from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.module import flat
from ghostcard.module.attributes import NESTED
from ghostcard.module.entries.edge import Edge, Pointer
from ghostcard.module.errors import CryptokiError
from ghostcard.module.template import Template

INPUT_MAX = 1 << 30  # bytes; as in library.h
MAX_ENTRIES = 64  # of an array
MAX_NESTING = 4  # of templates in templates
_U32, _U32_2 = Struct(">I"), Struct(">II")

Finish = Callable[[Sequence[int], bytes], None]


class Structured(NamedTuple):
    """A derivation as the plain layer takes it: bytes of the mechanism, templates of additional
    keys, and what takes the results (handles, data) home; None: the one key is all.
    """

    mechanism: bytes
    templates: Sequence[Template] = ()
    finish: Finish | None = None
    has_key: bool = True


def read(edge: Edge, mechanism: bytes) -> Structured | None:
    """The derivation of a structure; None for mechanisms without such parameters."""
    reader = _READERS.get(int.from_bytes(mechanism[:4], "big"))
    return None if reader is None else reader(edge, mechanism[:4], mechanism[4:])


def _bad() -> CryptokiError:
    return CryptokiError(ck.CKR_MECHANISM_PARAM_INVALID)


def _structure(edge: Edge, name: str, data: bytes) -> Pointer:
    if len(data) != edge.ffi.sizeof(name):
        raise _bad()
    found = edge.ffi.new(f"{name} *")
    edge.ffi.memmove(found, data, len(data))
    return found


def _bytes(edge: Edge, pointer: Pointer, length: int) -> bytes:
    if not length:
        return b""
    if pointer == edge.ffi.NULL or length > INPUT_MAX:
        raise _bad()
    return edge.read(edge.ffi.cast("char *", pointer), length)


def _array(edge: Edge, pointer: Pointer, count: int) -> Sequence[Pointer]:
    if count > MAX_ENTRIES or (count and pointer == edge.ffi.NULL):
        raise _bad()
    return [pointer[place] for place in range(count)]


def _u32(*values: int) -> bytes:
    if any(value > 0xFFFFFFFF for value in values):
        raise _bad()
    return b"".join(map(_U32.pack, values))


def _string(value: bytes) -> bytes:
    return _u32(len(value)) + value


def _handle(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _two_keys(edge: Edge, id: bytes, data: bytes) -> Structured:
    """CK_OBJECT_HANDLE."""
    if len(data) != edge.ffi.sizeof("CK_OBJECT_HANDLE"):
        raise _bad()
    other = edge.ffi.new("CK_OBJECT_HANDLE *")
    edge.ffi.memmove(other, data, len(data))
    return Structured(id + _handle(other[0]))


def _hkdf(edge: Edge, id: bytes, data: bytes) -> Structured:
    """CK_HKDF_PARAMS."""
    it = _structure(edge, "CK_HKDF_PARAMS", data)
    kind = it.ulSaltType
    salt = _bytes(edge, it.pSalt, it.ulSaltLen) if kind == ck.CKF_HKDF_SALT_DATA else b""
    key = _handle(it.hSaltKey) if kind == ck.CKF_HKDF_SALT_KEY else b""
    numbers = _u32(it.bExtract, it.bExpand, it.prfHashMechanism, kind)
    info = _bytes(edge, it.pInfo, it.ulInfoLen)
    return Structured(id + numbers + _string(salt) + _string(key) + info)


def _kdf(edge: Edge, id: bytes, data: bytes) -> Structured:
    """CK_SP800_108_KDF_PARAMS, and that of the feedback mode, which has an IV."""
    has_iv = int.from_bytes(id, "big") == ck.CKM_SP800_108_FEEDBACK_KDF
    name = "CK_SP800_108_FEEDBACK_KDF_PARAMS" if has_iv else "CK_SP800_108_KDF_PARAMS"
    it = _structure(edge, name, data)
    iv = _bytes(edge, it.pIV, it.ulIVLen) if has_iv else b""
    fields = _array(edge, it.pDataParams, it.ulNumberOfDataParams)
    body = b"".join(_field(edge, field) for field in fields)
    mechanism = id + _u32(it.prfType) + _string(iv) + body
    derived = _array(edge, it.pAdditionalDerivedKeys, it.ulAdditionalDerivedKeys)
    if not derived:
        return Structured(mechanism)
    if any(each.phKey == edge.ffi.NULL for each in derived):
        raise _bad()
    templates = [_template(edge, each.pTemplate, each.ulAttributeCount) for each in derived]

    def finish(handles: Sequence[int], made: bytes) -> None:
        for each, handle in zip(derived, handles[1:], strict=True):
            each.phKey[0] = handle

    return Structured(mechanism, templates, finish)


def _field(edge: Edge, field: Pointer) -> bytes:
    """One CK_PRF_DATA_PARAM."""
    kind, length = field.type, field.ulValueLen
    if kind == ck.CK_SP800_108_KEY_HANDLE:
        value = _handle(_number(edge, field))
    elif kind == ck.CK_SP800_108_DKM_LENGTH:
        form = _structure(
            edge, "CK_SP800_108_DKM_LENGTH_FORMAT", _bytes(edge, field.pValue, length)
        )
        value = _u32(form.dkmLengthMethod, form.bLittleEndian, form.ulWidthInBits)
    elif kind in (ck.CK_SP800_108_ITERATION_VARIABLE, ck.CK_SP800_108_COUNTER) and length:
        form = _structure(edge, "CK_SP800_108_COUNTER_FORMAT", _bytes(edge, field.pValue, length))
        value = _u32(form.bLittleEndian, form.ulWidthInBits)
    else:
        value = _bytes(edge, field.pValue, length)
    return _u32(kind, len(value)) + value


def _number(edge: Edge, field: Pointer) -> int:
    found = edge.ffi.new("CK_OBJECT_HANDLE *")
    data = _bytes(edge, field.pValue, field.ulValueLen)
    if len(data) != edge.ffi.sizeof("CK_OBJECT_HANDLE"):
        raise _bad()
    edge.ffi.memmove(found, data, len(data))
    return int(found[0])


def _template(edge: Edge, attributes: Pointer, count: int, depth: int = 0) -> Template:
    """An array of CK_ATTRIBUTE, flattened as `template.c` does it."""
    if depth > MAX_NESTING:
        raise CryptokiError(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    template = []
    for attribute in _array(edge, attributes, count):
        value = _bytes(edge, attribute.pValue, attribute.ulValueLen)
        if attribute.type in NESTED:
            inner = edge.ffi.cast("CK_ATTRIBUTE *", attribute.pValue)
            size = edge.ffi.sizeof("CK_ATTRIBUTE")
            value = flat.pack(_template(edge, inner, len(value) // size, depth + 1))
        template.append((int(attribute.type), value))
    return template


def _master(edge: Edge, id: bytes, data: bytes) -> Structured:
    """CK_TLS12_MASTER_KEY_DERIVE_PARAMS: the version goes back."""
    it = _structure(edge, "CK_TLS12_MASTER_KEY_DERIVE_PARAMS", data)
    client, server = _randoms(edge, it.RandomInfo)
    mechanism = id + _u32(it.prfHashMechanism) + _string(client) + server
    return _with_version(edge, mechanism, it.pVersion)


def _extended(edge: Edge, id: bytes, data: bytes) -> Structured:
    """CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS: the version goes back."""
    it = _structure(edge, "CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS", data)
    session = _bytes(edge, it.pSessionHash, it.ulSessionHashLen)
    return _with_version(edge, id + _u32(it.prfHashMechanism) + session, it.pVersion)


def _randoms(edge: Edge, it: Pointer) -> tuple[bytes, bytes]:
    client = _bytes(edge, it.pClientRandom, it.ulClientRandomLen)
    return client, _bytes(edge, it.pServerRandom, it.ulServerRandomLen)


_WITHOUT_VERSION = frozenset(
    (ck.CKM_TLS12_MASTER_KEY_DERIVE_DH, ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH)
)


def _with_version(edge: Edge, mechanism: bytes, version: Pointer) -> Structured:
    if version == edge.ffi.NULL:
        return Structured(mechanism)
    if int.from_bytes(mechanism[:4], "big") in _WITHOUT_VERSION:
        raise _bad()

    def finish(handles: Sequence[int], made: bytes) -> None:
        version.major, version.minor = made

    return Structured(mechanism, (), finish)


def _connection(edge: Edge, id: bytes, data: bytes) -> Structured:
    """CK_TLS12_KEY_MAT_PARAMS: handles of four keys and two IVs go back."""
    it = _structure(edge, "CK_TLS12_KEY_MAT_PARAMS", data)
    out = it.pReturnedKeyMaterial
    bits = it.ulMacSizeInBits, it.ulKeySizeInBits, it.ulIVSizeInBits
    wants_ivs = bits[2] and int.from_bytes(id, "big") == ck.CKM_TLS12_KEY_AND_MAC_DERIVE
    null = edge.ffi.NULL
    if it.bIsExport or out == null or (wants_ivs and null in (out.pIVClient, out.pIVServer)):
        raise _bad()
    client, server = _randoms(edge, it.RandomInfo)
    mechanism = id + _u32(it.prfHashMechanism, *bits) + _string(client) + server

    def finish(handles: Sequence[int], ivs: bytes) -> None:
        rest = list(handles)
        none = ck.CK_INVALID_HANDLE
        macs = [rest.pop(0), rest.pop(0)] if bits[0] else [none, none]
        out.hClientMacSecret, out.hServerMacSecret = macs
        out.hClientKey, out.hServerKey = rest or (none, none)
        if ivs:
            half = len(ivs) // 2
            edge.write(out.pIVClient, ivs[:half], half)
            edge.write(out.pIVServer, ivs[half:], half)

    return Structured(mechanism, (), finish, has_key=False)


_READERS: dict[int, Callable[[Edge, bytes, bytes], Structured]] = {
    ck.CKM_CONCATENATE_BASE_AND_KEY: _two_keys,
    ck.CKM_HKDF_DERIVE: _hkdf,
    ck.CKM_HKDF_DATA: _hkdf,
    ck.CKM_SP800_108_COUNTER_KDF: _kdf,
    ck.CKM_SP800_108_FEEDBACK_KDF: _kdf,
    ck.CKM_SP800_108_DOUBLE_PIPELINE_KDF: _kdf,
    ck.CKM_TLS12_MASTER_KEY_DERIVE: _master,
    ck.CKM_TLS12_MASTER_KEY_DERIVE_DH: _master,
    ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE: _extended,
    ck.CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH: _extended,
    ck.CKM_TLS12_KEY_AND_MAC_DERIVE: _connection,
    ck.CKM_TLS12_KEY_SAFE_DERIVE: _connection,
}
