"""Java's SunPKCS11 provider, with a small program of ours."""

import hashlib
from pathlib import Path

from tests.clients.host import PIN, Host

PROGRAM = Path(__file__).with_name("programs") / "Client.java"
TEXT = b"what is to be signed\n"


def test_java_generates_signs_verifies_and_encrypts(token: Host) -> None:
    settings = f"name = Ghostcard\nlibrary = {token.module}\nslotListIndex = 0\n"
    token.file("provider", settings.encode())
    assert token.run("java", PROGRAM, "provider", PIN).stdout == b"done\n"
    token.file("text", TEXT)
    for name in ("rsa", "ec"):
        token.verify(token.public_pem(f"{name}.der"), f"{name}.signature", "text")
    assert (token.folder / "digest").read_bytes() == hashlib.sha256(TEXT).digest()
    assert len((token.folder / "cbc.sealed").read_bytes()) == 32
    assert len((token.folder / "gcm.sealed").read_bytes()) == len(TEXT) + 16
