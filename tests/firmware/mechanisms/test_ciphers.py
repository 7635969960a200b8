"""What holds for every symmetric mechanism: parts and whole, sizes foretold, what is refused."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import aes_xts, all_mechanisms
from ghostcard.firmware.mechanisms.mechanism import CipherStream
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.secret import SIZES, secret_key, with_parity
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.ciphers import CIPHERS, KEY_WRAPS, MACS, key_of
from tests.firmware.mechanisms.refusing import refuses

TABLE = all_mechanisms()
SIZES_OF_PARTS = st.lists(st.integers(0, 40), max_size=6)


def fitting(number: int, data: bytes) -> bytes:
    """Data of a length the mechanism takes."""
    subject = (CIPHERS | KEY_WRAPS)[number]
    data = data.ljust(subject.least, b"\1")
    return data[: len(data) // subject.step * subject.step]


def in_parts(stream: CipherStream, data: bytes, sizes: list[int]) -> bytes:
    out, at = b"", 0
    for size in sizes:
        out += stream.update(data[at : at + size])
        at += size
    return out + stream.update(data[at:]) + stream.finish()


@pytest.mark.parametrize("number", CIPHERS, ids=hex)
@given(data=st.binary(max_size=130), sizes=SIZES_OF_PARTS)
def test_parts_give_what_the_whole_gives(number: int, data: bytes, sizes: list[int]) -> None:
    mechanism, subject, data = TABLE.find(number), CIPHERS[number], fitting(number, data)
    key, params = subject.key, subject.params(number, len(data))
    whole = mechanism.encrypter(key)(params, data)
    assert len(whole) == mechanism.encrypted_bytes(key, params, len(data))
    assert in_parts(mechanism.encryption(key, params), data, sizes) == whole
    assert mechanism.decrypter(key)(params, whole) == data
    assert in_parts(mechanism.decryption(key, params), whole, sizes) == data
    assert 0 <= len(data) - mechanism.decrypted_bytes(key, params, len(whole)) < 16


@pytest.mark.parametrize("number", CIPHERS, ids=hex)
@given(sizes=SIZES_OF_PARTS)
def test_as_much_comes_out_of_parts_as_foretold(number: int, sizes: list[int]) -> None:
    mechanism, subject = TABLE.find(number), CIPHERS[number]
    params = subject.params(number, sum(sizes))
    streams = {
        "encrypt": mechanism.encryption(subject.key, params),
        "decrypt": mechanism.decryption(subject.key, params),
    }
    for use, stream in streams.items():
        fed = out = 0
        for size in sizes:
            fed += size
            out += len(stream.update(bytes(size)))
            assert out == mechanism.released_bytes(use, fed)


@pytest.mark.parametrize("number", KEY_WRAPS, ids=hex)
@given(data=st.binary(max_size=100))
def test_key_wrap_of_data_and_back(number: int, data: bytes) -> None:
    mechanism, key, data = TABLE.find(number), KEY_WRAPS[number].key, fitting(number, data)
    sealed = mechanism.encrypter(key)(b"", data)
    assert len(sealed) == mechanism.encrypted_bytes(key, b"", len(data))
    assert mechanism.decrypter(key)(b"", sealed) == data


@pytest.mark.parametrize("number", MACS, ids=hex)
@given(data=st.binary(max_size=130), sizes=SIZES_OF_PARTS)
def test_a_code_in_parts_is_that_of_the_whole(number: int, data: bytes, sizes: list[int]) -> None:
    mechanism, subject = TABLE.find(number), MACS[number]
    key, params = subject.key, subject.params(number, len(data))
    code = mechanism.signer(key, params)(data)
    assert len(code) == mechanism.signature_bytes(key, params)
    mechanism.verifier(key, params)(data, code)
    sink, at = mechanism.sink(key, params), 0
    for size in sizes:
        sink.update(data[at : at + size])
        at += size
    sink.update(data[at:])
    made = sink.digest()
    assert mechanism.closer(key, params)(made) == code
    mechanism.checker(key, params)(made, code)


@pytest.mark.parametrize("number", MACS, ids=hex)
def test_a_wrong_code_is_refused_at_every_bit(table: Table, number: int) -> None:
    mechanism, subject = table.find(number), MACS[number]
    params = subject.params(number, 4)
    code = mechanism.signer(subject.key, params)(b"data")
    verify = mechanism.verifier(subject.key, params)
    for bit in range(8 * len(code)):
        wrong = (int.from_bytes(code, "big") ^ 1 << bit).to_bytes(len(code), "big")
        with refuses(ck.CKR_SIGNATURE_INVALID):
            verify(b"data", wrong)
    for wrong in (b"", code[:-1], code + b"\0"):
        with refuses(ck.CKR_SIGNATURE_LEN_RANGE):
            verify(b"data", wrong)


@pytest.mark.parametrize("number", CIPHERS | KEY_WRAPS, ids=hex)
def test_parameters_of_another_length_are_refused(table: Table, number: int) -> None:
    mechanism, subject = table.find(number), (CIPHERS | KEY_WRAPS)[number]
    good = subject.params(number, 16)
    open_ended = number in (ck.CKM_AES_GCM, ck.CKM_AES_CCM, ck.CKM_CHACHA20_POLY1305)
    for bad in (good[:3], b"x" if not good else b"", *([] if open_ended else [good + b"x"])):
        if bad == good:
            continue
        for transform in (mechanism.encrypter(subject.key), mechanism.decrypter(subject.key)):
            with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
                transform(bad, bytes(32))
        if number in CIPHERS:
            with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
                mechanism.encryption(subject.key, bad)
            with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
                mechanism.decryption(subject.key, bad)


@pytest.mark.parametrize("number", MACS, ids=hex)
def test_parameters_of_codes_of_another_length_are_refused(table: Table, number: int) -> None:
    mechanism, subject = table.find(number), MACS[number]
    good = subject.params(number, 0)
    for bad in (good + b"x", good[:2] if good else b"xx"):
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.signer(subject.key, bad)
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.checker(subject.key, bad)


GENERAL = [number for number, subject in MACS.items() if len(subject.params(number, 0)) == 4]


@pytest.mark.parametrize("number", GENERAL, ids=hex)
def test_a_code_is_cut_to_the_length_asked_for(table: Table, number: int) -> None:
    mechanism, key = table.find(number), MACS[number].key
    whole = 16 if key.key_type == ck.CKK_AES else 8
    longest = mechanism.signer(key, whole.to_bytes(4, "big"))(b"data")
    for length in range(1, whole + 1):
        assert mechanism.signer(key, length.to_bytes(4, "big"))(b"data") == longest[:length]
    for length in (0, whole + 1):
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            mechanism.signature_bytes(key, length.to_bytes(4, "big"))


@pytest.mark.parametrize("number", CIPHERS | KEY_WRAPS | MACS, ids=hex)
@given(params=st.binary(max_size=60), data=st.binary(max_size=70))
def test_any_parameters_and_data_are_answered_or_refused(
    number: int, params: bytes, data: bytes
) -> None:
    """Nothing but a refusal comes out of the library, whatever goes in."""
    mechanism, key = TABLE.find(number), (CIPHERS | KEY_WRAPS | MACS)[number].key
    uses: list[Callable[[], object]] = [lambda: mechanism.signer(key, params)(data)]
    if number not in MACS:
        uses = [
            lambda: mechanism.encrypter(key)(params, data),
            lambda: mechanism.decrypter(key)(params, data),
            lambda: mechanism.wrapper(key)(params, data),
            lambda: mechanism.unwrapper(key)(params, data),
            lambda: mechanism.encrypted_bytes(key, params, len(data)),
            lambda: mechanism.decrypted_bytes(key, params, len(data)),
            lambda: in_parts(mechanism.encryption(key, params), data, [9]),
            lambda: in_parts(mechanism.decryption(key, params), data, [9]),
        ]
    for use in uses:
        with suppress(Refused):
            use()


def test_a_data_unit_of_xts_has_its_limit(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """IEEE 1619, 5.1: 2**20 blocks."""
    assert aes_xts.MAX_UNIT == 16 << 20
    monkeypatch.setattr(aes_xts, "MAX_UNIT", 64)
    mechanism, subject = table.find(ck.CKM_AES_XTS), CIPHERS[ck.CKM_AES_XTS]
    key, params = subject.key, subject.params(ck.CKM_AES_XTS, 0)
    assert len(mechanism.encrypter(key)(params, bytes(64))) == 64
    assert len(in_parts(mechanism.encryption(key, params), bytes(64), [17])) == 64
    for size in (65, 80, 100):
        with refuses(ck.CKR_DATA_LEN_RANGE):
            mechanism.encrypter(key)(params, bytes(size))
        with refuses(ck.CKR_DATA_LEN_RANGE):
            in_parts(mechanism.encryption(key, params), bytes(size), [17])
        with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
            mechanism.decrypter(key)(params, bytes(size))
        with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
            in_parts(mechanism.decryption(key, params), bytes(size), [17])


BLOCKWISE = [number for number, subject in CIPHERS.items() if subject.step > 1]
SHORTEST = [number for number, subject in CIPHERS.items() if subject.least]


@pytest.mark.parametrize("number", BLOCKWISE + SHORTEST, ids=hex)
def test_lengths_that_do_not_fit(table: Table, number: int) -> None:
    mechanism, subject = table.find(number), CIPHERS[number]
    key, params = subject.key, subject.params(number, 0)
    size = subject.step + 1 if subject.step > 1 else subject.least - 1
    with refuses(ck.CKR_DATA_LEN_RANGE):
        mechanism.encrypter(key)(params, bytes(size))
    with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        mechanism.decrypter(key)(params, bytes(size))
    with refuses(ck.CKR_DATA_LEN_RANGE):
        in_parts(mechanism.encryption(key, params), bytes(size), [3])
    with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        in_parts(mechanism.decryption(key, params), bytes(size), [3])


TAGGED = {
    ck.CKM_AES_GCM: 12,
    ck.CKM_AES_CCM: 10,
    ck.CKM_CHACHA20_POLY1305: 16,
}


@pytest.mark.parametrize("number", TAGGED, ids=hex)
def test_every_changed_byte_is_refused_before_any_plaintext(table: Table, number: int) -> None:
    mechanism, subject, data = table.find(number), CIPHERS[number], b"sixteen and more bytes"
    key, params = subject.key, subject.params(number, len(data))
    sealed = mechanism.encrypter(key)(params, data)
    assert len(sealed) == len(data) + TAGGED[number]
    for place in range(len(sealed)):
        wrong = sealed[:place] + bytes((sealed[place] ^ 0x80,)) + sealed[place + 1 :]
        with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
            mechanism.decrypter(key)(params, wrong)
        stream = mechanism.decryption(key, params)
        assert stream.update(wrong) == b""
        with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
            stream.finish()
    other = params[:-1] + bytes((params[-1] ^ 1,))  # of the additional data
    with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
        mechanism.decrypter(key)(other, sealed)
    for size in (0, TAGGED[number] - 1):
        with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
            mechanism.decrypter(key)(params, bytes(size))


KEY_GENS = {
    ck.CKM_AES_KEY_GEN: (ck.CKK_AES, "aes-keygen"),
    ck.CKM_AES_XTS_KEY_GEN: (ck.CKK_AES_XTS, "aes-keygen"),
    ck.CKM_DES_KEY_GEN: (ck.CKK_DES, "secret-keygen"),
    ck.CKM_DES2_KEY_GEN: (ck.CKK_DES2, "secret-keygen"),
    ck.CKM_DES3_KEY_GEN: (ck.CKK_DES3, "secret-keygen"),
    ck.CKM_CHACHA20_KEY_GEN: (ck.CKK_CHACHA20, "secret-keygen"),
    ck.CKM_POLY1305_KEY_GEN: (ck.CKK_POLY1305, "secret-keygen"),
}


@pytest.mark.parametrize("number", KEY_GENS, ids=hex)
def test_keys_are_made_of_each_size_and_no_other(table: Table, number: int) -> None:
    mechanism, (key_type, operation) = table.find(number), KEY_GENS[number]
    assert mechanism.keyless_operation() == operation
    for size in SIZES[key_type]:
        key = mechanism.generate(size, lambda size: bytes(range(size)))
        assert (key.key_type, key.bits) == (key_type, 8 * size)
        assert key.material == with_parity(key_type, bytes(range(size)))
        assert mechanism.minimum <= size <= mechanism.maximum
        assert secret_key(key_type, key.material).material == key.material
    for size in {0, 1, 8, 16, 24, 32, 33, 64, 65} - set(SIZES[key_type]):
        with refuses(ck.CKR_KEY_SIZE_RANGE):
            mechanism.generate(size, bytes)
        with refuses(ck.CKR_KEY_SIZE_RANGE):
            secret_key(key_type, bytes(size))


def test_values_that_no_key_may_have() -> None:
    """FIPS 46-3: the parity of each byte of a DES key is odd; AES-XTS: two different halves."""
    good = key_of(ck.CKK_DES3, 24).material
    assert all(byte.bit_count() % 2 for byte in good)
    for place in range(24):
        with refuses(ck.CKR_ATTRIBUTE_VALUE_INVALID):
            secret_key(ck.CKK_DES3, good[:place] + bytes((good[place] ^ 0x10,)) + good[place + 1 :])
    with refuses(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        secret_key(ck.CKK_AES_XTS, bytes(range(16)) * 2)
    assert secret_key(ck.CKK_AES_XTS, bytes(32), is_null=True).is_null
    with refuses(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        secret_key(ck.CKK_BLOWFISH, bytes(16))


def test_every_symmetric_mechanism_is_tried_here(table: Table) -> None:
    """A mechanism of secret keys that no test here knows is one that nobody has tried."""
    ours = set(CIPHERS) | set(MACS) | set(KEY_WRAPS) | set(KEY_GENS)
    types = {ck.CKK_AES, ck.CKK_AES_XTS, ck.CKK_DES, ck.CKK_DES2, ck.CKK_DES3, ck.CKK_CHACHA20}
    derives = ck.CKF_DERIVE
    of_these_keys = {
        number
        for number in table.numbers()
        if types | {ck.CKK_POLY1305} > set(table.describe(number).key_types) > set()
        and not table.describe(number).flags & derives
    }
    assert of_these_keys == ours
