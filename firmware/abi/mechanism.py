"""Mechanisms on the wire: `id u32`, then parameters; everything big-endian (docs/design.md, 4).

The bytes of a mechanism are the same from the C entry of the module to the card. Parameters follow
the structures of PKCS #11 3.2, chapter 6, flattened: numbers are u32, byte strings stand bare where
their length follows from the rest, else behind a u32 length.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from ghostcard import pkcs11 as p
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError

IV_SIZE = 16  # AES block
MAX_U32 = 0xFFFFFFFF


class Raw(NamedTuple):
    """Parameter bytes that the wire does not look into; mostly none."""

    data: bytes = b""


class Iv(NamedTuple):
    """CBC: an initialisation vector of one block."""

    iv: bytes


class Ctr(NamedTuple):
    """CK_AES_CTR_PARAMS: how many low bits of the 16-byte block count."""

    counter_bits: int
    block: bytes


class Gcm(NamedTuple):
    """CK_GCM_PARAMS: tag size in bits, IV of 1 byte or more, additional data."""

    tag_bits: int
    iv: bytes
    aad: bytes = b""


class Pss(NamedTuple):
    """CK_RSA_PKCS_PSS_PARAMS: hash mechanism, CKG_MGF1_*, salt size in bytes."""

    hash: int
    mgf: int
    salt_bytes: int


class Oaep(NamedTuple):
    """CK_RSA_PKCS_OAEP_PARAMS: hash mechanism, CKG_MGF1_*, label source and label."""

    hash: int
    mgf: int
    source: int = p.CKZ_DATA_SPECIFIED
    label: bytes = b""


class Ecdh(NamedTuple):
    """CK_ECDH1_DERIVE_PARAMS: CKD_*, shared data, public point of the other side."""

    kdf: int
    shared: bytes
    point: bytes


class MacLength(NamedTuple):
    """CK_MAC_GENERAL_PARAMS: bytes of MAC wanted."""

    length: int


class Eddsa(NamedTuple):
    """CK_EDDSA_PARAMS: pre-hash flag and context. Without parameters EDDSA has `Raw(b"")`."""

    prehash: int
    context: bytes = b""


Parameters: TypeAlias = Raw | Iv | Ctr | Gcm | Pss | Oaep | Ecdh | MacLength | Eddsa


class Mechanism(NamedTuple):
    """A parsed mechanism."""

    id: int
    parameters: Parameters


IV_MECHANISMS = frozenset((p.CKM_AES_CBC, p.CKM_AES_CBC_PAD))
PSS_MECHANISMS = frozenset(
    (
        p.CKM_RSA_PKCS_PSS,
        p.CKM_SHA1_RSA_PKCS_PSS,
        p.CKM_SHA224_RSA_PKCS_PSS,
        p.CKM_SHA256_RSA_PKCS_PSS,
        p.CKM_SHA384_RSA_PKCS_PSS,
        p.CKM_SHA512_RSA_PKCS_PSS,
    )
)
MAC_LENGTH_MECHANISMS = frozenset(
    (
        p.CKM_SHA_1_HMAC_GENERAL,
        p.CKM_SHA224_HMAC_GENERAL,
        p.CKM_SHA256_HMAC_GENERAL,
        p.CKM_SHA384_HMAC_GENERAL,
        p.CKM_SHA512_HMAC_GENERAL,
        p.CKM_SHA512_224_HMAC_GENERAL,
        p.CKM_SHA512_256_HMAC_GENERAL,
    )
)

FAMILIES: dict[int, type[Parameters]] = {
    **dict.fromkeys(IV_MECHANISMS, Iv),
    **dict.fromkeys(PSS_MECHANISMS, Pss),
    **dict.fromkeys(MAC_LENGTH_MECHANISMS, MacLength),
    p.CKM_AES_CTR: Ctr,
    p.CKM_AES_GCM: Gcm,
    p.CKM_RSA_PKCS_OAEP: Oaep,
    p.CKM_ECDH1_DERIVE: Ecdh,
    p.CKM_ECDH1_COFACTOR_DERIVE: Ecdh,
    p.CKM_EDDSA: Eddsa,
}

_U32 = struct.Struct(">I")
_U32_2 = struct.Struct(">II")
_U32_3 = struct.Struct(">III")


def identifier(mechanism: bytes) -> int:
    """The mechanism's number; WireError below four bytes."""
    if len(mechanism) < 4:
        raise WireError(ReplyCode.MALFORMED_MSG, "mechanism: shorter than its identifier")
    return int.from_bytes(mechanism[:4], "big")


