"""Admin commands about the wrapping key: made or imported, committed, made current, exported.

    no next key --GEN_WK, IMPORT_WK--> uncommitted --COMMIT_WK--> committed --FINALIZE_WK--> current

While a key is committed REENCRYPT gives a blob's key under it; FINALIZE_WK makes it current, and
the key before is gone. How a part of a wrapping key travels: `ghostcard.firmware.abi.keypart`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import admin, keypart
from ghostcard.firmware.abi.admin import Command, Permission, Reason
from ghostcard.firmware.abi.keypart import spki_of
from ghostcard.firmware.ep11 import wrapping
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.ep11.domaincommands import Entries, denied, put
from ghostcard.firmware.ep11.domainstate import Next
from ghostcard.firmware.ep11.wrapping import KEY_SIZE, WrappingKey
from ghostcard.firmware.mechanisms.mechanism import Draw
from ghostcard.firmware.mechanisms.refusal import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


def seal_part(receiver: bytes, part: bytes) -> bytes:
    """A key part for the owner of a P-521 key, given by its SPKI; CKR_PUBLIC_KEY_INVALID."""
    try:
        return keypart.seal(receiver, part)
    except ValueError:
        raise Refused(ck.CKR_PUBLIC_KEY_INVALID) from None


def open_part(importer: "EllipticCurvePrivateKey", sealed: bytes) -> bytes:
    """The part; CKR_ENCRYPTED_DATA_INVALID for anything that was not sealed for this importer."""
    try:
        return keypart.unseal(importer, sealed)
    except ValueError:
        raise Refused(ck.CKR_ENCRYPTED_DATA_INVALID) from None


def reencrypted(domain: Domain, blob: bytes) -> bytes:
    """The key of a blob under the next wrapping key, which must be committed; as large."""
    if domain.next_wrapping is None:
        raise denied(Reason.NEXT_WK_MISSING)
    if domain.state.next is not Next.COMMITTED:
        raise denied(Reason.COMMITTED_WK_MISSING)
    return domain.reseal(blob)


def _make_importer(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = ec.generate_private_key(ec.SECP521R1())
    pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    put(domain, entries, domain.state._replace(importer=pkcs8))
    return spki_of(key)


def _importer(domain: Domain) -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    if not domain.state.importer:
        raise denied(Reason.NO_IMPORTER)
    key = load_der_private_key(domain.state.importer, None)
    assert isinstance(key, EllipticCurvePrivateKey)
    return key


def _generate(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    if not domain.state.permissions & Permission.RANDOM_WK:
        raise denied(Reason.RANDOM_WK_PROHIBITED)
    return _put_next(domain, entries, draw(KEY_SIZE))


def _import(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    permissions = domain.state.permissions
    sealed = admin.unpack_list(payload)
    if not permissions & Permission.WK_IMPORT:
        raise denied(Reason.WK_IMPORT_PROHIBITED)
    if len(sealed) == 1 and not permissions & Permission.ONE_PART:
        raise denied(Reason.WK_IMPORT_PROHIBITED)
    if not 1 <= len(sealed) <= admin.PARTS_MAX:
        raise Refused(ck.CKR_ARGUMENTS_BAD)
    importer = _importer(domain)
    key = keypart.joined(open_part(importer, part) for part in sealed)
    return _put_next(domain, entries, key)


def _put_next(domain: Domain, entries: Entries, key: bytes) -> bytes:
    put(domain, entries, domain.state._replace(next=Next.UNCOMMITTED, next_key=key))
    return WrappingKey(key).pattern


def _commit(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    _check_next(domain, payload)
    put(domain, entries, domain.state._replace(next=Next.COMMITTED))
    return b""


def _finalize(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    _check_next(domain, payload)
    state = domain.state
    if state.next is not Next.COMMITTED:
        raise denied(Reason.COMMITTED_WK_MISSING)
    entries[wrapping.nvram_name(domain.index)] = state.next_key
    put(domain, entries, state._replace(next=Next.EMPTY, next_key=bytes(KEY_SIZE)))
    return b""


def _check_next(domain: Domain, pattern: bytes) -> None:
    """The administrator must have meant the key that is there."""
    if domain.next_wrapping is None:
        raise denied(Reason.NEXT_WK_MISSING)
    if domain.next_wrapping.pattern != pattern:
        raise denied(Reason.WK_MISMATCH)


def _clear(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    if domain.wrapping is None:
        raise denied(Reason.WK_MISSING)
    entries[wrapping.nvram_name(domain.index)] = b""
    return b""


def _clear_next(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    if domain.next_wrapping is None:
        raise denied(Reason.NEXT_WK_MISSING)
    put(domain, entries, domain.state._replace(next=Next.EMPTY, next_key=bytes(KEY_SIZE)))
    return b""


def _export(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    key = entries.get(wrapping.nvram_name(domain.index))
    if not key:
        raise denied(Reason.WK_MISSING)
    return _exported(domain, key, payload, draw)


def _export_next(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    if domain.next_wrapping is None:
        raise denied(Reason.NEXT_WK_MISSING)
    return _exported(domain, domain.state.next_key, payload, draw)


def _exported(domain: Domain, key: bytes, payload: bytes, draw: Draw) -> bytes:
    """A part for each receiver; all of them together make the key."""
    receivers = admin.unpack_list(payload)
    if not domain.state.permissions & Permission.WK_EXPORT:
        raise denied(Reason.WK_EXPORT_PROHIBITED)
    if not 1 <= len(receivers) <= admin.PARTS_MAX:
        raise Refused(ck.CKR_ARGUMENTS_BAD)
    if len(receivers) == 1 and not domain.state.permissions & Permission.ONE_PART:
        raise denied(Reason.WK_EXPORT_PROHIBITED)
    parts = [draw(KEY_SIZE) for _ in receivers[1:]]
    parts.append(keypart.joined((key, *parts)))
    return admin.pack_list(tuple(map(seal_part, receivers, parts)))


CHANGES: dict[int, Callable[[Domain, Entries, bytes, Draw], bytes]] = {
    Command.GEN_DOM_IMPORTER: _make_importer,
    Command.GEN_WK: _generate,
    Command.IMPORT_WK: _import,
    Command.EXPORT_WK: _export,
    Command.EXPORT_NEXT_WK: _export_next,
    Command.COMMIT_WK: _commit,
    Command.FINALIZE_WK: _finalize,
    Command.CLEAR_WK: _clear,
    Command.CLEAR_NEXT_WK: _clear_next,
}


def _pattern(domain: Domain) -> bytes:
    if domain.wrapping is None:
        raise denied(Reason.WK_MISSING)
    return domain.wrapping.pattern


def _next_pattern(domain: Domain) -> bytes:
    if domain.next_wrapping is None:
        raise denied(Reason.NEXT_WK_MISSING)
    return domain.next_wrapping.pattern


QUESTIONS: dict[int, Callable[[Domain], bytes]] = {
    Command.QUERY_WK: _pattern,
    Command.QUERY_NEXT_WK: _next_pattern,
    Command.QUERY_DOM_IMPORTER_CERT: lambda domain: spki_of(_importer(domain)),
}
