"""Errors as the user sees them: one line and an exit code.

The only place that knows every layer's error base.

Exit codes: 1, it failed; 2, what was asked or configured is wrong; 130, interrupted.
"""

import errno
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from ghostcard.benchmarks.capture.errors import CaptureError
from ghostcard.benchmarks.client import ClientError
from ghostcard.config import ConfigError
from ghostcard.control import ControlError
from ghostcard.driver.errors import DriverError
from ghostcard.emulator.errors import EmulatorError, ProfileError
from ghostcard.emulator.faultplan import FaultPlanError
from ghostcard.home import HomeError
from ghostcard.library import LibraryError
from ghostcard.module.token_admin import TokenAdminError

_WRONG: tuple[type[Exception], ...] = (
    CaptureError,
    ConfigError,
    FaultPlanError,
    HomeError,
    ProfileError,
)
_FAILED: tuple[type[Exception], ...] = (
    ClientError,
    ControlError,
    DriverError,
    EmulatorError,
    LibraryError,
    TokenAdminError,
)


class Failure(Exception):
    """What a command raises to end with ``error: message`` on stderr and ``exit_code``."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@contextmanager
def reported() -> Iterator[None]:
    """Ends a command that raises with one line; what click raises itself passes."""
    try:
        with _translated():
            yield
    except Failure as failure:
        click.echo(f"error: {failure}", err=True)
        raise click.exceptions.Exit(failure.exit_code) from None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (Failure, click.ClickException, click.Abort, click.exceptions.Exit):
        raise
    except KeyboardInterrupt:
        raise Failure("interrupted", 130) from None
    except _WRONG as error:
        raise Failure(str(error), 2) from None
    except _FAILED as error:
        raise Failure(str(error)) from None
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of our output has gone; click ends quietly
            raise
        raise Failure(_of_the_system(error)) from None
    except Exception as error:
        if os.environ.get("GHOSTCARD_DEBUG"):
            traceback.print_exc()
        raise Failure(
            f"internal error, please report it: {type(error).__name__}: {error}"
        ) from None


def _of_the_system(error: OSError) -> str:
    named = f"{error.filename}: " if error.filename else ""
    return f"{named}{error.strerror or error}"
