"""Verbs that tell about the card: GetMechanismList, GetMechanismInfo, get_xcp_info."""

import struct

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.operations import QUERY
from ghostcard.firmware.ep11 import policy
from ghostcard.firmware.ep11.answer import Answer, Params, Verb, number
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import Table

_INFO = struct.Struct(">III")


class InformationVerbs:
    """Queries; they need no engine."""

    def __init__(
        self, table: Table, serial: bytes, domains: tuple[int, ...], max_message_bytes: int
    ) -> None:
        self._table = table
        self._serial = serial
        self._domains = domains
        self._max_message_bytes = max_message_bytes
        self._functions: tuple[int, ...] = ()

    def table(self) -> dict[int, Verb]:
        """The verbs by function id."""
        return {
            verbs.GET_MECHANISM_LIST: self.mechanism_list,
            verbs.GET_MECHANISM_INFO: self.mechanism_info,
            verbs.GET_XCP_INFO: self.xcp_info,
        }

    def announce(self, functions: tuple[int, ...]) -> None:
        """The function ids the image serves, for the MODULE query."""
        self._functions = functions

    def mechanism_list(self, domain: Domain, params: Params) -> Answer:
        domain.refresh()
        numbers = policy.offered(self._table, domain.points)
        return (struct.pack(f">{len(numbers)}I", *numbers),), QUERY, 0

    def mechanism_info(self, domain: Domain, params: Params) -> Answer:
        found = self._table.describe(number(params[0]))
        domain.refresh()
        if not policy.offers(found, domain.points):
            raise Refused(ck.CKR_MECHANISM_INVALID)
        return (_INFO.pack(found.minimum, found.maximum, found.flags),), QUERY, 0

    def xcp_info(self, domain: Domain, params: Params) -> Answer:
        from ghostcard.firmware.ep11 import xcp_info

        facts = xcp_info.Facts(
            self._table, self._serial, self._domains, self._functions, self._max_message_bytes
        )
        query, subquery = map(number, params)
        return (xcp_info.answer(facts, domain, query, subquery),), QUERY, 0
