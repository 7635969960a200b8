"""Real programs as clients: each test has slots of its own, in its own GHOSTCARD_HOME."""

import os
from pathlib import Path

import pytest

import ghostcard
from tests.clients.host import Host, init_token


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host whose slot 0 has no token yet."""
    module = Path(ghostcard.__file__).parent / "module" / "libghostcard.so"
    if not module.exists():
        pytest.skip("libghostcard.so is not built: `make bench` builds it")
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    private = {"HOME": str(tmp_path), "GHOSTCARD_HOME": str(tmp_path / "state")}
    return Host(tmp_path, str(module), kept | private)


@pytest.fixture
def token(host: Host) -> Host:
    """A host whose slot 0 has the token LABEL with both PINs set."""
    init_token(host)
    return host
