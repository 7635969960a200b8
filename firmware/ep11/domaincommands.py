"""Admin commands about a domain itself: administrators, attributes, control points, zeroize."""

from collections.abc import Callable
from typing import TypeAlias

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import admin, controlpoints
from ghostcard.firmware.abi.admin import Attribute, Command, Permission, Reason
from ghostcard.firmware.abi.controlpoints import ControlPoint
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.ep11 import domainstate, wrapping
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.ep11.domainstate import DomainState
from ghostcard.firmware.mechanisms.mechanism import Draw
from ghostcard.firmware.mechanisms.refusal import Refused

Entries: TypeAlias = dict[str, bytes]


def denied(reason: Reason) -> Refused:
    """A refusal that tells its reason."""
    refusal = Refused(ck.CKR_FUNCTION_REJECTED)
    refusal.reason = reason
    return refusal


def put(domain: Domain, entries: Entries, state: DomainState) -> None:
    """Let the domain have this state, when all of the command has succeeded."""
    entries[domainstate.nvram_name(domain.index)] = domainstate.pack(state)
    domain.state = state


def is_genuine(spki: bytes, text: bytes, signature: bytes) -> bool:
    """Whether an administrator's key, ECDSA or RSA PKCS #1, made a signature with SHA-256."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    key = _loaded(spki)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, text, ec.ECDSA(SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, text, padding.PKCS1v15(), SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _loaded(spki: bytes) -> object:
    """A public key; CKR_PUBLIC_KEY_INVALID for bytes that are none."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        return load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm):
        raise Refused(ck.CKR_PUBLIC_KEY_INVALID) from None


def _log_in(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    """Add an administrator; one who is there already stays."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if not isinstance(_loaded(payload), ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise Refused(ck.CKR_PUBLIC_KEY_INVALID)
    state = domain.state
    if payload not in state.administrators:
        if len(state.administrators) >= domainstate.ADMINISTRATORS_MAX:
            raise denied(Reason.ADMIN_LIST_FULL)
        put(domain, entries, state._replace(administrators=(*state.administrators, payload)))
    return admin.identifier(payload)


def _log_out(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    """Remove an administrator; never one without whom the thresholds could not be met."""
    state = domain.state
    left = tuple(spki for spki in state.administrators if admin.identifier(spki) != payload)
    if len(left) == len(state.administrators):
        raise Refused(ck.CKR_ARGUMENTS_BAD)
    if len(left) < max(state.signature_threshold, state.revocation_threshold):
        raise denied(Reason.TOO_FEW_SIGNATURES)
    put(domain, entries, state._replace(administrators=left))
    return b""


def _set_attributes(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    """Thresholds and permissions. A threshold above 0 ends the imprint mode, and stays above 0."""
    state = domain.state
    for attribute, value in _pairs(payload):
        if attribute == Attribute.PERMISSIONS:
            if value & ~_PERMISSIONS:
                raise Refused(ck.CKR_ATTRIBUTE_VALUE_INVALID)
            state = state._replace(permissions=value)
        elif attribute == Attribute.SIGNATURE_THRESHOLD:
            state = state._replace(signature_threshold=_threshold(state, value))
        elif attribute == Attribute.REVOCATION_THRESHOLD:
            state = state._replace(revocation_threshold=_threshold(state, value))
        else:
            raise Refused(ck.CKR_ATTRIBUTE_TYPE_INVALID)
    if domain.state.has_left_imprint and not state.has_left_imprint:
        raise denied(Reason.WRONG_IMPRINT_STATE)
    put(domain, entries, state)
    return b""


_PERMISSIONS = sum(Permission)


def _threshold(state: DomainState, value: int) -> int:
    if value > len(state.administrators):
        raise denied(Reason.TOO_FEW_SIGNATURES)
    return value


def _pairs(payload: bytes) -> list[tuple[int, int]]:
    if len(payload) % admin.PAIRS.size:
        raise WireError(ReplyCode.MALFORMED_MSG, f"Admin: {len(payload)} bytes of attributes")
    return list(admin.PAIRS.iter_unpack(payload))


def _set_points(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    _change_points(domain, entries, _points(payload))
    return b""


def _add_points(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    _change_points(domain, entries, domain.points | _points(payload))
    return b""


def _delete_points(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    _change_points(domain, entries, domain.points - _points(payload))
    return b""


def _points(payload: bytes) -> frozenset[int]:
    points = controlpoints.unpack(payload)
    if not points <= _KNOWN:
        raise Refused(ck.CKR_ATTRIBUTE_VALUE_INVALID)
    return points


_KNOWN = frozenset(ControlPoint)


def _change_points(domain: Domain, entries: Entries, points: frozenset[int]) -> None:
    if points - domain.points and ControlPoint.ADD_CPBS not in domain.points:
        raise denied(Reason.NO_ADDING)
    if domain.points - points and ControlPoint.DELETE_CPBS not in domain.points:
        raise denied(Reason.NO_DELETING)
    if points & controlpoints.NEVER:
        raise denied(Reason.CONTROL_POINT_NOT_ALLOWED)
    put(domain, entries, domain.state._replace(points=controlpoints.pack(points)))


def _zeroize(domain: Domain, entries: Entries, payload: bytes, draw: Draw) -> bytes:
    """Everything is as the factory made it, and there is no wrapping key."""
    entries[wrapping.nvram_name(domain.index)] = b""
    put(domain, entries, DomainState())
    return b""


def destroy(domain: Domain) -> None:
    """What DOM_ZEROIZE leaves, as the answer to tampering: nobody has asked, nobody has signed."""
    with domain.change() as entries:
        _zeroize(domain, entries, b"", bytes)


CHANGES: dict[int, Callable[[Domain, Entries, bytes, Draw], bytes]] = {
    Command.DOM_ADMIN_LOGIN: _log_in,
    Command.DOM_ADMIN_LOGOUT: _log_out,
    Command.DOM_SET_ATTR: _set_attributes,
    Command.DOM_CTRLPOINT_SET: _set_points,
    Command.DOM_CTRLPOINT_ADD: _add_points,
    Command.DOM_CTRLPOINT_DEL: _delete_points,
    Command.DOM_ZEROIZE: _zeroize,
}


def _attributes(domain: Domain) -> bytes:
    state = domain.state
    pairs = (
        (Attribute.SIGNATURE_THRESHOLD, state.signature_threshold),
        (Attribute.REVOCATION_THRESHOLD, state.revocation_threshold),
        (Attribute.PERMISSIONS, state.permissions),
    )
    return b"".join(admin.PAIRS.pack(*pair) for pair in pairs)


QUESTIONS: dict[int, Callable[[Domain], bytes]] = {
    Command.QUERY_DOM_ADMIN: lambda domain: b"".join(
        map(admin.identifier, domain.state.administrators)
    ),
    Command.QUERY_DOM_CTRLPOINTS: lambda domain: domain.state.points,
    Command.QUERY_DOM_ATTRS: _attributes,
}
