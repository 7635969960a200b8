"""AES modes against NIST's CAVS files (GFSbox, KeySbox, VarTxt, MMT), whole and in parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import all_mechanisms
from ghostcard.firmware.mechanisms.key import Key
from ghostcard.firmware.mechanisms.mechanism import CipherStream
from ghostcard.firmware.mechanisms.secret import secret_key
from ghostcard.firmware.mechanisms.table import Table
from tests.firmware.mechanisms.nist import cases
from tests.firmware.mechanisms.refusing import refuses

TABLE = all_mechanisms()
IV = bytes(range(16))
FULL_COUNTER = (128).to_bytes(4, "big") + IV
PARAMS = {
    ck.CKM_AES_ECB: b"",
    ck.CKM_AES_CBC: IV,
    ck.CKM_AES_CBC_PAD: IV,
    ck.CKM_AES_CTR: FULL_COUNTER,
}


def aes_key(value: bytes) -> Key:
    return secret_key(ck.CKK_AES, value)


def run(stream: CipherStream, data: bytes, sizes: list[int]) -> bytes:
    """Feed the data in parts of those sizes, the rest at the end."""
    out, at = b"", 0
    for size in sizes:
        out += stream.update(data[at : at + size])
        at += size
    return out + stream.update(data[at:]) + stream.finish()


@pytest.mark.parametrize("mode", ["ECB", "CBC"])
@pytest.mark.parametrize("bits", [128, 192, 256])
@pytest.mark.parametrize("kind", ["GFSbox", "KeySbox", "VarKey", "VarTxt", "MMT"])
def test_cavs(table: Table, mode: str, bits: int, kind: str) -> None:
    mechanism = table.find(ck.CKM_AES_ECB if mode == "ECB" else ck.CKM_AES_CBC)
    seen = 0
    for case in cases("ciphers", "AES", mode, f"{mode}{kind}{bits}.rsp"):
        if "plaintext" not in case.fields:
            continue
        key = aes_key(case.hex("key"))
        params = b"" if mode == "ECB" else case.hex("iv")
        plain, cipher = case.hex("plaintext"), case.hex("ciphertext")
        assert mechanism.encrypter(key)(params, plain) == cipher
        assert mechanism.decrypter(key)(params, cipher) == plain
        seen += 1
    assert seen >= 6


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_counter_mode_of_rfc_3686(table: Table, bits: int) -> None:
    mechanism = table.find(ck.CKM_AES_CTR)
    found = [
        case for case in cases("ciphers", "AES", "CTR", f"aes-{bits}-ctr.txt") if "iv" in case[1]
    ]
    assert len(found) == 3
    for case in found:
        key = aes_key(case.hex("key"))
        params = (32).to_bytes(4, "big") + case.hex("iv")
        assert mechanism.encrypter(key)(params, case.hex("plaintext")) == case.hex("ciphertext")


@pytest.mark.parametrize("number", PARAMS, ids=hex)
@given(
    value=st.sampled_from((16, 24, 32)).flatmap(
        lambda size: st.binary(min_size=size, max_size=size)
    ),
    data=st.binary(max_size=100),
    sizes=st.lists(st.integers(0, 40), max_size=5),
)
def test_parts_give_what_the_whole_gives(
    number: int, value: bytes, data: bytes, sizes: list[int]
) -> None:
    mechanism, key, params = TABLE.find(number), aes_key(value), PARAMS[number]
    if number in (ck.CKM_AES_ECB, ck.CKM_AES_CBC):
        data = data[: len(data) // 16 * 16]
    whole = mechanism.encrypter(key)(params, data)
    assert len(whole) == mechanism.encrypted_bytes(key, params, len(data))
    assert run(mechanism.encryption(key, params), data, sizes) == whole
    assert mechanism.decrypter(key)(params, whole) == data
    assert run(mechanism.decryption(key, params), whole, sizes) == data


@pytest.mark.parametrize("number", PARAMS, ids=hex)
@given(sizes=st.lists(st.integers(0, 40), max_size=6))
def test_as_much_comes_out_of_parts_as_foretold(number: int, sizes: list[int]) -> None:
    mechanism, key, params = TABLE.find(number), aes_key(bytes(16)), PARAMS[number]
    streams = {
        "encrypt": mechanism.encryption(key, params),
        "decrypt": mechanism.decryption(key, params),
    }
    for use, stream in streams.items():
        fed = out = 0
        for size in sizes:
            fed += size
            out += len(stream.update(bytes(size)))
            assert out == mechanism.released_bytes(use, fed)


@pytest.mark.parametrize("number", [ck.CKM_AES_ECB, ck.CKM_AES_CBC], ids=hex)
def test_a_part_of_a_block_is_refused(table: Table, number: int) -> None:
    mechanism, key, params = table.find(number), aes_key(bytes(16)), PARAMS[number]
    with refuses(ck.CKR_DATA_LEN_RANGE):
        mechanism.encrypter(key)(params, bytes(17))
    with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        mechanism.decrypter(key)(params, bytes(15))
    with refuses(ck.CKR_DATA_LEN_RANGE):
        run(mechanism.encryption(key, params), bytes(17), [3])
    with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        run(mechanism.decryption(key, params), bytes(33), [])


@pytest.mark.parametrize("number", PARAMS, ids=hex)
def test_wrong_parameters_are_refused(table: Table, number: int) -> None:
    mechanism, key = table.find(number), aes_key(bytes(16))
    wrong = PARAMS[number] + b"\0"
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.encrypter(key)(wrong, bytes(16))
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.decrypter(key)(wrong, bytes(16))
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.encryption(key, wrong)
    with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
        mechanism.decryption(key, wrong)


def _padded(table: Table, last_block: bytes) -> bytes:
    return table.find(ck.CKM_AES_CBC).encrypter(aes_key(bytes(16)))(IV, bytes(16) + last_block)


@pytest.mark.parametrize(
    "last_block",
    [
        bytes(16),
        bytes(15) + b"\x11",
        bytes(14) + b"\1\2",
        b"\x10" * 15 + b"\x0f",
        bytes(15) + b"\xff",
    ],
)
def test_every_bad_padding_is_one_error(table: Table, last_block: bytes) -> None:
    mechanism, key = table.find(ck.CKM_AES_CBC_PAD), aes_key(bytes(16))
    bad = _padded(table, last_block)
    with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
        mechanism.decrypter(key)(IV, bad)
    with refuses(ck.CKR_ENCRYPTED_DATA_INVALID):
        run(mechanism.decryption(key, IV), bad, [5])


@pytest.mark.parametrize("size", [0, 1, 15, 17, 31])
def test_padded_ciphertext_of_an_impossible_length(table: Table, size: int) -> None:
    mechanism, key = table.find(ck.CKM_AES_CBC_PAD), aes_key(bytes(16))
    with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        mechanism.decrypter(key)(IV, bytes(size))
    with refuses(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
        run(mechanism.decryption(key, IV), bytes(size), [])


@pytest.mark.parametrize("size", [0, 1, 8, 15, 17, 20, 33])
def test_no_key_of_another_size(size: int) -> None:
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        aes_key(bytes(size))
    with refuses(ck.CKR_KEY_SIZE_RANGE):
        TABLE.find(ck.CKM_AES_KEY_GEN).generate(size, bytes)


class TestCounterWrap:
    """The low bits count and wrap; the high bits stay (PKCS #11 3.2, 6.13.7)."""

    key = aes_key(bytes(16))

    def _keystream(self, *blocks: int) -> bytes:
        data = b"".join(block.to_bytes(16, "big") for block in blocks)
        return TABLE.find(ck.CKM_AES_ECB).encrypter(self.key)(b"", data)

    @pytest.mark.parametrize("sizes", [[], [1], [31, 2], [16, 16], [40]])
    def test_wraps_within_its_bits(self, sizes: list[int]) -> None:
        params = (4).to_bytes(4, "big") + (0xABE).to_bytes(16, "big")
        mechanism = TABLE.find(ck.CKM_AES_CTR)
        expected = self._keystream(0xABE, 0xABF, 0xAB0, 0xAB1)
        assert mechanism.encrypter(self.key)(params, bytes(64)) == expected
        assert run(mechanism.encryption(self.key, params), bytes(64), sizes) == expected

    def test_wraps_at_128_bits(self) -> None:
        top = (1 << 128) - 1
        params = (128).to_bytes(4, "big") + top.to_bytes(16, "big")
        found = TABLE.find(ck.CKM_AES_CTR).encrypter(self.key)(params, bytes(32))
        assert found == self._keystream(top, 0)

    def test_never_uses_a_counter_block_twice(self) -> None:
        mechanism = TABLE.find(ck.CKM_AES_CTR)
        params = (2).to_bytes(4, "big") + (3).to_bytes(16, "big")
        assert len(mechanism.encrypter(self.key)(params, bytes(64))) == 64
        with refuses(ck.CKR_DATA_LEN_RANGE):
            mechanism.encrypter(self.key)(params, bytes(65))
        stream = mechanism.encryption(self.key, params)
        stream.update(bytes(60))
        with refuses(ck.CKR_DATA_LEN_RANGE):
            stream.update(bytes(5))

    @pytest.mark.parametrize("bits", [0, 129, 0xFFFFFFFF])
    def test_refuses_other_counter_sizes(self, bits: int) -> None:
        with refuses(ck.CKR_MECHANISM_PARAM_INVALID):
            TABLE.find(ck.CKM_AES_CTR).encryption(self.key, bits.to_bytes(4, "big") + bytes(16))


def test_wrapped_values_are_filled_up_with_zeros(table: Table) -> None:
    mechanism, key = table.find(ck.CKM_AES_CBC), aes_key(bytes(16))
    wrapped = mechanism.wrapper(key)(IV, b"\x42" * 24)
    assert len(wrapped) == mechanism.wrapped_bytes(key, IV, 24) == 32
    assert mechanism.unwrapper(key)(IV, wrapped) == b"\x42" * 24 + bytes(8)


def test_operation_names(table: Table) -> None:
    names = [
        table.find(number).operation(aes_key(bytes(size)), "encrypt")
        for number, size in zip((*PARAMS, ck.CKM_AES_GCM), (16, 24, 32, 16, 32), strict=True)
    ]
    assert names == ["aes-128-ecb", "aes-192-cbc", "aes-256-cbc", "aes-128-ctr", "aes-256-gcm"]