def pack(id: int, parameters: Parameters | None = None) -> bytes:
    """The bytes of a mechanism; WireError if the parameters are not of its family or do not fit."""
    if parameters is None:
        parameters = Raw()
    family = FAMILIES.get(id, Raw)
    if type(parameters) is not family and not (family is Eddsa and parameters == Raw()):
        raise WireError(
            ReplyCode.FORMAT_FIELD,
            f"mechanism {id:#x}: takes {family.__name__}, got {type(parameters).__name__}",
        )
    try:
        packed = _U32.pack(id) + _pack_parameters(parameters)
    except struct.error as error:
        raise WireError(ReplyCode.FORMAT_FIELD, f"mechanism {id:#x}: {error}") from None
    return packed


def unpack(mechanism: bytes) -> Mechanism:
    """Parse; WireError if the bytes are not exactly those of the mechanism's family."""
    id = identifier(mechanism)
    data = mechanism[4:]
    family = FAMILIES.get(id, Raw)
    if family is Eddsa and not data:
        return Mechanism(id, Raw())
    try:
        return Mechanism(id, _PARSERS[family](data))
    except (struct.error, _ShapeError):
        raise WireError(
            ReplyCode.MALFORMED_MSG,
            f"mechanism {id:#x}: {len(data)} bytes are no {family.__name__} parameters",
        ) from None


class _ShapeError(Exception):
    """The parameter bytes do not have their family's shape."""


def _need(holds: bool) -> None:
    if not holds:
        raise _ShapeError


def _pack_parameters(value: Parameters) -> bytes:
    match value:
        case Raw(data):
            return data
        case Iv(iv):
            _fits(len(iv) == IV_SIZE, "the IV is not one block")
            return iv
        case Ctr(bits, block):
            _fits(len(block) == IV_SIZE, "the counter is not one block")
            return _U32.pack(bits) + block
        case Gcm(bits, iv, aad):
            return _U32_2.pack(bits, len(iv)) + iv + aad
        case Pss() | MacLength():
            return (_U32_3 if isinstance(value, Pss) else _U32).pack(*value)
        case Oaep(hash, mgf, source, label):
            return _U32_3.pack(hash, mgf, source) + label
        case Ecdh(kdf, shared, point):
            return _U32_2.pack(kdf, len(shared)) + shared + point
        case Eddsa(prehash, context):
            return _U32.pack(prehash) + context


def _fits(holds: bool, what: str) -> None:
    if not holds:
        raise WireError(ReplyCode.FORMAT_FIELD, f"mechanism: {what}")


def _parse_iv(data: bytes) -> Iv:
    _need(len(data) == IV_SIZE)
    return Iv(data)


def _parse_ctr(data: bytes) -> Ctr:
    _need(len(data) == 4 + IV_SIZE)
    return Ctr(_U32.unpack_from(data)[0], data[4:])


def _parse_gcm(data: bytes) -> Gcm:
    tag_bits, iv_bytes = _U32_2.unpack_from(data)
    end = 8 + iv_bytes
    _need(end <= len(data))
    return Gcm(tag_bits, data[8:end], data[end:])


def _parse_pss(data: bytes) -> Pss:
    return Pss(*_U32_3.unpack(data))


def _parse_oaep(data: bytes) -> Oaep:
    hash, mgf, source = _U32_3.unpack_from(data)
    return Oaep(hash, mgf, source, data[12:])


def _parse_ecdh(data: bytes) -> Ecdh:
    kdf, shared_bytes = _U32_2.unpack_from(data)
    end = 8 + shared_bytes
    _need(end <= len(data))
    return Ecdh(kdf, data[8:end], data[end:])


def _parse_mac_length(data: bytes) -> MacLength:
    return MacLength(*_U32.unpack(data))


def _parse_eddsa(data: bytes) -> Eddsa:
    return Eddsa(_U32.unpack_from(data)[0], data[4:])


_PARSERS: dict[type[Parameters], Callable[[bytes], Parameters]] = {
    Raw: Raw,
    Iv: _parse_iv,
    Ctr: _parse_ctr,
    Gcm: _parse_gcm,
    Pss: _parse_pss,
    Oaep: _parse_oaep,
    Ecdh: _parse_ecdh,
    MacLength: _parse_mac_length,
    Eddsa: _parse_eddsa,
}
