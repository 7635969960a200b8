"""Every exam of a card by PyCryptodome: passed by the card, and failed by what is no answer."""

from random import Random

import pytest

from ghostcard.benchmarks.perf import independent
from ghostcard.benchmarks.perf.independent import EXAMS, Exam, verify
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.machine import Machine


@pytest.fixture(scope="module")
def host() -> Ep11Host:
    machine = Machine.simulation("cex8p", function="real", seed=5)
    return Ep11Host(machine.native, machine.targets(0))


@pytest.mark.parametrize("operation", EXAMS)
def test_the_card_passes(host: Ep11Host, operation: str) -> None:
    assert verify(host, operation, 48, 2, 1) == (2, 0, "")


@pytest.mark.parametrize("operation", EXAMS)
def test_a_changed_answer_is_wrong(host: Ep11Host, operation: str) -> None:
    exam = EXAMS[operation](host, Random(7))
    data = bytes(range(48))
    answer = bytearray(exam.ask(data))
    for place in (0, len(answer) // 2, len(answer) - 1):
        answer[place] ^= 1
        assert not exam.is_right(data, bytes(answer))
        answer[place] ^= 1
    assert exam.is_right(data, bytes(answer))
    assert not exam.is_right(data[:-1] + b"\0", bytes(answer))


def test_wrong_answers_are_counted(host: Ep11Host, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def ask(data: bytes) -> bytes:
        asked.append(data)
        return data

    def prepare(_host: Ep11Host, _random: Random) -> Exam:
        return Exam(ask, lambda _data, _answer: len(asked) % 3 != 2)

    monkeypatch.setitem(independent.EXAMS, "sha256", prepare)
    found = verify(host, "sha256", 8, 9, 1)
    assert (found.operations, found.wrong, found.first_wrong) == (9, 3, asked[1].hex())
