"""Structures of derivations through the real library; the values are computed here once more."""

import hashlib
import hmac
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.module.tree import LIBRARY, compile_host, passes, run

CLIENT, SERVER = b"the client's thirty-two bytes...", b"the server's thirty-two bytes..."
BASE = b"a base key"
PREMASTER = b"\3\2" + bytes(46)


@pytest.fixture
def printed(home: Path, tmp_path: Path) -> dict[str, str]:
    host = compile_host("derivations", tmp_path)
    lines = passes(run(host, LIBRARY, environment={"GHOSTCARD_HOME": str(home)})).splitlines()
    return dict(line.split(" ") for line in lines)


def prf(secret: bytes, seed: bytes, size: int) -> bytes:
    link, made = seed, b""
    while len(made) < size:
        link = hmac.digest(secret, link, "sha256")
        made += hmac.digest(secret, link + seed, "sha256")
    return made[:size]


def counted(bits: int, size: int) -> bytes:
    """The counter mode of the host's parameters."""
    data = b"label" + bits.to_bytes(2, "big")
    blocks = (hmac.digest(BASE, bytes((i,)) + data, "sha256") for i in range(1, 4))
    return b"".join(blocks)[:size]


def test_every_structure(printed: dict[str, str]) -> None:
    hkdf = HKDF(hashes.SHA256(), 50, b"salt", b"info").derive(BASE)
    first = hmac.digest(BASE, b"ivlabel", "sha256")
    extended = prf(PREMASTER, b"extended master secret" + CLIENT, 48)
    block = prf(extended, b"key expansion" + SERVER + CLIENT, 88)
    keys = counted(8 * 68, 68)
    expected = {
        "concatenated": b"onetwo",
        "with-data": BASE + b"data",
        "extracted": BASE[1:5],
        "exported": prf(BASE, b"label" + CLIENT + SERVER + b"\0\7context", 40),
        "hashed": hashlib.sha256(BASE).digest(),
        "hkdf-data": hkdf,
        "hkdf-key": hkdf,
        "kdf-one": counted(256, 32),
        "kdf-first": keys[:32],
        "kdf-second": keys[32:52],
        "kdf-third": keys[52:],
        "kdf-feedback": first,
        "master": prf(PREMASTER, b"master secret" + CLIENT + SERVER, 48),
        "extended": extended,
        "client-mac": block[:20],
        "server-mac": block[20:40],
        "client-key": block[40:56],
        "server-key": block[56:72],
        "client-iv": block[72:80],
        "server-iv": block[80:],
        "safe-key": block[16:32],
        "password": hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000, 32),
        "password-pointer": hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000, 32),
    }
    assert printed == {title: value.hex() for title, value in expected.items()}
