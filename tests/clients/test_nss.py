"""NSS: modutil adds the library, certutil makes keys and certificates, cmsutil signs with them."""

import pytest

from tests.clients.host import LABEL, PIN, Host

KINDS = [("rsa", ("-k", "rsa", "-g", "2048")), ("ec", ("-k", "ec", "-q", "nistp256"))]


@pytest.fixture
def nss(token: Host) -> Host:
    """A host with an NSS data base that knows the library, and files with PIN and noise."""
    token.run("certutil", "-N", "-d", "sql:.", "--empty-password")
    add = ("modutil", "-force", "-dbdir", "sql:.", "-add", "ghostcard", "-libfile", token.module)
    token.run(*add)
    token.file("pin", PIN.encode() + b"\n")
    token.file("noise", bytes(range(256)))
    return token


def certify(nss: Host, name: str, how: tuple[str, ...]) -> None:
    """A key pair in the token and a certificate of its own, both made by certutil."""
    what = ("-S", "-x", "-n", name, "-s", f"CN={name}", "-t", "CTu,CTu,CTu", "-m", "1", "-v", "12")
    where = ("-d", "sql:.", "-h", LABEL, "-f", "pin", "-z", "noise")
    nss.run("certutil", *what, *where, *how)


def test_modutil_shows_the_token(nss: Host) -> None:
    listed = nss.run("modutil", "-force", "-dbdir", "sql:.", "-list", "ghostcard").stdout.decode()
    assert f"Token Name: {LABEL}" in listed
    assert "Token Manufacturer:" in listed


@pytest.mark.parametrize(("name", "how"), KINDS)
def test_certutil_makes_a_key_and_a_certificate(nss: Host, name: str, how: tuple[str, ...]) -> None:
    certify(nss, name, how)
    keys = nss.run("certutil", "-K", "-d", "sql:.", "-h", LABEL, "-f", "pin").stdout.decode()
    assert name in keys
    read = ("certutil", "-L", "-d", "sql:.", "-h", LABEL, "-f", "pin", "-a")
    pem = nss.file("certificate.pem", nss.run(*read, "-n", f"{LABEL}:{name}").stdout)
    checked = nss.run("openssl", "verify", "-CAfile", pem, "-check_ss_sig", pem)
    assert checked.stdout.endswith(b": OK\n")


@pytest.mark.parametrize(("name", "how"), KINDS)
def test_certutil_signs_a_request_with_a_key_of_the_token(
    nss: Host, name: str, how: tuple[str, ...]
) -> None:
    where = ("-d", "sql:.", "-h", LABEL, "-f", "pin", "-z", "noise")
    asked = nss.run("certutil", "-R", "-s", f"CN={name}", "-a", *where, *how).stdout
    request = nss.file("request.pem", asked[asked.index(b"-----BEGIN") :])
    nss.run("openssl", "req", "-in", request, "-noout", "-verify")


def cmsutil_signs(nss: Host, name: str) -> None:
    """OpenSSL finds the signature good under the certificate that is on the token."""
    nss.file("text", b"what is to be signed\n")
    sign = ("cmsutil", "-S", "-d", "sql:.", "-f", "pin", "-N", f"{LABEL}:{name}", "-G", "-T")
    nss.run(*sign, "-i", "text", "-o", "text.p7")
    read = ("certutil", "-L", "-d", "sql:.", "-h", LABEL, "-f", "pin", "-n", f"{LABEL}:{name}")
    pem = nss.file("certificate.pem", nss.run(*read, "-a").stdout)
    check = ("openssl", "cms", "-verify", "-inform", "DER", "-in", "text.p7", "-content", "text")
    verified = nss.run(*check, "-binary", "-CAfile", pem, "-purpose", "any")
    assert verified.stdout == b"what is to be signed\n"


def test_cmsutil_signs_with_a_key_of_the_token(nss: Host) -> None:
    certify(nss, "rsa", KINDS[0][1])
    cmsutil_signs(nss, "rsa")


def test_pk12util_imports_a_key(nss: Host) -> None:
    """Its key is derived from the password by the token, by CK_PKCS5_PBKD2_PARAMS."""
    make = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=imported")
    nss.run(*make, "-keyout", "key.pem", "-out", "made.pem")
    pack = ("openssl", "pkcs12", "-export", "-inkey", "key.pem", "-in", "made.pem")
    nss.run(*pack, "-name", "imported", "-passout", "pass:secret", "-out", "key.p12")
    take = ("pk12util", "-i", "key.p12", "-d", "sql:.", "-h", LABEL, "-k", "pin", "-W", "secret")
    assert nss.run(*take).stdout == b"pk12util: PKCS12 IMPORT SUCCESSFUL\n"
    trust = ("certutil", "-M", "-d", "sql:.", "-f", "pin", "-n", f"{LABEL}:imported")
    nss.run(*trust, "-t", "CTu,CTu,CTu")
    cmsutil_signs(nss, "imported")
