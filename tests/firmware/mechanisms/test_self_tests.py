"""Self tests: every family passes, notices a wrong answer, and is tested once, before first use."""

from collections.abc import Iterator
from importlib import import_module
from threading import Thread
from time import sleep
from types import ModuleType
from typing import Any

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms import (
    aes,
    aes_ccm,
    aes_ctr,
    aes_cts,
    aes_gcm,
    aes_gmac,
    aes_keywrap,
    aes_xcbc,
    aes_xts,
    cbc_mac,
    chacha20,
    chacha20_poly1305,
    cipher_derivation,
    cmac,
    des3,
    dh,
    digest,
    dsa,
    ecdh,
    ecdsa,
    eddsa,
    feedback,
    hash_derivation,
    hkdf,
    hmac,
    hotp,
    hybrid_wrap,
    kbkdf,
    mldsa,
    mlkem,
    pbkdf2,
    poly1305,
    pubkey,
    rsa_oaep,
    rsa_pkcs1,
    rsa_pss,
    rsa_raw,
    rsa_vectors,
    secret,
    simple_derivation,
    slhdsa,
    tls12,
)
from ghostcard.firmware.mechanisms.directory import FAMILIES
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.refusal import Refused
from ghostcard.firmware.mechanisms.table import SelfTestFailed, Table

MODULES = [
    import_module(f"ghostcard.firmware.mechanisms.{name.replace('-', '_')}") for name in FAMILIES
]

# For each family: where its known answers stand. Each is changed in turn, and must be missed.
ANSWERS: list[tuple[ModuleType, ModuleType, tuple[str, ...]]] = [
    (
        rsa_pkcs1,
        rsa_vectors,
        ("PKCS1_MESSAGE", "PKCS1_SIGNATURE", "PKCS1_PLAINTEXT", "PKCS1_CIPHERTEXT"),
    ),
    (rsa_pss, rsa_vectors, ("PSS_MESSAGE", "PSS_SIGNATURE")),
    (rsa_oaep, rsa_vectors, ("OAEP_PLAINTEXT",)),
    (ecdsa, ecdsa, ("_SIGNATURE",)),
    (rsa_raw, rsa_vectors, ("PKCS1_SIGNATURE",)),
    (ecdh, ecdh, ("_SHARED", "_KDF_SECRET", "_KDF_OUTPUT", "_X_PEER", "_X_SHARED")),
    (eddsa, eddsa, ("_SEED", "_PUBLIC", "_SIGNATURE")),
    (eddsa, eddsa, ("_SEED_448", "_PUBLIC_448", "_SIGNATURE_448")),
    (dsa, dsa, ("_X", "_MESSAGE", "_SIGNATURE")),
    (dh, dh, ("_SECRET", "_PEER", "_SHARED")),
    (mlkem, mlkem, ("_SEED", "_PUBLIC_SHA256")),
    (mldsa, mldsa, ("_SEED", "_PUBLIC_SHA256")),
    (slhdsa, slhdsa, ("_SHA2_128F", "_SHAKE_128F")),
    (hash_derivation, hash_derivation, ("_SHA256_ABC", "_SHAKE128_ABC")),
    (simple_derivation, simple_derivation, ("_BITS",)),
    (cipher_derivation, cipher_derivation, ("_KEY", "_PLAIN", "_IV", "_ECB", "_CBC")),
    (hkdf, hkdf, ("_IKM", "_SALT", "_INFO", "_OKM")),
    (kbkdf, kbkdf, ("_CTR_KEY", "_CTR_OUTPUT", "_PRK", "_OKM", "_TLS_SECRET", "_TLS_OUTPUT")),
    (tls12, tls12, ("_SECRET", "_SEED", "_OUTPUT")),
    (hotp, hotp, ("_SECRET", "_PASSWORD")),
    (pbkdf2, pbkdf2, ("_PASSWORD", "_SALT", "_OUTPUT")),
    (aes, aes, ("_KEY", "_PLAIN", "_IV", "_ECB", "_CBC")),
    (aes_ctr, aes_ctr, ("_KEY", "_PLAIN", "_COUNTER", "_CIPHER")),
    (aes_gcm, aes_gcm, ("_KEY", "_IV", "_AAD", "_PLAIN", "_SEALED")),
    (aes_keywrap, aes_keywrap, ("_KEK", "_VALUE", "_WRAPPED", "_PAD_KEK", "_PAD_VALUE")),
    (aes_keywrap, aes_keywrap, ("_PKCS7_WRAPPED",)),
    (aes_ccm, aes_ccm, ("_KEY", "_NONCE", "_AAD", "_PLAIN", "_SEALED")),
    (aes_cts, aes_cts, ("_KEY", "_PLAIN")),
    (aes_gmac, aes_gmac, ("_KEY", "_IV", "_DATA", "_TAG")),
    (aes_xcbc, aes_xcbc, ("_KEY", "_ONE_BLOCK", "_LONGER")),
    (aes_xts, aes_xts, ("_KEY_17", "_TWEAK_17", "_PLAIN_17", "_CIPHER_17", "_KEY", "_CIPHER")),
    (des3, des3, ("_PLAIN3", "_ECB3", "_IV", "_PLAIN", "_CBC")),
    (cmac, cmac, ("_MESSAGE", "_AES_KEY", "_AES_MAC", "_DES_MAC")),
    (cbc_mac, cbc_mac, ("_AES_KEY", "_AES_DATA", "_AES_MAC", "_DES_DATA", "_DES_MAC")),
    (chacha20, chacha20, ("_KEY", "_COUNTER", "_NONCE", "_PLAIN", "_CIPHER")),
    (chacha20_poly1305, chacha20_poly1305, ("_KEY", "_NONCE", "_AAD", "_PLAIN", "_SEALED")),
    (poly1305, poly1305, ("_KEY", "_DATA", "_TAG")),
]


