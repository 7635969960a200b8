"""A program run in our place: its exit code, and its signals."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from ghostcard.cli.process import run

_RUN = (
    "import os, sys; from ghostcard.cli.process import run; sys.exit(run(sys.argv[1:], os.environ))"
)
_TRAPPING = "trap 'echo {0}; exit 5' {0}; echo ready; while :; do sleep 0.05; done"


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_the_exit_code_is_the_programs(script: str, code: int) -> None:
    assert _ran("sh", "-c", script) == (code, "")


def test_a_program_that_cannot_be_run_is_refused_as_by_a_shell() -> None:
    assert _ran("") == (1, "CommandError: '': not found")
    assert _ran("nowhere") == (1, "CommandError: nowhere: not found")
    assert _ran("/dev/null") == (1, "CommandError: /dev/null: Permission denied")


def test_the_program_gets_the_environment_and_a_signal_mask_like_ours() -> None:
    script = "import os, signal; exit(len(signal.pthread_sigmask(0, ())) or os.environ['X'] != 'y')"
    assert _ran(sys.executable, "-c", script, X="y") == (0, "")


def test_more_than_one_thread_is_refused_for_it_would_take_the_signals() -> None:
    other = threading.Event()
    thread = threading.Thread(target=other.wait)
    thread.start()
    try:
        with pytest.raises(RuntimeError, match="one thread"):
            run(["true"], os.environ)
    finally:
        other.set()
        thread.join()


@pytest.mark.parametrize("name", ["TERM", "HUP", "INT", "USR1"])
def test_a_signal_sent_to_us_reaches_the_program_once(name: str) -> None:
    with _started(_TRAPPING.format(name)) as ours:
        ours.send_signal(getattr(signal, f"SIG{name}"))
        assert ours.communicate(timeout=20)[0] == f"{name}\n"
        assert ours.returncode == 5


def test_ctrl_c_on_a_terminal_reaches_the_program_once() -> None:
    count = "n=0; trap 'n=$((n+1))' INT; echo ready; sleep 0.6; sleep 0.2; exit $((40+n))"
    terminal, side = os.openpty()
    with _started(count, stdin=side, preexec_fn=_take_terminal) as ours:
        os.write(terminal, b"\x03")
        ours.communicate(timeout=20)
        assert ours.returncode == 41
    os.close(terminal)
    os.close(side)


def test_a_program_killed_by_ctrl_c_leaves_us_alive() -> None:
    assert _ran("sh", "-c", "kill -INT $$; sleep 5") == (128 + signal.SIGINT, "")


def _ran(*command: str, **variables: str) -> tuple[int, str]:
    """Exit code and last line on stderr of a process that runs `command` in its place."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *command],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.returncode, done.stderr.strip().rpartition("\n")[2].rpartition("process.")[2]


def _begin_session() -> None:
    """A process group of its own, and signals as a shell at a terminal would leave them: started
    with nohup, or in the background, the tests would hand on that some are ignored.
    """
    os.setsid()
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)


def _take_terminal() -> None:
    import fcntl
    import termios

    _begin_session()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class _started:
    """`sh -c script` run by `run` in a process of its own, after it said "ready"."""

    def __init__(
        self,
        script: str,
        stdin: int = subprocess.DEVNULL,
        preexec_fn: Callable[[], None] = _begin_session,
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RUN, "sh", "-c", script],
            stdin=stdin,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=preexec_fn,
        )

    def __enter__(self) -> subprocess.Popen[str]:
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"
        return self._process

    def __exit__(self, *_error: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # the program too: it holds our pipe
        self._process.communicate()
