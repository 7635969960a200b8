"""A wheel has all that an installation needs: library, compiled modules, profiles, the C client."""

import shutil
import sys
from pathlib import Path

from ghostcard import hotpath
from tests.clients.host import Host

ROOT = Path(__file__).parents[2]
MADE = ("*.so", "*.egg-info", "build", "dist", "generated", "results", "*.compiled")


def install(host: Host) -> Path:
    """Builds a wheel of a copy of the tree and unpacks it; the folder of its packages."""
    left_out = shutil.ignore_patterns(".*", "__pycache__", *MADE)
    shutil.copytree(ROOT, host.folder / "tree", symlinks=True, ignore=left_out)
    pip = (sys.executable, "-m", "pip", "--quiet")
    host.run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", "wheels", "./tree")
    (wheel,) = (host.folder / "wheels").glob("ghostcard-*.whl")
    host.run(*pip, "install", "--no-deps", "--no-compile", "--target", "site", wheel)
    shutil.rmtree(host.folder / "tree")
    return host.folder / "site"


def test_an_installed_wheel_works_without_its_sources(host: Host) -> None:
    site = install(host)
    assert all((site / name).exists() for name in hotpath.wanted())
    host = host.setting(PYTHONPATH=str(site), PYTHONSAFEPATH="1")
    command = (sys.executable, "-m", "ghostcard")
    module = host.run(*command, "module").stdout.decode().strip()
    assert module == str(site / "ghostcard" / "module" / "libghostcard.so")
    flags = host.run(*command, "module", "--flags").stdout.decode().split()
    headers = zip(flags, ("cryptoki.h", "ghostcard.h"), strict=True)
    assert all(Path(flag.removeprefix("-I"), name).exists() for flag, name in headers)
    include, *_ = host.run(*command, "bus", "--flags").stdout.decode().split()
    assert include == f"-I{site}/ghostcard/emulator/client"
    client = {path.name for path in (site / "ghostcard/emulator/client").glob("*-ap.*")}
    assert client == {"ghostcard-ap.c", "ghostcard-ap.h", "libghostcard-ap.so"}
    listed = host.run("pkcs11-tool", "--module", module, "--list-slots").stdout
    assert b"Slot 1 (0x1): Ghostcard APQN 00.0001" in listed
    assert b"cex8p" in host.run(*command, "profiles").stdout
    host.run(*command, "bench", "--seconds", "0.02", "--output", "results")
    assert (host.folder / "results" / "host.csv").read_text().count("\n") == 11
