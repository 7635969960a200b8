"""What a verb gets, request parameters; and what it hands back: Answer."""

from collections.abc import Callable
from typing import TypeAlias

from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.errors import WireError
from ghostcard.firmware.abi.status import CKR_IBM_PARAM_NOT_SUPPORTED
from ghostcard.firmware.ep11.domain import Domain
from ghostcard.firmware.mechanisms.refusal import Refused

Params: TypeAlias = tuple[bytes, ...]
Answer: TypeAlias = tuple[Params, str, int]
Verb: TypeAlias = Callable[[Domain, Params], Answer]


def number(param: bytes) -> int:
    """A parameter of four bytes as a number; WireError if it has another size."""
    if len(param) != 4:
        raise WireError(
            ReplyCode.MALFORMED_MSG, f"a parameter of {len(param)} bytes where 4 make a number"
        )
    return int.from_bytes(param, "big")


def absent(param: bytes) -> None:
    """Refuse a PIN blob or MAC key: login sessions and attribute-bound keys are not built."""
    if param:
        raise Refused(CKR_IBM_PARAM_NOT_SUPPORTED)
