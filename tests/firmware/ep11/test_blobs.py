"""Key blobs: their bytes, and that no other bytes open."""

import hashlib
import struct

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

from ghostcard import pkcs11 as ck
from ghostcard.emulator.nvram import Nvram
from ghostcard.firmware.abi import blob as wire
from ghostcard.firmware.abi import verbs
from ghostcard.firmware.abi.status import (
    CKR_IBM_BLOB_ERROR,
    CKR_IBM_PARAM_NOT_SUPPORTED,
    CKR_IBM_WKID_MISMATCH,
)
from ghostcard.firmware.ep11 import wrapping
from ghostcard.firmware.ep11.wrapping import WrappingKey
from ghostcard.firmware.mechanisms.curves import CURVES
from ghostcard.firmware.mechanisms.key import Key
from tests.firmware.ep11.caller import AES_IV, ALL, CBC_PAD, ECDSA, RESULT, Caller, Services
from tests.firmware.mechanisms.refusing import refuses

SECRET = bytes(range(32, 64))


def derived(label: bytes) -> bytes:
    """SP 800-108 by the cryptographic library, which the image does not use for it."""
    kdf = KBKDFHMAC(
        algorithm=hashes.SHA256(),
        mode=Mode.CounterMode,
        length=32,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=label,
        context=b"",
        fixed=None,
    )
    return kdf.derive(SECRET)


def mac(key: bytes, data: bytes) -> bytes:
    context = hmac.HMAC(key, hashes.SHA256())
    context.update(data)
    return context.finalize()


def test_a_blob_made_by_other_code() -> None:
    value = bytes(range(32))
    interior = struct.pack(">BBHIIIII", 1, 0, 0, ck.CKO_SECRET_KEY, ck.CKK_AES, 256, 0x1234, 32)
    interior = interior.ljust(80, b"\0") + value.ljust(64, b"\0")
    iv = mac(derived(b"blob IV"), bytes(14) + interior)[:14]
    header = (
        bytes(32)  # session
        + derived(b"verification pattern")[:16]
        + (0x1234).to_bytes(8, "big")  # booleans
        + (1).to_bytes(8, "big")  # mode
        + b"\x12\x34"  # version
        + iv
    )
    counter = modes.CTR(iv + bytes(2))
    cipher = Cipher(algorithms.AES(derived(b"blob encryption")), counter)
    body = header + cipher.encryptor().update(interior)
    expected = body + mac(derived(b"blob authentication"), body)
    key = Key(ck.CKO_SECRET_KEY, ck.CKK_AES, 256, value, 0x1234)
    assert len(expected) == 256
    assert WrappingKey(SECRET).seal(key, bytes) == expected
    opened = WrappingKey(SECRET).open(expected)
    assert (opened.material, opened.booleans, opened.is_null) == (value, 0x1234, False)


def test_the_known_blob_of_the_self_test() -> None:
    key = Key(ck.CKO_SECRET_KEY, ck.CKK_AES, 256, bytes(range(32)))
    blob = WrappingKey(SECRET).seal(key, bytes)
    assert hashlib.sha256(blob).hexdigest() == wrapping._KNOWN_BLOB
    assert wrapping.known_answers()


def test_the_self_test_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrapping, "_KNOWN_BLOB", "00" * 32)
    assert not wrapping.known_answers()


def test_sizes_depend_on_the_kind_alone(card: Caller) -> None:
    for size in (16, 24, 32):
        assert len(card.aes(size=size)) == 256
    for size, expected in ((1, 256), (64, 256), (65, 320), (128, 320), (2048, 2240)):
        assert len(card.secret(size=size)) == expected
        assert expected == wire.blob_bytes(ck.CKK_GENERIC_SECRET, size)
    for curve in CURVES:
        assert {len(card.ec(oid=curve.oid)[0]) for _ in range(3)} == {
            wire.blob_bytes(ck.CKK_EC, curve.size)
        }
    assert len(card.rsa()[0]) == wire.blob_bytes(ck.CKK_RSA, 256)


def test_the_clear_part(card: Caller) -> None:
    blob = card.aes()
    parts = wire.unpack(blob)
    pattern = card.wrapping().pattern
    assert parts.session == bytes(32)
    assert parts.wkid == pattern[:16]
    assert parts.booleans & int(ALL) == int(ALL)
    assert len(parts.encrypted) == 144
    assert blob[64:66] == b"\x12\x34"


def test_every_changed_byte_is_refused(card: Caller) -> None:
    blob = card.aes()
    card.encrypt(CBC_PAD, blob, b"in the cache now")
    for at in range(len(blob)):
        changed = blob[:at] + bytes((blob[at] ^ 0x40,)) + blob[at + 1 :]
        rv = CKR_IBM_WKID_MISMATCH if 32 <= at < 48 else CKR_IBM_BLOB_ERROR
        card.refused(rv, verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, changed, b"data")


