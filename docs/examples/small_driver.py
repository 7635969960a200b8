"""A driver for the AP bus, small enough to be read: docs/drivers.md explains it.

    ghostcard drivertest docs/examples/small_driver.py:make_driver

It brings queues up, sends and reads, re-sends what a card has lost, tries another queue where that
may help, and looks every 30 s at what there is. It knows nothing of what its requests mean.
"""

import errno
import struct
from collections import deque

QUICK_NS, SLOW_NS = 250_000, 40_000_000  # poll timers (AP sheet 1.8)
TIMEOUT_NS = 900_000_000_000  # without any reply (1.7)
SCAN_NS = 30_000_000_000  # between two looks at the configuration (1.9)
ATTEMPTS = 10  # of a request (4.3)
BUFFER = 65536

EMPTY, INTERRUPTS = 0x80000000, 0x01000000
RESET_START, RESET_WAIT, SETIRQ_WAIT, UP, ERROR = range(5)

# Reply codes that are the request's own fault (3.6); with any other another queue is tried.
INVALID = frozenset(bytes.fromhex("22232429344041808284858a8ba0"))
CCA_INVALID = {(8, 65), (8, 66), (8, 72), (8, 770), (12, 769)}
UNKNOWN = -1  # no reply at all: the queue goes offline


class Request:
    def __init__(self, tag, qids, block):
        self.tag, self.qids, self.block = tag, qids, block
        self.attempts = 1
        self.psmid = 0


class Queue:
    def __init__(self, qid, depth):
        self.qid, self.depth = qid, depth
        self.state = RESET_START
        self.online = True
        self.requests = deque()  # not sent yet
        self.pending = {}  # sent; by PSMID
        self.count = 0  # that we believe to be in hardware
        self.poll_at = self.deadline = None


