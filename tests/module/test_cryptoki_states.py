"""C_GetOperationState and C_SetOperationState: operations leave their session and come back."""

import hashlib
import hmac
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.operation import JOURNAL_BYTES
from ghostcard.module.state import KINDS, SavedOperation, StateError, pack, unpack
from tests.module.program import Program, mechanism, refusing

pytestmark = pytest.mark.every_kind

SHA256 = mechanism(ck.CKM_SHA256)
HMAC = mechanism(ck.CKM_SHA256_HMAC)
CBC = mechanism(ck.CKM_AES_CBC_PAD, bytes(16))


def saved(library: Cryptoki, session: int) -> bytes:
    """As a program gets it: the length first."""
    size = library.get_operation_state(session, None)
    assert isinstance(size, int)
    assert library.get_operation_state(session, size - 1) == size
    state = library.get_operation_state(session, size)
    assert isinstance(state, bytes)
    assert len(state) == size
    return state


@pytest.fixture
def other(program: Program) -> Program:
    """A second session of the same login."""
    return Program(program.library)


def test_a_digest_branches(program: Program, other: Program) -> None:
    """A prefix digested once, as handshakes want it."""
    library = program.library
    library.digest_init(program.session, SHA256)
    for part in (b"one ", b"", b"prefix"):
        library.digest_update(program.session, part)
    state = saved(library, program.session)
    for session, end in ((program.session, b" here"), (other.session, b" there")):
        library.set_operation_state(other.session, state, 0, 0)
        library.digest_update(session, end)
        digest = library.digest_final(session, 32)
        assert digest == hashlib.sha256(b"one prefix" + end).digest()


def test_before_the_first_part_everything_is_open(program: Program) -> None:
    library, session = program.library, program.session
    library.digest_init(session, SHA256)
    state = saved(library, session)
    library.session_cancel(session, ck.CKF_DIGEST)
    library.set_operation_state(session, state, 0, 0)
    assert library.digest(session, b"abc", 32) == hashlib.sha256(b"abc").digest()


def test_a_code_and_its_check(program: Program, other: Program) -> None:
    library, key = program.library, program.secret(b"k" * 20)
    code = hmac.digest(b"k" * 20, b"a message", "sha256")
    library.sign_init(program.session, HMAC, key)
    library.verify_init(program.session, HMAC, key)
    library.sign_update(program.session, b"a mess")
    library.verify_update(program.session, b"a mess")
    library.set_operation_state(other.session, saved(library, program.session), 0, key)
    library.sign_update(other.session, b"age")
    assert library.sign_final(other.session, 32) == code
    library.verify_update(other.session, b"age")
    library.verify_final(other.session, code)


def test_a_cipher_goes_on_where_it_was(program: Program, other: Program) -> None:
    library, key = program.library, program.aes()
    data = bytes(range(100))
    whole = program.run("encrypt", CBC, key, data)
    library.encrypt_init(program.session, CBC, key)
    begun = library.encrypt_update(program.session, data[:40], 100)
    library.set_operation_state(other.session, saved(library, program.session), key, 0)
    more = library.encrypt_update(other.session, data[40:], 100)
    end = library.encrypt_final(other.session, 100)
    assert isinstance(begun, bytes)
    assert isinstance(more, bytes)
    assert isinstance(end, bytes)
    assert begun + more + end == whole
    library.decrypt_init(other.session, CBC, key)
    library.digest_init(other.session, SHA256)
    begun = library.decrypt_digest_update(other.session, whole[:50], 100)
    assert isinstance(begun, bytes)
    library.set_operation_state(program.session, saved(library, other.session), key, 0)
    more = library.decrypt_digest_update(program.session, whole[50:], 100)
    end = library.decrypt_final(program.session, 100)
    assert isinstance(more, bytes)
    assert isinstance(end, bytes)
    assert begun + more + end == data
    library.digest_update(program.session, end)
    assert library.digest_final(program.session, 32) == hashlib.sha256(data).digest()


