"""The verb Admin: changes a figure of the running card (`firmware/abi/admin.py`)."""

from ghostcard import pkcs11 as ck
from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.figures import UnknownFigure
from ghostcard.emulator.image import Services
from ghostcard.firmware.abi import admin, verbs
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.ep11.answer import Answer, Params, Verb, number
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.pipeline import Pipeline


class AdministrationVerbs:
    """Needs no engine; the change is there when the verb has been performed."""

    def __init__(self, services: Services, pipeline: Pipeline) -> None:
        self._services = services
        self._pipeline = pipeline

    def table(self) -> dict[int, Verb]:
        """The verbs by function id."""
        return {verbs.ADMIN: self.admin}

    def admin(self, domain: Domain, params: Params) -> Answer:
        command, key, value = params
        if number(command) != admin.SET_FIGURE:
            raise Refused(ck.CKR_FUNCTION_NOT_SUPPORTED)
        if len(value) != admin.VALUE_BYTES:
            raise WireError(ReplyCode.MALFORMED_MSG, f"a value of {len(value)} bytes, not 8")
        name = key.decode("ascii", "replace")
        try:
            before = self._services.change(name, int.from_bytes(value, "big"))
        except UnknownFigure:
            raise Refused(ck.CKR_ATTRIBUTE_TYPE_INVALID) from None
        except ProfileError:
            raise Refused(ck.CKR_ATTRIBUTE_VALUE_INVALID) from None
        self._pipeline.reprice(self._services.profile)
        return (before.to_bytes(admin.VALUE_BYTES, "big"),), QUERY, 0