class SmallDriver:
    def __init__(self, port, done):
        self.port, self.done = port, done
        self.psmid = 0
        self.queues = {}
        self.scan_at = port.now
        self.wake()

    # What the kit calls

    def submit(self, tag, qids, block):
        self._send(Request(tag, qids, block))

    def interrupt(self, qid):
        for queue in list(self.queues.values()):
            self._poll(queue)

    def changed(self, adapter):
        self._scan()

    def reset(self, qid):
        queue = self.queues[qid]
        self._restart(queue)

    def wake_at(self):
        times = [self.scan_at]
        for queue in self.queues.values():
            times += [time for time in (queue.poll_at, queue.deadline) if time is not None]
        return min(times)

    def wake(self):
        now = self.port.now
        if self.scan_at <= now:
            self._scan()
        for queue in list(self.queues.values()):
            if queue.deadline is not None and queue.deadline <= now:
                self._timed_out(queue)
            if queue.poll_at is not None and queue.poll_at <= now:
                self._poll(queue)

    # Which queues there are

    def _scan(self):
        self.scan_at = self.port.now + SCAN_NS
        block = self.port.qci()
        there = [
            adapter << 8 | domain
            for adapter in range(256)
            for domain in range(256)
            if block[16 + adapter // 8] << adapter % 8 & 0x80
            and block[48 + domain // 8] << domain % 8 & 0x80
        ]
        for qid in sorted({*there, *self.queues}):
            self._look_at(qid)

    def _look_at(self, qid):
        status, info = self.port.tapq(qid)
        code, queue = status >> 16 & 0xFF, self.queues.get(qid)
        if code in (0x01, 0x03, 0x04):  # away, in standby, or broken
            if queue is not None:
                self._lose(queue, gone=code == 0x01)
        elif queue is None:
            queue = self.queues[qid] = Queue(qid, (info & 0xF) + 1)
            self._poll(queue)
        elif queue.state == ERROR:
            self._restart(queue)

    def _lose(self, queue, gone):
        queue.state, queue.poll_at, queue.deadline = ERROR, None, None
        if gone:
            del self.queues[queue.qid]
        self._flush(queue)

    # One queue

    def _restart(self, queue):
        queue.state, queue.count, queue.deadline = RESET_START, 0, None
        self._flush(queue)
        self._poll(queue)

    def _poll(self, queue):
        queue.poll_at = None
        if queue.state == RESET_START:
            self._reset(queue)
        elif queue.state == RESET_WAIT:
            self._reset_wait(queue)
        elif queue.state == SETIRQ_WAIT:
            self._setirq_wait(queue)
        elif queue.state == UP:
            self._read(queue)
            if queue.state == UP:
                self._write(queue)

    def _reset(self, queue):
        code = self.port.rapq(queue.qid) >> 16 & 0xFF
        if code in (0x00, 0x02):
            queue.state = RESET_WAIT
            self._later(queue, SLOW_NS)
        else:
            self._fail(queue)

    def _reset_wait(self, queue):
        code = self.port.tapq(queue.qid)[0] >> 16 & 0xFF
        if code in (0x02, 0x05):
            self._later(queue, SLOW_NS)
        elif code:
            self._fail(queue)
        else:
            self._interrupts_on(queue)

    def _interrupts_on(self, queue):
        code = self.port.aqic(queue.qid, True) >> 16 & 0xFF
        queue.state = SETIRQ_WAIT if code in (0x00, 0x07) else UP
        self._poll(queue)

    def _setirq_wait(self, queue):
        status, _ = self.port.tapq(queue.qid)
        code = status >> 16 & 0xFF
        if code:
            self._fail(queue)
        elif status & INTERRUPTS:
            queue.state = UP
            self._poll(queue)
        else:
            self._later(queue, SLOW_NS)

    def _read(self, queue):
        while queue.count:
            got = self.port.dqap(queue.qid, BUFFER)
            code = got.status >> 16 & 0xFF
            if code not in (0x00, 0x10):
                return self._fail(queue)
            if code == 0x00:
                queue.count = max(queue.count - 1, 0 if got.status & EMPTY else 1)
                queue.deadline = self.port.now + TIMEOUT_NS
                request = queue.pending.pop(got.psmid, None)
                if request is not None:  # else nobody waits for it any more
                    self._replied(queue, request, got.data)
            if got.status & EMPTY and queue.count:
                self._send_again(queue)
            if code == 0x10:
                if queue.count and not got.status & INTERRUPTS:
                    self._later(queue, QUICK_NS)
                return None
        queue.deadline = None
        return None

    def _send_again(self, queue):
        """The hardware is empty and we are not: it has lost what we sent."""
        queue.requests.extendleft(reversed(queue.pending.values()))
        queue.pending.clear()
        queue.count = 0

    def _write(self, queue):
        while queue.requests and queue.count < queue.depth:
            request = queue.requests[0]
            status = self.port.nqap(queue.qid, request.psmid, request.block)
            code = status >> 16 & 0xFF
            if code == 0x00:
                queue.pending[request.psmid] = queue.requests.popleft()
                queue.count += 1
                if queue.count == 1:
                    queue.deadline = self.port.now + TIMEOUT_NS
                if not status & INTERRUPTS:
                    self._later(queue, QUICK_NS)
            elif code == 0x10:
                return self._full(queue, status)
            elif code == 0x02:
                queue.state = RESET_WAIT
                return self._later(queue, SLOW_NS)
            elif code in (0x15, 0x16, 0x42):
                self._refused(queue.requests.popleft())
            else:
                return self._fail(queue)
        return None

    def _full(self, queue, status):
        if not status & INTERRUPTS:
            self._later(queue, QUICK_NS)

    def _timed_out(self, queue):
        queue.deadline = None
        self._reset(queue)

    def _fail(self, queue):
        """Until the next scan finds the card in order; its requests are sent elsewhere then."""
        queue.state, queue.deadline = ERROR, None

    def _later(self, queue, period):
        queue.poll_at = self.port.now + period

    def _flush(self, queue):
        flushed = [*queue.pending.values(), *queue.requests]
        queue.pending.clear()
        queue.requests.clear()
        for request in flushed:
            self._again(request, queue.qid)

    # One request

    def _send(self, request, last_qid=None):
        usable = [
            queue
            for queue in map(self.queues.get, request.qids)
            if queue is not None and queue.online and queue.state != ERROR
        ]
        if not usable:
            return self.done(request.tag, errno.ENODEV, b"")
        usable.sort(key=lambda queue: (queue.qid == last_qid, queue.count + len(queue.requests)))
        self.psmid += 1
        request.psmid = self.psmid
        usable[0].requests.append(request)
        if usable[0].state == UP:
            self._poll(usable[0])
        return None

    def _again(self, request, qid):
        request.attempts += 1
        if request.attempts > ATTEMPTS:
            self.done(request.tag, errno.EIO, b"")
        else:
            self._send(request, qid)

    def _refused(self, request):
        self.done(request.tag, errno.EINVAL, b"")

    def _replied(self, queue, request, reply):
        verdict = self._judge(reply, request.block)
        if verdict == 0:
            self.done(request.tag, 0, reply)
        elif verdict == errno.EINVAL:
            self._refused(request)
        elif verdict == errno.EMSGSIZE:
            self.done(request.tag, errno.EMSGSIZE, b"")
        else:
            if verdict == UNKNOWN:
                queue.online = False
            self._again(request, queue.qid)

    def _judge(self, reply, block):
        kind, code = (reply[1], reply[4]) if len(reply) >= 8 else (0, 0)
        if kind in (0x82, 0x87, 0x88) or (kind == 0x86 and code):
            return errno.EINVAL if code in INVALID else errno.EAGAIN
        if kind == 0x80:
            operands = 3 if block[9] < 0x10 else 7  # the message has the width of one, or of two
            width = (len(block) - 16) // operands * (1 if operands == 3 else 2)
            return 0 if len(reply) >= 16 + width else UNKNOWN
        if kind != 0x86 or len(reply) < 0x33 or reply[0x32] not in (2, 4):
            return UNKNOWN
        count1, offset1, count2, offset2 = struct.unpack_from(">IIII", reply, 0x10)
        if len(reply) != (offset2 + count2 if count2 else offset1 + count1):
            return errno.EMSGSIZE
        codes = (int.from_bytes(reply[0xC0:0xC2], "big"), int.from_bytes(reply[0xC2:0xC4], "big"))
        if reply[0x32] == 4 or codes[0] == 0 or reply[0x10C:0x10E] not in (b"PK", b"PD"):
            return 0  # what the firmware says to its caller is not our affair
        return errno.EINVAL if codes in CCA_INVALID or codes[1] == 0x14F else UNKNOWN


def make_driver(port, done):
    return SmallDriver(port, done)