# What only draws or copies; what is made of other families' steps, and tries them there and back.
NO_ANSWERS = {secret, pubkey, hybrid_wrap}


def test_every_family_with_answers_is_listed_here() -> None:
    listed = {family for family, _, _ in ANSWERS} | {digest, hmac, feedback, *NO_ANSWERS}
    assert listed == set(MODULES)


@pytest.mark.parametrize("family", [each for each in MODULES if each not in (secret, pubkey)])
def test_passes(family: Any) -> None:
    assert family.known_answers()


@pytest.mark.parametrize(
    ("family", "owner", "name"),
    [(family, owner, name) for family, owner, names in ANSWERS for name in names],
)
def test_misses_a_changed_answer(
    monkeypatch: pytest.MonkeyPatch, family: Any, owner: ModuleType, name: str
) -> None:
    value = getattr(owner, name)
    monkeypatch.setattr(owner, name, bytes((value[0] ^ 1,)) + value[1:])
    assert not family.known_answers()


@pytest.mark.parametrize("name", list(digest._ABC))
def test_misses_a_changed_hash(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(digest._ABC, name, "00" + digest._ABC[name][2:])
    assert not digest.known_answers()


@pytest.mark.parametrize("index", range(len(hmac._CASES)))
def test_misses_a_changed_hmac(monkeypatch: pytest.MonkeyPatch, index: int) -> None:
    cases = list(hmac._CASES)
    cases[index] = cases[index]._replace(mac="00" + cases[index].mac[2:])
    monkeypatch.setattr(hmac, "_CASES", tuple(cases))
    assert not hmac.known_answers()


@pytest.mark.parametrize("index", range(len(feedback._CASES)))
def test_misses_a_changed_feedback(monkeypatch: pytest.MonkeyPatch, index: int) -> None:
    cases = list(feedback._CASES)
    changed = bytes((cases[index].encrypted[0] ^ 1,)) + cases[index].encrypted[1:]
    cases[index] = cases[index]._replace(encrypted=changed)
    monkeypatch.setattr(feedback, "_CASES", tuple(cases))
    assert not feedback.known_answers()


@pytest.mark.parametrize("index", range(len(aes_cts._CASES)))
def test_misses_a_changed_block_of_ciphertext_stealing(
    monkeypatch: pytest.MonkeyPatch, index: int
) -> None:
    cases = list(aes_cts._CASES)
    cases[index] = cases[index][:-1] + bytes((cases[index][-1] ^ 1,))
    monkeypatch.setattr(aes_cts, "_CASES", tuple(cases))
    assert not aes_cts.known_answers()


class _Counting:
    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)

    def __call__(self) -> bool:
        return self.answers.pop(0)


def _mechanism(number: int) -> Mechanism:
    return Mechanism(number, 0, 0, ck.CKF_DIGEST)


def test_a_family_is_tested_once_and_before_its_first_use() -> None:
    table, test = Table(), _Counting(True)
    table.register("one", test, [_mechanism(1), _mechanism(2)])
    assert table.describe(1).number == 1
    assert test.answers == [True]
    assert table.find(1).number == 1
    assert table.find(2).number == 2
    assert test.answers == []


def test_a_failed_test_names_the_family_and_is_run_again() -> None:
    table, test = Table(), _Counting(False, True)
    table.register("one", test, [_mechanism(1)])
    with pytest.raises(SelfTestFailed, match="known-answer test of one failed"):
        table.find(1)
    assert table.find(1).number == 1


def test_all_are_run_on_demand_even_if_they_passed() -> None:
    table, test = Table(), _Counting(True, False)
    table.register("one", test, [])
    table.register("two", None, [])
    table.ensure("one")
    table.ensure("one")
    with pytest.raises(SelfTestFailed):
        table.test_all()


def test_nothing_is_registered_twice() -> None:
    table = Table()
    table.register("one", None, [_mechanism(1)])
    with pytest.raises(ValueError, match="family one is registered twice"):
        table.register("one", None, [])
    with pytest.raises(ValueError, match="mechanism 0x1 is registered twice"):
        table.register("two", None, [_mechanism(1)])


def test_an_unknown_mechanism_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        Table().find(1)
    assert caught.value.rv == ck.CKR_MECHANISM_INVALID


def test_a_family_is_fetched_once_and_whole_by_many_threads() -> None:
    numbers = tuple(range(50))
    fetched: list[str] = []
    found: list[int] = []

    def slowly() -> Iterator[Mechanism]:
        for number in numbers:
            sleep(0.0005)
            yield Mechanism(number, 0, 0, 0)

    def fetch(name: str, table: Table) -> None:
        fetched.append(name)
        table.register(name, None, slowly())

    table = Table({"slow": numbers}, fetch)
    assert table.numbers() == list(numbers)
    assert table.families() == ["slow"]
    assert fetched == []
    threads = [
        Thread(target=lambda: found.append(table.find(numbers[-1]).number)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [numbers[-1]] * 8
    assert fetched == ["slow"]
