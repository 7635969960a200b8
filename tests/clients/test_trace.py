"""GHOSTCARD_TRACE: a line for each call, names and sizes, and nothing that is secret."""

import re
import stat
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from tests.clients.host import PIN, SO_PIN, Host

PROGRAM = Path(__file__).parent / "programs" / "traced.py"
LINE = re.compile(
    r"\d\d:\d\d:\d\d\.\d{6} \d+\.\d+ (C_\w+\(.*\) = CKR_.*) "
    r"\[host \d+\.\d us, simulated (\d+\.\d) us\]"
)


class Traced:
    """What a run left: the lines, without times; and in hexadecimal the secrets that went in."""

    def __init__(self, token: Host) -> None:
        self.file = token.folder / "trace"
        host = token.setting(GHOSTCARD_MODULE=token.module, GHOSTCARD_TRACE=str(self.file))
        done = host.run(sys.executable, PROGRAM, PIN, SO_PIN)
        self.secrets = [bytes.fromhex(line) for line in done.stdout.decode().split()]
        self.bytes = self.file.read_bytes()
        matches = [LINE.fullmatch(line) for line in self.bytes.decode().splitlines()]
        assert all(matches)
        self.calls = [match[1] for match in matches if match]
        self.times = {match[1]: float(match[2]) for match in matches if match}


@pytest.fixture
def traced(token: Host) -> Traced:
    return Traced(token)


def test_no_secret_that_went_in_is_in_the_trace(traced: Traced) -> None:
    assert len(traced.secrets) > 20
    text = traced.bytes.lower()
    for secret in traced.secrets:
        assert secret not in traced.bytes
        assert secret.hex().encode() not in text
        assert repr(secret).encode() not in traced.bytes
        assert b64encode(secret)[:-3] not in traced.bytes
        assert str(list(secret))[1:-1].encode() not in text
        assert str(int.from_bytes(secret, "big")).encode() not in text


def test_calls_and_their_arguments_have_names(traced: Traced) -> None:
    expected = (
        "C_Initialize() = CKR_OK",
        "C_OpenSession(slot=0, flags=CKF_RW_SESSION|CKF_SERIAL_SESSION) = CKR_OK, 1",
        "C_Login(session=1, user=CKU_USER, pin=8 bytes) = CKR_OK",
        "C_Login(session=1, user=CKU_USER, pin=8 bytes) = CKR_USER_ALREADY_LOGGED_IN",
        "C_CreateObject(session=1, attributes={CKA_CLASS: CKO_SECRET_KEY, CKA_KEY_TYPE: CKK_AES, "
        "CKA_LABEL: 'my key', CKA_ID: 01ff, CKA_VALUE: 32 bytes, CKA_SENSITIVE: CK_FALSE, "
        "CKA_WRAP_TEMPLATE: {CKA_VALUE: 32 bytes, CKA_EXTRACTABLE: CK_TRUE}}) = CKR_OK, 1",
        "C_GetAttributeValue(session=1, object=1, attributes={CKA_VALUE}) = CKR_OK, lengths 32",
        "C_FindObjectsInit(session=1, attributes={CKA_VALUE: 33 bytes}) = CKR_OK",
        "C_FindObjects(session=1, objects=room for 2 numbers) = CKR_OK, 1 number",
        "C_EncryptInit(session=1, mechanism=CKM_AES_CBC_PAD(iv=16 bytes), key=1) = CKR_OK",
        "C_Encrypt(session=1, data=33 bytes, out=NULL) = CKR_OK, 48 bytes",
        "C_Encrypt(session=1, data=33 bytes, out=room for 48 bytes) = CKR_OK, 48 bytes",
        "C_Encrypt(session=1, data=33 bytes, out=room for 1 byte) = CKR_BUFFER_TOO_SMALL, 48 bytes",
        "C_DigestInit(session=1, mechanism=CKM_SHA256()) = CKR_OK",
        "C_SetPIN(session=1, old=8 bytes, new=14 bytes) = CKR_OK",
        "C_InitPIN(session=1, pin=8 bytes) = CKR_OK",
        "C_SeedRandom(session=1, data=32 bytes) = CKR_OK",
        "C_GenerateRandom(session=1, out=8 bytes) = CKR_OK",
        "C_Finalize() = CKR_OK",
    )
    assert [line for line in expected if line not in traced.calls] == []
    (pair,) = (line for line in traced.calls if line.startswith("C_GenerateKeyPair"))
    assert "CKA_EC_PARAMS: 06082a8648ce3d030107" in pair
    assert re.search(r"= CKR_OK, \d+ and \d+$", pair)


def test_simulated_time_is_that_of_the_calls_requests(traced: Traced) -> None:
    assert traced.times["C_Finalize() = CKR_OK"] == 0
    sign = next(line for line in traced.calls if line.startswith("C_Sign(") and "room" in line)
    assert traced.times[sign] > 10


def test_the_file_is_the_users_alone_and_grows(token: Host) -> None:
    file = token.folder / "trace"
    file.write_text("before\n")
    file.chmod(0o644)
    host = token.setting(GHOSTCARD_MODULE=token.module, GHOSTCARD_TRACE=str(file))
    host.run(sys.executable, PROGRAM, PIN, SO_PIN)
    lines = file.read_text().splitlines()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert lines[0] == "before"
    assert len(lines) > 30


@pytest.mark.parametrize("where", ["-", "stderr"])
def test_standard_error(token: Host, where: str) -> None:
    host = token.setting(GHOSTCARD_MODULE=token.module, GHOSTCARD_TRACE=where)
    lines = host.run(sys.executable, PROGRAM, PIN, SO_PIN).stderr.decode().splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    assert len(lines) > 30


def test_a_file_that_cannot_be_written_is_one_line(token: Host) -> None:
    where = str(token.folder / "no" / "trace")
    host = token.setting(GHOSTCARD_MODULE=token.module, GHOSTCARD_TRACE=where)
    told = host.run(sys.executable, PROGRAM, PIN, SO_PIN).stderr.decode()
    assert told == f"ghostcard: GHOSTCARD_TRACE: {where}: No such file or directory\n"
