"""Drivers that are broken, each in one way: that of docs/examples, with a mistake put in."""

import errno
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ghostcard.conformance.driver import Done, find
from ghostcard.emulator.apport import ApPort, Dequeued

EXAMPLE = Path(__file__).parents[2] / "docs/examples/small_driver.py"
SmallDriver: Any = find(f"{EXAMPLE}:SmallDriver")
UP = sys.modules[SmallDriver.__module__].UP


class Misread:
    """A port on which a driver takes one response code for another."""

    def __init__(self, port: ApPort, instruction: str, code: int, taken_for: int) -> None:
        self._port = port
        self._what = instruction, code, taken_for

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def _read(self, instruction: str, status: int) -> int:
        wrong, code, taken_for = self._what
        if instruction == wrong and status >> 16 & 0xFF == code:
            return status & ~0xFF0000 | taken_for << 16
        return status

    def nqap(self, qid: int, psmid: int, block: bytes) -> int:
        return self._read("nqap", self._port.nqap(qid, psmid, block))

    def dqap(self, qid: int, size: int) -> Dequeued:
        got = self._port.dqap(qid, size)
        return got._replace(status=self._read("dqap", got.status))

    def tapq(self, qid: int) -> tuple[int, int]:
        status, info = self._port.tapq(qid)
        return self._read("tapq", status), info


def misreading(instruction: str, code: int, taken_for: int) -> Callable[[ApPort, Done], Any]:
    def make(port: ApPort, done: Done) -> Any:
        return SmallDriver(Misread(port, instruction, code, taken_for), done)

    return make


class RetriesWhatIsTheCallersFault(SmallDriver):  # type: ignore[misc]
    def _judge(self, reply: bytes, block: bytes) -> int:
        verdict = int(super()._judge(reply, block))
        return errno.EAGAIN if verdict == errno.EINVAL else verdict


class NeverTriesAnother(SmallDriver):  # type: ignore[misc]
    def _judge(self, reply: bytes, block: bytes) -> int:
        verdict = int(super()._judge(reply, block))
        return errno.EINVAL if verdict == errno.EAGAIN else verdict


class TriesForEver(SmallDriver):  # type: ignore[misc]
    def _again(self, request: Any, qid: int) -> None:
        request.attempts = 0
        super()._again(request, qid)


class ForgetsToSendAgain(SmallDriver):  # type: ignore[misc]
    def _send_again(self, queue: Any) -> None:
        queue.pending.clear()
        queue.count = 0


class LeavesInterruptsOff(SmallDriver):  # type: ignore[misc]
    def _interrupts_on(self, queue: Any) -> None:
        queue.state = UP
        self._poll(queue)


class HasNoTimer(SmallDriver):  # type: ignore[misc]
    def _timed_out(self, queue: Any) -> None:
        queue.deadline = None


class LooksOnceOnly(SmallDriver):  # type: ignore[misc]
    def _scan(self) -> None:
        if not self.queues:
            super()._scan()
        self.scan_at = self.port.now + 10**15


class KeepsBadQueuesOnline(SmallDriver):  # type: ignore[misc]
    def _replied(self, queue: Any, request: Any, reply: bytes) -> None:
        super()._replied(queue, request, reply)
        queue.online = True


class AnswersInOrder(SmallDriver):  # type: ignore[misc]
    """It believes that replies come in the order of requests."""

    def _replied(self, queue: Any, request: Any, reply: bytes) -> None:
        queue.pending[request.psmid] = request
        request = queue.pending.pop(min(queue.pending))
        super()._replied(queue, request, reply)


class EndsTwice(SmallDriver):  # type: ignore[misc]
    def _refused(self, request: Any) -> None:
        super()._refused(request)
        super()._refused(request)


class NeverWaits(SmallDriver):  # type: ignore[misc]
    def wake_at(self) -> int:
        return int(self.port.now)


class Crashes(SmallDriver):  # type: ignore[misc]
    def reset(self, qid: int) -> None:
        raise KeyError("nothing here")
