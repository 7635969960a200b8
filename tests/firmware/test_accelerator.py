"""The accelerator image: results checked with another implementation, refusals by their codes."""

from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.nvram import Nvram
from ghostcard.emulator.profile import Profile, load
from ghostcard.emulator.randomness import RandomSource
from ghostcard.firmware.abi import errorreply, type50, type80
from ghostcard.firmware.abi.errorreply import ErrorReply, ReplyCode
from ghostcard.firmware.abi.type50 import ModExpo, ModExpoCrt
from ghostcard.firmware.accelerator import AcceleratorImage

SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017, 9.2, note 1


class Services(NamedTuple):
    """What a card gives its image."""

    function: str = "real"
    profile: Profile = load("cex8a")
    nvram: Nvram = Nvram()
    random: RandomSource = RandomSource(1)
    domains: tuple[int, ...] = (0,)

    def change(self, key: str, value: int) -> int:
        raise AssertionError("an accelerator has no admin requests")


def booted(function: str = "real") -> AcceleratorImage:
    image = AcceleratorImage()
    image.boot(Services(function))
    return image


IMAGE = booted()


@pytest.fixture(scope="module", params=[1024, 2048, 3072])
def key(request: pytest.FixtureRequest) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, request.param)


def signature_and_message(key: rsa.RSAPrivateKey) -> tuple[bytes, bytes]:
    """A signature by `cryptography`, and what it is the signature of: EMSA-PKCS1-v1_5."""
    from hashlib import sha256

    size = key.key_size // 8
    info = SHA256_INFO + sha256(b"message").digest()
    message = b"\0\1" + b"\xff" * (size - 3 - len(info)) + b"\0" + info
    return key.sign(b"message", padding.PKCS1v15(), SHA256()), message


def number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def test_modular_exponentiation_opens_a_signature(key: rsa.RSAPrivateKey) -> None:
    size = key.key_size // 8
    signature, message = signature_and_message(key)
    modulus = key.public_key().public_numbers().n
    request = ModExpo(number(65537, size), number(modulus, size), signature)
    reply, operation, payload = IMAGE.perform(0, type50.pack(request, size))
    place = type50.width(size)
    assert type80.unpack(reply, size) == message
    assert len(reply) == 16 + place
    assert (operation, payload) == (f"rsa{place * 8}-me", place)


def test_by_primes_makes_a_signature(key: rsa.RSAPrivateKey) -> None:
    size = key.key_size // 8
    signature, message = signature_and_message(key)
    numbers = key.private_numbers()
    values = (numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
    request = ModExpoCrt._make([*(number(value, size // 2) for value in values), message])
    reply, operation, payload = IMAGE.perform(0, type50.pack(request, size))
    place = type50.width(size)
    assert type80.unpack(reply, size) == signature
    assert (operation, payload) == (f"rsa{place * 8}-crt", place)


def me(e: int, n: int, m: int) -> bytes:
    return type50.pack(ModExpo(number(e, 128), number(n, 128), number(m, 128)), 128)


def crt(p: int, q: int, dp: int, dq: int, u: int, m: int) -> bytes:
    values = [*(number(value, 64) for value in (p, q, dp, dq, u)), number(m, 128)]
    return type50.pack(ModExpoCrt._make(values), 128)


@pytest.mark.parametrize(
    ("block", "result"),
    [
        (me(3, 33, 0), 0),
        (me(3, 33, 2), 8),
        (me(3, 33, 32), 32),
        (crt(11, 3, 7, 1, 4, 8), 2),  # d = 7: 8 ** 7 mod 33
        (crt(3, 11, 1, 7, 2, 8), 2),  # the smaller prime first
    ],
)
def test_small_numbers(block: bytes, result: int) -> None:
    reply, _, _ = IMAGE.perform(0, block)
    assert type80.unpack(reply, 128) == number(result, 128)


@pytest.mark.parametrize(
    ("block", "code"),
    [
        (me(3, 34, 2), ReplyCode.EVEN_MODULUS),
        (me(3, 0, 0), ReplyCode.OPERAND_INVALID),
        (me(0, 33, 2), ReplyCode.OPERAND_INVALID),
        (me(3, 33, 33), ReplyCode.OPERAND_INVALID),
        (crt(10, 3, 7, 1, 4, 8), ReplyCode.EVEN_MODULUS),
        (crt(11, 4, 7, 1, 4, 8), ReplyCode.EVEN_MODULUS),
        (crt(11, 3, 7, 1, 5, 8), ReplyCode.OPERAND_INVALID),  # u * q is not 1 mod p
        (crt(11, 11, 7, 7, 1, 8), ReplyCode.OPERAND_INVALID),  # a prime twice
        (crt(11, 3, 7, 1, 4, 33), ReplyCode.OPERAND_INVALID),
        (crt(0, 3, 7, 1, 4, 0), ReplyCode.OPERAND_INVALID),
        (crt(11, 3, 0, 1, 4, 8), ReplyCode.OPERAND_INVALID),
        (b"\0\6" + bytes(200), ReplyCode.MESSAGE_TYPE),
        (b"", ReplyCode.ZERO_BUFFER_LEN),
    ],
)
@pytest.mark.parametrize("function", ["real", "null"])
def test_refusals(block: bytes, code: ReplyCode, function: str) -> None:
    reply, operation, payload = booted(function).perform(0, block)
    assert errorreply.unpack(reply) == ErrorReply(0x82, code)
    assert (operation, payload) == ("error", 0)


@pytest.mark.parametrize("block", [me(3, 33, 2), crt(11, 3, 7, 1, 4, 8)])
def test_null_gives_zeros_of_the_same_size_and_the_same_price(block: bytes) -> None:
    reply, operation, payload = booted("null").perform(0, block)
    real, *account = IMAGE.perform(0, block)
    assert reply == type80.pack(bytes(128))
    assert len(reply) == len(real)
    assert [operation, payload] == account


@given(st.binary(max_size=500))
def test_any_bytes_are_answered(block: bytes) -> None:
    whole = me(3, 33, 2)
    for attempt in (block, b"\0\x50\1\x90" + block, whole[:16] + block.ljust(384, b"\0")[:384]):
        reply, operation, payload = IMAGE.perform(0, attempt)
        if reply[1] == 0x80:
            assert (len(reply), operation, payload) == (144, "rsa1024-me", 128)
        else:
            assert errorreply.unpack(reply).code in list(ReplyCode)
            assert (operation, payload) == ("error", 0)


def test_plans_follow_the_profile() -> None:
    profile = load("cex8a")
    plan = IMAGE.plan("rsa2048-crt", 256)
    assert plan.engine == profile.operations["rsa2048-crt"].engine
    assert plan.engine_ns == profile.operations["rsa2048-crt"].service_ns(256)
    assert plan.unwrap_ns == 0


def test_an_ep11_profile_is_refused() -> None:
    from ghostcard.emulator.errors import ProfileError

    with pytest.raises(ProfileError, match="no service time for rsa1024-me, rsa2048-me"):
        AcceleratorImage().boot(Services(profile=load("cex8p")))
