"""Where figures come from: what a report records so that somebody else can make it again."""

import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import version

from ghostcard import __version__

_PACKAGES = ("cffi", "cryptography", "numpy", "simpy")


def provenance(**settings: object) -> dict[str, object]:
    """`settings` (profile, seed, ...), then the command, the date, the machine and all versions."""
    return {
        **settings,
        "command": shlex.join(sys.argv),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "architecture": platform.machine(),
            "cores": len(os.sched_getaffinity(0)),
        },
        "versions": {
            "ghostcard": __version__,
            "python": platform.python_version(),
            **{package: version(package) for package in _PACKAGES},
        },
    }
