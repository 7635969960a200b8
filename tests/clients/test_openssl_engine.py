"""OpenSSL with libp11's engine: `openssl dgst` signs with a key of the token."""

from pathlib import Path

import pytest

from tests.clients.host import LABEL, PIN, Host

CONFIGURATION = """
openssl_conf = start
[start]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
dynamic_path = {engine}
MODULE_PATH = {module}
init = 0
"""


def engine() -> Path:
    """The engine's library; the test is skipped without it."""
    for folder in Path("/usr/lib").glob("*/engines-3/pkcs11.so"):
        return folder
    pytest.skip("libengine-pkcs11-openssl is not installed")


@pytest.mark.parametrize(("kind", "name"), [("RSA:2048", "rsa"), ("EC:secp256r1", "ec")])
def test_dgst_signs_with_a_key_of_the_token(token: Host, kind: str, name: str) -> None:
    configuration = CONFIGURATION.format(engine=engine(), module=token.module)
    login = ("pkcs11-tool", "--module", token.module, "--login", "--pin", PIN)
    token.run(*login, "--keypairgen", "--key-type", kind, "--label", name, "--id", "01")
    token.run(*login, "--read-object", "--type", "pubkey", "--label", name, "-o", "public.der")
    public = token.public_pem("public.der")
    signer = token.setting(OPENSSL_CONF=str(token.file("openssl.cnf", configuration.encode())))
    token.file("text", b"what is to be signed\n")
    key = f"pkcs11:token={LABEL};object={name};type=private;pin-value={PIN}"
    sign = ("openssl", "dgst", "-engine", "pkcs11", "-keyform", "engine", "-sign", key, "-sha256")
    signer.run(*sign, "-out", "signature", "text")
    token.verify(public, "signature", "text")
    if name == "rsa":
        pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
        signer.run(*sign, *pss, "-out", "pss", "text")
        token.verify(public, "pss", "text", *pss)
