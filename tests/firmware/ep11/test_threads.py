"""Four threads on one card: every result is right, whichever way they meet."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from threading import Barrier, Thread

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.ep11 import domain
from tests.firmware.ep11.caller import CBC_PAD, ECDSA, Caller, gcm, mech

THREADS = 4
ROUNDS = 60


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(work: Callable[[int], None]) -> None:
    """Run `work(n)` in each thread at once; the first error of any is raised here."""
    errors: list[BaseException] = []
    barrier = Barrier(THREADS)

    def run(number: int) -> None:
        barrier.wait()
        try:
            for _ in range(ROUNDS):
                work(number)
        except BaseException as error:
            errors.append(error)

    threads = [Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_one_key_of_each_kind_used_by_all(card: Caller) -> None:
    aes, mac_key, (blob, spki) = card.aes(), card.secret(), card.ec()
    hmac = mech(ck.CKM_SHA256_HMAC)
    texts = [bytes((number,)) * 500 for number in range(THREADS)]
    macs = [card.ask(verbs.SIGN_SINGLE, hmac, mac_key, text)[0] for text in texts]
    fresh = Caller(card.services)  # opens the keys and prepares their uses while all rush in

    def work(number: int) -> None:
        text = texts[number]
        for how in (gcm(bytes((number,)) * 12, b"aad"), CBC_PAD):
            assert fresh.decrypt(how, aes, fresh.encrypt(how, aes, text)) == text
        assert fresh.ask(verbs.SIGN_SINGLE, hmac, mac_key, text) == (macs[number],)
        (signature,) = fresh.ask(verbs.SIGN_SINGLE, ECDSA, blob, text[:32])
        fresh.ask(verbs.VERIFY_SINGLE, ECDSA, spki, text[:32], signature)
        (digest,) = fresh.ask(verbs.DIGEST_SINGLE, mech(ck.CKM_SHA256), text)
        assert digest == hashlib.sha256(text).digest()

    together(work)
    assert fresh.image.fault is None


def test_operations_in_parts_do_not_mix(card: Caller) -> None:
    key = card.aes()

    def work(number: int) -> None:
        text = bytes((number,)) * 100
        (state,) = card.ask(verbs.DIGEST_INIT, mech(ck.CKM_SHA256))
        (cipher,) = card.ask(verbs.ENCRYPT_INIT, gcm(bytes((number,)) * 12), key)
        out = b""
        for at in range(0, 100, 25):
            card.ask(verbs.DIGEST_UPDATE, state, text[at : at + 25])
            out += card.ask(verbs.ENCRYPT_UPDATE, cipher, text[at : at + 25])[1]
        assert card.ask(verbs.DIGEST_FINAL, state)[0] == hashlib.sha256(text).digest()
        out += card.ask(verbs.ENCRYPT_FINAL, cipher)[0]
        assert out == card.encrypt(gcm(bytes((number,)) * 12), key, text)

    together(work)
    assert len(card.image._contexts) == 0


def test_one_operation_meets_its_end_once(card: Caller) -> None:
    """All threads close the same digest; one gets the hash, the others are told it has ended."""
    for _ in range(ROUNDS):
        assert _closed_by_all(card) == [0] + [ck.CKR_SAVED_STATE_INVALID] * (THREADS - 1)


def _closed_by_all(card: Caller) -> list[int]:
    (state,) = card.ask(verbs.DIGEST_INIT, mech(ck.CKM_SHA256))
    answers: list[int] = []

    def close() -> None:
        answers.append(card.call(verbs.DIGEST, state, b"data").rv)

    threads = [Thread(target=close) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers)


def test_caches_are_emptied_under_load(card: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain, "MAX_KEYS", 3)
    keys = [card.aes() for _ in range(THREADS)]

    def work(number: int) -> None:
        for key in keys:
            assert card.decrypt(CBC_PAD, key, card.encrypt(CBC_PAD, key, b"text")) == b"text"
        card.image.zeroize(1)

    together(work)
