"""The EP11 host library against a card, and against replies no card would give."""

import errno
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as p
from ghostcard.driver.administration import DomainAdministrator
from ghostcard.driver.ep11 import MAX_TEMPLATES, Ep11Host
from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.driver.exchange import unpack
from ghostcard.driver.exercise import ulong
from ghostcard.driver.single import MAX_SHAPES
from ghostcard.firmware.abi import ber, mechanism, reply, request, status, verbs
from ghostcard.firmware.abi.parameters import Ctr, Ecdh, Gcm, Iv
from ghostcard.firmware.abi.request import Head
from ghostcard.machine import Machine

ON = b"\1"
P256 = {p.CKA_EC_PARAMS: bytes.fromhex("06082a8648ce3d030107")}
AES = mechanism.pack(p.CKM_AES_KEY_GEN)
CBC_PAD = mechanism.pack(p.CKM_AES_CBC_PAD, Iv(bytes(16)))
ECDSA = mechanism.pack(p.CKM_ECDSA_SHA256)
SHA = mechanism.pack(p.CKM_SHA256)
# FIPS 180-2, appendix B.1.
SHA256_ABC = bytes.fromhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")


class Logged:
    """A port that passes requests on and keeps their functions, blocks and serving queues."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.calls: list[tuple[int, bytes, int]] = []

    def call(
        self, function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        block, qid = self.machine.native.call(function, render, targets)
        self.calls.append((function, render(qid & 0xFF), qid))
        return block, qid


@pytest.fixture(scope="module")
def machine() -> Machine:
    return Machine.simulation("null", cards=2, domains=2, function="real")


@pytest.fixture
def port(machine: Machine) -> Logged:
    return Logged(machine)


@pytest.fixture
def host(machine: Machine, port: Logged) -> Ep11Host:
    """Two cards, domain 1."""
    return Ep11Host(port, (0x0001, 0x0101))


@pytest.fixture
def aes_key(host: Ep11Host) -> bytes:
    uses = dict.fromkeys((p.CKA_ENCRYPT, p.CKA_DECRYPT, p.CKA_WRAP, p.CKA_UNWRAP), ON)
    return host.generate_key(AES, 32, uses)[0]


def imported(host: Ep11Host, kek: bytes, value: bytes, use: int) -> bytes:
    """A secret key of a known value."""
    wrapped = host.encrypt_single(CBC_PAD, kek, value)
    template = {p.CKA_KEY_TYPE: ulong(p.CKK_AES), use: ON}
    return host.unwrap_key(template, CBC_PAD, kek, wrapped)[0]


def test_gcm_with_changing_ivs_is_what_another_implementation_gives(
    host: Ep11Host, aes_key: bytes
) -> None:
    key = imported(host, aes_key, bytes(range(32)), p.CKA_ENCRYPT)
    for number in range(5):
        iv = number.to_bytes(12, "big")
        code = mechanism.pack(p.CKM_AES_GCM, Gcm(128, iv, b"aad"))
        expected = AESGCM(bytes(range(32))).encrypt(iv, b"data" * number, b"aad")
        assert host.prepare_encrypt(key)(code, b"data" * number) == expected


def test_ecdsa_signs_and_verifies(host: Ep11Host) -> None:
    keygen = mechanism.pack(p.CKM_EC_KEY_PAIR_GEN)
    blob, spki = host.generate_key_pair(keygen, P256, {p.CKA_SIGN: ON})
    signature = host.prepare_sign(blob)(ECDSA, b"data")
    public = load_der_public_key(spki)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    public.verify(utils.encode_dss_signature(r, s), b"data", ec.ECDSA(SHA256()))
    verify = host.prepare_verify(spki)
    for _ in range(2):  # by a full parse, then by comparison with the last good reply
        verify(ECDSA, b"data", signature)
        with pytest.raises(Ep11Error) as caught:
            verify(ECDSA, b"Data", signature)
        assert caught.value.rv == p.CKR_SIGNATURE_INVALID
    with pytest.raises(InvalidSignature):
        public.verify(utils.encode_dss_signature(r, s), b"Data", ec.ECDSA(SHA256()))


def test_derived_keys_agree(host: Ep11Host, aes_key: bytes) -> None:
    keygen = mechanism.pack(p.CKM_EC_KEY_PAIR_GEN)
    pairs = [host.generate_key_pair(keygen, P256, {p.CKA_DERIVE: ON}) for _ in range(2)]
    wanted = {p.CKA_VALUE_LEN: ulong(32), p.CKA_EXTRACTABLE: ON}
    values = set()
    for (blob, _), (_, spki) in (pairs, pairs[::-1]):
        ecdh = mechanism.pack(p.CKM_ECDH1_DERIVE, Ecdh(p.CKD_NULL, b"", spki[-65:]))
        derived, checksum = host.derive_key(ecdh, wanted, blob)
        wrapped = host.wrap_key(CBC_PAD, derived, aes_key)
        values.add((checksum, host.decrypt_single(CBC_PAD, aes_key, wrapped)))
    assert len(values) == 1
    assert len(values.pop()[1]) == 32


def test_digest_by_every_way(host: Ep11Host) -> None:
    assert host.digest_single(SHA, b"abc") == SHA256_ABC
    assert host.prepare_digest()(SHA, b"abc") == SHA256_ABC
    parts = host.digest_init(SHA)
    parts.update(b"a")
    parts.update(b"bc")
    assert parts.final() == SHA256_ABC
    assert host.digest_init(SHA).whole(b"abc") == SHA256_ABC


def test_multipart_stays_on_the_queue_that_served_the_init(host: Ep11Host, port: Logged) -> None:
    served = set()
    for _ in range(4):
        port.calls.clear()
        parts = host.digest_init(SHA)
        for _ in range(3):
            parts.update(b"x")
        parts.final()
        assert {qid for _, _, qid in port.calls} == {parts.qid}
        assert [function for function, _, _ in port.calls] == [5, 6, 6, 6, 8]
        served.add(parts.qid)
    assert served == {0x0001, 0x0101}  # new operations go to either


def test_cipher_in_parts(host: Ep11Host, aes_key: bytes) -> None:
    data = bytes(range(100))
    ctr = mechanism.pack(p.CKM_AES_CTR, Ctr(128, bytes(16)))
    expected = host.encrypt_single(ctr, aes_key, data)
    encryption = host.encrypt_init(ctr, aes_key)
    out = encryption.update(data[:7]) + encryption.update(data[7:]) + encryption.final()
    assert out == expected
    assert host.encrypt_init(ctr, aes_key).whole(data) == expected
    decryption = host.decrypt_init(ctr, aes_key)
    assert decryption.update(expected) + decryption.final() == data
    assert host.decrypt_init(ctr, aes_key).whole(expected) == data
    assert host.prepare_decrypt(aes_key)(ctr, expected) == data


def test_signature_in_parts(host: Ep11Host) -> None:
    keygen = mechanism.pack(p.CKM_EC_KEY_PAIR_GEN)
    blob, spki = host.generate_key_pair(keygen, P256, {p.CKA_SIGN: ON})
    signing = host.sign_init(ECDSA, blob)
    signing.update(b"da")
    signing.update(b"ta")
    signature = signing.final()
    verification = host.verify_init(ECDSA, spki)
    verification.update(b"data")
    verification.final(signature)
    host.verify_init(ECDSA, spki).whole(b"data", host.sign_init(ECDSA, blob).whole(b"data"))
    with pytest.raises(Ep11Error) as caught:
        host.verify_init(ECDSA, spki).whole(b"Data", signature)
    assert caught.value.rv == p.CKR_SIGNATURE_INVALID


def test_attributes_come_back_and_can_be_restricted(host: Ep11Host, aes_key: bytes) -> None:
    asked = (p.CKA_ENCRYPT, p.CKA_SIGN, p.CKA_KEY_TYPE, p.CKA_VALUE_LEN)
    assert host.get_attribute_value(aes_key, asked) == {
        p.CKA_ENCRYPT: b"\1",
        p.CKA_SIGN: b"\0",
        p.CKA_KEY_TYPE: ulong(p.CKK_AES),
        p.CKA_VALUE_LEN: ulong(32),
    }
    weaker = host.set_attribute_value(aes_key, {p.CKA_ENCRYPT: b"\0"})
    with pytest.raises(Ep11Error) as caught:
        host.encrypt_single(CBC_PAD, weaker, b"")
    assert caught.value.rv == p.CKR_KEY_FUNCTION_NOT_PERMITTED
    assert str(caught.value) == "EIO: EncryptSingle returned 0x68."


def test_the_card_describes_itself(host: Ep11Host, port: Logged) -> None:
    assert p.CKM_AES_GCM in host.get_mechanism_list()
    assert host.get_mechanism_info(p.CKM_AES_GCM)[:2] == (16, 32)
    assert int.from_bytes(host.get_xcp_info(0)[:4], "big") == 6  # API ordinal
    port.calls.clear()
    drawn = host.generate_random(20000)
    assert len(drawn) == 20000
    assert len(set(drawn)) == 256
    assert [function for function, _, _ in port.calls] == [verbs.GENERATE_RANDOM] * 3
    assert host.generate_random(0) == b""


def test_prepared_blocks_are_those_the_codec_packs(
    host: Ep11Host, port: Logged, aes_key: bytes
) -> None:
    gcm = mechanism.pack(p.CKM_AES_GCM, Gcm(128, bytes(12)))
    for size in (0, 1, 2, 3, 1024, 4000):
        host.encrypt_single(gcm, aes_key, b"x" * size)
        function, block, qid = port.calls[-1]
        params = (bytes(4), gcm, aes_key, b"x" * size)
        assert block == request.pack(Head(function, qid & 0xFF), params)


def test_too_large_a_request_never_reaches_the_port(
    machine: Machine, port: Logged, aes_key: bytes
) -> None:
    small = Ep11Host(port, (0x0001,), max_message=4096)
    port.calls.clear()
    ctr = mechanism.pack(p.CKM_AES_CTR, Ctr(128, bytes(16)))
    for ask in (
        lambda: small.encrypt_single(ctr, aes_key, bytes(4096)),
        lambda: small.digest_single(SHA, bytes(4096)),
        lambda: small.verify_single(ECDSA, b"\x30\0", bytes(4096), bytes(64)),
        lambda: small.wrap_key(ctr, bytes(4096), aes_key),
    ):
        with pytest.raises(DriverError) as caught:
            ask()
        assert caught.value.code == errno.EMSGSIZE
        assert "the message limit is 4096" in caught.value.message
    assert port.calls == []


def test_a_host_without_queues_is_told_so(machine: Machine) -> None:
    with pytest.raises(DriverError) as caught:
        Ep11Host(machine.native, ()).digest_single(SHA, b"")
    assert caught.value.code == errno.ENODEV
    with pytest.raises(DriverError) as caught:
        Ep11Host(machine.native, ()).get_mechanism_list()
    assert caught.value.code == errno.ENODEV


def test_numbers_that_do_not_fit_are_refused(host: Ep11Host) -> None:
    with pytest.raises(DriverError, match="EINVAL: 4294967296 does not fit in 32 bits"):
        host.get_mechanism_info(1 << 32)


class Answering:
    """A port that gives one block to everything."""

    def __init__(self, block: bytes) -> None:
        self.block = block

    def call(
        self, function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        render(targets[0] & 0xFF)
        return self.block, targets[0]


DIGEST = Head(verbs.DIGEST_SINGLE, 3)
GOOD = reply.pack(DIGEST, 0, (SHA256_ABC,))


def answered(block: bytes) -> bytes:
    return Ep11Host(Answering(block), (3,)).digest_single(SHA, b"abc")


def test_a_return_value_becomes_an_error_without_data() -> None:
    with pytest.raises(Ep11Error) as caught:
        answered(reply.pack(DIGEST, status.CKR_IBM_ERROR_STATE))
    assert (caught.value.rv, caught.value.code) == (0x80010101, errno.EIO)
    assert str(caught.value) == (
        "EIO: DigestSingle returned 0x80010101. The module failed a self test and refuses to work."
    )


@pytest.mark.parametrize(
    "block",
    [
        b"",
        GOOD[:-1],
        GOOD + b"\0",
        b"\0\x82\0\0\x90\0\0\0",
        reply.pack(Head(verbs.DIGEST_SINGLE, 4), 0, (SHA256_ABC,)),  # another domain
        reply.pack(Head(verbs.SIGN_SINGLE, 3), 0, (SHA256_ABC,)),  # another verb
        reply.pack(DIGEST, 0, ()),
        reply.pack(DIGEST, 0, (SHA256_ABC, b"")),
    ],
)
def test_a_reply_that_cannot_be_one_is_an_input_output_error(block: bytes) -> None:
    with pytest.raises(DriverError) as caught:
        answered(block)
    assert caught.value.code == errno.EIO
    assert not isinstance(caught.value, Ep11Error)


@pytest.mark.parametrize(
    ("ask", "function", "params"),
    [
        (Ep11Host.get_mechanism_list, verbs.GET_MECHANISM_LIST, (b"abc",)),
        (lambda h: h.get_mechanism_info(1), verbs.GET_MECHANISM_INFO, (bytes(8),)),
        (lambda h: h.get_attribute_value(b"", ()), verbs.GET_ATTRIBUTE_VALUE, (b"",)),
        (lambda h: h.derive_keys(b"", [{}], b""), verbs.DERIVE_KEYS, (ber.pack((b"blob",)), b"")),
        (lambda h: h.derive_data(b"", {}, b""), verbs.DERIVE_KEYS, (ber.pack((b"b", b"c")), b"")),
        (lambda h: DomainAdministrator(h, 3).attributes(), verbs.ADMIN, (bytes(7),)),
        (lambda h: DomainAdministrator(h, 3).attributes(), verbs.ADMIN, (b"\xff" * 8,)),
        (lambda h: DomainAdministrator(h, 3).export(()), verbs.ADMIN, (b"\1",)),
    ],
)
def test_reply_parameters_of_impossible_form(
    ask: Callable[[Ep11Host], object], function: int, params: tuple[bytes, ...]
) -> None:
    block = reply.pack(Head(function, 3), 0, params)
    with pytest.raises(DriverError) as caught:
        ask(Ep11Host(Answering(block), (3,)))
    assert caught.value.code == errno.EIO


@given(st.binary(max_size=140), st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_any_reply_is_a_result_or_a_driver_error(noise: bytes, at: int, byte: int) -> None:
    """After a good reply, so that the comparison with it is what refuses or not."""
    port = Answering(GOOD)
    host = Ep11Host(port, (3,))
    assert host.digest_single(SHA, b"abc") == host.digest_single(SHA, b"abc") == SHA256_ABC
    port.block = GOOD[:at] + bytes((byte,)) + GOOD[at + 1 :]
    expected = outcome(lambda: answered(port.block))
    assert outcome(lambda: host.digest_single(SHA, b"abc")) == expected
    port.block = noise
    assert isinstance(outcome(lambda: host.digest_single(SHA, b"abc")), int)


def outcome(ask: Callable[[], bytes]) -> bytes | int:
    try:
        return ask()
    except DriverError as error:
        return error.code


def test_what_is_kept_ready_is_bounded() -> None:
    host = Ep11Host(Answering(reply.pack(Head(verbs.SIGN_SINGLE, 3), 0, (b"s",))), (3,))
    for number in range(MAX_TEMPLATES + 10):
        host.prepare_sign(number.to_bytes(4, "big"))
    assert len(host._singles) <= MAX_TEMPLATES
    for size in range(MAX_SHAPES + 10):
        assert host.sign_single(ECDSA, b"key", bytes(size)) == b"s"
    assert len(host._single(verbs.SIGN_SINGLE, b"key").known) <= MAX_SHAPES


def test_replies_in_parts_are_checked_each_time() -> None:
    """The second reply is compared with the first; whatever differs is parsed, and refused."""
    state, other = bytes(64), b"s" * 64
    port = Answering(reply.pack(Head(verbs.ENCRYPT_INIT, 3), 0, (state,)))
    encryption = Ep11Host(port, (3,)).encrypt_init(ECDSA, b"key")
    update = Head(verbs.ENCRYPT_UPDATE, 3)
    for new, out in ((state, b"abcd"), (other, b"efgh"), (state, b""), (other, bytes(300))):
        port.block = reply.pack(update, 0, (new, out))
        assert [encryption.update(b"data") for _ in range(2)] == [out, out]
        assert encryption._state == new
    port.block = reply.pack(update, p.CKR_DATA_LEN_RANGE)
    with pytest.raises(Ep11Error) as refused:
        encryption.update(b"data")
    assert refused.value.rv == p.CKR_DATA_LEN_RANGE
    good = reply.pack(update, 0, (state, b"abcd"))
    refusals = 0
    for place in range(len(good)):  # each byte changed is as good or bad as to a full parse
        port.block = good[:place] + bytes((good[place] ^ 1,)) + good[place + 1 :]
        try:
            expected = unpack(port.block, update)[1]
        except DriverError:
            refusals += 1
            with pytest.raises(DriverError):
                encryption.update(b"data")
        else:
            assert encryption.update(b"data") == expected
    assert refusals > 40


def test_a_digest_begins_by_a_request_kept_ready() -> None:
    port = Answering(reply.pack(Head(verbs.DIGEST_INIT, 3), 0, (bytes(64),)))
    host = Ep11Host(port, (3,))
    assert [host.digest_init(SHA)._state for _ in range(3)] == [bytes(64)] * 3
    port.block = reply.pack(Head(verbs.DIGEST_INIT, 3), p.CKR_MECHANISM_INVALID)
    with pytest.raises(Ep11Error):
        host.digest_init(SHA)
