"""The `null` function track, every symmetric mechanism: the shape of what a real card answers."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.mechanism import pack
from tests.firmware.ep11.caller import ALL, RESULT, Caller, mech, template, u32
from tests.firmware.ep11.test_null import Pair
from tests.firmware.mechanisms.ciphers import CIPHERS, KEY_WRAPS, MACS, Subject

KEY_GENS = {
    ck.CKK_AES: ck.CKM_AES_KEY_GEN,
    ck.CKK_AES_XTS: ck.CKM_AES_XTS_KEY_GEN,
    ck.CKK_DES: ck.CKM_DES_KEY_GEN,
    ck.CKK_DES2: ck.CKM_DES2_KEY_GEN,
    ck.CKK_DES3: ck.CKM_DES3_KEY_GEN,
    ck.CKK_CHACHA20: ck.CKM_CHACHA20_KEY_GEN,
    ck.CKK_POLY1305: ck.CKM_POLY1305_KEY_GEN,
}


@pytest.fixture
def pair() -> Pair:
    return Pair()


def keys(pair: Pair, subject: Subject) -> tuple[bytes, bytes]:
    """A key of the subject's type on the real and on the null card, whose shapes are one."""
    how, size = mech(KEY_GENS[subject.key.key_type]), u32(subject.key.bits // 8)
    params = (RESULT, size, how, template(ALL), b"")
    pair.same(verbs.GENERATE_KEY, params, params)

    def made(card: Caller) -> bytes:
        return card.ask(verbs.GENERATE_KEY, *params)[0]

    return made(pair.real), made(pair.null)


def how_of(number: int, subject: Subject, size: int) -> bytes:
    return pack(number, subject.parameters(size))


@pytest.mark.parametrize("number", CIPHERS | KEY_WRAPS, ids=hex)
@pytest.mark.parametrize("size", [0, 16, 992])
def test_ciphers(pair: Pair, number: int, size: int) -> None:
    subject = (CIPHERS | KEY_WRAPS)[number]
    size = max(size, subject.least)
    real, null = keys(pair, subject)
    how, data = how_of(number, subject, size), bytes(size)
    pair.same(verbs.ENCRYPT_SINGLE, (RESULT, how, real, data), (RESULT, how, null, data))
    sealed = pair.real.encrypt(how, real, data)
    if len(sealed) == size or number not in (
        *(ck.CKM_AES_CBC_PAD, ck.CKM_DES_CBC_PAD, ck.CKM_DES3_CBC_PAD),
        *(ck.CKM_AES_KEY_WRAP_KWP, ck.CKM_AES_KEY_WRAP_PAD, ck.CKM_AES_KEY_WRAP_PKCS7),
    ):  # with padding, the data decides the size of what is decrypted
        zeros = bytes(len(sealed))
        pair.same(verbs.DECRYPT_SINGLE, (RESULT, how, real, sealed), (RESULT, how, null, zeros))


@pytest.mark.parametrize("number", CIPHERS, ids=hex)
def test_ciphers_in_parts(pair: Pair, number: int) -> None:
    subject = CIPHERS[number]
    real, null = keys(pair, subject)
    how = how_of(number, subject, 96)
    sealed = pair.real.encrypt(how, real, bytes(96))
    for init, data in ((verbs.ENCRYPT_INIT, bytes(96)), (verbs.DECRYPT_INIT, sealed)):
        (real_state,) = pair.real.ask(init, how, real)
        (null_state,) = pair.null.ask(init, how, null)
        for at in range(0, len(data), 37):
            part = data[at : at + 37]
            pair.same(init + 2, (real_state, part), (null_state, bytes(len(part))))
        pair.same(init + 4, (real_state,), (null_state,))


@pytest.mark.parametrize("number", MACS, ids=hex)
def test_codes(pair: Pair, number: int) -> None:
    subject = MACS[number]
    real, null = keys(pair, subject)
    how = how_of(number, subject, 0)
    pair.same(verbs.SIGN_SINGLE, (how, real, b"data"), (how, null, b"data"))
    (good,) = pair.real.ask(verbs.SIGN_SINGLE, how, real, b"data")
    zeros = bytes(len(good))
    pair.same(verbs.VERIFY_SINGLE, (how, real, b"data", good), (how, null, b"data", zeros))
    (real_state,) = pair.real.ask(verbs.SIGN_INIT, how, real)
    (null_state,) = pair.null.ask(verbs.SIGN_INIT, how, null)
    pair.same(verbs.SIGN_UPDATE, (real_state, b"data"), (null_state, b"data"))
    pair.same(verbs.SIGN_FINAL, (real_state,), (null_state,))


@pytest.mark.parametrize("number", CIPHERS | KEY_WRAPS, ids=hex)
def test_wrapping(pair: Pair, number: int) -> None:
    subject = (CIPHERS | KEY_WRAPS)[number]
    real_kek, null_kek = keys(pair, subject)
    real, null = pair.real.aes(), pair.null.aes()
    how = how_of(number, subject, 32)
    pair.same(
        verbs.WRAP_KEY, (RESULT, how, real, real_kek, b""), (RESULT, how, null, null_kek, b"")
    )
    wrapped = pair.real.wrap(how, real, real_kek)
    asked = template(ALL, {ck.CKA_KEY_TYPE: ck.CKK_AES})
    pair.same(
        verbs.UNWRAP_KEY,
        (asked, how, real_kek, b"", b"", wrapped),
        (asked, how, null_kek, b"", b"", bytes(len(wrapped))),
    )
