"""Simulated hosts: requests in simulated time through dispatcher, queue machines, bus and card.

A job carries its request block, which the card executes when a core fetches it, or only operation
and sizes; the times are the same. Each attempt on a card leaves one record.
"""

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ghostcard.driver.apdriver import ApDriver, HostQueue
from ghostcard.driver.dispatcher import ATTEMPTS, Dispatcher, DispatchQueue, dispatch_card
from ghostcard.driver.errors import DriverError
from ghostcard.driver.triage import ADMIN, DRIVER_OUTCOME, UNKNOWN_REPLY, outcome, triage
from ghostcard.emulator.agenda import Callbacks
from ghostcard.emulator.job import Job
from ghostcard.firmware.abi.origin import SOURCE_LIMIT, is_ep11, of_reply, of_request, stamped

if TYPE_CHECKING:
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.record import Recorder
    from ghostcard.emulator.timeline import Timeline


Render = Callable[[int], bytes]
NOT_SENT: Final = -1  # when a job was enqueued that no queue has accepted yet


class SimulatedPort:
    """The host's side of a machine on ``timeline``; everything happens there, nobody waits.

    ``in_flight`` requests have been submitted and not ended. ``news`` is called whenever a queue
    has come, gone, or been switched.
    """

    def __init__(
        self,
        timeline: "Timeline",
        bus: "Bus",
        dispatcher: Dispatcher,
        recorder: "Recorder",
        interrupts: bool = True,
    ) -> None:
        self.timeline = timeline
        self.in_flight = 0
        self.news: Callable[[], None] = _nobody_asks
        self._dispatcher = dispatcher
        self._recorder = recorder
        self._agenda = timeline.agenda
        self._bus = bus
        self._submit_ns = {queue.qid: queue.submit_ns for queue in _queues_of(bus)}
        bus.attach(timeline)
        calls = (self._ended, self._service_changed, self._found)
        self.driver = ApDriver(timeline, bus, _queues_of(bus), *calls, interrupts)
        if interrupts:
            _switch_interrupts_on(bus, timeline.now)
        self._psmid = 0
        varies = any(card.draws for card in bus.cards.values())
        self._numbers: dict[int, int] | None = {} if varies else None  # requests of each client
        self._on_enqueue: Callbacks = (self.driver.enqueue,)

    def submit(
        self,
        job: Job,
        targets: tuple[int, ...],
        on_done: Callable[[Job], None],
        render: Render | None = None,
        attempt: int = 1,
        last_qid: int = 0,
    ) -> None:
        """Submit a request now, to one of ``targets``; ``on_done(job)`` is called at its end.

        The job says client, function and either outcome, operation and the three sizes or, with
        ``render``, nothing more. At the end ``outcome`` is 0, the reply code of a refusal, or
        DRIVER_OUTCOME plus the errno with which the driver gave up. The job may then be submitted
        again; it is another object when the driver has let go of one that is still in hardware.
        DriverError ENODEV when no target takes requests. ``attempt`` and ``last_qid`` are
        for a request that has come back and goes again.
        """
        now = self._agenda.now
        if attempt == 1:
            job.submitted = now
            job.fault = ""
            if self._numbers is not None:
                job.number = number = self._numbers.get(job.client, 0)
                self._numbers[job.client] = number + 1
        if render is not None:
            job.request_bytes = len(render(targets[0] & 0xFF))
        try:
            qid = self._dispatcher.pick(targets, job.function, job.request_bytes, last_qid).qid
        except DriverError:
            if not self.driver.scan():  # AP sheet 4.3: once more if a bus scan finds news
                raise
            qid = self._dispatcher.pick(targets, job.function, job.request_bytes, last_qid).qid
        self._psmid = psmid = self._psmid + 1
        if render is not None:
            job.block = stamped(render(qid & 0xFF), psmid % SOURCE_LIMIT)
            job.outcome = 0
        job.qid = qid
        job.on_done = on_done
        job.targets, job.render, job.attempt = targets, render, attempt
        job.psmid = psmid
        job.enqueued = NOT_SENT
        job.callbacks = self._on_enqueue
        self.in_flight += 1
        self._agenda.at(now + self._submit_ns[qid], job)

    def refuse(self, job: Job, error: DriverError) -> None:
        """Record a request, of which submit has said ``error``, as one that the driver gave up."""
        self._give_up(job, error.code)
        self._write(job)

    # -- the end of a request ------------------------------------------------------------------

    def _ended(self, ended: list[tuple[Job, int]]) -> None:
        """Jobs have come back, with a reply (errno 0) or without one.

        All are booked before any caller hears of his: he may submit again at once, and the choice
        of a queue is not to depend on who is told first.
        """
        now = self._agenda.now
        over: list[Job] = []
        for job, error in ended:
            self._dispatcher.drop(job.qid, job.function)
            self.in_flight -= 1
            if error and job.enqueued != NOT_SENT and job.queue.in_hardware:
                job = _left_behind(job)
            elif job.reply is not None and not error:
                error = self._judge(job)
            if not error:
                job.done = now
                self._recorder.keep(job)
            elif self._goes_again(job, error):
                continue
            else:
                self._write(job)
            over.append(job)
        for job in over:
            assert job.on_done is not None
            job.on_done(job)

    def _judge(self, job: Job) -> int:
        reply = job.reply or b""
        verdict = triage(reply, job.block or b"")
        if verdict:
            job.outcome = outcome(reply)
        elif job.block is not None and not _answers(reply, job.block):
            job.outcome = DRIVER_OUTCOME + errno.EBADMSG  # somebody else's: PSMIDs were mixed up
            return errno.EAGAIN
        if verdict == UNKNOWN_REPLY:  # AP sheet 3.6: the queue goes offline
            queue = self._dispatcher.queue(job.qid)
            queue.switch(False, queue.in_service)
            self.news()
            return errno.EAGAIN
        return verdict

    def _goes_again(self, job: Job, error: int) -> bool:
        """AP sheet 4.3: whether another attempt is made; if not, the outcome says why."""
        answered = job.reply is not None and job.outcome != 0
        again = error == errno.ENODEV or (error == errno.EAGAIN and job.function != ADMIN)
        if again and job.attempt < ATTEMPTS:
            if answered:
                self._write(job)  # a request of its own to the card, with its own record
                job.outcome = 0
                job.fault = ""
            assert job.on_done is not None
            try:
                self.submit(job, job.targets, job.on_done, job.render, job.attempt + 1, job.qid)
                return True
            except DriverError as refusal:
                error, answered = refusal.code, False
        if not answered:
            self._give_up(job, errno.EIO if error == errno.EAGAIN else error)
        return False

    def _give_up(self, job: Job, error: int) -> None:
        """No reply came of it: it has passed no stage."""
        job.outcome = DRIVER_OUTCOME + error
        now = self._agenda.now
        job.enqueued = job.arrived = job.fetched = job.decoded = job.unwrapped = now
        job.started = job.finished = job.built = job.replied = job.notified = job.done = now

    def _write(self, job: Job) -> None:
        job.done = self._agenda.now
        self._recorder.keep(job)
        if job.block is None and job.reply is not None:  # the card's refusal, not the host's figure
            job.reply, job.reply_bytes = None, job.stated_bytes

    # -- queues that come, go, and are switched ------------------------------------------------

    def switch(self, qid: int, online: bool) -> None:
        """Set a queue online or offline (AP sheet 4.4); KeyError if there is none.

        Offline, what it holds fails with EAGAIN, and goes elsewhere; replies that still come belong
        to nobody.
        """
        queue = self._dispatcher.queue(qid)
        if queue.online != online:
            queue.switch(online, queue.in_service)
            self.news()
            if not online and self.driver.machine(qid).load:
                self.driver.flush(qid)

    def dispatched(self, qid: int) -> DispatchQueue:
        """A queue as the dispatcher has it, to look at; KeyError if there is none."""
        return self._dispatcher.queue(qid)

    def _service_changed(self, qid: int, in_service: bool) -> None:
        queue = self._dispatcher.queue(qid)
        queue.switch(queue.online, in_service)
        self.news()

    def _found(self, qid: int) -> HostQueue:
        found = _queue_of(self._bus, qid)
        self._submit_ns[qid] = found.submit_ns
        card = dispatch_card(self._bus, qid >> 8)
        known = self._dispatcher.card(qid >> 8)
        if known is not None and known.weights == card.weights:
            card = known
        self._dispatcher.add(DispatchQueue(card, qid))
        self._dispatcher.queue(qid).switch(True, False)  # a new device is online
        return found


