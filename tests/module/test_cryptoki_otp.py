"""One-time passwords: the counter that the token keeps, and what may be asked for."""

import struct
from collections.abc import Iterator

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module import otp
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.encoding import ulong
from tests.module.program import Program, Value, attributes, mechanism, refusing

SECRET = b"12345678901234567890"
PASSWORDS = b"755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split()
HOTP = mechanism(ck.CKM_HOTP)


class Buffer:
    """The application's memory: one structure at an address."""

    address = 4096

    def __init__(self) -> None:
        self.content = b""

    def read(self, address: int, size: int) -> bytes:
        start = address - self.address
        assert 0 <= start <= start + size <= len(self.content)
        return self.content[start : start + size]

    def put(self, *entries: tuple[int, bytes]) -> bytes:
        """The head of a structure that lies there."""
        self.content = otp.image(entries).placed_at(self.address)
        return self.content[:16]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Buffer:
    buffer = Buffer()
    monkeypatch.setattr(otp.Host, "memory", staticmethod(buffer.read))
    return buffer


def key(program: Program, **values: Value) -> int:
    given: dict[str, Value] = {
        "CLASS": ck.CKO_OTP_KEY, "KEY_TYPE": ck.CKK_HOTP, "VALUE": SECRET
    }  # fmt: skip
    return program.create(**(given | values))


def sign(program: Program, handle: int, how: bytes = HOTP) -> dict[int, bytes]:
    """The parameters of the structure that C_Sign gives."""
    made = program.run("sign", how, handle, b"")
    start, count = struct.unpack_from("=QQ", made)
    found = {}
    for place in range(count):
        kind, value, size = struct.unpack_from("=QQQ", made, start + 24 * place)
        found[kind] = made[value : value + size]
    return found


def counter(value: int) -> bytes:
    return value.to_bytes(8, "big")


def test_the_token_counts(program: Program) -> None:
    handle = key(program)
    for count, password in enumerate(PASSWORDS):
        assert sign(program, handle) == {
            ck.CK_OTP_VALUE: password,
            ck.CK_OTP_COUNTER: counter(count),
        }
    assert program.one(handle, "OTP_COUNTER") == counter(10)
    starts_late = key(program, OTP_COUNTER=counter(4))
    assert sign(program, starts_late)[ck.CK_OTP_VALUE] == PASSWORDS[4]


def test_the_count_outlives_the_process(program: Program, library: Cryptoki) -> None:
    sign(program, key(program, TOKEN=True, PRIVATE=False, LABEL="counting"))
    library.finalize()
    library.initialize()
    again = Program(library)
    (handle,) = again.find(LABEL="counting")
    assert sign(again, handle)[ck.CK_OTP_VALUE] == PASSWORDS[1]


def test_a_question_for_the_length_counts_nothing(program: Program) -> None:
    handle = key(program)
    program.init("sign", HOTP, handle)
    room = program.library.sign(program.session, b"", None)
    assert program.library.sign(program.session, b"", 3) == room
    assert len(bytes(program.library.sign(program.session, b"", 200))) == room
    assert program.one(handle, "OTP_COUNTER") == counter(1)


def test_passwords_are_verified_once(program: Program, memory: Buffer) -> None:
    handle = key(program)

    def verify(*entries: tuple[int, bytes]) -> None:
        program.verify(HOTP, handle, b"", memory.put(*entries))

    verify((ck.CK_OTP_VALUE, PASSWORDS[0]))
    verify((ck.CK_OTP_VALUE, PASSWORDS[5]))  # some were lost on the way
    assert program.one(handle, "OTP_COUNTER") == counter(6)
    for past in (0, 5):
        with refusing(ck.CKR_SIGNATURE_INVALID):
            verify((ck.CK_OTP_VALUE, PASSWORDS[past]))
        with refusing(ck.CKR_SIGNATURE_INVALID):
            verify((ck.CK_OTP_VALUE, PASSWORDS[past]), (ck.CK_OTP_COUNTER, counter(past)))
    with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
        verify((ck.CK_OTP_VALUE, PASSWORDS[7][:-1]))
    with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
        verify()
    verify((ck.CK_OTP_VALUE, PASSWORDS[7]), (ck.CK_OTP_COUNTER, counter(7)))


