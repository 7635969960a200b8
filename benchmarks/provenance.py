"""Where figures come from: what a report records so that somebody else can make it again."""

import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import version

from ghostcard import __version__
from ghostcard.emulator.profile import Profile

_ASSUMED = "assumed"  # how a source begins that is a reasoning of ours
_RATING = ".rating"  # how a figure is called that is a ratio, and a time by the assumed scale only
_PACKAGES = ("cffi", "cryptography", "numpy", "simpy")


def caveat(profile: Profile) -> str:
    """What a report must say about its figures: how many of the profile's rest on assumptions."""
    sources = profile.sources
    assumed = {name for name, source in sources.items() if source.startswith(_ASSUMED)}
    said = f"{len(assumed)} of the {len(sources)} figures of profile {profile.name} are assumed"
    ratios = sum(name.endswith(_RATING) and name not in assumed for name in sources)
    return f"{said}, {ratios} more are ratios whose scale is assumed" if ratios else said


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
