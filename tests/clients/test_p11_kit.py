"""p11-kit: a server holds the library, and programs reach it through p11-kit's client module.

It passes on the mechanisms whose parameters it knows; ECDSA with a hash is none of them.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.host import LABEL, PIN, Host, require, wait_for


@pytest.fixture
def remote(token: Host) -> Iterator[Host]:
    """A host whose library is p11-kit's client of a server that holds ours."""
    found = [*Path("/usr/lib").glob("*/pkcs11/p11-kit-client.so")]
    if not found:
        pytest.skip("p11-kit-modules is not installed")
    socket = token.folder / "pkcs11"
    serve = ("server", "--foreground", "--provider", token.module, "--name", str(socket))
    command = (require("p11-kit"), *serve, f"pkcs11:token={LABEL}")
    with subprocess.Popen(command, env=token.environment, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(socket.exists)
            address = f"unix:path={socket}"
            yield token._replace(module=str(found[0])).setting(P11_KIT_SERVER_ADDRESS=address)
        finally:
            server.terminate()


def test_a_program_makes_and_uses_a_key_through_the_server(remote: Host) -> None:
    login = ("pkcs11-tool", "--module", remote.module, "--login", "--pin", PIN)
    remote.run(*login, "--keypairgen", "--key-type", "EC:secp256r1", "--label", "far", "--id", "01")
    remote.run(*login, "--read-object", "--type", "pubkey", "--id", "01", "-o", "public.der")
    remote.file("text", b"what is to be signed\n")
    remote.run("openssl", "dgst", "-sha256", "-binary", "-out", "hash", "text")
    sign = ("--sign", "--mechanism", "ECDSA", "--signature-format", "openssl", "--id", "01")
    remote.run(*login, *sign, "--input-file", "hash", "--output-file", "signature")
    remote.verify(remote.public_pem("public.der"), "signature", "text")


def test_several_programs_at_once_see_one_token(remote: Host) -> None:
    login = ("pkcs11-tool", "--module", remote.module, "--login", "--pin", PIN)
    for number in range(3):
        data = remote.file(f"data{number}", b"%d" % number)
        write = ("--write-object", data, "--type", "data", "--label", f"data {number}")
        remote.run(*login, *write)
    listed = remote.run(*login, "--list-objects", "--type", "data").stdout.decode()
    assert [f"data {number}" in listed for number in range(3)] == [True] * 3