def test_too_far_ahead(program: Program, memory: Buffer) -> None:
    ahead, handle = key(program, OTP_COUNTER=counter(otp.LOOK_AHEAD + 1)), key(program)
    password = sign(program, ahead)[ck.CK_OTP_VALUE]
    with refusing(ck.CKR_SIGNATURE_INVALID):
        program.verify(HOTP, handle, b"", memory.put((ck.CK_OTP_VALUE, password)))
    assert program.one(handle, "OTP_COUNTER") == b""


def test_wishes(program: Program, memory: Buffer) -> None:
    handle = key(program)
    wish = ((ck.CK_OTP_COUNTER, counter(9)), (ck.CK_OTP_OUTPUT_LENGTH, ulong(6)))
    assert sign(program, handle, HOTP + memory.put(*wish))[ck.CK_OTP_VALUE] == PASSWORDS[9]
    assert program.one(handle, "OTP_COUNTER") == b""  # the token's own has not moved
    wish = ((ck.CK_OTP_OUTPUT_LENGTH, ulong(8)), (ck.CK_OTP_FLAGS, ulong(0)))
    assert sign(program, handle, HOTP + memory.put(*wish))[ck.CK_OTP_VALUE][2:] == PASSWORDS[0]


@pytest.mark.parametrize(
    "wrong",
    [
        (ck.CK_OTP_OUTPUT_LENGTH, ulong(5)),
        (ck.CK_OTP_OUTPUT_LENGTH, b"\6"),
        (ck.CK_OTP_OUTPUT_FORMAT, ulong(ck.CK_OTP_FORMAT_BINARY)),
        (ck.CK_OTP_COUNTER, b"\1"),
        (ck.CK_OTP_FLAGS, ulong(ck.CKF_USER_FRIENDLY_OTP)),
        (ck.CK_OTP_PIN, b"1234"),
        (ck.CK_OTP_TIME, b"20260101000000"),
    ],
)
def test_wishes_that_cannot_be(program: Program, memory: Buffer, wrong: tuple[int, bytes]) -> None:
    handle = key(program)
    for function in ("sign", "verify"):
        with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
            program.init(function, HOTP + memory.put(wrong), handle)
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        program.init("sign", HOTP + bytes(15), handle)


def test_a_counter_that_must_be_given(program: Program, memory: Buffer) -> None:
    strict = key(program, OTP_COUNTER_REQUIREMENT=ck.CK_OTP_PARAM_MANDATORY)
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        program.init("sign", HOTP, strict)
    wish = HOTP + memory.put((ck.CK_OTP_COUNTER, counter(3)))
    assert sign(program, strict, wish)[ck.CK_OTP_VALUE] == PASSWORDS[3]
    deaf = key(program, OTP_COUNTER_REQUIREMENT=ck.CK_OTP_PARAM_IGNORED)
    assert sign(program, deaf, wish)[ck.CK_OTP_VALUE] == PASSWORDS[0]


def generated(program: Program) -> Iterator[int]:
    for _ in range(2):
        yield program.library.generate_key(
            program.session, mechanism(ck.CKM_HOTP_KEY_GEN), attributes(VALUE_LEN=20)
        )


def test_generated_keys(program: Program) -> None:
    one, other = generated(program)
    assert program.one(one, "CLASS") == ulong(ck.CKO_OTP_KEY)
    assert sign(program, one) != sign(program, other)


def test_other_keys_and_other_functions(program: Program) -> None:
    with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
        program.init("sign", HOTP, program.secret(SECRET))
    handle = key(program)
    with refusing(ck.CKR_KEY_TYPE_INCONSISTENT):
        program.init("sign", mechanism(ck.CKM_SHA_1_HMAC), handle)
    program.init("sign", HOTP, handle)
    with refusing(ck.CKR_OPERATION_ACTIVE):
        program.library.sign_update(program.session, b"")
    program.init("sign", HOTP, handle)
    with refusing(ck.CKR_DATA_LEN_RANGE):
        program.library.sign(program.session, b"data", 200)
    with refusing(ck.CKR_MECHANISM_INVALID):
        program.library.verify_signature_init(program.session, HOTP, handle, b"123456")
