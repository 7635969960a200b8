"""nginx serves TLS with a key that lives in the token; ab loads it on the loopback interface.

The master process loads the key and then forks its workers, which have to start the library anew;
they run as the same user here, since the token's folder is open to nobody else.
"""

import getpass
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.clients.host import LABEL, PIN, Host, require, wait_for
from tests.clients.test_openssl_engine import CONFIGURATION, engine

SERVER = """
daemon off;
user {user};
worker_processes 2;
ssl_engine pkcs11;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
env OPENSSL_CONF;
env GHOSTCARD_HOME;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key "engine:pkcs11:{key}";
        ssl_session_cache off;
        ssl_session_tickets off;
        location / {{ return 200 "from the token\\n"; }}
    }}
}}
"""
KINDS = [("RSA:2048", "rsa"), ("EC:secp256r1", "ec")]
REQUESTS = 200


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(params=KINDS, ids=[name for _, name in KINDS])
def url(token: Host, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server whose key is in the token, and whose certificate says `localhost`."""
    kind, name = request.param
    library = CONFIGURATION.format(engine=engine(), module=token.module)
    user = token.setting(OPENSSL_CONF=str(token.file("openssl.cnf", library.encode())))
    login = ("pkcs11-tool", "--module", token.module, "--login", "--pin", PIN)
    token.run(*login, "--keypairgen", "--key-type", kind, "--label", name, "--id", "01")
    key = f"pkcs11:token={LABEL};object={name};type=private;pin-value={PIN}"
    sign = ("openssl", "req", "-new", "-x509", "-engine", "pkcs11", "-keyform", "engine")
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    token.file("req.cnf", b"[req]\ndistinguished_name=name\n[name]\n")
    user.run(*sign, "-key", key, *subject, "-config", "req.cnf", "-out", "certificate.pem")
    port = free_port()
    server = SERVER.format(user=getpass.getuser(), folder=token.folder, port=port, key=key)
    path = token.file("nginx.conf", server.encode())
    command = (require("nginx"), "-e", str(token.folder / "error.log"), "-c", str(path))
    with subprocess.Popen(command, cwd=token.folder, env=user.environment) as nginx:
        try:
            wait_for((token.folder / "nginx.pid").exists)
            yield f"https://localhost:{port}/"
        finally:
            nginx.terminate()


def test_every_handshake_of_a_load_is_signed_in_the_token(token: Host, url: str) -> None:
    certificate = token.folder / "certificate.pem"
    fetch = ("curl", "--silent", "--show-error", "--cacert", certificate, url)
    assert token.run(*fetch).stdout == b"from the token\n"
    loaded = token.run("ab", "-q", "-n", str(REQUESTS), "-c", "8", url).stdout.decode()
    counts = dict(line.split(":", 1) for line in loaded.splitlines() if ":" in line)
    assert counts["Complete requests"].strip() == str(REQUESTS)
    assert counts["Failed requests"].strip() == "0"
    assert "alert" not in Path(token.folder / "error.log").read_text()
