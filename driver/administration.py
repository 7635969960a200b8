"""Administration of a domain: the commands of AP sheet 7.5 as methods, signed if it asks for that.

What the parts of a wrapping key are is the caller's affair; they travel sealed for the importer key
of the domain. Refusals are `Ep11Error` with their reason.
"""

import errno
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.firmware.abi import admin, controlpoints
from ghostcard.firmware.abi.admin import Attribute, Command, Reason, Signature
from ghostcard.firmware.abi.errors import WireError

T = TypeVar("T")

Sign = Callable[[bytes], tuple[Signature, ...]]
"""The administrators' signatures of a text."""


class WrappingKeys(NamedTuple):
    """Verification patterns, 32 bytes; empty where there is no key."""

    current: bytes
    following: bytes
    is_committed: bool


class DomainAdministrator:
    """Commands to the one domain that `host` leads to. `domain` is its number, `sign` makes the
    signatures that a domain out of imprint mode wants; `counter` is above that of any before.
    """

    def __init__(
        self, host: Ep11Host, domain: int, sign: Sign | None = None, counter: int = 0
    ) -> None:
        self._host = host
        self._domain = domain
        self._sign = sign
        self._counter = counter

    def command(self, command: int, payload: bytes = b"") -> bytes:
        """Any command; the answer's payload."""
        if self._sign is None:
            return self._host.admin(command, payload)
        counter = self._counter.to_bytes(admin.COUNTER_SIZE, "big")
        self._counter += 1
        signatures = self._sign(admin.signed(self._domain, command, counter, payload))
        return self._host.admin(command, payload, counter, admin.pack_signatures(signatures))

    def wrapping_keys(self) -> WrappingKeys:
        """What the registers hold."""
        following = self._pattern(Command.QUERY_NEXT_WK)
        return WrappingKeys(self._pattern(Command.QUERY_WK), following, self._is_committed())

    def _pattern(self, question: Command) -> bytes:
        try:
            return self._host.admin(question)
        except Ep11Error as error:
            if error.reason in (Reason.WK_MISSING, Reason.NEXT_WK_MISSING):
                return b""
            raise

    def _is_committed(self) -> bool:
        from ghostcard.firmware.abi import information

        answer = self._host.get_xcp_info(information.DOMAIN)
        found = _read("get_xcp_info", information.DOMAIN_LAYOUT.unpack, answer)
        return bool(found.flags & information.FLAG_NEXT_COMMITTED)

    def generate(self) -> bytes:
        """GEN_WK: a random next wrapping key; its verification pattern."""
        return self.command(Command.GEN_WK)

    def make_importer(self) -> bytes:
        """GEN_DOM_IMPORTER: the SPKI for which key parts are to be sealed."""
        return self.command(Command.GEN_DOM_IMPORTER)

    def import_parts(self, sealed: Iterable[bytes]) -> bytes:
        """IMPORT_WK: the next wrapping key from its parts; its verification pattern."""
        return self.command(Command.IMPORT_WK, admin.pack_list(tuple(sealed)))

    def export(self, receivers: Iterable[bytes]) -> tuple[bytes, ...]:
        """EXPORT_WK: a sealed part of the current key for each receiver (SPKI)."""
        answer = self.command(Command.EXPORT_WK, admin.pack_list(tuple(receivers)))
        return _read("EXPORT_WK", admin.unpack_list, answer)

    def commit(self, pattern: bytes) -> None:
        """COMMIT_WK: from now on blobs can be re-enciphered."""
        self.command(Command.COMMIT_WK, pattern)

    def finalize(self, pattern: bytes) -> None:
        """FINALIZE_WK: the committed key is the current one; what is under the old one is lost."""
        self.command(Command.FINALIZE_WK, pattern)

    def clear_next(self) -> None:
        """CLEAR_NEXT_WK."""
        self.command(Command.CLEAR_NEXT_WK)

    def clear(self) -> None:
        """CLEAR_WK: no key of the domain can be used any more."""
        self.command(Command.CLEAR_WK)

    def export_next(self, receivers: Iterable[bytes]) -> tuple[bytes, ...]:
        """EXPORT_NEXT_WK: the same of the next key."""
        sealed = self.command(Command.EXPORT_NEXT_WK, admin.pack_list(tuple(receivers)))
        return admin.unpack_list(sealed)

    def zeroize(self) -> None:
        """DOM_ZEROIZE: everything is gone, keys too."""
        self.command(Command.DOM_ZEROIZE)

    def control_points(self) -> frozenset[int]:
        """The control points that are set."""
        answer = self._host.admin(Command.QUERY_DOM_CTRLPOINTS)
        return _read("QUERY_DOM_CTRLPOINTS", controlpoints.unpack, answer)

    def set_control_points(self, points: Iterable[int]) -> None:
        """DOM_CTRLPOINT_SET: exactly these."""
        self.command(Command.DOM_CTRLPOINT_SET, controlpoints.pack(points))

    def allow(self, points: Iterable[int]) -> None:
        """DOM_CTRLPOINT_ADD."""
        self.command(Command.DOM_CTRLPOINT_ADD, controlpoints.pack(points))

    def forbid(self, points: Iterable[int]) -> None:
        """DOM_CTRLPOINT_DEL."""
        self.command(Command.DOM_CTRLPOINT_DEL, controlpoints.pack(points))

    def attributes(self) -> dict[Attribute, int]:
        """Thresholds and permissions."""
        answer = self._host.admin(Command.QUERY_DOM_ATTRS)
        return _read("QUERY_DOM_ATTRS", _attributes, answer)

    def set_attributes(self, values: Mapping[Attribute, int]) -> None:
        """DOM_SET_ATTR."""
        pairs = (admin.PAIRS.pack(name, value) for name, value in values.items())
        self.command(Command.DOM_SET_ATTR, b"".join(pairs))

    def administrators(self) -> tuple[bytes, ...]:
        """QUERY_DOM_ADMIN: identifiers, 32 bytes each."""
        answer, size = self._host.admin(Command.QUERY_DOM_ADMIN), admin.IDENTIFIER_SIZE
        return tuple(answer[at : at + size] for at in range(0, len(answer), size))

    def remove_administrator(self, identifier: bytes) -> None:
        """DOM_ADMIN_LOGOUT."""
        self.command(Command.DOM_ADMIN_LOGOUT, identifier)

    def add_administrator(self, spki: bytes) -> bytes:
        """DOM_ADMIN_LOGIN: the administrator's identifier."""
        return self.command(Command.DOM_ADMIN_LOGIN, spki)


def _attributes(answer: bytes) -> dict[Attribute, int]:
    return {Attribute(name): value for name, value in admin.PAIRS.iter_unpack(answer)}


def _read(what: str, parse: Callable[[bytes], T], answer: bytes) -> T:
    """What a card has answered; DriverError EIO when it is not what was asked for."""
    try:
        return parse(answer)
    except (WireError, ValueError, struct.error) as error:
        raise DriverError(errno.EIO, f"{what}: {error}") from None
