"""The strict order: which thread of a program may go on at which simulated time.

Each thread is a *client* with a host time. It is RUNNING outside the gate and may still submit at
its host time; it is BLOCKED inside until simulated time has come to what it waits for; it is PARKED
while it sleeps outside; in the end it is GONE. Simulated time never passes the host time of a
client that is RUNNING (the *bound*), so the order of what happens does not depend on the order in
which the host lets threads run:

- An arrival is a *step*, which is taken at (host time, rank): before the events of that instant, in
  the order in which the clients were released; those that were not, by the number of their thread.
  So a client that asks again at the instant of its last reply is what a simulated one is, who
  submits when he hears of it.
- There is no thread of ours: whoever has arrived takes the timeline on, as far as the bound allows.
- When it goes no further and nobody has been released, the threads outside are looked at. If all
  of them sleep, they are parked. A parked one that has run since is RUNNING again. Threads that
  have never called are *strangers*; one that is awake holds everybody, for a second at most.
- A client that does neither sleep nor arrive for GRACE seconds is left behind: `expired`. If it
  arrives later, that is `late`. With either the run is not deterministic. One that arrives at once
  when the others go on has spun until they did: the next time it is waited for a tenth as long.

Nothing here waits: `driver/gatedtrack.py` does that for threads, a server for its peers.
"""

import errno
import time
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from ghostcard.driver.errors import DriverError
from ghostcard.driver.sleepers import AWAKE, GONE, Probe, Sleeper, all_asleep
from ghostcard.driver.timing import GRACE_S
from ghostcard.emulator.agenda import ENDLESS

if TYPE_CHECKING:
    from ghostcard.driver.simulated import SimulatedPort

RUNNING: Final = 0
BLOCKED: Final = 1
PARKED: Final = 2
ENDED: Final = 3

LEAST_PATIENCE = 0.001  # with one that has spun until the others went on, again and again
AT_ONCE_S = 1.0  # within which one arrives that has spun
STRANGER_S = 1.0  # the same for a thread that has never called
ANNOUNCED_S = 0.1  # that all must have been asleep before announced clients are given up

Order = tuple[int, int, int, int]  # host time, 0 if released, rank, steps since


class Client:
    """A thread, or whatever else calls; ``thread`` is its number in the order of creation."""

    __slots__ = (
        "expired",
        "gone",
        "host_ns",
        "left_s",
        "number",
        "on_release",
        "order",
        "patience",
        "sleeper",
        "state",
        "thread",
    )

    def __init__(self, thread: int, sleeper: Sleeper, on_release: Callable[[], None]) -> None:
        self.thread = thread
        self.sleeper = sleeper
        self.on_release = on_release
        self.number = -1  # in records; given at the first step
        self.host_ns = 0
        self.order: Order = (0, 1, thread, 0)
        self.state = RUNNING
        self.expired = False
        self.left_s = 0.0  # when it expired, on the host's clock
        self.patience = 1.0  # that others have with it, as a part of GRACE
        self.gone = False  # may be set by anybody at any time: it will not arrive any more


C = TypeVar("C", bound=Client)


