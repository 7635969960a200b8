"""OpenSC's pkcs11-tool does everything it can with a token."""

import hashlib

import pytest

from tests.clients.host import LABEL, PIN, SO_PIN, Host

TEXT = b"what is to be signed\n"


def tool(host: Host, *arguments: str, login: bool = True) -> bytes:
    """Runs pkcs11-tool with the library; its standard output."""
    session = ("--login", "--pin", PIN) if login else ()
    return host.run("pkcs11-tool", "--module", host.module, *session, *arguments).stdout


def generate(host: Host, kind: str, label: str) -> str:
    """A key pair in the token; the name of a PEM file with its public half.

    p11tool reads the EC ones: pkcs11-tool 0.23 cannot write P-384 public keys, whatever the token.
    """
    tool(host, "--keypairgen", "--key-type", kind, "--label", label, "--id", "0a")
    if kind.startswith("EC"):
        export = ("--export", f"pkcs11:object={label};type=public", "--outfile", f"{label}.pem")
        host.run("p11tool", "--batch", "--provider", host.module, *export)
        return f"{label}.pem"
    tool(host, "--read-object", "--type", "pubkey", "--label", label, "-o", f"{label}.der")
    return host.public_pem(f"{label}.der").name


def test_a_token_is_initialised_and_gets_its_user_pin(host: Host) -> None:
    tool(
        host, "--init-token", "--label", LABEL, "--so-pin", SO_PIN, "--slot-index", "0", login=False
    )
    so = ("--login", "--login-type", "so", "--so-pin", SO_PIN)
    tool(host, *so, "--init-pin", "--new-pin", PIN, login=False)
    listed = tool(host, "--list-token-slots", login=False).decode()
    assert f"token label        : {LABEL}" in listed
    assert "token initialized, PIN initialized" in listed


def test_the_user_changes_the_pin(token: Host) -> None:
    tool(token, "--change-pin", "--new-pin", "24681357")
    refused = token.run(
        "pkcs11-tool", "--module", token.module, "--login", "--pin", PIN, "--list-objects", expect=1
    )
    assert b"CKR_PIN_INCORRECT" in refused.stderr


def test_a_key_of_another_configuration_is_explained(token: Host) -> None:
    """The same home, and cards that do not hold the wrapping key: an error, and one line why."""
    tool(token, "--keypairgen", "--key-type", "EC:prime256v1", "--label", "mine")
    others = token.file("others.toml", b"[[cards]]\nadapter = 0\ndomains = [1]\n")
    sign = ("--sign", "-m", "ECDSA-SHA256", "--label", "mine", "-i", "others.toml", "-o", "made")
    refused = token.setting(GHOSTCARD_CONFIG=str(others)).run(
        "pkcs11-tool", "--module", token.module, "--login", "--pin", PIN, *sign, expect=1
    )
    told = [line for line in refused.stderr.splitlines() if line.startswith(b"ghostcard: ")]
    assert told == [
        b"ghostcard: a key lies under another wrapping key than its slot's cards have: was it made "
        b"with another GHOSTCARD_CONFIG, or before their wrapping key was changed or cleared?"
    ]
    assert b"CKR_DEVICE_ERROR" in refused.stderr


@pytest.mark.parametrize("bits", [2048, 4096])
def test_rsa_signatures_verify_with_openssl(token: Host, bits: int) -> None:
    public = generate(token, f"RSA:{bits}", "rsa")
    token.file("text", TEXT)
    sign = ("--sign", "--label", "rsa", "-i", "text", "-o")
    tool(token, *sign, "pkcs1", "-m", "SHA256-RSA-PKCS")
    token.verify(public, "pkcs1", "text")
    tool(
        token, *sign, "pss", "-m", "SHA256-RSA-PKCS-PSS", "--mgf", "MGF1-SHA256", "--salt-len", "32"
    )
    pss = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
    token.verify(public, "pss", "text", *pss)


@pytest.mark.parametrize("curve", ["secp256r1", "secp384r1", "secp521r1"])
def test_ecdsa_signatures_verify_with_openssl(token: Host, curve: str) -> None:
    public = generate(token, f"EC:{curve}", "ec")
    token.file("text", TEXT)
    token.file("digest", hashlib.sha256(TEXT).digest())
    sign = ("--sign", "--label", "ec", "--signature-format", "openssl", "-o", "signature")
    tool(token, *sign, "-m", "ECDSA", "-i", "digest")
    token.verify(public, "signature", "text")


