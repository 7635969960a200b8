"""Ghostcard's own driver under test: dispatcher, queue machines and bus driver, as simulated."""

import errno

from ghostcard.conformance.driver import Done
from ghostcard.driver.dispatcher import Dispatcher, dispatch_queues
from ghostcard.driver.errors import DriverError
from ghostcard.driver.ratings import RequestClass, rsa_class
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.driver.triage import DRIVER_OUTCOME, INVALID
from ghostcard.emulator.apport import ApPort
from ghostcard.emulator.job import Job
from ghostcard.emulator.record import Recorder
from ghostcard.firmware.abi import request, type50
from ghostcard.firmware.abi.type50 import ModExpoCrt

_EP11_AGENT = slice(0x20, 0x22)
_TYPE50 = 0x50


class OwnDriver:
    """It is made of events of the timeline: nobody has to call it when something happens."""

    def __init__(self, port: ApPort, done: Done) -> None:
        self._done = done
        dispatcher = Dispatcher(dispatch_queues(port.bus))
        self._host = SimulatedPort(port.timeline, port.bus, dispatcher, Recorder(0))

    def submit(self, tag: int, qids: tuple[int, ...], block: bytes) -> None:
        """`Driver.submit`."""
        job = Job(client=tag, function=_function(block))

        def ended(job: Job) -> None:
            error = _errno(job.outcome)
            self._done(tag, error, b"" if error or job.reply is None else job.reply)

        try:
            self._host.submit(job, qids, ended, lambda domain: block)
        except DriverError as error:
            self._done(tag, error.code, b"")

    def interrupt(self, qid: int) -> None:
        """It has been told by the bus."""

    def changed(self, adapter: int) -> None:
        """It has been told by the bus."""

    def reset(self, qid: int) -> None:
        """`Driver.reset`."""
        self._host.driver.reset(qid)

    def wake_at(self) -> int | None:
        """Its timers are on the timeline."""
        return None

    def wake(self) -> None:
        """Nobody calls this."""


def _function(block: bytes) -> int:
    """What the dispatcher weighs a request by."""
    if block[1] == _TYPE50:
        asked = type50.unpack(block)
        return int(rsa_class(len(asked.message), isinstance(asked, ModExpoCrt)))
    if block[_EP11_AGENT] == b"XC":
        return request.unpack(block)[0].function
    return int(RequestClass.MEX_2K)


def _errno(outcome: int) -> int:
    """Of a record's outcome: 0, an errno of the driver's, or the last card's reply code."""
    if outcome in (0, *INVALID):
        return errno.EINVAL if outcome else 0
    error = outcome - DRIVER_OUTCOME
    return error if error in (errno.ENODEV, errno.EINVAL, errno.EMSGSIZE) else errno.EIO


def make_driver(port: ApPort, done: Done) -> OwnDriver:
    """`ghostcard drivertest ghostcard.conformance.ours:make_driver`."""
    return OwnDriver(port, done)
