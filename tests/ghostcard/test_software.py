"""The software of a host with accelerators: where its RSA is done, and when."""

import errno
from collections.abc import Callable
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers, RSAPublicNumbers

from ghostcard import pkcs11 as ck
from ghostcard.accelerated_rsa import AcceleratedRsa
from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.driver import shapes
from ghostcard.driver.accelerator import AcceleratorHost
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.errors import DriverError, Ep11Error
from ghostcard.firmware import clear_rsa
from ghostcard.firmware.abi import type50
from ghostcard.firmware.abi.type50 import ModExpoCrt
from ghostcard.firmware.mechanisms import power, rsa, rsa_vectors
from ghostcard.machine import Machine
from tests.driver.conftest import in_threads

PAIR = ck.CKM_RSA_PKCS_KEY_PAIR_GEN.to_bytes(4, "big")
SIGN = ck.CKM_SHA256_RSA_PKCS.to_bytes(4, "big")
PKCS = ck.CKM_RSA_PKCS.to_bytes(4, "big")
USES = {ck.CKA_SIGN: b"\1", ck.CKA_DECRYPT: b"\1", ck.CKA_UNWRAP: b"\1"}


class Watched(NamedTuple):
    """A port that shows what goes through."""

    call: Callable[[int, Callable[[int], bytes], tuple[int, ...]], tuple[bytes, int]]


def ulong(number: int) -> bytes:
    return number.to_bytes(8, "little")


def accelerated(function: str = "real", cards: int = 1) -> tuple[Machine, Ep11Host]:
    machine = Machine.simulation("cex8a", cards, function=function, seed=5)
    return machine, Ep11Host(machine.software(0), (0,))


def pair(host: Ep11Host, bits: int = 1024) -> tuple[bytes, bytes]:
    public = {ck.CKA_MODULUS_BITS: ulong(bits), ck.CKA_VERIFY: b"\1"}
    return host.generate_key_pair(PAIR, public, USES)


def operations(machine: Machine) -> list[str]:
    machine.native.finish()
    recorder = machine.recorder
    return [recorder.names[number] for number in recorder.array()["operation"].tolist()]


@pytest.mark.parametrize("threads", [1, 2, 8])
@pytest.mark.parametrize(("function", "bits", "cards"), [("real", 1024, 1), ("null", 4096, 2)])
def test_threads_leave_the_records_of_simulated_clients(
    function: str, bits: int, cards: int, threads: int
) -> None:
    machine, host = accelerated(function, cards)
    private, _ = pair(host, bits)
    sign = host.prepare_sign(private)

    def body(_: int) -> None:
        for _ in range(25):
            assert len(sign(SIGN, b"data")) == bits // 8

    in_threads(machine.native, threads, body)
    machine.native.finish()
    assert machine.native.parked == 0
    other = Machine.simulation("cex8a", cards)
    name, size = f"rsa{bits}-crt", bits // 8
    work = Work(name, size, *shapes.shape(name, size))
    ClosedLoop(other.simulated(), other.targets(0), [work], threads, 25).run()
    assert machine.recorder.to_bytes() == other.recorder.to_bytes()


@pytest.mark.parametrize("bits", [1024, 1536, 2048, 3072, 4096])
def test_an_odd_size_is_sent_in_the_next_larger_format(bits: int) -> None:
    machine, host = accelerated("null")
    private, public = pair(host, bits)
    host.verify_single(SIGN, public, b"data", host.sign_single(SIGN, private, b"data"))
    priced = {1536: 2048, 3072: 4096}.get(bits, bits)
    assert operations(machine) == [f"rsa{priced}-crt", f"rsa{priced}-me"]


def test_what_the_cards_do_not_take_is_computed_by_the_host() -> None:
    machine, host = accelerated("null")
    private, public = pair(host, 8192)
    host.verify_single(SIGN, public, b"data", host.sign_single(SIGN, private, b"data"))
    assert operations(machine) == []


