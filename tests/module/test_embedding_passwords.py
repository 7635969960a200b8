"""One-time passwords through the real library (RFC 4226, appendix D)."""

from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from tests.module.tree import LIBRARY, compile_host, passes, run

SECRET = b"12345678901234567890"


def test_passwords(home: Path, tmp_path: Path) -> None:
    host = compile_host("passwords", tmp_path)
    printed = passes(run(host, LIBRARY, environment={"GHOSTCARD_HOME": str(home)}))
    seventh = HOTP(SECRET, 8, SHA1()).generate(7).decode()
    assert printed.splitlines() == ["755224 0", "287082 1", f"{seventh} 7"]