def test_every_changed_byte_of_a_private_key_is_refused(card: Caller) -> None:
    blob, _ = card.ec()
    for at in range(0, len(blob)):
        changed = blob[:at] + bytes((blob[at] ^ 1,)) + blob[at + 1 :]
        # Byte 0 becomes 0x01, no SPKI; a blob that begins with 0x30 would be taken for one.
        rv = CKR_IBM_WKID_MISMATCH if 32 <= at < 48 else CKR_IBM_BLOB_ERROR
        card.refused(rv, verbs.SIGN_SINGLE, ECDSA, changed, bytes(32))


@pytest.mark.parametrize("size", [0, 1, 31, 32, 79, 80, 111, 112, 255])
def test_a_cut_blob_is_refused(card: Caller, size: int) -> None:
    blob = card.aes()
    card.refused(CKR_IBM_BLOB_ERROR, verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, blob[:size], b"")
    card.refused(CKR_IBM_BLOB_ERROR, verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, blob[size + 1 :], b"")


def test_an_extended_blob_is_refused(card: Caller) -> None:
    blob = card.aes()
    for longer in (blob + b"\0", b"\0" + blob, blob + blob, blob[:224] + bytes(16) + blob[224:]):
        answer = card.call(verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, longer, b"")
        assert answer.rv in (CKR_IBM_BLOB_ERROR, CKR_IBM_WKID_MISMATCH)


def test_a_blob_of_another_domain_is_told_apart(card: Caller) -> None:
    blob = card.aes(domain=1)
    card.refused(CKR_IBM_WKID_MISMATCH, verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, blob, b"")
    assert card.call(verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, blob, b"", domain=1).rv == 0


def test_a_session_bound_blob_is_refused_until_there_are_sessions(card: Caller) -> None:
    blob = card.aes()
    body = b"\1" * 32 + blob[32 : -wire.MAC_SIZE]
    bound = body + card.wrapping().authenticate(body)
    card.refused(ck.CKR_SESSION_CLOSED, verbs.ENCRYPT_SINGLE, RESULT, CBC_PAD, bound, b"")


def test_two_keys_never_share_a_key_stream_even_if_the_draws_repeat() -> None:
    sealed = WrappingKey(SECRET)
    one = sealed.seal(Key(ck.CKO_SECRET_KEY, ck.CKK_AES, 256, bytes(32)), bytes)
    two = sealed.seal(Key(ck.CKO_SECRET_KEY, ck.CKK_AES, 256, bytes(31) + b"\1"), bytes)
    same = sealed.seal(Key(ck.CKO_SECRET_KEY, ck.CKK_AES, 256, bytes(32)), bytes)
    assert one == same
    assert wire.unpack(one).iv != wire.unpack(two).iv
    fresh = sealed.seal(
        Key(ck.CKO_SECRET_KEY, ck.CKK_AES, 256, bytes(32)), lambda size: b"\1" * size
    )
    assert wire.unpack(one).iv != wire.unpack(fresh).iv


def test_cards_with_one_wrapping_key_share_their_blobs() -> None:
    nvram = Nvram()
    one, two = Caller(Services(nvram=nvram)), Caller(Services(nvram=nvram, seed=2))
    other = Caller(Services(seed=3))
    blob = one.aes()
    encrypted = one.encrypt(CBC_PAD, blob, b"text")
    assert two.decrypt(CBC_PAD, blob, encrypted) == b"text"
    other.refused(CKR_IBM_WKID_MISMATCH, verbs.DECRYPT_SINGLE, RESULT, CBC_PAD, blob, encrypted)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_wrapping_key_of_another_size(size: int) -> None:
    with pytest.raises(ValueError, match=f"a wrapping key has 32 bytes, got {size}"):
        WrappingKey(bytes(size))


def test_a_maced_public_key_is_not_known_here(card: Caller) -> None:
    from ghostcard.firmware.abi import spki

    _, public = card.ec()
    trailer = spki.Trailer(bytes(16), bytes(32), bytes(8), bytes(8), bytes(12), bytes(32))
    params = (ECDSA, spki.join(public, trailer), bytes(32), bytes(64))
    card.refused(CKR_IBM_PARAM_NOT_SUPPORTED, verbs.VERIFY_SINGLE, *params)


def test_opening_a_forged_interior_is_refused() -> None:
    """Only the holder of the wrapping key could make one; the layout is checked nevertheless."""
    sealed = WrappingKey(SECRET)
    blob = sealed.seal(Key(ck.CKO_SECRET_KEY, ck.CKK_AES, 256, bytes(32)), bytes)
    changed = blob[:80] + bytes((blob[80] ^ 0xFF,)) + blob[81 : -wire.MAC_SIZE]
    with refuses(CKR_IBM_BLOB_ERROR):
        sealed.open(changed + sealed.authenticate(changed))


def test_iv_is_used(card: Caller) -> None:
    assert card.encrypt(CBC_PAD, key := card.aes(), b"") != card.encrypt(
        CBC_PAD[:4] + bytes(reversed(AES_IV)), key, b""
    )
