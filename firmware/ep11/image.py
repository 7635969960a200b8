"""The EP11 coprocessor image: boots, takes request blocks apart, sends them to their verb.

Boot is short, since every program that loads the library waits for it: wrapping keys are read, or
made at the first boot; the hash that everything rests on is tested. The other self tests run before
the first use of their family (FIPS 140-3, 7.10.3), or all at once by get_xcp_info(SELFTEST). A test
that fails puts the image into its error state, in which every request is answered with
CKR_IBM_ERROR_STATE until the next boot.
"""

from typing import NamedTuple

from ghostcard import pkcs11 as ck
from ghostcard.emulator.image import NOT_PERFORMED, Plan, Scheduler, Services
from ghostcard.firmware.abi import errorreply, origin, reply, request, verbs
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.operations import EP11_OPERATIONS, ERROR
from ghostcard.firmware.abi.status import (
    CKR_IBM_API_MISMATCH,
    CKR_IBM_ERROR_STATE,
    CKR_IBM_INTERNAL_ERROR,
    CKR_IBM_TRANSPORT_LIMIT,
)
from ghostcard.firmware.ep11 import domaincommands, wrapping
from ghostcard.firmware.ep11.administration import AdministrationVerbs
from ghostcard.firmware.ep11.answer import Answer, Params, Verb
from ghostcard.firmware.ep11.attributes import AttributeVerbs
from ghostcard.firmware.ep11.contexts import Contexts
from ghostcard.firmware.ep11.derivation import DerivationVerbs
from ghostcard.firmware.ep11.domain import Domain, Equipment
from ghostcard.firmware.ep11.encapsulation import EncapsulationVerbs
from ghostcard.firmware.ep11.information import InformationVerbs
from ghostcard.firmware.ep11.keys import KeyVerbs
from ghostcard.firmware.ep11.multipart import MultipartVerbs
from ghostcard.firmware.ep11.single import SingleVerbs
from ghostcard.firmware.ep11.transport import TransportVerbs
from ghostcard.firmware.ep11.whole import Whole, WholeVerbs
from ghostcard.firmware.ep11.workbench import Workbench
from ghostcard.firmware.facilities import FACILITIES
from ghostcard.firmware.mechanisms import all_mechanisms, digest
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import SelfTestFailed, Table
from ghostcard.firmware.pipeline import Pipeline

SERIAL = "ep11.serial"  # in NVRAM: 16 characters


class Route(NamedTuple):
    """A verb and how many parameters it takes."""

    verb: Verb
    params: int