@pytest.mark.parametrize(
    ("curve", "how"),
    [
        ("secp192r1", "ECDSA-SHA1"),
        ("secp224r1", "ECDSA-SHA224"),
        ("secp256k1", "ECDSA-SHA3-256"),
        ("brainpoolP256r1", "ECDSA-SHA256"),
        ("brainpoolP512r1", "ECDSA-SHA512"),
        ("edwards25519", "EDDSA"),
    ],
)
def test_keys_on_other_curves_sign_and_verify(token: Host, curve: str, how: str) -> None:
    tool(token, "--keypairgen", "--key-type", f"EC:{curve}", "--label", "key", "--id", "0a")
    token.file("text", TEXT)
    token.file("other", TEXT + b"x")
    use = ("-m", how, "--label", "key")
    tool(token, "--sign", *use, "-i", "text", "-o", "signature")
    check = ("--verify", *use, "--signature-file", "signature", "-i")
    assert b"Signature is valid" in tool(token, *check, "text")
    assert b"Invalid signature" in tool(token, *check, "other")


def test_a_montgomery_key_is_generated(token: Host) -> None:
    """pkcs11-tool 0.23 names curve25519 with a length byte that is one too large."""
    tool(token, "--keypairgen", "--key-type", "EC:curve25519", "--label", "key", "--id", "0a")
    listed = tool(token, "--list-objects", "--type", "privkey").decode()
    assert "key" in listed
    assert "derive" in listed


def test_the_module_verifies_what_openssl_signed_and_refuses_another_text(token: Host) -> None:
    token.run("openssl", "genrsa", "-out", "key.pem", "2048")
    token.run("openssl", "rsa", "-in", "key.pem", "-pubout", "-outform", "DER", "-out", "key.der")
    tool(
        token, "--write-object", "key.der", "--type", "pubkey", "--label", "theirs", "--usage-sign"
    )
    token.file("text", TEXT)
    token.file("other", TEXT + b"!")
    token.run("openssl", "dgst", "-sha256", "-sign", "key.pem", "-out", "signature", "text")
    verify = (
        "--verify",
        "--label",
        "theirs",
        "-m",
        "SHA256-RSA-PKCS",
        "--signature-file",
        "signature",
    )
    assert b"Signature is valid" in tool(token, *verify, "-i", "text")
    assert b"Invalid signature" in tool(token, *verify, "-i", "other")


def test_rsa_decrypts_what_openssl_encrypted(token: Host) -> None:
    public = generate(token, "RSA:2048", "rsa")
    token.file("text", TEXT)
    encrypt = ("openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey", public, "-in", "text", "-out")
    oaep = ("-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256")
    token.run(*encrypt, "pkcs1")
    token.run(*encrypt, "oaep", *oaep, "-pkeyopt", "rsa_mgf1_md:sha256")
    decrypt = ("--decrypt", "--label", "rsa", "-o", "plain", "-i")
    tool(token, *decrypt, "pkcs1", "-m", "RSA-PKCS")
    assert (token.folder / "plain").read_bytes() == TEXT
    mgf = ("--hash-algorithm", "SHA256", "--mgf", "MGF1-SHA256")
    tool(token, *decrypt, "oaep", "-m", "RSA-PKCS-OAEP", *mgf)
    assert (token.folder / "plain").read_bytes() == TEXT


