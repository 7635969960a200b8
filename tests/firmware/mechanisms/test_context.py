"""Contexts that go on from message to message give what new ones give."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.exceptions import AlreadyFinalized
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import all_mechanisms
from ghostcard.firmware.mechanisms.context import Chain, Codebook
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import secret_key

VALUE = bytes(range(32))
BLOCK = 16
RV = ck.CKR_DATA_LEN_RANGE
IVS = st.binary(min_size=BLOCK, max_size=BLOCK)
MESSAGES = st.lists(st.tuples(IVS, st.integers(0, 5), st.booleans()), min_size=1, max_size=8)


def encryptor(iv: bytes) -> CipherContext:
    return Cipher(AES(VALUE), CBC(iv)).encryptor()


def decryptor(iv: bytes) -> CipherContext:
    return Cipher(AES(VALUE), CBC(iv)).decryptor()


def message(iv: bytes, blocks: int) -> bytes:
    return (iv[::-1] * blocks)[: blocks * BLOCK]


@pytest.mark.parametrize(
    ("made", "begin"), [(Chain, encryptor), (Codebook, decryptor)], ids=["there", "back"]
)
@given(messages=MESSAGES, spare=st.sampled_from((0, 1, BLOCK - 1, 64)))
def test_messages_of_any_length_in_a_row(
    made: type[Chain | Codebook],
    begin: Callable[[bytes], CipherContext],
    messages: list[tuple[bytes, int, bool]],
    spare: int,
) -> None:
    contexts = made(begin, BLOCK, BLOCK, RV)
    for iv, blocks, in_place in messages:
        data = message(iv, blocks)
        wanted = begin(iv).update(data)
        if in_place:
            out = bytearray(b"." * (len(data) + spare))
            contexts.into(iv, memoryview(data), memoryview(out))
            assert out[: len(data)] == wanted
            assert out[len(data) :] == b"." * spare
        else:
            assert contexts.whole(iv, data) == wanted


def test_a_context_is_made_once_and_used_again() -> None:
    made = []

    def begin(iv: bytes) -> CipherContext:
        made.append(iv)
        return encryptor(iv)

    chain = Chain(begin, BLOCK, BLOCK, RV)
    for number in range(10):
        chain.whole(bytes([number]) * BLOCK, bytes(64))
    assert made == [bytes(BLOCK)]


def test_threads_share_one() -> None:
    there, back = Chain(encryptor, BLOCK, BLOCK, RV), Codebook(decryptor, BLOCK, BLOCK, RV)

    def work(number: int) -> bool:
        iv = number.to_bytes(BLOCK)
        data = iv * 1024  # long enough for the library to let others run
        out = memoryview(bytearray(len(data)))
        there.into(iv, memoryview(data), out)
        return bytes(out) == encryptor(iv).update(data) and back.whole(iv, bytes(out)) == data

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(400)))


def test_what_happens_to_the_result_is_of_no_account() -> None:
    """The next message does not depend on memory that is the caller's."""
    chain, out = Chain(encryptor, BLOCK, BLOCK, RV), bytearray(64)
    chain.into(bytes(BLOCK), memoryview(bytes(64)), memoryview(out))
    out[:] = b"!" * 64
    assert chain.whole(b"v" * BLOCK, b"p" * 64) == encryptor(b"v" * BLOCK).update(b"p" * 64)


@pytest.mark.parametrize(
    ("made", "begin"), [(Chain, encryptor), (Codebook, decryptor)], ids=["there", "back"]
)
def test_one_that_failed_is_not_used_again(
    made: type[Chain | Codebook], begin: Callable[[bytes], CipherContext]
) -> None:
    first = [True]

    def beginning(iv: bytes) -> CipherContext:
        context = begin(iv)
        if first.pop():
            context.finalize()  # from now on it takes nothing
        return context

    contexts, iv, data = made(beginning, BLOCK, BLOCK, RV), b"v" * BLOCK, b"d" * 64
    with pytest.raises(AlreadyFinalized):
        contexts.whole(iv, data)
    first.append(False)
    assert contexts.whole(iv, data) == begin(iv).update(data)


@pytest.mark.parametrize("number", [ck.CKM_AES_CBC, ck.CKM_AES_CBC_PAD, ck.CKM_AES_ECB], ids=hex)
def test_after_a_refusal_all_is_as_it_was(number: int) -> None:
    mechanism = all_mechanisms().find(number)
    key, other = secret_key(ck.CKK_AES, VALUE), secret_key(ck.CKK_AES, VALUE)
    encrypt, decrypt = mechanism.encrypter(key), mechanism.decrypter(key)
    iv = b"" if number == ck.CKM_AES_ECB else b"v" * BLOCK
    wanted = mechanism.encrypter(other)(iv, bytes(48))
    for _ in range(3):
        assert encrypt(iv, bytes(48)) == wanted
        assert decrypt(iv, wanted) == bytes(48)
        with pytest.raises(Refused):
            decrypt(iv, wanted[:-1])
        with pytest.raises(Refused):
            encrypt(iv + b"v", bytes(48))
        with pytest.raises(Refused):
            decrypt(iv + b"v", wanted)
