"""Programs in Python load the library: it runs in their interpreter, of the same environment."""

import hashlib
import sys
from pathlib import Path

import pytest

from tests.clients.host import LABEL, PIN, Host

PROGRAMS = Path(__file__).with_name("programs")
TEXT = b"what is to be signed\n"


def test_python_pkcs11(token: Host) -> None:
    pytest.importorskip("pkcs11")
    program = PROGRAMS / "with_python_pkcs11.py"
    assert token.run(sys.executable, program, token.module, LABEL, PIN).stdout == b"done\n"
    token.file("text", TEXT)
    rsa = ("openssl", "rsa", "-RSAPublicKey_in", "-inform", "DER", "-in", "rsa.pkcs1.der")
    token.run(*rsa, "-pubout", "-out", "rsa.pem")
    token.verify("rsa.pem", "rsa.signature", "text")
    token.verify(token.public_pem("ec.der"), "ec.signature", "text")
    key, iv = ((token.folder / name).read_bytes().hex() for name in ("aes.key", "aes.iv"))
    cipher = ("openssl", "enc", "-d", "-aes-256-cbc", "-K", key, "-iv", iv)
    assert token.run(*cipher, "-in", "aes.sealed").stdout == TEXT


def test_pykcs11(token: Host) -> None:
    pytest.importorskip("PyKCS11")
    program = PROGRAMS / "with_pykcs11.py"
    assert token.run(sys.executable, program, token.module, LABEL, PIN).stdout == b"done\n"
    token.file("text", TEXT)
    modulus, exponent = ((token.folder / n).read_text() for n in ("modulus", "exponent"))
    lines = (
        "asn1 = SEQUENCE:key",
        "[key]",
        f"n = INTEGER:0x{modulus}",
        f"e = INTEGER:0x{exponent}",
    )
    token.file("key.asn1", "\n".join(lines).encode())
    token.run("openssl", "asn1parse", "-genconf", "key.asn1", "-noout", "-out", "key.der")
    rsa = ("openssl", "rsa", "-RSAPublicKey_in", "-inform", "DER", "-in", "key.der")
    token.run(*rsa, "-pubout", "-out", "key.pem")
    token.verify("key.pem", "signature", "text")
    assert (token.folder / "digest").read_bytes() == hashlib.sha256(TEXT).digest()
