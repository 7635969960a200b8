"""GnuTLS's p11tool, which finds objects by PKCS #11 URI."""

import pytest

from tests.clients.host import LABEL, PIN, SO_PIN, Host

TOKEN = f"pkcs11:token={LABEL}"


def p11tool(host: Host, *arguments: str, expect: int = 0) -> bytes:
    """Runs p11tool with the library; its standard output."""
    command = ("p11tool", "--batch", "--provider", host.module, *arguments)
    return host.setting(GNUTLS_PIN=PIN, GNUTLS_SO_PIN=SO_PIN).run(*command, expect=expect).stdout


def test_a_token_is_initialised_and_listed(host: Host) -> None:
    p11tool(host, "--initialize", "--label", LABEL, "--set-so-pin", SO_PIN, "pkcs11:token=")
    p11tool(host, "--initialize-pin", "--set-so-pin", SO_PIN, "--set-pin", PIN, TOKEN)
    listed = p11tool(host, "--list-tokens").decode()
    assert f"Label: {LABEL}" in listed
    assert "Manufacturer: Ghostcard" in listed
    assert "Flags: RNG, Requires login" in listed


@pytest.mark.parametrize(
    ("kind", "size"), [("rsa", ("--bits", "2048")), ("ecdsa", ("--curve", "secp256r1"))]
)
def test_a_generated_key_signs(token: Host, kind: str, size: tuple[str, str]) -> None:
    named = ("--label", "pair", "--outfile", "public.pem")
    p11tool(token, "--login", f"--generate-privkey={kind}", *size, *named, TOKEN)
    private = f"{TOKEN};object=pair;type=private"
    p11tool(token, "--login", "--test-sign", private)
    p11tool(token, "--login", "--export-pubkey", private, "--outfile", "again.pem")
    text = token.run("openssl", "pkey", "-pubin", "-in", "public.pem", "-pubout").stdout
    assert text == token.run("openssl", "pkey", "-pubin", "-in", "again.pem", "-pubout").stdout


def test_certtool_signs_a_certificate_with_a_key_of_the_token(token: Host) -> None:
    public = ("--label", "ca", "--outfile", "ca-public.pem")
    p11tool(token, "--login", "--generate-privkey=rsa", "--bits", "2048", *public, TOKEN)
    token.file("template", b'cn = "ghostcard"\nca\ncert_signing_key\nexpiration_days = 30\n')
    private = f"{TOKEN};object=ca;type=private"
    keys = ("--load-privkey", private, "--load-pubkey", "ca-public.pem", "--template", "template")
    signing = ("--generate-self-signed", "--provider", token.module, *keys, "--outfile", "ca.pem")
    token.setting(GNUTLS_PIN=PIN).run("certtool", *signing)
    assert token.run("openssl", "verify", "-CAfile", "ca.pem", "ca.pem").stdout == b"ca.pem: OK\n"


def test_a_certificate_is_written_exported_and_deleted(token: Host) -> None:
    subject = ("-subj", "/CN=ghostcard", "-days", "30", "-nodes", "-newkey", "rsa:2048")
    token.run("openssl", "req", "-x509", *subject, "-keyout", "k.pem", "-out", "c.pem")
    load = ("--load-certificate", "c.pem", "--label", "certificate")
    p11tool(token, "--login", "--write", *load, TOKEN)
    url = f"{TOKEN};object=certificate;type=cert"
    p11tool(token, "--export", url, "--outfile", "back.pem")
    der = [
        token.run("openssl", "x509", "-in", name, "-outform", "DER").stdout
        for name in ("c.pem", "back.pem")
    ]
    assert der[0] == der[1]
    p11tool(token, "--login", "--delete", url)
    assert p11tool(token, "--export", url, expect=1) == b""


def test_random_bytes(token: Host) -> None:
    assert len(p11tool(token, "--generate-random", "32", TOKEN)) == 32
