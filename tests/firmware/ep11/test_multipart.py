"""Operations in parts: same results as in one call, state blobs, bounds, and the end of each."""

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.status import CKR_IBM_BLOB_ERROR
from ghostcard.firmware.ep11 import contexts
from ghostcard.firmware.mechanisms import aead
from ghostcard.firmware.mechanisms.mechanism import GATHER_LIMIT
from tests.firmware.ep11.caller import AES_IV, CBC_PAD, ECDSA, Caller, gcm, mech, u32

SHA256 = mech(ck.CKM_SHA256)
HMAC = mech(ck.CKM_SHA256_HMAC)
CIPHERS = {
    "ecb": mech(ck.CKM_AES_ECB),
    "cbc": mech(ck.CKM_AES_CBC, AES_IV),
    "cbc-pad": CBC_PAD,
    "ctr": mech(ck.CKM_AES_CTR, u32(128) + AES_IV),
    "gcm": gcm(aad=b"head"),
}
PARTS = st.lists(st.binary(max_size=40), max_size=6)
# A card outlives the examples of one test, as real ones do.
RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def fed(card: Caller, update: int, state: bytes, parts: list[bytes]) -> None:
    for part in parts:
        assert card.ask(update, state, part) == (state,)


def crypt(card: Caller, init: int, how: bytes, key: bytes, parts: list[bytes]) -> bytes:
    """Init, Update for each part, Final: 11, 13, 15 to encrypt, 12, 14, 16 to decrypt."""
    (state,) = card.ask(init, how, key)
    out = b""
    for part in parts:
        same, piece = card.ask(init + 2, state, part)
        assert same == state
        out += piece
    return out + card.ask(init + 4, state)[0]


class TestDigest:
    @RELAXED
    @given(parts=PARTS)
    def test_in_parts(self, card: Caller, parts: list[bytes]) -> None:
        (state,) = card.ask(verbs.DIGEST_INIT, SHA256)
        fed(card, verbs.DIGEST_UPDATE, state, parts)
        assert card.ask(verbs.DIGEST_FINAL, state)[0] == hashlib.sha256(b"".join(parts)).digest()

    def test_in_one_call_after_init(self, card: Caller) -> None:
        answer = card.call(verbs.DIGEST_INIT, SHA256)
        assert (answer.operation, answer.payload_bytes) == ("query", 0)
        answer = card.call(verbs.DIGEST, answer.values[0], b"data")
        assert answer == (0, (hashlib.sha256(b"data").digest(),), "sha256", 4)

    def test_what_the_parts_cost(self, card: Caller) -> None:
        (state,) = card.ask(verbs.DIGEST_INIT, SHA256)
        answer = card.call(verbs.DIGEST_UPDATE, state, bytes(100))
        assert (answer.operation, answer.payload_bytes) == ("sha256", 100)
        answer = card.call(verbs.DIGEST_FINAL, state)
        assert (answer.operation, answer.payload_bytes) == ("sha256", 0)

    def test_what_is_no_digest(self, card: Caller) -> None:
        card.refused(ck.CKR_MECHANISM_INVALID, verbs.DIGEST_INIT, ECDSA)


