"""The CCA coprocessor image: takes request blocks apart and sends them to their function.

Requests that are not of the form of one are answered by error replies of type 82, those that cannot
be done by return and reason code in a type 86 (AP sheet 3.5, 3.6).
"""

from ghostcard.emulator.image import Plan, Scheduler, Services
from ghostcard.firmware.abi import cca_message, errorreply
from ghostcard.firmware.abi.cca_function import BAD_TOKEN, UNKNOWN_RULE, Code
from ghostcard.firmware.abi.cca_message import Parameters, Reply, Request
from ghostcard.firmware.abi.cprb import CPRBX_SIZE
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.operations import CCA_OPERATIONS, ERROR
from ghostcard.firmware.cca.functions import Functions
from ghostcard.firmware.cca.refusal import Refused
from ghostcard.firmware.facilities import FACILITIES
from ghostcard.firmware.pipeline import Pipeline


class CcaImage:
    """Implements `ghostcard.emulator.image.Image`. `fault` is the last error that was our own."""

    mode = "cca"
    facilities = FACILITIES["cca"]

    def __init__(self) -> None:
        self.fault: Exception | None = None

    def boot(self, services: Services) -> None:
        """Read or make the master keys; ProfileError if an operation has no price."""
        self._pipeline = Pipeline(services.profile, CCA_OPERATIONS)
        self._domains = frozenset(services.domains)
        self._functions = Functions(services)

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        """Answer one request block: reply, operation, payload bytes. Never raises; thread-safe."""
        try:
            request = cca_message.unpack_request(block)
            if domain not in self._domains or request.domain != domain:
                return errorreply.pack(ReplyCode.INVALID_DOMAIN_PENDING), ERROR, 0
            return self._answer(request)
        except WireError as error:
            return errorreply.pack(error.code), ERROR, 0
        except Exception as error:  # a host can do nothing about it, but must not wait for ever
            self.fault = error
            return errorreply.pack(ReplyCode.MACHINE_FAILURE), ERROR, 0

    def _answer(self, request: Request) -> tuple[bytes, str, int]:
        function = self._functions.table.get(request.parameters.function)
        try:
            if function is None:
                raise Refused(UNKNOWN_RULE)
            parameters, data, operation, payload_bytes = function(request)
        except Refused as refusal:
            return _refusal(request, refusal.code), ERROR, 0
        except WireError:  # of a token inside
            return _refusal(request, BAD_TOKEN), ERROR, 0
        if CPRBX_SIZE + len(cca_message.pack_parameters(parameters)) > request.reply_room:
            return errorreply.pack(ReplyCode.PACKET_TRUNCATED), ERROR, 0
        reply = cca_message.pack_reply(Reply(parameters, request.domain, data))
        return reply, operation, payload_bytes

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        """The cost of one request on this card."""
        return self._pipeline.plan(operation, payload_bytes)

    def scheduler(self) -> Scheduler | None:
        """The policy that the profile names."""
        return self._pipeline.scheduler()

    def zeroize(self, domain: int) -> None:
        """ZAPQ: drop what the domain has in card memory. The master keys stay, as on EP11 cards
        (`ghostcard.firmware.ep11.image`)."""
        self._functions.forget(domain)


def _refusal(request: Request, code: Code) -> bytes:
    function = Parameters(request.parameters.function)
    return cca_message.pack_reply(Reply(function, request.domain, b"", *code))