def _nobody_asks() -> None:
    """There are no uevents."""


def _left_behind(job: Job) -> Job:
    """The request anew: the host has let go of the message, which may still be in hardware."""
    anew = Job(job.client, job.qid, job.function, job.operation, job.payload_bytes)
    anew.request_bytes, anew.reply_bytes, anew.block = job.request_bytes, job.reply_bytes, job.block
    anew.submitted, anew.psmid, anew.number, anew.fault = (
        job.submitted, job.psmid, job.number, job.fault,
    )  # fmt: skip
    anew.targets, anew.render, anew.attempt = job.targets, job.render, job.attempt
    anew.on_done, anew.outcome = job.on_done, job.outcome
    return anew


def _answers(reply: bytes, block: bytes) -> bool:
    """Whether a reply repeats the originator of the request, where that is what replies do."""
    return not is_ep11(block) or of_reply(reply) == of_request(block)


def _queues_of(bus: "Bus") -> list[HostQueue]:
    return [
        _queue_of(bus, queue.qid) for card in bus.cards.values() for queue in card.queues.values()
    ]


def _queue_of(bus: "Bus", qid: int) -> HostQueue:
    card = bus.cards[qid >> 8]
    host = card.profile.host
    depth = card.queues[qid & 0xFF].depth
    return HostQueue(qid, depth, host.submit_ns, host.dequeue_ns, host.poll_ns)


def _switch_interrupts_on(bus: "Bus", now: int) -> None:
    """As at the end of the initialisation: the bit is there, not merely asked for."""
    for card in bus.cards.values():
        for queue in card.queues.values():
            queue.request_interrupts(True, now)