class Gate(Generic[C]):
    """The clients of one machine. All methods are called with `lock` held, and may let go of it
    while threads are looked at; what they raise has poisoned the gate (`check`).
    """

    def __init__(
        self,
        machine: Callable[[int], "SimulatedPort"],
        probe: Probe,
        announced: int = 0,
        grace_s: float = GRACE_S,
    ) -> None:
        """``machine(now_ns)`` makes the machine when it is first needed; ``announced``: clients
        without whom nothing begins; ``grace_s``: see GRACE_S, for strangers STRANGER_S at most.
        """
        self.lock = Lock()
        self.parked = 0  # how often a client was found asleep
        self.expired = 0
        self.late = 0
        self.clients: dict[int, C] = {}  # by thread, those that have not ended
        self.blocked: dict[C, None] = {}  # in order of arrival
        self.moves = 0  # whatever has changed so far
        self.numbers = 0  # clients that have taken a step, and lanes
        self.deadlines = 0  # events on the timeline that are nobody's requests
        self._make = machine
        self._machine: SimulatedPort | None = None
        self.start_ns = 0  # of the machine, when it is made
        self._probe = probe
        self._grace_s = grace_s
        self._stranger_s = min(STRANGER_S, grace_s)
        self._announced = announced
        self._is_early = False  # not all who are announced are there
        self.first: C | None = None  # who starts the others
        self._quiet_since: float | None = None
        self._serial = count()  # what differs where orders are equal
        self._arrivals: list[tuple[Order, int, C, Callable[[C], None]]] = []
        self._running: list[tuple[Order, int, C]] = []  # some are not any more
        self._rank = 0
        self._releases = 0
        self._strangers: dict[Sleeper, float | None] = {}  # since when they are awake, if they are
        self._is_shut = False  # a stranger is awake
        self._shut_since: float | None = None
        self._asleep: dict[C, None] = {}  # who is PARKED
        self._taken = 0  # steps and events so far
        self._looking = 0  # threads that look at others without the lock
        self._closing: list[Sleeper] = []
        self._stuck: tuple[int, float] = (-1, 0.0)  # after how many, since when
        self._failure: BaseException | None = None

    @property
    def machine(self) -> "SimulatedPort":
        """The simulated machine."""
        if self._machine is None:
            self._machine = self._make(self.start_ns)
        return self._machine

    @property
    def now_ns(self) -> int:
        """The simulated time."""
        return self.start_ns if self._machine is None else self._machine.timeline.now

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way and nobody waits."""
        under_way = self._machine is not None and self._machine.in_flight
        return not (under_way or self._arrivals or self.blocked or self.deadlines)

    def check(self) -> None:
        """DriverError EIO if it has failed."""
        if self._failure is not None:
            raise DriverError(errno.EIO, f"simulated time has failed: {self._failure!r}")

    # -- clients -------------------------------------------------------------------------------

    def watch(self, thread: int) -> Sleeper:
        """A thread as the kernel sees it, for a `Client`."""
        return self._probe.watch(thread)

    def join(self, client: C) -> None:
        """A new client, at the least host time of those that may still submit."""
        former = self.clients.get(client.thread)
        if former is not None:  # the kernel has given its number again
            self.leave(former)
        self.clients[client.thread] = client
        self._run_again(client)
        if self._probe.has_changed():
            self._meet_strangers()

    def leave(self, client: C) -> None:
        """It will not arrive any more."""
        if client.state != ENDED:
            client.state = ENDED
            self.blocked.pop(client, None)
            self._asleep.pop(client, None)
            if self.clients.get(client.thread) is client:
                del self.clients[client.thread]
            self._close(client.sleeper)
            self.moves += 1

    def arrive(self, client: C, think_ns: int, step: Callable[[C], None]) -> None:
        """Have ``step`` taken at the client's host time, which is BLOCKED until `release`."""
        self._post(client, think_ns, step)
        client.state = BLOCKED
        self.blocked[client] = None

    def post(self, client: C, think_ns: int, step: Callable[[C], None]) -> None:
        """Have ``step`` taken at the client's host time; it goes on at once, and comes after."""
        self._post(client, think_ns, step)
        host_ns, kind, rank, steps = client.order
        client.order = (host_ns, kind, rank, steps + 1)
        heappush(self._running, (client.order, next(self._serial), client))

    def release(self, client: C, host_ns: int) -> None:
        """Let a client go on at this time, which is not past."""
        self.moves += 1
        if client.state != BLOCKED:
            return
        self._rank += 1
        self._releases += 1
        del self.blocked[client]
        self._set_running(client, (host_ns, 0, self._rank, 0))
        client.on_release()

    def recall(self, client: C) -> None:
        """It waits no longer, for a reason that simulated time knows nothing of: too late."""
        self.late += 1
        self._arrivals[:] = [one for one in self._arrivals if one[0] != client.order]
        heapify(self._arrivals)
        self.release(client, max(client.host_ns, self.now_ns))

    def number(self, client: C) -> int:
        """What records call it by."""
        if client.number < 0:
            client.number = self.numbers
            self.numbers += 1
        return client.number

    @property
    def _others(self) -> list[C]:
        return [client for client in self.clients.values() if client is not self.first]

    def settle(self, client: C, host_ns: int) -> None:
        """The client, which was alone, has come to this time by itself."""
        if host_ns <= client.host_ns:
            return
        self._rank += 1
        self._set_running(client, (host_ns, 0, self._rank, 0))
        if self._machine is None:
            self.start_ns = host_ns
        elif self.now_ns < host_ns:
            self._machine.timeline.run(host_ns)

    def are_undisturbed(self) -> bool:
        """Whether all but one are still parked and no thread has come: what `advance` looks at."""
        if self._probe.is_single():
            return True
        if self._probe.has_changed() or self._strangers_stir():
            return False
        return not any(c.sleeper.has_stirred() for c in self._asleep if not c.expired)

    def alone(self) -> C | None:
        """The client that is RUNNING, if it is the only one and nothing is under way."""
        if not self.is_idle or self._is_shut or (self._announced and self._others):
            return None
        running = [c for c in self.clients.values() if c.state == RUNNING and not c.gone]
        return running[0] if len(running) == 1 else None

    def _post(self, client: C, think_ns: int, step: Callable[[C], None]) -> None:
        self.check()
        if client.state == PARKED:
            if client.expired:
                self._welcome(client)
            self._run_again(client)
        if think_ns:
            _, kind, rank, steps = client.order
            client.host_ns += think_ns
            client.order = (client.host_ns, kind, rank, steps)
        heappush(self._arrivals, (client.order, next(self._serial), client, step))
        self.moves += 1

    def _welcome(self, client: C) -> None:
        """One that had been left behind arrives after all."""
        client.expired = False
        self.late += 1
        has_spun = time.monotonic() - client.left_s < AT_ONCE_S
        patience = client.patience / 10 if has_spun else client.patience * 10
        client.patience = min(max(patience, LEAST_PATIENCE), 1.0)

    def _run_again(self, client: C) -> None:
        """It was asleep, or has just come: whoever woke it had not yet passed this time."""
        others = (c for c in self.clients.values() if c is not client and not c.gone)
        hosts = [c.host_ns for c in others if c.state == RUNNING]
        hosts += [order[0] for order, *_ in self._arrivals]
        least = min(hosts, default=self.now_ns)
        steps = client.order[3] + 1  # after what it has posted
        self._set_running(client, (max(client.host_ns, least), 1, client.thread, steps))
        self.moves += 1

    def _set_running(self, client: C, order: Order) -> None:
        client.order = order
        client.host_ns = order[0]
        client.state = RUNNING
        self._asleep.pop(client, None)
        heappush(self._running, (order, next(self._serial), client))

    # -- time ----------------------------------------------------------------------------------

    def advance(self, leader: C | None) -> None:
        """Take simulated time on as far as the clients allow; ``leader`` is the client whose own
        thread does it, if it is one's.
        """
        self.check()
        try:
            self._look_around()
            releases = self._releases
            while True:
                self._step_on(is_forced=False)
                if self._releases != releases or not self.blocked:
                    return
                moves = self.moves
                if not self._may_go_on(leader) or self.moves != moves:
                    return
                self._park()
        except BaseException as error:
            self._poison(error)
            raise

    def finish(self) -> None:
        """Take simulated time to the end of all that is under way, whoever might still submit."""
        self.check()
        try:
            if not self.is_idle:
                self._step_on(is_forced=True)
        except BaseException as error:
            self._poison(error)
            raise

    def _step_on(self, is_forced: bool) -> None:
        """Steps and events in their order, as far as there is one and the clients allow it."""
        machine, arrivals = self.machine, self._arrivals
        agenda = machine.timeline.agenda
        heap = agenda.heap
        while is_forced or not (self._is_shut or self._is_early):
            bound = None if is_forced else self._bound()
            if arrivals and (not heap or arrivals[0][0][0] <= heap[0][0]):
                if bound is not None and bound < arrivals[0][0]:
                    return
                order, _, client, step = heappop(arrivals)
                agenda.now = max(agenda.now, order[0])
                step(client)
            elif arrivals or machine.in_flight or self.deadlines:
                if not heap:
                    raise RuntimeError(f"{machine.in_flight} requests of which nothing will come")
                if bound is not None and bound[0] <= heap[0][0]:
                    return
                agenda.run(ENDLESS, 0, 1)
            elif bound is None and self.blocked:
                raise RuntimeError(f"{len(self.blocked)} threads wait for nothing")
            else:
                return
            self.moves += 1
            self._taken += 1

    def _bound(self) -> Order | None:
        """Where the first client that is RUNNING may submit."""
        running = self._running
        while running:
            order, _, client = running[0]
            if client.gone:
                self.leave(client)
            if client.state == RUNNING and client.order == order:
                return order
            heappop(running)
        return None

    def _poison(self, error: BaseException) -> None:
        """Of no use to anybody any more, and everybody is told."""
        if self._failure is None:
            self._failure = error
        for client in self.blocked:
            client.on_release()

    # -- who sleeps ----------------------------------------------------------------------------

    def _look_around(self) -> None:
        """Parked clients that have run, and threads that have come, since the last look."""
        for client in [*self._asleep]:
            if client.gone:
                self.leave(client)
            elif not client.expired and client.sleeper.has_stirred():
                self._run_again(client)
        if self._probe.has_changed() or self._strangers_stir():
            self._meet_strangers()
        if self._announced:
            self._count_callers()

    def _count_callers(self) -> None:
        """The first client may call by itself before; it is one of those announced if it waits."""
        others = sum(c.state == BLOCKED or c.number >= 0 for c in self._others)
        first = self.first is not None and self.first.state == BLOCKED
        self._is_early = others > 0 and others + first < self._announced
        if others + first >= self._announced:
            self._announced = 0

    def _strangers_stir(self) -> bool:
        return any(one.has_stirred() for one, since in self._strangers.items() if since is None)

    def _meet_strangers(self) -> list[Sleeper]:
        """Does one of the threads that have never called hold the others? One that is awake does,
        and one that seems to sleep until it has been proven, as that may be for a lock of ours;
        each for a second at most. Given are those to be proven asleep before anybody goes on.
        """
        before, now = self._strangers, time.monotonic()
        proven: dict[Sleeper, None] = {}
        dozing: dict[Sleeper, float] = {}
        awake: dict[Sleeper, float] = {}
        for stranger in self._probe.strangers(self.clients.keys()):
            runs = stranger.look()
            if runs != AWAKE and runs in (GONE, stranger.runs):
                proven[stranger] = None
            else:
                kind = awake if runs == AWAKE else dozing
                kind[stranger] = before.get(stranger) or now
        self._strangers = {**proven, **dozing, **awake}
        recent = now - self._stranger_s
        holding = [one for one, since in awake.items() if since > recent]
        if not holding:
            self._shut_since = None
        elif self._shut_since is None:
            self._shut_since = now
        elif self._shut_since <= recent:
            holding = []
        self._is_shut = bool(holding) or any(since > recent for since in dozing.values())
        return [*proven, *dozing, *holding]

    def _may_go_on(self, leader: C | None) -> bool:
        """Whether all threads outside sleep, or the others have waited for them for too long."""
        waiting = [c.sleeper for c in self.clients.values() if c.state == RUNNING and not c.gone]
        is_quiet = not any(sleeper.look() == AWAKE for sleeper in waiting)
        if is_quiet:
            strangers = self._meet_strangers()
            # those who wait here, too: one that has not yet gone to sleep may hold what another
            # one outside sleeps for, such as the interpreter's lock
            blocked = [client.sleeper.inside for client in self.blocked if client is not leader]
            is_quiet = self._without_lock([*waiting, *strangers, *blocked])
            if is_quiet:
                self._strangers.update((one, None) for one in strangers if one in self._strangers)
        return self._have_been_quiet(is_quiet) or self._have_waited()

    def _without_lock(self, sleepers: Sequence[Sleeper]) -> bool:
        self._looking += 1
        self.lock.release()
        try:
            return all_asleep(sleepers)
        finally:
            self.lock.acquire()
            self._looking -= 1
            if not self._looking:
                for sleeper in self._closing:
                    sleeper.close()
                self._closing.clear()

    def _have_been_quiet(self, is_quiet: bool) -> bool:
        """With clients announced who have not come it takes a while to believe it."""
        if not is_quiet:
            self._quiet_since = None
            return False
        now = time.monotonic()
        if self._quiet_since is None:
            self._quiet_since = now
        return not self._is_early or now - self._quiet_since >= ANNOUNCED_S

    def _have_waited(self) -> bool:
        """Whether nothing has happened for too long; then those who hold the others are left."""
        now = time.monotonic()
        taken, since = self._stuck
        if taken != self._taken:
            self._stuck = (self._taken, now)
            return False
        running = [c for c in self.clients.values() if c.state == RUNNING and not c.gone]
        holding = [c for c in running if c.sleeper.look() == AWAKE] or running
        patience = max((client.patience for client in holding), default=1.0)
        if now - since < patience * self._grace_s:
            return False
        self._stuck = (self._taken, now)
        for client in holding:
            client.expired = True
            client.left_s = now
            self.expired += 1
        return True

    def _park(self) -> None:
        """Nobody outside holds the others any more."""
        if self._is_early:
            self._announced = 0
        self._is_early = False
        self._is_shut = False
        self._quiet_since = None
        for client in [*self.clients.values()]:
            if client.state != RUNNING:
                continue
            if client.gone or client.sleeper.runs == GONE:
                self.leave(client)
            else:
                client.state = PARKED
                self._asleep[client] = None
                self.parked += 1
        self.moves += 1

    def _close(self, sleeper: Sleeper) -> None:
        if self._looking:
            self._closing.append(sleeper)
        else:
            sleeper.close()
