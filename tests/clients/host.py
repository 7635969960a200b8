"""What a real program needs to be a client of the library, and OpenSSL to check what it made."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

LABEL = "clients"
PIN = "12345678"
SO_PIN = "87654321"


def require(program: str) -> str:
    """The path of a program; without it the test is skipped, which in CI is a failure."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def wait_for(holds: Callable[[], object], seconds: float = 30) -> None:
    """Waits until a server that a test has started is ready."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not ready within {seconds} s"
        time.sleep(0.02)


class Host(NamedTuple):
    """An empty folder, the library, and an environment whose Ghostcard state is in that folder."""

    folder: Path
    module: str
    environment: Mapping[str, str]

    def run(
        self, *command: str | Path, stdin: bytes = b"", expect: int = 0
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs a program in the folder; asserts that it ended with the code `expect`."""
        done = subprocess.run(
            [require(str(command[0])), *map(str, command[1:])],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == expect, (
            f"{command[0]} ended with {done.returncode}, not {expect}\n"
            f"{done.stdout.decode(errors='replace')}\n{done.stderr.decode(errors='replace')}"
        )
        return done

    def setting(self, **variables: str) -> "Host":
        """The same host with more variables in its environment."""
        return self._replace(environment={**self.environment, **variables})

    def file(self, name: str, content: bytes) -> Path:
        """A new file in the folder."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    def public_pem(self, der: str) -> Path:
        """An SPKI in DER as PEM, made by OpenSSL."""
        pem = self.folder / f"{der}.pem"
        self.run("openssl", "pkey", "-pubin", "-inform", "DER", "-in", der, "-out", pem)
        return pem

    def verify(
        self, public: str | Path, signature: str | Path, data: str | Path, *options: str
    ) -> None:
        """OpenSSL finds `signature` (of the SHA-256 of `data`) good under the PEM `public`."""
        command = ("openssl", "dgst", "-sha256", "-verify", public, "-signature", signature)
        assert self.run(*command, *options, data).stdout == b"Verified OK\n"


def init_token(host: Host) -> None:
    """Puts the token LABEL with both PINs into the host's first slot."""
    pins = ("--so-pin", SO_PIN, "--pin", PIN)
    host.run(sys.executable, "-m", "ghostcard", "token", "init", "--label", LABEL, *pins)