class TestSignatures:
    @RELAXED
    @given(parts=PARTS)
    def test_in_parts(self, card: Caller, parts: list[bytes]) -> None:
        blob, spki = card.ec()
        how = mech(ck.CKM_ECDSA_SHA384)
        (state,) = card.ask(verbs.SIGN_INIT, how, blob)
        fed(card, verbs.SIGN_UPDATE, state, parts)
        (signature,) = card.ask(verbs.SIGN_FINAL, state)
        card.ask(verbs.VERIFY_SINGLE, how, spki, b"".join(parts), signature)
        (state,) = card.ask(verbs.VERIFY_INIT, how, spki)
        fed(card, verbs.VERIFY_UPDATE, state, parts)
        assert card.ask(verbs.VERIFY_FINAL, state, signature) == ()

    @pytest.mark.parametrize("how", [ECDSA, mech(ck.CKM_ECDSA_SHA256)])
    def test_in_one_call_after_init(self, card: Caller, how: bytes) -> None:
        blob, spki = card.ec()
        answer = card.call(verbs.SIGN, card.ask(verbs.SIGN_INIT, how, blob)[0], b"d" * 32)
        assert (answer.operation, answer.payload_bytes) == ("ecdsa-p256-sign", 32)
        (state,) = card.ask(verbs.VERIFY_INIT, how, spki)
        verified = card.call(verbs.VERIFY, state, b"d" * 32, answer.values[0])
        assert verified == (0, (), "ecdsa-p256-verify", 32)

    def test_what_the_parts_cost(self, card: Caller) -> None:
        """Hashing is priced as hashing, the signature as a signature, keeping as nothing."""
        rsa, _ = card.rsa()
        for how, key, feed, close in (
            (mech(ck.CKM_SHA512_RSA_PKCS), rsa, "sha512", "rsa2048-sign"),
            (ECDSA, card.ec()[0], "query", "ecdsa-p256-sign"),
            (HMAC, card.secret(), "hmac-sha256", "hmac-sha256"),
        ):
            (state,) = card.ask(verbs.SIGN_INIT, how, key)
            answer = card.call(verbs.SIGN_UPDATE, state, bytes(20))
            assert (answer.operation, answer.payload_bytes) == (feed, 20)
            answer = card.call(verbs.SIGN_FINAL, state)
            assert (answer.rv, answer.operation, answer.payload_bytes) == (0, close, 0)

    def test_bare_signatures_gather_their_data(self, card: Caller) -> None:
        blob, spki = card.ec()
        (state,) = card.ask(verbs.SIGN_INIT, ECDSA, blob)
        fed(card, verbs.SIGN_UPDATE, state, [b"a" * 16, b"b" * 16])
        (signature,) = card.ask(verbs.SIGN_FINAL, state)
        card.ask(verbs.VERIFY_SINGLE, ECDSA, spki, b"a" * 16 + b"b" * 16, signature)

    def test_macs_in_parts(self, card: Caller) -> None:
        key = card.secret()
        (whole,) = card.ask(verbs.SIGN_SINGLE, HMAC, key, b"some data")
        (state,) = card.ask(verbs.SIGN_INIT, HMAC, key)
        fed(card, verbs.SIGN_UPDATE, state, [b"some ", b"data"])
        assert card.ask(verbs.SIGN_FINAL, state) == (whole,)
        (state,) = card.ask(verbs.VERIFY_INIT, mech(ck.CKM_SHA256_HMAC_GENERAL, u32(7)), key)
        assert card.ask(verbs.VERIFY, state, b"some data", whole[:7]) == ()

    def test_a_bad_signature(self, card: Caller) -> None:
        blob, spki = card.ec()
        (signature,) = card.ask(verbs.SIGN_SINGLE, mech(ck.CKM_ECDSA_SHA256), blob, b"data")
        for function, params in ((verbs.VERIFY, (b"Data",)), (verbs.VERIFY_FINAL, ())):
            (state,) = card.ask(verbs.VERIFY_INIT, mech(ck.CKM_ECDSA_SHA256), spki)
            answer = card.refused(
                ck.CKR_SIGNATURE_INVALID, function, state, *params, signature
            )  # fmt: skip
            assert answer.operation == "ecdsa-p256-verify"
            card.refused(ck.CKR_SAVED_STATE_INVALID, function, state, *params, signature)


class TestCiphers:
    @RELAXED
    @given(parts=PARTS)
    @pytest.mark.parametrize("name", CIPHERS)
    def test_in_parts(self, card: Caller, name: str, parts: list[bytes]) -> None:
        key, how = card.aes(), CIPHERS[name]
        if name in ("ecb", "cbc"):
            parts = [*parts, bytes(-sum(map(len, parts)) % 16)]
        whole = card.encrypt(how, key, b"".join(parts))
        assert crypt(card, verbs.ENCRYPT_INIT, how, key, parts) == whole
        cuts = [whole[at : at + 7] for at in range(0, len(whole), 7)]
        assert crypt(card, verbs.DECRYPT_INIT, how, key, cuts) == b"".join(parts)

    @pytest.mark.parametrize("name", CIPHERS)
    def test_in_one_call_after_init(self, card: Caller, name: str) -> None:
        key, how = card.aes(), CIPHERS[name]
        mode = f"aes-256-{name.split('-')[0]}"
        (state,) = card.ask(verbs.ENCRYPT_INIT, how, key)
        answer = card.call(verbs.ENCRYPT, state, bytes(32))
        assert (answer.operation, answer.payload_bytes) == (mode, 32)
        assert answer.values == (card.encrypt(how, key, bytes(32)),)
        (state,) = card.ask(verbs.DECRYPT_INIT, how, key)
        assert card.call(verbs.DECRYPT, state, answer.values[0]).values == (bytes(32),)

    def test_no_plaintext_leaves_before_the_tag_is_checked(self, card: Caller) -> None:
        key = card.aes()
        sealed = card.encrypt(gcm(), key, bytes(100))
        (state,) = card.ask(verbs.DECRYPT_INIT, gcm(), key)
        assert card.ask(verbs.DECRYPT_UPDATE, state, sealed[:-1]) == (state, b"")
        assert card.ask(verbs.DECRYPT_UPDATE, state, bytes((sealed[-1] ^ 1,))) == (state, b"")
        card.refused(ck.CKR_ENCRYPTED_DATA_INVALID, verbs.DECRYPT_FINAL, state)

    def test_an_error_ends_the_operation(self, card: Caller) -> None:
        key = card.aes()
        two_blocks = mech(ck.CKM_AES_CTR, u32(1) + AES_IV)
        (state,) = card.ask(verbs.ENCRYPT_INIT, two_blocks, key)
        answer = card.refused(
            ck.CKR_DATA_LEN_RANGE, verbs.ENCRYPT_UPDATE, state, bytes(33)
        )  # fmt: skip
        assert (answer.operation, answer.payload_bytes) == ("aes-256-ctr", 33)
        card.refused(ck.CKR_SAVED_STATE_INVALID, verbs.ENCRYPT_UPDATE, state, b"")

    def test_parts_of_a_block_left_at_the_end(self, card: Caller) -> None:
        (state,) = card.ask(verbs.ENCRYPT_INIT, CIPHERS["cbc"], card.aes())
        card.refused(ck.CKR_DATA_LEN_RANGE, verbs.ENCRYPT, state, bytes(17))