@pytest.mark.parametrize("function", ["real", "null"])
def test_each_use_of_a_key_is_one_request(function: str) -> None:
    """In parts, in one go, by keys that wrap: on both function tracks the cards do the same."""
    machine, host = accelerated(function)
    private, public = pair(host)
    signing = host.sign_init(SIGN, private)
    signing.update(b"da")
    signature = signing.final()
    check = host.verify_init(SIGN, public)
    check.update(b"da")
    check.final(signature)
    host.decrypt_single(PKCS, private, host.encrypt_single(PKCS, public, b"data"))
    secret = {ck.CKA_CLASS: ulong(ck.CKO_SECRET_KEY), ck.CKA_KEY_TYPE: ulong(ck.CKK_AES)}
    aes = ck.CKM_AES_KEY_GEN.to_bytes(4, "big")
    key, _ = host.generate_key(aes, 16, {ck.CKA_EXTRACTABLE: b"\1"})
    wrapped = host.wrap_key(PKCS, key, public)
    host.unwrap_key({**secret, ck.CKA_VALUE_LEN: ulong(16)}, PKCS, private, wrapped)
    assert operations(machine) == ["rsa1024-crt", "rsa1024-me"] + ["rsa1024-me", "rsa1024-crt"] * 2


def test_a_fault_of_a_card_does_not_leave_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, host = accelerated()
    private, _ = pair(host)
    assert len(host.sign_single(SIGN, private, b"data")) == 128
    right = power.exponentiate

    def faulty(base: int, exponent: int, modulus: int) -> int:
        return right(base, exponent, modulus) ^ 1

    monkeypatch.setattr(clear_rsa, "exponentiate", faulty)
    with pytest.raises(Ep11Error) as caught:
        host.sign_single(SIGN, private, b"data")
    assert caught.value.rv == ck.CKR_DEVICE_ERROR
    assert operations(machine) == ["rsa1024-crt"] * 2


def test_without_cards_rsa_is_gone_and_nothing_else() -> None:
    machine, host = accelerated()
    private, _ = pair(host)
    machine.native.withdraw(0, is_away=True)
    with pytest.raises(Ep11Error) as caught:
        host.sign_single(SIGN, private, b"data")
    assert caught.value.rv == ck.CKR_DEVICE_REMOVED
    assert len(host.generate_random(16)) == 16
    machine.native.withdraw(0, is_away=False)
    assert len(host.sign_single(SIGN, private, b"data")) == 128


def test_primes_in_either_order() -> None:
    """A card gets the larger one first."""
    machine, _ = accelerated()
    seen = []

    def call(
        function: int, render: Callable[[int], bytes], targets: tuple[int, ...]
    ) -> tuple[bytes, int]:
        seen.append(type50.unpack(render(0)))
        return machine.native.call(function, render, targets)

    cards = AcceleratedRsa(AcceleratorHost(Watched(call), (0,)), is_null=False)
    key = rsa_vectors.SIGNING_KEY.pair()[0]
    n, e, d, p, q, dp, dq, _ = rsa.all_numbers(key)
    swapped = RSAPrivateNumbers(q, p, d, dq, dp, pow(p, -1, q), RSAPublicNumbers(e, n))
    other = rsa.private_key(swapped)
    expected = rsa.private_operation(key, b"message")
    for each in (key, other):
        cards.equip(each)
        assert rsa.private_operation(each, b"message") == expected
    first, second = seen
    assert isinstance(first, ModExpoCrt)
    assert first[:5] == second[:5]
    assert int.from_bytes(first.p, "big") == p > q


def test_a_malformed_request_is_einval() -> None:
    machine, _ = accelerated()
    with pytest.raises(DriverError) as caught:
        machine.software(0).call(1, lambda domain: b"no request", (0,))
    assert caught.value.code == errno.EINVAL


def test_a_host_has_no_figures() -> None:
    _, host = accelerated()
    with pytest.raises(Ep11Error):
        host.set_figure("firmware.decode_ns", 1)
