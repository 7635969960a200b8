"""OpenSSH: a login to a server on the loopback interface with a key that lives in the token."""

import getpass
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.clients.host import PIN, Host, require, wait_for
from tests.clients.test_nginx import free_port
from tests.clients.test_ssh import KINDS, generate

SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized
PidFile {folder}/sshd.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
PermitRootLogin yes
"""


@pytest.fixture(params=KINDS, ids=[name for _, name in KINDS])
def port(token: Host, request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that lets in whoever has the token's key."""
    token.file("authorized", generate(token, request.param[0]))
    token.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "host_key")
    port = free_port()
    settings = token.file("sshd_config", SERVER.format(port=port, folder=token.folder).encode())
    os.makedirs("/run/sshd", exist_ok=True)  # where it separates its privileges
    command = (require("sshd"), "-D", "-e", "-f", str(settings))
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for((token.folder / "sshd.pid").exists)
            yield port
        finally:
            server.terminate()


def test_a_login_with_the_token_s_key(token: Host, port: int) -> None:
    ask = token.file("ask", f"#!/bin/sh\necho {PIN}\n".encode())
    ask.chmod(0o700)
    user = token.setting(SSH_ASKPASS=str(ask), SSH_ASKPASS_REQUIRE="force")
    options = (
        "StrictHostKeyChecking=no",
        f"UserKnownHostsFile={token.folder}/known",
        "PreferredAuthentications=publickey",
    )
    command = ("ssh", "-F", "none", "-p", str(port), "-I", token.module)
    asked = [word for option in options for word in ("-o", option)]
    done = user.run(*command, *asked, f"{getpass.getuser()}@127.0.0.1", "echo", "logged in")
    assert done.stdout == b"logged in\n"


def test_no_login_without_it(token: Host, port: int) -> None:
    options = ("-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-o", "IdentityFile=none")
    known = f"UserKnownHostsFile={token.folder}/known"
    command = ("ssh", "-F", "none", "-p", str(port), *options, "-o", known)
    refused = token.run(*command, f"{getpass.getuser()}@127.0.0.1", "true", expect=255)
    assert b"Permission denied" in refused.stderr