class TestStates:
    def test_an_ended_operation(self, card: Caller) -> None:
        (state,) = card.ask(verbs.DIGEST_INIT, SHA256)
        card.ask(verbs.DIGEST_FINAL, state)
        for function, params in (
            (verbs.DIGEST_FINAL, ()),
            (verbs.DIGEST_UPDATE, (b"x",)),
            (verbs.DIGEST, (b"x",)),
        ):
            card.refused(ck.CKR_SAVED_STATE_INVALID, function, state, *params)

    def test_another_kind_of_operation_leaves_it_alone(self, card: Caller) -> None:
        (state,) = card.ask(verbs.DIGEST_INIT, SHA256)
        wrong = ck.CKR_OPERATION_NOT_INITIALIZED
        card.refused(wrong, verbs.SIGN_FINAL, state)
        card.refused(wrong, verbs.VERIFY_FINAL, state, bytes(32))
        card.refused(wrong, verbs.ENCRYPT_UPDATE, state, b"")
        card.refused(wrong, verbs.DIGEST_FINAL, state, domain=1)
        assert card.ask(verbs.DIGEST_FINAL, state)[0] == hashlib.sha256().digest()

    def test_every_changed_byte_is_refused(self, card: Caller) -> None:
        (state,) = card.ask(verbs.DIGEST_INIT, SHA256)
        assert len(state) == contexts.STATE_SIZE
        for at in range(len(state)):
            changed = state[:at] + bytes((state[at] ^ 1,)) + state[at + 1 :]
            card.refused(CKR_IBM_BLOB_ERROR, verbs.DIGEST_FINAL, changed)
        for other in (b"", state[:-1], state + b"\0"):
            card.refused(CKR_IBM_BLOB_ERROR, verbs.DIGEST_FINAL, other)

    def test_a_state_of_another_boot(self, card: Caller) -> None:
        from tests.firmware.ep11.caller import Services

        later = Caller(Services(nvram=card.services.nvram, seed=2))
        (state,) = card.ask(verbs.DIGEST_INIT, SHA256)
        later.ask(verbs.DIGEST_INIT, SHA256)
        later.refused(CKR_IBM_BLOB_ERROR, verbs.DIGEST_FINAL, state)

    def test_contexts_are_bounded_and_the_one_unused_for_longest_goes(
        self, card: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(contexts, "MAX_CONTEXTS", 4)
        states = [card.ask(verbs.DIGEST_INIT, SHA256)[0] for _ in range(4)]
        card.ask(verbs.DIGEST_UPDATE, states[0], b"kept alive")
        states += card.ask(verbs.DIGEST_INIT, SHA256)
        assert len(card.image._contexts) == 4
        card.refused(ck.CKR_SAVED_STATE_INVALID, verbs.DIGEST_FINAL, states[1])
        for state in (states[0], *states[2:]):
            card.ask(verbs.DIGEST_FINAL, state)
        assert len(card.image._contexts) == 0

    def test_held_bytes_are_bounded_and_given_back(
        self, card: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(contexts, "MAX_HELD", 2500)
        key = card.aes()
        first, second = (card.ask(verbs.DECRYPT_INIT, gcm(), key)[0] for _ in range(2))
        for _ in range(2):
            card.ask(verbs.DECRYPT_UPDATE, first, bytes(1000))
        assert card.image._contexts.held_bytes == 2000
        card.refused(ck.CKR_DEVICE_MEMORY, verbs.DECRYPT_UPDATE, second, bytes(1000))
        assert card.image._contexts.held_bytes == 2000
        card.refused(ck.CKR_SAVED_STATE_INVALID, verbs.DECRYPT_UPDATE, second, b"")
        card.refused(ck.CKR_ENCRYPTED_DATA_INVALID, verbs.DECRYPT_FINAL, first)
        assert card.image._contexts.held_bytes == 0

    def test_one_operation_is_bounded(
        self, card: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:  # fmt: skip
        monkeypatch.setattr(aead, "DECRYPTION_LIMIT", 1000)
        (state,) = card.ask(verbs.DECRYPT_INIT, gcm(), card.aes())
        card.refused(ck.CKR_DATA_LEN_RANGE, verbs.DECRYPT_UPDATE, state, bytes(1001))
        (state,) = card.ask(verbs.SIGN_INIT, ECDSA, card.ec()[0])
        for _ in range(GATHER_LIMIT // 32768):
            card.ask(verbs.SIGN_UPDATE, state, bytes(32768))
        card.refused(ck.CKR_DATA_LEN_RANGE, verbs.SIGN_UPDATE, state, b"x")
        assert card.image._contexts.held_bytes == 0
