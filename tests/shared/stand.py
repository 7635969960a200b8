"""A server in a process of its own, in a home of its own, and programs that use its cards."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ghostcard.emulator.record import Recorder
from ghostcard.shared.client import ServerError, ask

PATIENCE_S = 30.0
LOOP = """\
import sys
from ghostcard import config
from ghostcard.driver.shapes import asker
from ghostcard.machine import machine_of
operation, size, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
machine = machine_of(config.load())
ask = asker(operation, size, machine.native, machine.targets(0))
for _ in range(count):
    ask()
machine.close()
"""
"""A program of one thread that asks for one thing again and again, and for nothing else."""


class Stand:
    """A home, a configuration, and a server that may be started, ended and killed."""

    def __init__(self, folder: Path, config: str = 'function = "null"\n') -> None:
        self.folder = folder
        self.home = folder / "home"
        self.socket = folder / "cards.sock"
        self.records = folder / "records"
        self.config = folder / "machine.toml"
        self.config.write_text(config)
        self.server: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """Of a program that uses the server's cards."""
        return {**self._environment, "GHOSTCARD_SERVER": str(self.socket)}

    @property
    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name[:9] != "GHOSTCARD"}
        return {**kept, "GHOSTCARD_HOME": str(self.home)}

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start the server, and wait until it listens."""
        command = [sys.executable, "-m", "ghostcard", "serve", "--socket", str(self.socket)]
        command += ["--config", str(self.config), "--records", str(self.records), *options]
        self.server = subprocess.Popen(
            command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.server.stdout is not None
        line = self.server.stdout.readline()
        assert line.startswith(f"{self.socket}: "), line or self.server.communicate()[1]
        return self.server

    def stop(self) -> Recorder | None:
        """End the server as systemd does: it says nothing. Its records, if it had any."""
        assert self.server is not None
        self.server.send_signal(signal.SIGTERM)
        out, err = self.server.communicate(timeout=PATIENCE_S)
        assert (self.server.returncode, out, err) == (0, "", "")
        assert not self.socket.exists()
        path = self.records / f"{self.server.pid}-1.records"
        self.server = None
        return Recorder.load(path) if path.exists() else None

    def kill(self) -> None:
        """End the server as nobody should."""
        if self.server is not None:
            self.server.kill()
            self.server.communicate()
            self.server = None

    def program(self, code: str, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        """A Python program that uses the server's cards."""
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.Popen(command, env=self.environment, text=True, **options)

    def c_program(self, command: list[str], number: int) -> subprocess.Popen[str]:
        """A program in C, with tokens of its own."""
        environment = {**self.environment, "GHOSTCARD_HOME": str(self.folder / f"home-{number}")}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, text=True, stdout=pipe, stderr=pipe)

    def snapshot(self) -> dict[str, Any]:
        """What `ghostcard top` is told."""
        answer, (file,) = ask(str(self.socket), "snapshot")
        with os.fdopen(file, "rb") as opened:
            told: dict[str, Any] = json.loads(os.pread(opened.fileno(), answer["snapshot"], 0))
        return told

    def wait_for_threads(self, number: int) -> None:
        """Until so many threads are attached."""
        deadline = time.monotonic() + PATIENCE_S
        while sum(one["threads"] for one in self.snapshot()["processes"]) != number:
            assert time.monotonic() < deadline, self.snapshot()["processes"]
            time.sleep(0.02)


@contextmanager
def stand(folder: Path, config: str = 'function = "null"\n') -> Iterator[Stand]:
    """A stand whose server does not outlive it."""
    made = Stand(folder, config)
    try:
        yield made
    finally:
        made.kill()


def all_end_well(programs: Sequence[subprocess.Popen[str]]) -> None:
    """Every program ends by itself, with 0."""
    for one in programs:
        _, err = one.communicate(timeout=PATIENCE_S)
        assert one.returncode == 0, err


__all__ = ["LOOP", "ServerError", "Stand", "all_end_well", "stand"]
