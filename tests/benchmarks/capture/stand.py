"""Threads of this process at work on a machine in memory, captured as a program's are."""

from collections.abc import Callable
from pathlib import Path

from ghostcard import pkcs11 as ck
from ghostcard.benchmarks.capture.file import Capture
from ghostcard.benchmarks.capture.journal import read
from ghostcard.benchmarks.capture.own import merge
from ghostcard.driver import capture as journal
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.emulator.record import Recorder
from ghostcard.firmware.abi.mechanism import pack
from ghostcard.machine import Machine

SHA256 = pack(ck.CKM_SHA256)
AES = pack(ck.CKM_AES_KEY_GEN)


class Work:
    """What threads do on a machine of so many cards; the kinds differ in time and size."""

    def __init__(self, machine: Machine, port: object = None) -> None:
        self.host = Ep11Host(machine.native, machine.targets(0))

    def hash(self, times: int, size: int = 1024) -> None:
        """Digests in one request each."""
        for _ in range(times):
            self.host.digest_single(SHA256, bytes(size))

    def mixed(self, number: int, times: int) -> None:
        """Another sequence for each thread."""
        for step in range(times):
            if (number + step) % 3 == 0:
                self.host.generate_key(AES, 32, {ck.CKA_ENCRYPT: b"\1"})
            elif (number + step) % 3 == 1:
                self.host.generate_random(16 + number)
            else:
                self.host.digest_single(SHA256, bytes(64 * step))


def captured(
    folder: Path, body: Callable[[Machine, Work], None], profile: str = "cex8p", cards: int = 1
) -> tuple[Capture, Recorder]:
    """What `body` asked of a machine as a capture, and the records it left."""
    machine = Machine.simulation(profile, cards, domains=2)
    path = folder / f"1{journal.SUFFIX}"
    noted = journal.Capture(str(path))
    noted.follow(machine.native)
    body(machine, Work(machine))
    machine.native.finish()
    noted.close()
    capture = merge([(read(path), machine.recorder)], machine.config, "stand")
    return capture, machine.recorder
