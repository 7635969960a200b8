"""Descriptors that become readable when a call is over, for programs that sleep in poll().

A thread of ours waits for what is pending in the sessions of the descriptors. To simulated time it
is one more thread that waits in the device: time passes when the program's threads sleep.
"""

import os
from contextlib import suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghostcard.driver.asyncport import AsyncPort, Ticket
    from ghostcard.module.asynchronous import AsyncSession, Pending

EVERY_SESSION = 0
"""CK_INVALID_HANDLE in the place of a session: all of the process."""

_AGAIN_SECONDS = 0.001
_SECONDS = 5.0  # that the end of the library waits for the thread


class Watcher:
    """The descriptors of one life of the library; one for each session that asked, one for all."""

    def __init__(self, port: "AsyncPort") -> None:
        self._port = port
        self._change = Condition()
        self._awaited: dict[Ticket, tuple[AsyncSession, Pending]] = {}
        self._waits_for: list[Ticket] = []
        self._wanted = self._seen = 0  # changes of what is awaited, and those the thread knows
        self._files: dict[int, int] = {}
        self._is_closed = False
        self._thread = Thread(target=self._run, name="ghostcard-watcher", daemon=True)
        self._thread.start()

    def file(self, session: int, active: "list[AsyncSession]") -> int:
        """The descriptor of a session or of `EVERY_SESSION`; it stays the watcher's. What is
        pending in the sessions ``active`` counts from now on.
        """
        with self._change:
            file = self._files.get(session)
            if file is None:
                file = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
                self._files[session] = file
        for each in active:
            each.watcher = self
            for pending in list(each.pending.values()):
                self.watch(each, pending)
        return file

    @property
    def is_for_all(self) -> bool:
        """Whether somebody wants to know of every session."""
        return EVERY_SESSION in self._files

    def watch(self, active: "AsyncSession", pending: "Pending") -> None:
        """Tell when a call of the session is over."""
        if pending.ticket.is_over:
            self._tell(active, pending)
            return
        with self._change:
            if pending.ticket in self._awaited:
                return
            self._awaited[pending.ticket] = active, pending
            self._wanted += 1
            wanted = self._wanted
            self._change.notify_all()
        self._have_seen(pending.ticket, wanted)

    def _have_seen(self, ticket: "Ticket", wanted: int) -> None:
        """Until the thread waits for a ticket, too: else time might pass beyond it."""
        with self._change:
            while self._seen < wanted and self._thread.is_alive() and not self._is_closed:
                others = self._waits_for
                if others and self._port.accompany(ticket, others[0]):
                    return
                self._change.wait(_AGAIN_SECONDS)

    def unwatch(self, pending: "Pending") -> None:
        """The call was cancelled."""
        with self._change:
            self._awaited.pop(pending.ticket, None)

    def forget(self, active: "AsyncSession") -> None:
        """The session has ended, and with it its descriptor."""
        with self._change:
            file = self._files.pop(active.handle, None)
        if file is not None:
            os.close(file)

    def close(self) -> None:
        """The library ends; its sessions have. The thread ends when nothing is under way."""
        with self._change:
            self._is_closed = True
            self._awaited.clear()
            self._change.notify_all()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join(_SECONDS)
        self.let_go()

    def let_go(self) -> None:
        """Close the descriptors; in the child of a fork, where the thread is not, this alone."""
        for file in self._files.values():
            os.close(file)
        self._files = {}

    def _run(self) -> None:
        while self._look():
            lost: list[Ticket] = []
            try:
                over = [self._port.wait(self._waits_for)]
            except Exception:
                over, lost = self._sorted_out()
            with self._change:
                self._waits_for = []
                told = [self._awaited.pop(each, None) for each in over if each is not None]
                failed = [self._awaited.pop(each, None) for each in lost]
            for one in told:
                if one is not None:
                    self._tell(*one)
            for one in failed:
                if one is not None:
                    self._ring(one[0])

    def _sorted_out(self) -> "tuple[list[Ticket | None], list[Ticket]]":
        """What is over, and what is lost with the server that had it, or since simulated time has
        failed: whoever asks for such a call is told.
        """
        over: list[Ticket | None] = []
        lost: list[Ticket] = []
        for each in self._waits_for:
            try:
                over.append(self._port.wait((each,), 0))
            except Exception:
                lost.append(each)
        return over, lost

    def _look(self) -> bool:
        """Take down what is to be waited for, when there is something; False when all is over."""
        with self._change:
            while not self._awaited and not self._is_closed:
                self._change.wait()
            self._waits_for = list(self._awaited)
            self._seen = self._wanted
            self._change.notify_all()
            return not self._is_closed

    def _tell(self, active: "AsyncSession", pending: "Pending") -> None:
        pending.is_over = True
        self._ring(active)

    def _ring(self, active: "AsyncSession") -> None:
        with self._change:
            for session in (EVERY_SESSION, active.handle):
                file = self._files.get(session)
                if file is not None:
                    with suppress(BlockingIOError):  # it has been readable for a long time
                        os.eventfd_write(file, 1)
