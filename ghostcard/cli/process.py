"""A program run in our place: its exit code and its signals pass through us.

Signals are taken with sigwaitinfo, which tells who sent them: what the terminal sends (Ctrl-C) has
reached the program already and is not sent twice; what another process sends to us is passed on.
That needs a process with one thread: the kernel would hand the signals to any other.
"""

import os
import signal
from collections.abc import Mapping, Sequence

_PASSED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_NOT_FOUND = 127  # POSIX: the shell's exit codes for a command that it cannot run
_NOT_EXECUTABLE = 126
_KILLED = 128


class CommandError(Exception):
    """The program could not be started; `exit_code` is what a shell answers then."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Runs `command` to its end; its exit code, or 128 + n when signal n ended it."""
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("a program is to be run by a process with one thread")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, (*_PASSED, signal.SIGCHLD))
    try:
        return _wait(_start(command, environment, mask))
    finally:
        _discard_pending()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _start(
    command: Sequence[str], environment: Mapping[str, str], mask: set[signal.Signals | int]
) -> int:
    if not command[0]:
        raise CommandError("'': not found", _NOT_FOUND)
    try:
        return os.posix_spawnp(
            command[0], list(command), environment, setsigmask=mask, setsigdef=_IGNORED_BY_PYTHON
        )
    except FileNotFoundError:
        raise CommandError(f"{command[0]}: not found", _NOT_FOUND) from None
    except OSError as error:
        raise CommandError(f"{command[0]}: {error.strerror}", _NOT_EXECUTABLE) from None


def _wait(program: int) -> int:
    while True:
        received = signal.sigwaitinfo((*_PASSED, signal.SIGCHLD))
        if received.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(program, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else _KILLED - code
        elif received.si_code <= 0:  # SI_USER and its like; the kernel's own are positive
            os.kill(program, received.si_signo)


def _discard_pending() -> None:
    """A signal that came with the program's end must not end us before the profile is printed."""
    while signal.sigtimedwait((*_PASSED, signal.SIGCHLD), 0):
        pass
