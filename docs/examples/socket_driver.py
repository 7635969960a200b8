"""A driver that is a process of its own: small_driver.py behind the socket of a bus.

    ghostcard drivertest /tmp/cards -- python docs/examples/socket_driver.py

It shows all of the socket's language (docs/drivers.md), for drivers in any other.
"""

import os
import socket
import struct
from collections import namedtuple

from small_driver import SmallDriver

NQAP, DQAP, TAPQ, RAPQ, ZAPQ, AQIC, QCI = range(1, 8)
WAIT, STEP, DONE, FAILED = 0x10, 0x11, 0x12, 0xFF
TIME, INTERRUPT, SUBMIT, RESET, END, CHANGE = range(6)
NEVER = (1 << 62) - 1

Dequeued = namedtuple("Dequeued", "status psmid data residual gr0")


class SocketPort:
    def __init__(self, path):
        self.stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stream.connect(path)
        self.now = 0

    def ask(self, operation, fields=b""):
        body = bytes([operation]) + fields
        self.stream.sendall(struct.pack(">I", len(body)) + body)
        (length,) = struct.unpack(">I", self.read(4))
        answer = self.read(length)
        if answer[0] == FAILED:
            raise SystemExit(answer[1:].decode())
        (self.now,) = struct.unpack_from(">Q", answer, 1)
        return answer[9:]

    def read(self, size):
        data = b""
        while len(data) < size:
            piece = self.stream.recv(size - len(data))
            if not piece:
                raise SystemExit("the bus has ended")
            data += piece
        return data

    def nqap(self, qid, psmid, block, special=False):
        return struct.unpack(
            ">I", self.ask(NQAP, struct.pack(">HBQ", qid, special, psmid) + block)
        )[0]

    def dqap(self, qid, size, gr0=0):
        answer = self.ask(DQAP, struct.pack(">HQI", qid, gr0, size))
        status, psmid, residual, gr0 = struct.unpack_from(">IQIQ", answer)
        return Dequeued(status, psmid, answer[24:], residual, gr0)

    def tapq(self, qid):
        return struct.unpack(">IQ", self.ask(TAPQ, struct.pack(">H", qid)))

    def rapq(self, qid):
        return struct.unpack(">I", self.ask(RAPQ, struct.pack(">H", qid)))[0]

    def aqic(self, qid, enable):
        return struct.unpack(">I", self.ask(AQIC, struct.pack(">HB", qid, enable)))[0]

    def qci(self):
        return self.ask(QCI)

    def done(self, tag, error, reply):
        self.ask(DONE, struct.pack(">II", tag, error) + reply)

    def wait(self, until):
        answer = self.ask(WAIT, struct.pack(">Q", until))
        return answer[0], answer[1:]


def main():
    port = SocketPort(os.environ["GHOSTCARD_BUS"])
    driver = SmallDriver(port, port.done)
    while True:
        kind, detail = port.wait(min(driver.wake_at(), NEVER))
        if kind == END:
            return
        if kind == TIME:
            driver.wake()
        elif kind == INTERRUPT:
            driver.interrupt(*struct.unpack(">H", detail))
        elif kind == CHANGE:
            driver.changed(detail[0])
        elif kind == RESET:
            driver.reset(*struct.unpack(">H", detail))
        elif kind == SUBMIT:
            tag, count = struct.unpack_from(">IB", detail)
            qids = struct.unpack_from(f">{count}H", detail, 5)
            driver.submit(tag, qids, detail[5 + 2 * count :])


if __name__ == "__main__":
    main()