class Ep11Image:
    """Implements `Image` and `WholeImage` of `ghostcard.emulator.image`. `fault` is the last error
    that was our own.

    `equip` may give a key that has been opened what it cannot do by itself (`Key.power`).
    """

    mode = "ep11"
    facilities = FACILITIES["ep11"]

    def __init__(self, equip: Equipment | None = None) -> None:
        self._equip = equip
        self.fault: Exception | None = None
        self._routes: dict[int, Route] = {}
        self._wholes: dict[int, Whole] = {}
        self._domains: dict[int, Domain] = {}
        self._unknown = ck.CKR_FUNCTION_NOT_SUPPORTED

    def boot(self, services: Services) -> None:
        """Read or make the card's secrets; ProfileError if an operation has no price."""
        self._pipeline = Pipeline(services.profile, EP11_OPERATIONS)
        self._max_reply = services.profile.queue.max_message_bytes
        self._contexts = Contexts(services.random.bytes)
        table = all_mechanisms()
        table.register(wrapping.FAMILY, wrapping.known_answers, ())
        for index in services.domains:
            self._domains[index] = _domain(services, table, index, self._equip)
        self._add_verbs(services, table)
        if not digest.known_answers():
            self._fail(SelfTestFailed("digest"))

    def _add_verbs(self, services: Services, table: Table) -> None:
        draw = services.random.bytes
        serial = services.nvram.create(SERIAL, lambda: draw(8).hex().upper().encode("ascii"))
        workbench = Workbench(table, services.function == "null")
        information = InformationVerbs(table, serial, services.domains, self._max_reply)
        single = SingleVerbs(workbench, services.random)
        self._add(single.table())
        self._wholes.update(WholeVerbs(workbench, single).table())
        self._add(MultipartVerbs(workbench, self._contexts).table())
        self._add(KeyVerbs(workbench, draw).table())
        self._add(DerivationVerbs(workbench).table())
        self._add(TransportVerbs(workbench).table())
        self._add(EncapsulationVerbs(workbench, draw).table())
        self._add(AttributeVerbs().table())
        self._add(AdministrationVerbs(services, self._pipeline).table())
        self._add(information.table())
        information.announce(tuple(self._routes))

    def _add(self, table: dict[int, Verb]) -> None:
        for function, verb in table.items():
            self._routes[function] = Route(verb, len(verbs.VERBS[function].request))

    def perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        """Answer one request block: reply, operation, payload bytes. Never raises; thread-safe."""
        source = origin.of_request(block)
        if source is origin.NOBODY:
            return self._perform(domain, block)
        answer, operation, payload_bytes = self._perform(domain, origin.anonymous(block))
        return origin.answered(answer, source), operation, payload_bytes

    def _perform(self, domain: int, block: bytes) -> tuple[bytes, str, int]:
        try:
            head, params = request.unpack(block)
        except WireError as error:
            return errorreply.pack(error.code), ERROR, 0
        except Exception as error:  # see below; there is no head to answer with
            self.fault = error
            return errorreply.pack(ReplyCode.MACHINE_FAILURE), ERROR, 0
        try:
            route, served = self._routes.get(head.function), self._domains.get(domain)
            if route is None or len(params) != route.params or head.api > request.API_ORDINAL:
                return self._mismatch(head)
            if served is None or head.domain != domain:
                return errorreply.pack(ReplyCode.INVALID_DOMAIN_PENDING), ERROR, 0
            values, operation, payload_bytes = route.verb(served, params)
            answer = reply.pack(head, 0, values)
            if len(answer) > self._max_reply:
                return reply.pack(head, CKR_IBM_TRANSPORT_LIMIT), operation, payload_bytes
            return answer, operation, payload_bytes
        except Refused as refusal:
            return (
                reply.pack(head, refusal.rv, _reason(head.function, refusal)),
                refusal.operation or ERROR,
                refusal.payload_bytes,
            )
        except WireError as error:
            return errorreply.pack(error.code), ERROR, 0
        except SelfTestFailed as error:
            self._fail(error)
            return reply.pack(head, CKR_IBM_ERROR_STATE), ERROR, 0
        except Exception as error:
            # A host can do nothing about it, but must not be left without an answer either.
            self.fault = error
            return reply.pack(head, CKR_IBM_INTERNAL_ERROR), ERROR, 0

    def perform_whole(
        self,
        domain: int,
        function: int,
        mechanism: bytes,
        key: bytes,
        data: memoryview,
        out: memoryview,
    ) -> int:
        """Do a whole operation; see `ghostcard.emulator.image.WholeImage`."""
        whole, served = self._wholes.get(function), self._domains.get(domain)
        if whole is None or served is None:
            return NOT_PERFORMED
        try:
            return whole(served, mechanism, key, data, out)
        except Exception:  # what it is comes out again when it is asked for in requests
            return NOT_PERFORMED

    def _mismatch(self, head: request.Head) -> tuple[bytes, str, int]:
        """The answer to a request that has no route: unknown verb, newer API, odd parameters."""
        if head.function not in self._routes:
            return reply.pack(head, self._unknown), ERROR, 0
        if head.api > request.API_ORDINAL:
            return reply.pack(head, CKR_IBM_API_MISMATCH), ERROR, 0
        return errorreply.pack(ReplyCode.MALFORMED_MSG), ERROR, 0

    def _fail(self, fault: SelfTestFailed) -> None:
        """Enter the error state: no verb is left that does anything."""
        self.fault = fault
        self._unknown = CKR_IBM_ERROR_STATE
        self._wholes.clear()
        for function, route in self._routes.items():
            self._routes[function] = Route(_error_state, route.params)

    def plan(self, operation: str, payload_bytes: int) -> Plan:
        """The cost of one request on this card."""
        return self._pipeline.plan(operation, payload_bytes)

    def scheduler(self) -> Scheduler | None:
        """The policy that the profile names."""
        return self._pipeline.scheduler()

    def zeroize(self, domain: int) -> None:
        """ZAPQ: drop what the domain has in card memory, opened keys and multi-part operations.

        The wrapping key stays. Drivers zeroize a queue whenever they let go of it (AP sheet 1.7),
        and keys survive that; clearing a wrapping key is an administrator's command (AP sheet 7.5).
        """
        self._domains[domain].forget()
        self._contexts.end_domain(domain)

    def destroy(self, domain: int) -> None:
        """As DOM_ZEROIZE, without being asked: no wrapping key, no administrators."""
        domaincommands.destroy(self._domains[domain])
        self._contexts.end_domain(domain)


def _domain(services: Services, table: Table, index: int, equip: Equipment | None) -> Domain:
    draw = services.random.bytes
    services.nvram.create(wrapping.nvram_name(index), lambda: draw(wrapping.KEY_SIZE))
    return Domain(
        index,
        services.nvram,
        draw,
        services.function == "null",
        lambda: table.ensure(wrapping.FAMILY),
        equip,
    )


def _reason(function: int, refusal: Refused) -> tuple[bytes, ...]:
    """What stands next to the return value of a refused Admin."""
    if function != verbs.ADMIN or refusal.reason is None:
        return ()
    return (refusal.reason.to_bytes(4, "big"),)


def _error_state(domain: Domain, params: Params) -> Answer:
    raise Refused(CKR_IBM_ERROR_STATE)
