"""The APQNs of a slot one by one, as far as their wrapping keys are concerned."""

import errno
from collections.abc import Sequence

from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.firmware.abi.blob import WKID_SIZE
from ghostcard.firmware.abi.status import CKR_IBM_WKID_MISMATCH
from ghostcard.module.changeover import wkid_of


class Apqns:
    """Implements `ghostcard.module.changeover.Cards`; a host for each APQN."""

    def __init__(self, queues: Sequence[Ep11Host]) -> None:
        self._queues = queues

    def wkids(self) -> list[bytes]:
        """Identifiers of the wrapping keys of the APQNs in operation, of each that has one."""
        return [wkid for wkid in map(_wkid, self._queues) if wkid]

    def holding(self, wkid: bytes) -> list[int]:
        """The places of those that have this wrapping key."""
        return [place for place, queue in enumerate(self._queues) if _wkid(queue) == wkid]

    def reencrypted(self, blob: bytes, wkid: bytes) -> bytes:
        """ReencryptSingle by an APQN whose next wrapping key is that one; DriverError if none can
        do it.
        """
        refusal = DriverError(errno.ENODEV, "no APQN has this next wrapping key")
        for queue in self._queues:
            try:
                following = queue.reencrypt_single(blob)
            except DriverError as error:
                if getattr(refusal, "rv", 0) != CKR_IBM_WKID_MISMATCH:
                    refusal = error
            else:
                if wkid_of(following) == wkid:
                    return following
        raise refusal


def _wkid(queue: Ep11Host) -> bytes:
    """The identifier of an APQN's wrapping key; empty if it has none, or is out of operation."""
    from ghostcard.firmware.abi import admin  # not where nothing is changed

    try:
        return queue.admin(admin.Command.QUERY_WK)[:WKID_SIZE]
    except Ep11Error as error:
        if error.reason != admin.Reason.WK_MISSING:
            raise
    except DriverError as error:
        if error.code != errno.ENODEV:
            raise
    return b""
