"""GnuTLS as a library: a C program with mutex callbacks of its own and two threads."""

from pathlib import Path

import pytest

from tests.clients.host import LABEL, PIN, Host

SOURCE = Path(__file__).parent / "programs" / "with_gnutls.c"


@pytest.mark.parametrize("kind", ["RSA:2048", "EC:secp256r1"])
def test_two_threads_sign_under_the_program_s_own_locks(token: Host, kind: str) -> None:
    login = ("pkcs11-tool", "--module", token.module, "--login", "--pin", PIN)
    for name in ("one", "two"):
        token.run(
            *login,
            "--keypairgen",
            "--key-type",
            kind,
            "--label",
            name,
            "--id",
            {"one": "01", "two": "02"}[name],
        )
    token.run("gcc", "-Wall", "-Werror", "-o", "signer", SOURCE, "-lgnutls", "-lpthread")
    urls = [f"pkcs11:token={LABEL};object={name};type=private" for name in ("one", "two")]
    done = token.run(token.folder / "signer", token.module, PIN, *urls)
    assert done.stdout == b"100 signatures\n"
