"""The verb Admin: signatures first, then the command (`firmware/abi/admin.py`, AP sheet 7.5).

A domain in imprint mode, its signature threshold 0, takes commands unsigned; so does everybody's
question. Once the threshold is raised, every other command needs that many signatures of different
administrators of the domain over a transaction counter above the last one.
"""

from collections.abc import Callable
from typing import TypeAlias

from ghostcard import pkcs11 as ck
from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.figures import UnknownFigure
from ghostcard.emulator.image import Services
from ghostcard.firmware.abi import admin, verbs
from ghostcard.firmware.abi.admin import Command, Reason
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.ep11 import domaincommands, wrappingcommands
from ghostcard.firmware.ep11.answer import Answer, Params, Verb, number
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.ep11.domaincommands import Entries, denied
from ghostcard.firmware.mechanisms.mechanism import Draw
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.pipeline import Pipeline

Change: TypeAlias = Callable[[Domain, Entries, bytes, Draw], bytes]
Question: TypeAlias = Callable[[Domain], bytes]

CHANGES: dict[int, Change] = {**domaincommands.CHANGES, **wrappingcommands.CHANGES}
QUESTIONS: dict[int, Question] = {**domaincommands.QUESTIONS, **wrappingcommands.QUESTIONS}


class AdministrationVerbs:
    """Admin and ReencryptSingle. What they change is in NVRAM when they answer."""

    def __init__(self, services: Services, pipeline: Pipeline) -> None:
        self._services = services
        self._pipeline = pipeline

    def table(self) -> dict[int, Verb]:
        """The verbs by function id."""
        return {verbs.ADMIN: self.admin, verbs.REENCRYPT_SINGLE: self.reencrypt_single}

    def admin(self, domain: Domain, params: Params) -> Answer:
        command, payload, counter, signatures = params
        asked = number(command)
        if asked == Command.SET_FIGURE:
            return (self._set_figure(payload),), QUERY, 0
        if asked in QUESTIONS:
            domain.refresh()
            return (QUESTIONS[asked](domain),), QUERY, 0
        if asked == Command.REENCRYPT:  # it changes nothing that is the domain's
            return (wrappingcommands.reencrypted(domain, payload),), QUERY, 0
        if asked not in CHANGES:
            raise Refused(ck.CKR_FUNCTION_NOT_SUPPORTED)
        with domain.change() as entries:
            _check_signatures(domain, entries, asked, payload, counter, signatures)
            answer = CHANGES[asked](domain, entries, payload, self._services.random.bytes)
        return (answer,), QUERY, 0

    def reencrypt_single(self, domain: Domain, params: Params) -> Answer:
        domain.refresh()
        return (wrappingcommands.reencrypted(domain, params[0]),), QUERY, 0

    def _set_figure(self, payload: bytes) -> bytes:
        if len(payload) < admin.VALUE_BYTES:
            raise WireError(ReplyCode.MALFORMED_MSG, f"a figure of {len(payload)} bytes")
        value, name = payload[: admin.VALUE_BYTES], payload[admin.VALUE_BYTES :]
        try:
            key = name.decode("ascii", "replace")
            before = self._services.change(key, int.from_bytes(value, "big"))
        except UnknownFigure:
            raise Refused(ck.CKR_ATTRIBUTE_TYPE_INVALID) from None
        except ProfileError:
            raise Refused(ck.CKR_ATTRIBUTE_VALUE_INVALID) from None
        self._pipeline.reprice(self._services.profile)
        return before.to_bytes(admin.VALUE_BYTES, "big")


def _check_signatures(
    domain: Domain, entries: Entries, command: int, payload: bytes, counter: bytes, packed: bytes
) -> None:
    """Refuse a command that lacks the signatures of the domain's administrators."""
    state = domain.state
    given = admin.unpack_signatures(packed)
    if not state.has_left_imprint:
        return
    if len(counter) != admin.COUNTER_SIZE or counter <= state.counter:
        raise denied(Reason.COUNTER_TOO_OLD)
    text = admin.signed(domain.index, command, counter, payload)
    known = {admin.identifier(spki): spki for spki in state.administrators}
    for signature in given:
        spki = known.get(signature.administrator)
        if spki is None or not domaincommands.is_genuine(spki, text, signature.value):
            raise denied(Reason.SIGNATURE_REJECTED)
    threshold = state.signature_threshold
    if command == Command.DOM_ADMIN_LOGOUT:
        threshold = state.revocation_threshold
    if len({signature.administrator for signature in given}) < threshold:
        raise denied(Reason.TOO_FEW_SIGNATURES)
    domaincommands.put(domain, entries, state._replace(counter=counter))
