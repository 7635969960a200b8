"""node: pkcs11js signs and encrypts with keys of the token, node's own OpenSSL checks it."""

from pathlib import Path

import pytest

from tests.clients.host import LABEL, PIN, Host

PROGRAM = Path(__file__).parent / "programs" / "with_pkcs11js.js"
PACKAGES = Path(__file__).parents[2] / ".venv" / "node_modules"


def test_a_node_program_signs_and_encrypts(token: Host) -> None:
    if not (PACKAGES / "pkcs11js").is_dir():
        pytest.skip("pkcs11js is not installed: npm install --prefix .venv pkcs11js")
    user = token.setting(NODE_PATH=str(PACKAGES))
    assert user.run("node", PROGRAM, token.module, LABEL, PIN).stdout == b"done\n"