@pytest.mark.parametrize("bits", [128, 256])
def test_aes_agrees_with_openssl_in_both_directions(token: Host, bits: int) -> None:
    key, iv = bytes(range(bits // 8)), bytes(range(16))
    token.file("key", key)
    token.file("text", TEXT)
    kind = ("--type", "secrkey", "--key-type", f"AES:{bits // 8}", "--usage-decrypt")
    tool(token, "--write-object", "key", *kind, "--label", "aes", "--id", "0b")
    mechanism = ("--label", "aes", "--id", "0b", "-m", "AES-CBC-PAD", "--iv", iv.hex())
    tool(token, "--encrypt", *mechanism, "-i", "text", "-o", "sealed")
    cipher = ("openssl", "enc", f"-aes-{bits}-cbc", "-K", key.hex(), "-iv", iv.hex())
    assert token.run(*cipher, "-d", "-in", "sealed").stdout == TEXT
    token.run(*cipher, "-in", "text", "-out", "sealed")
    tool(token, "--decrypt", *mechanism, "-i", "sealed", "-o", "plain")
    assert (token.folder / "plain").read_bytes() == TEXT


def test_a_generated_aes_key_decrypts_what_it_encrypted(token: Host) -> None:
    tool(token, "--keygen", "--key-type", "AES:32", "--label", "aes", "--id", "0c")
    token.file("text", TEXT)
    mechanism = ("--label", "aes", "--id", "0c", "-m", "AES-CBC-PAD", "--iv", "00" * 16)
    tool(token, "--encrypt", *mechanism, "-i", "text", "-o", "sealed")
    assert len((token.folder / "sealed").read_bytes()) == 32
    tool(token, "--decrypt", *mechanism, "-i", "sealed", "-o", "plain")
    assert (token.folder / "plain").read_bytes() == TEXT


def test_a_generated_triple_des_key_is_in_the_token(token: Host) -> None:
    """It gives the length of the key, which a DES key has no attribute for."""
    tool(token, "--keygen", "--key-type", "DES3:24", "--label", "des3", "--id", "0d")
    assert "Secret Key Object; DES3" in tool(token, "--list-objects").decode()


@pytest.mark.parametrize(
    "name", ["SHA-1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-512"]
)
def test_hashes_agree_with_openssl(token: Host, name: str) -> None:
    token.file("text", TEXT)
    tool(token, "--hash", "-m", name, "-i", "text", "-o", "digest", login=False)
    option = "-" + (name if name.startswith("SHA3") else name.replace("-", "")).lower()
    theirs = token.run("openssl", "dgst", "-binary", option, "text").stdout
    assert (token.folder / "digest").read_bytes() == theirs


def test_random_bytes_are_as_many_as_asked_and_never_the_same(token: Host) -> None:
    drawn = []
    for name in ("first", "second"):
        tool(token, "--generate-random", "64", "-o", name, login=False)
        drawn.append((token.folder / name).read_bytes())
    assert [len(each) for each in drawn] == [64, 64]
    assert drawn[0] != drawn[1]


def test_a_certificate_comes_back_as_it_was_written(token: Host) -> None:
    subject = ("-subj", "/CN=ghostcard", "-days", "30", "-nodes", "-newkey", "rsa:2048")
    token.run(
        "openssl", "req", "-x509", *subject, "-keyout", "k.pem", "-outform", "DER", "-out", "c.der"
    )
    named = ("--type", "cert", "--label", "certificate", "--id", "0d")
    tool(token, "--write-object", "c.der", *named)
    tool(token, "--read-object", *named, "-o", "back.der", login=False)
    assert (token.folder / "back.der").read_bytes() == (token.folder / "c.der").read_bytes()
    subject_line = token.run(
        "openssl", "x509", "-inform", "DER", "-in", "back.der", "-noout", "-subject"
    )
    assert subject_line.stdout == b"subject=CN = ghostcard\n"
    assert b"subject:    DN: CN=ghostcard" in tool(token, "--list-objects", login=False)


def test_objects_are_listed_and_deleted(token: Host) -> None:
    generate(token, "RSA:2048", "rsa")
    tool(token, "--keygen", "--key-type", "AES:16", "--label", "aes", "--id", "0e")
    heads = (
        "Private Key Object; RSA",
        "Public Key Object; RSA 2048 bits",
        "Secret Key Object; AES length 16",
    )
    listed = tool(token, "--list-objects").decode()
    assert all(head in listed for head in heads)
    assert "Private Key Object" not in tool(token, "--list-objects", login=False).decode()
    for kind, label in (("privkey", "rsa"), ("pubkey", "rsa"), ("secrkey", "aes")):
        tool(token, "--delete-object", "--type", kind, "--label", label)
    assert "Object" not in tool(token, "--list-objects").decode()


def test_its_own_tests_of_a_token_find_no_errors(token: Host) -> None:
    generate(token, "RSA:2048", "rsa")
    generate(token, "EC:secp256r1", "ec")
    report = tool(token, "--test").decode()
    assert report.endswith("No errors\n")
    assert "ERR:" not in report
