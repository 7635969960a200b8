"""A small scenario in a file."""

from pathlib import Path

import pytest

SMALL = """
requests = 400
seed = 7
[[tenants]]
name = "web"
clients = 4
think = { mean_ns = 100_000, distribution = "exponential" }
operation = "rsa2048-sign"
payload_bytes = 51
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path
