"""A server for one run: all processes of a program contend for the same cards."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ghostcard.cli.failure import Failure
from ghostcard.driver.timing import BEHIND
from ghostcard.shared.place import SERVER

_PATIENCE_S = 30.0  # for its last records


@contextmanager
def private_server(
    config: str | None, order: str | None, clients: int | None, records: Path, scratch: Path
) -> Iterator[dict[str, str]]:
    """A server that ends with the context and leaves its records; what is told to programs.

    Failure if it cannot start, or has ended before its time.
    """
    path = str(scratch / "cards.sock")
    command = [sys.executable, "-m", "ghostcard", "serve", "--socket", path]
    command += ["--records", str(records), "--clients", str(clients or 0)]
    command += ["--order", order or BEHIND]
    command += [] if config is None else ["--config", config]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout is not None
        if not server.stdout.readline():
            raise Failure(_why(server))
        try:
            yield {SERVER: path}
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                said = _why(server)
            except subprocess.TimeoutExpired:
                server.kill()
                raise
        if server.returncode:
            raise Failure(f"the server of the cards: {said}")


def _why(server: "subprocess.Popen[str]") -> str:
    _, said = server.communicate(timeout=_PATIENCE_S)
    return said.strip().removeprefix("error: ") or f"it ended with {server.returncode}"
