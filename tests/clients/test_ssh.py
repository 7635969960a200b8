"""OpenSSH: ssh-keygen -D lists a token's keys, and an agent signs with them."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.clients.host import PIN, Host

KINDS = [("RSA:2048", "ssh-rsa"), ("EC:secp256r1", "ecdsa-sha2-nistp256")]


def generate(host: Host, kind: str) -> bytes:
    """A key pair in the token; its public half as OpenSSH itself converts it."""
    login = ("pkcs11-tool", "--module", host.module, "--login", "--pin", PIN)
    host.run(*login, "--keypairgen", "--key-type", kind, "--label", "login", "--id", "01")
    host.run(*login, "--read-object", "--type", "pubkey", "--id", "01", "-o", "public.der")
    pem = host.public_pem("public.der")
    return host.run("ssh-keygen", "-i", "-m", "PKCS8", "-f", pem).stdout


@contextmanager
def agent(host: Host) -> Iterator[str]:
    """An ssh-agent that may load the library; the path of its socket."""
    socket = str(host.folder / "agent")
    printed = host.run(
        "ssh-agent", "-a", socket, "-P", os.path.realpath(host.module)
    ).stdout.decode()
    process = int(printed.partition("SSH_AGENT_PID=")[2].partition(";")[0])
    try:
        yield socket
    finally:
        os.kill(process, signal.SIGTERM)


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_ssh_keygen_lists_the_public_key(token: Host, kind: str, name: str) -> None:
    expected = generate(token, kind).split()
    listed = token.run("ssh-keygen", "-D", token.module).stdout.split()
    assert listed[:2] == expected[:2]
    assert listed[0] == name.encode()


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_an_agent_signs_with_a_key_of_the_token(token: Host, kind: str, name: str) -> None:
    public = generate(token, kind)
    token.file("key.pub", public)
    token.file("text", b"what is to be signed\n")
    token.file("allowed", b"me " + public)
    ask = token.file("ask", f"#!/bin/sh\necho {PIN}\n".encode())
    ask.chmod(0o700)
    with agent(token) as socket:
        user = token.setting(
            SSH_ASKPASS=str(ask), SSH_ASKPASS_REQUIRE="force", SSH_AUTH_SOCK=socket
        )
        user.run("ssh-add", "-s", token.module)
        user.run("ssh-keygen", "-Y", "sign", "-n", "file", "-f", "key.pub", "text")
    check = ("-Y", "verify", "-f", "allowed", "-I", "me", "-n", "file", "-s", "text.sig")
    verified = token.run("ssh-keygen", *check, stdin=b"what is to be signed\n").stdout
    assert verified.startswith(b'Good "file" signature for me')
    token.run("ssh-keygen", *check, stdin=b"another text\n", expect=255)
