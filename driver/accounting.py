"""The time of a program's threads: which track accounts for their calls, and who waits on it.

Where no records are kept nothing is accounted for, until there is an asynchronous call, which needs
a clock, or time is paced.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from ghostcard.driver.hosting import Hosting
from ghostcard.driver.pausing import pause
from ghostcard.driver.port import Result
from ghostcard.driver.timing import PACED, STRICT, Standing, Timing

if TYPE_CHECKING:
    from ghostcard.driver.asynctrack import AsyncTrack
    from ghostcard.driver.lonetrack import Request
    from ghostcard.driver.pace import Pace
    from ghostcard.driver.pacedasync import PacedAsyncTrack
    from ghostcard.driver.ticket import Ticket
    from ghostcard.driver.timingtrack import TimingTrack
    from ghostcard.emulator.bus import Bus
    from ghostcard.emulator.record import Recorder


class Accounting(Hosting):
    """What a port has of time; any number of threads may call at once."""

    def __init__(
        self, bus: "Bus", recorder: "Recorder", timing: Timing, think: Callable[[], int] | None
    ) -> None:
        """``think`` gives the nanoseconds of its own time that the calling thread has taken since
        it was last asked.
        """
        self._bus = bus
        self._recorder = recorder
        self._cards = bus.cards
        self._timing = timing
        self._think = think
        self.is_ending: Callable[[], object] = bool  # whether the process ends: nobody waits then
        self.pause: Callable[[int], object] = pause  # until a time of the monotonic clock
        self._offline: frozenset[int] = frozenset()
        self._track: TimingTrack | AsyncTrack | PacedAsyncTrack | None = None
        self._paced: PacedAsyncTrack | None = None
        self._behind: TimingTrack | None = None
        self._gated: AsyncTrack | None = None
        self._account: Callable[[Request], None] | None = None
        self._told: Callable[[Request], None] | None = None  # that, while nobody takes notes
        self._tell: Callable[[], object] = bool  # the threads' clock, if it is ours
        self._switching = Lock()
        if timing.clock == PACED:
            self._track = self._paced = self._paced_track()
            self._tell_track(self._track)
        elif recorder.keeps:
            self._start_track(timing.order == STRICT)

    def _start_track(self, is_strict: bool) -> None:
        self._track = self._strict_track() if is_strict else self._track_behind()
        self._tell_track(self._track)

    def _tell_track(self, track: "TimingTrack | AsyncTrack | PacedAsyncTrack") -> None:
        self._account = self._told = track.account

    def _track_behind(self) -> "TimingTrack":
        from ghostcard.driver.dispatcher import Dispatcher, dispatch_queues
        from ghostcard.driver.timingtrack import TimingTrack

        dispatcher = Dispatcher(dispatch_queues(self._bus))
        self._behind = TimingTrack(self._bus, dispatcher, self._recorder)
        return self._behind

    def _strict_track(self) -> "AsyncTrack":
        from ghostcard.driver.asynctrack import AsyncTrack
        from ghostcard.driver.dispatcher import Dispatcher, dispatch_queues

        dispatcher = Dispatcher(dispatch_queues(self._bus))
        clients = self._timing.clients
        parts = (self._bus, dispatcher, self._recorder, self._peers, clients, self._grace_s)
        track = AsyncTrack(*parts)
        track.is_ending = lambda: self.is_ending()
        self._gated = track
        return track

    def _paced_track(self) -> "PacedAsyncTrack":
        from ghostcard.driver.pacedasync import paced_track

        track = paced_track(self._bus, self._recorder, self._timing.dilation)
        track.pause = lambda until_ns: self.pause(until_ns)
        track.is_ending = lambda: self.is_ending()
        self._think = track.thought
        return track

    @property
    def pace(self) -> "Pace | None":
        """How punctual paced calls were so far; None by the virtual clock."""
        return self._paced.pace if self._paced else None

    @property
    def parked(self) -> int:
        """How often the others went on without a thread that might have called; at 0 the records do
        not depend on the host.
        """
        timed = self._gated or self._behind
        return timed.parked if timed else 0

    @property
    def standing(self) -> Standing:
        """The order of this port, and whether it held so far."""
        gated, behind = self._gated, self._behind
        counts = (gated.expired, gated.late) if gated else (0, 0)
        return Standing(*self._timing.kept, behind.parked if behind else 0, *counts)

    @property
    def waiting(self) -> int:
        """How many threads wait for simulated time at this moment, paced: for tickets."""
        waited = self._gated or self._paced
        return waited.waiting if waited else 0

    def enter(self, group: int = 0) -> None:
        """Make the calling thread known before its first call (`TimingTrack.enter`). Behind, it can
        join threads of its ``group`` only.
        """
        if self._behind is not None and self._track is self._behind:
            self._behind.enter(group)
        elif self._track:
            self._track.enter()

    def caller(self) -> int:
        """The number that the calling thread's records carry; 0 where nothing is accounted for."""
        return self._track.caller() if self._track else 0

    def attend(self) -> None:
        """The calling thread is the program's first: by the strict order it holds all others until
        it calls or sleeps, so that nothing begins while it starts them.
        """
        if self._gated:
            self._gated.attend()

    def finish(self) -> None:
        """Bring the records up to date with every call that has returned."""
        for track in (self._behind, self._gated, self._paced):
            if track is not None:
                track.finish()

    def withdraw(self, adapter: int, is_away: bool) -> None:
        """Take a card out of operation, or bring it back; its contexts and open keys are lost."""
        if self._track:
            self._track.withdraw(adapter, is_away)
        else:
            self._cards[adapter].withdraw(is_away)

    def switch_off(self, offline: frozenset[int]) -> None:
        """Send nothing to these queues from now on, and to all others (AP sheet 4.4)."""
        if self._track:
            self._track.switch_off(offline)
        self._offline = offline

    def observe(self, observer: "Callable[[Request], None]") -> None:
        """Tell ``observer`` of every request that was served, too, in its own thread."""
        account = self._told

        def both(request: "Request") -> None:
            if account is not None:
                account(request)
            observer(request)

        self._account = self._told = both

    def follow_clock(self, take: Callable[[], int], tell: Callable[[int], object]) -> None:
        """By the strict order: the threads' clock is ``take``, which gives what has passed there
        since it was told; it is told where the thread has come to when a request has ended.
        """
        gated, account = self._gated, self._told
        if gated is None or account is None:
            return

        def both(request: "Request") -> None:
            account(request)
            tell(gated.host_ns())

        self._think = lambda: take() + gated.slept()
        self._account = self._told = both
        self._tell = lambda: tell(gated.host_ns())

    def sleep(self, sleep_ns: int) -> None:
        """Let so much simulated time pass for the calling thread, whose clock is ours."""
        gated = self._gated
        if gated is not None and self._think is not None:
            gated.sleep(sleep_ns, self._think() - gated.slept())
            self._tell()

    # -- asynchronous calls, by the strict order or paced

    def begin(self, action: Callable[[], Result]) -> "tuple[Result, Ticket]":
        """Perform ``action`` at once; the requests that it makes are then under way in simulated
        time, one after the other, and take the calling thread no time.

        What it raises passes through; the time of its requests has then passed.
        """
        begun = self._clock().begin(action)
        self._tell()
        return begun

    def is_done(self, ticket: "Ticket") -> bool:
        """Whether a ticket's requests are done. To ask takes the time of a DQAP, at least 1 ns."""
        is_done = self._clock().is_done(ticket)
        self._tell()
        return is_done

    def wait(
        self,
        tickets: "Sequence[Ticket]",
        timeout_ns: int | None = None,
        wall_s: float | None = None,
    ) -> "Ticket | None":
        """Let simulated time pass until the first of ``tickets`` is done, which is given.

        None after ``timeout_ns`` of simulated time, or ``wall_s`` on the host's clock, or when the
        last of them was abandoned; None at once if there are none.
        """
        found = self._clock().wait(tickets, timeout_ns, wall_s)
        self._tell()
        return found

    def abandon(self, ticket: "Ticket") -> None:
        """Nobody will ask for it; those of its requests that are not under way are not made."""
        self._clock().abandon(ticket)

    def accompany(self, ticket: "Ticket", beside: "Ticket") -> bool:
        """Whoever waits for ``beside`` waits for ``ticket``, too; False if nobody does now."""
        return self._clock().accompany(ticket, beside)

    def _clock(self) -> "AsyncTrack | PacedAsyncTrack":
        """Who keeps the time of tickets: the paced track, or the strict order."""
        return self._strictly() if self._paced is None else self._paced

    def _strictly(self) -> "AsyncTrack":
        """The strict order; it begins here if there was another, or none."""
        gated = self._gated
        if gated is not None:
            return gated
        with self._switching:
            if self._gated is None:
                self._switch_to_strict()
            assert self._gated is not None
            return self._gated

    def _switch_to_strict(self) -> None:
        behind, track = self._behind, self._strict_track()
        if behind is not None:
            behind.finish()
            track.follow(behind)
        if self._offline:
            track.switch_off(self._offline)
        self._track = track
        self._tell_track(track)
