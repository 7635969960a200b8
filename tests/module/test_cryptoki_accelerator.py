"""The accelerator token: keys of the host's, RSA by its cards."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ghostcard import pkcs11 as ck
from ghostcard.driver.imported_pair import primes
from ghostcard.emulator.sockets import Sockets
from ghostcard.module.cryptoki import Cryptoki
from tests.module.conftest import ACCELERATOR
from tests.module.mechanisms import ECB, ECDSA, HMAC, OAEP, PSS, RSA, SHA256, SHA256_RSA
from tests.module.program import P256, SO_PIN, Program, refusing


@pytest.fixture
def kind() -> str:
    return "accelerator"


@pytest.fixture
def recorded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "run").mkdir()
    monkeypatch.setenv("GHOSTCARD_RUN_DIR", str(home / "run"))


def operations(library: Cryptoki) -> list[str]:
    """What the cards have done so far."""
    machine = library._machine
    assert machine is not None
    machine.native.finish()
    array = machine.recorder.array()
    assert array["outcome"].tolist() == [0] * len(array)
    return [machine.recorder.names[number] for number in array["operation"].tolist()]


def library_key(program: Program, public: int) -> RSAPublicKey:
    loaded = load_der_public_key(program.one(public, "PUBLIC_KEY_INFO"))
    assert isinstance(loaded, RSAPublicKey)
    return loaded


def test_it_says_what_it_is(library: Cryptoki) -> None:
    assert library.get_slot_list(True) == [0, 1]
    assert library.get_slot_info(1).flags & ck.CKF_TOKEN_PRESENT
    assert library.get_token_info(0).model == "Accelerator"
    hardware = [
        number
        for number in library.get_mechanism_list(0)
        if library.get_mechanism_info(0, number).flags & ck.CKF_HW
    ]
    names = {number: name for name, number in vars(ck).items() if name.startswith("CKM_")}
    assert all("RSA" in names[number] for number in hardware)
    assert ck.CKM_RSA_PKCS in hardware
    assert ck.CKM_RSA_PKCS_KEY_PAIR_GEN not in hardware


@pytest.mark.usefixtures("recorded")
def test_the_cards_do_rsa_and_nothing_else(program: Program) -> None:
    library, session = program.library, program.session
    public, private = program.rsa()
    assert operations(library) == []
    signature = program.run("sign", SHA256_RSA, private, b"data")
    program.verify(SHA256_RSA, public, b"data", signature)
    assert operations(library) == ["rsa2048-crt", "rsa2048-me"]
    machine = library._machine
    assert machine is not None
    array = machine.recorder.array()
    assert array["function"].tolist() == [4, 1]  # CRT_2K, MEX_2K of AP sheet 4.2
    assert array["payload_bytes"].tolist() == [256, 256]
    ec_public, ec_private = program.ec(P256)
    program.verify(ECDSA, ec_public, b"data", program.run("sign", ECDSA, ec_private, b"data"))
    program.run("encrypt", ECB, program.aes(), bytes(64))
    program.run("digest", SHA256, None, b"data")
    library.generate_random(session, 100)
    assert operations(library) == ["rsa2048-crt", "rsa2048-me"]


def test_results_are_those_of_rsa(program: Program) -> None:
    public, private = program.rsa()
    key = library_key(program, public)
    sha256 = hashes.SHA256()
    key.verify(
        program.run("sign", SHA256_RSA, private, b"data"), b"data", padding.PKCS1v15(), sha256
    )
    pss = padding.PSS(padding.MGF1(sha256), 32)
    key.verify(program.run("sign", PSS, private, b"data"), b"data", pss, sha256)
    oaep = padding.OAEP(padding.MGF1(sha256), sha256, b"label")
    assert program.run("decrypt", OAEP, private, key.encrypt(b"text", oaep)) == b"text"
    encrypted = key.encrypt(b"text", padding.PKCS1v15())
    assert program.run("decrypt", RSA, private, encrypted) == b"text"
    with refusing(ck.CKR_ENCRYPTED_DATA_INVALID):
        program.run("decrypt", OAEP, private, encrypted)
    with refusing(ck.CKR_SIGNATURE_INVALID):
        program.verify(SHA256_RSA, public, b"data", encrypted)


@pytest.mark.usefixtures("recorded")
def test_large_keys_are_the_hosts(program: Program) -> None:
    p, q = primes(8192)
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = {
        "MODULUS": p * q, "PUBLIC_EXPONENT": 65537, "PRIVATE_EXPONENT": d, "PRIME_1": p,
        "PRIME_2": q, "EXPONENT_1": d % (p - 1), "EXPONENT_2": d % (q - 1),
        "COEFFICIENT": pow(q, -1, p),
    }  # fmt: skip
    values = {name: n.to_bytes((n.bit_length() + 7) // 8, "big") for name, n in numbers.items()}
    key = program.create(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=ck.CKK_RSA, SIGN=True, **values)
    assert len(program.run("sign", SHA256_RSA, key, b"data")) == 1024
    assert operations(program.library) == []


def test_without_cards_only_rsa_is_missing(program: Program, home: Path) -> None:
    """A host does not lose its keys with its cards: the token stays, and the sessions with it."""
    library, session = program.library, program.session
    sockets = Sockets(str(home / "cards" / "sockets"))
    _, private = program.rsa()
    key = program.aes()
    library.sign_init(session, SHA256_RSA, private)
    assert sockets.switch(0, False)
    with refusing(ck.CKR_DEVICE_REMOVED):
        library.sign(session, b"data", 256)
    assert library.get_session_info(session).device_error == ck.CKR_DEVICE_REMOVED
    assert len(program.run("encrypt", ECB, key, bytes(16))) == 16
    assert library.get_slot_list(True) == [0, 1]
    with refusing(ck.CKR_NO_EVENT):
        library.wait_for_slot_event(ck.CKF_DONT_BLOCK)
    assert sockets.switch(0, True)
    assert len(program.run("sign", SHA256_RSA, private, b"data")) == 256


def test_keys_outlive_the_process_and_lie_nowhere_in_clear(library: Cryptoki, home: Path) -> None:
    program = Program(library)
    program.login()
    value = bytes(range(1, 33))
    secret = program.secret(value, TOKEN=True, PRIVATE=True, SENSITIVE=False, LABEL="kept")
    expected = program.run("sign", HMAC, secret, b"data")
    library.finalize()
    nvram = home / "hosts" / "0.nvram"
    assert nvram.stat().st_mode & 0o777 == 0o600
    assert nvram.parent.stat().st_mode & 0o777 == 0o700
    files = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert not any(value in content for content in files)
    library.initialize()
    again = Program(library)
    again.login()
    (found,) = again.find(LABEL="kept")
    assert again.run("sign", HMAC, found, b"data") == expected
    assert again.one(found, "VALUE") == value


def test_slots_do_not_share_keys(library: Cryptoki, home: Path) -> None:
    library.init_token(1, SO_PIN, b"other")
    session = library.open_session(1, ck.CKF_SERIAL_SESSION)
    library.generate_random(session, 1)
    first = Program(library)
    first.aes(PRIVATE=False)
    contents = {(home / "hosts" / f"{slot}.nvram").read_bytes() for slot in (0, 1)}
    assert len(contents) == 2


def test_damaged_secrets_are_told_at_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "hosts").mkdir()
    (home / "hosts" / "0.nvram").write_bytes(b"not a memory")
    with refusing(ck.CKR_GENERAL_ERROR):
        Cryptoki().initialize()
    assert str(home / "hosts" / "0.nvram") in capsys.readouterr().err


@pytest.mark.usefixtures("recorded")
def test_null_function(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes and records are those of real cryptography; values are zeros."""
    config = home / "null.toml"
    config.write_text(f'function = "null"\n{ACCELERATOR}')
    monkeypatch.setenv("GHOSTCARD_CONFIG", str(config))
    library = Cryptoki()
    library.initialize()
    program = Program(library)
    program.login()
    public, private = program.rsa()
    assert program.run("sign", SHA256_RSA, private, b"data") == bytes(256)
    program.verify(SHA256_RSA, public, b"data", b"x" * 256)
    assert program.run("encrypt", OAEP, public, b"data") == bytes(256)
    assert program.run("decrypt", RSA, private, bytes(256)) == bytes(245)
    assert program.run("encrypt", ECB, program.aes(), b"x" * 32) == bytes(32)
    expected = ["rsa2048-crt", "rsa2048-me", "rsa2048-me", "rsa2048-crt"]
    assert operations(library) == expected
    library.finalize()