def test_keys_are_named(program: Program) -> None:
    library, session = program.library, program.session
    mac, cipher = program.secret(b"k" * 20), program.aes()
    library.sign_init(session, HMAC, mac)
    state = saved(library, session)
    with refusing(ck.CKR_KEY_NEEDED):
        library.set_operation_state(session, state, 0, 0)
    with refusing(ck.CKR_KEY_NOT_NEEDED):
        library.set_operation_state(session, state, cipher, mac)
    with refusing(ck.CKR_KEY_CHANGED):
        library.set_operation_state(session, state, 0, program.secret(b"k" * 20))
    with refusing(ck.CKR_KEY_HANDLE_INVALID):
        library.set_operation_state(session, state, 0, 999_999)
    library.set_operation_state(session, state, 0, mac)
    assert library.sign(session, b"", 32) == hmac.digest(b"k" * 20, b"", "sha256")


def test_what_cannot_be_saved(program: Program) -> None:
    library, session = program.library, program.session
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.get_operation_state(session, None)
    library.find_objects_init(session, [])
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.get_operation_state(session, None)
    library.message_encrypt_init(session, mechanism(ck.CKM_AES_GCM), program.aes())
    library.digest_init(session, SHA256)
    with refusing(ck.CKR_STATE_UNSAVEABLE):
        library.get_operation_state(session, None)
    library.message_encrypt_final(session)
    library.digest_update(session, bytes(JOURNAL_BYTES))
    saved(library, session)
    library.digest_update(session, b"x")
    with refusing(ck.CKR_STATE_UNSAVEABLE):
        library.get_operation_state(session, None)
    digest = library.digest_final(session, 32)
    assert digest == hashlib.sha256(bytes(JOURNAL_BYTES) + b"x").digest()


def test_a_key_that_wants_the_pin_each_time(program: Program) -> None:
    library, session = program.library, program.session
    _, private = program.ec(ALWAYS_AUTHENTICATE=True)
    library.sign_init(session, mechanism(ck.CKM_ECDSA), private)
    with refusing(ck.CKR_STATE_UNSAVEABLE):
        library.get_operation_state(session, None)


def test_a_state_says_nothing_of_what_was_digested(program: Program) -> None:
    library, session = program.library, program.session
    key = program.secret(b"a secret of twenty b")
    library.digest_init(session, SHA256)
    library.digest_key(session, key)
    library.digest_update(session, b"and some data of ours")
    state = saved(library, session)
    assert b"secret" not in state
    assert b"data" not in state


def test_only_whole_states_of_this_token_are_taken(program: Program) -> None:
    library, session = program.library, program.session
    library.digest_init(session, SHA256)
    library.digest_update(session, b"data")
    state = saved(library, session)
    for wrong in (b"", b"state", state[:-1], state + b"\0", bytes(len(state))):
        with refusing(ck.CKR_SAVED_STATE_INVALID):
            library.set_operation_state(session, wrong, 0, 0)
    assert library.digest_final(session, 32) == hashlib.sha256(b"data").digest()
    with refusing(ck.CKR_SESSION_HANDLE_INVALID):
        library.set_operation_state(session + 1, state, 0, 0)


OPERATIONS = st.builds(
    SavedOperation,
    st.sampled_from(KINDS),
    st.binary(max_size=40),
    st.binary(max_size=40),
    st.none() | st.lists(st.binary(max_size=20), max_size=4),
)


@given(st.lists(OPERATIONS, max_size=3))
def test_what_is_packed_is_unpacked(operations: list[SavedOperation]) -> None:
    assert unpack(pack(operations)) == operations


@given(st.binary(max_size=60))
def test_any_bytes_are_a_state_or_none(data: bytes) -> None:
    with suppress(StateError):
        assert pack(unpack(data))[:1] == data[:1]
