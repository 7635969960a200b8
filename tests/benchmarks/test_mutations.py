"""Fifty thousand mutated requests and replies: firmware and host libraries stand them.

`python -m ghostcard.benchmarks.mutations` does a million.
"""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.benchmarks import mutations
from ghostcard.benchmarks.mutation import Mutator, repair
from ghostcard.benchmarks.mutations import TARGETS, Target, is_reply

COUNT = 6_250  # of each target and direction


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_firmware_answers_every_mutated_request(target: Target) -> None:
    outcome = mutations.attack_firmware(target, COUNT, seed=3)
    assert outcome.crashes == ()
    assert sum(outcome.answers.values()) == COUNT
    good = {"type 86", "type 80"} & set(outcome.answers)
    assert sum(outcome.answers[name] for name in good) > COUNT // 20  # some get as far as that
    assert outcome.answers["code a0"] > 0


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_host_library_stands_every_mutated_reply(target: Target) -> None:
    outcome = mutations.attack_host(target, COUNT, seed=3)
    assert outcome.crashes == ()
    assert sum(outcome.answers.values()) == COUNT
    assert outcome.answers["accepted"] > COUNT // 20
    assert outcome.answers["DriverError 5"] > COUNT // 20


def test_a_crash_is_told_with_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutations, "_require_reply", lambda reply, image: 1 // 0)
    outcome = mutations.attack_firmware(TARGETS[3], 2, seed=3)
    assert outcome.crashes == (
        "cex8a real: requests 0: ZeroDivisionError: integer division or modulo by zero",
        "cex8a real: requests 1: ZeroDivisionError: integer division or modulo by zero",
    )


@given(st.lists(st.binary(max_size=100), min_size=1), st.integers(0, 99), st.integers(0, 1 << 40))
def test_a_mutation_is_known_by_seed_and_number(
    corpus: list[bytes], seed: int, number: int
) -> None:
    index, block = Mutator(corpus, seed).block(number)
    assert Mutator(corpus, seed).block(number) == (index, block)
    assert 0 <= index < len(corpus)


def test_mutations_differ() -> None:
    corpus = [random.Random(n).randbytes(60) for n in range(5)]
    blocks = [Mutator(corpus, 1).block(number)[1] for number in range(500)]
    assert len(set(blocks)) > 450
    assert sum(block in corpus for block in blocks) == 0


@given(st.binary(max_size=300), st.sampled_from((0x06, 0x50, 0x80, 0x86)))
def test_repaired_lengths_are_true(body: bytes, kind: int) -> None:
    block = bytearray(b"\0" + bytes((kind,)) + body)
    repair(block)
    if kind in (0x50, 0x80) and len(block) >= 4:
        assert int.from_bytes(block[2:4], "big") == len(block)


@pytest.mark.parametrize(
    ("reply", "holds"),
    [
        ("0082000020000000", True),
        ("0082000020000000 00", False),
        ("0089000020000000", False),
        ("00820000200000", False),
        ("00800010 00000000 0000000000000000", True),
        ("00800011 00000000 0000000000000000", False),
        ("0086010090000000", True),
        ("0086010000000000", False),
        ("0086020000000000 00000000 00000000 00000004 00000030" + "00" * 24 + "00200400", True),
        ("0086020000000000 00000000 00000000 00000003 00000030" + "00" * 24 + "00200400", False),
        ("0086020000000000 00000000 00000000 00000004 00000030" + "00" * 24 + "00200500", False),
    ],
)
def test_what_is_a_reply(reply: str, holds: bool) -> None:
    assert is_reply(bytes.fromhex(reply)) is holds
