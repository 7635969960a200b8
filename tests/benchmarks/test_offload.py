"""Offload break-even: where the curves cross, what the host computes, what one request takes."""

import pytest

from ghostcard.benchmarks.host_software import action, measure
from ghostcard.benchmarks.offload import SIZES, Offload, lone_ns, offload
from ghostcard.benchmarks.scenario_reader import parse
from ghostcard.benchmarks.scenario_run import machine_of, replicate
from ghostcard.emulator.card import Card

LONE = {"requests": 1, "tenants": [{"operation": "aes-256-gcm", "payload_bytes": 1024}]}


@pytest.fixture(scope="module")
def card() -> Card:
    return machine_of(parse(LONE), 1).bus.cards[0]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ((1.0, 2.0, 3.0), None),  # the host is always quicker
        ((20.0, 20.0, 30.0), 16.0),  # the card is, from the least on
        ((1.0, 5.0, 30.0), 38.4),  # 5 behind at 32, 20 before at 64 bytes
        ((20.0, 5.0, 10.0), 64.0),  # from the last crossing on
    ],
)
def test_break_even(host: tuple[float, ...], expected: float | None) -> None:
    found = Offload("x", (16, 32, 64), (10.0, 10.0, 10.0), host, 0).break_even_bytes
    assert found == (None if expected is None else pytest.approx(expected))


def test_a_lone_request_takes_what_it_takes_in_a_simulation(card: Card) -> None:
    array = replicate(parse(LONE), 0).recorder.array()
    assert lone_ns(card, "aes-256-gcm", 1024, interrupts=True) == array["done"] - array["submitted"]


def test_the_length_matters_only_where_work_grows_with_it(card: Card) -> None:
    gcm = offload(card, "aes-256-gcm", 100, True)
    sign = offload(card, "rsa2048-sign", 51, True)
    assert gcm is not None
    assert sign is not None
    assert gcm.payloads == SIZES
    assert list(gcm.card_ns) == sorted(gcm.card_ns)
    assert sign.payloads == (51,)
    assert offload(card, "query", 0, True) is None


@pytest.mark.parametrize(
    "operation",
    [
        "rsa2048-verify", "rsa2048-encrypt", "rsa2048-decrypt", "ecdsa-p384-sign",
        "ecdsa-p256-verify", "ed25519-sign", "ed25519-verify", "aes-128-cbc", "aes-192-ecb",
        "aes-256-ctr", "sha1", "sha3-256", "hmac-sha512",
    ],
)  # fmt: skip
def test_what_the_host_computes(operation: str) -> None:
    [took] = measure(operation, [100], seconds=0.0)
    assert took.host_ns > 0
    assert took.calls >= 3


def test_what_it_does_not() -> None:
    assert action("rsa1000-sign") is None
    assert list(measure("mlkem768-keygen", [0])) == []


def test_the_software_gives_right_answers() -> None:
    sha, code = action("sha256"), action("hmac-sha256")
    assert sha is not None
    assert code is not None
    digest = sha(b"abc")
    assert isinstance(digest, bytes)
    assert digest.hex().startswith("ba7816bf8f01cfea414140de5dae2223")  # FIPS 180-4
    assert code(b"abc") != digest
