"""What holds for every test: signals as at a terminal, compiled modules that do what their sources
say, and with CI set nothing is skipped, since CI installs all the programs that the tests need.
"""

import os
import signal
from collections.abc import Generator

import pytest

from ghostcard import hotpath


def pytest_configure() -> None:
    """Started with nohup, or in the background, we would hand on that some signals are ignored."""
    if hotpath.stale():
        raise pytest.UsageError("compiled modules are not those of the sources: run `make build`")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns a skipped test into a failed one when CI is set."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turns a skipped test file into a failed one when CI is set."""
    report = yield
    _fail_if_skipped(report)
    return report
