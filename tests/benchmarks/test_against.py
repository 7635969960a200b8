"""Two libraries in turns: ratios, what one of them lacks, targets; the real ones for a moment."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ghostcard.benchmarks import against
from ghostcard.benchmarks.against import Comparison, Contestant, missed
from ghostcard.benchmarks.client import ClientError, Line, Loading, Measurement, Missing

OURS, THEIRS = Contestant("ghostcard", "ours.so", {}), Contestant("softhsm2", "theirs.so", {})


def test_a_ratio_is_the_median_of_the_rounds_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = iter([(10.0, 5.0), (4.0, 2.0), (30.0, 10.0), (5.0, 1.0), (8.0, 4.0), (9.0, 9.0)])
    turns: list[str] = []

    def measure(_: Path, module: str, names: Sequence[str], *__: object) -> Iterator[Line]:
        turns.append(module)
        for threads, rate in zip((1, 2), next(rates), strict=True):
            yield Measurement(names[0], threads, 1, 1.0, rate, 1.0, 1.0)

    monkeypatch.setattr(against, "measure", measure)
    [[one, two]] = against.compare(Path(), OURS, THEIRS, ["sha256:64"], (1, 2), 3, 0.1)
    assert turns == ["ours.so", "theirs.so"] * 3
    assert one == Comparison("sha256:64", 1, 10.0, 5.0, 2.5)
    assert two == Comparison("sha256:64", 2, 5.0, 2.0, 2.5)


def test_what_one_of_them_does_not_do_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(_: Path, module: str, names: Sequence[str], *__: object) -> Iterator[Line]:
        if module == "theirs.so":
            if names == ("sha256",):
                raise ClientError("client: C_DigestInit: 0x70")
            yield Missing(names[0], 0x1087)
        else:
            yield Measurement(names[0], 1, 1, 1.0, 7.0, 1.0, 1.0)

    monkeypatch.setattr(against, "measure", measure)
    asked = ["aes-256-gcm", "sha256"]
    [[missing], [failed]] = against.compare(Path(), OURS, THEIRS, asked, (1,), 5, 0.1)
    assert missing == Comparison("aes-256-gcm", 1, 7.0, None, None, None, 0x1087)
    assert failed == Comparison("sha256", 1, 7.0, None, None, None, "C_DigestInit: 0x70")


def test_targets_are_by_operation_and_threads() -> None:
    row = Comparison("rsa2048-sign", 2, 1.0, 1.0, 1.79)
    assert missed(row)
    assert not missed(row._replace(ratio=1.8))
    assert missed(row._replace(ratio=None))
    assert not missed(row._replace(threads=3))
    assert not missed(row._replace(operation="aes-256-gcm:57344"))


def test_the_start_is_all_up_to_the_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    loadings = iter([Loading(10.0, 20.0, 5.0, 2048), Loading(1.0, 2.0, 0.5, 1024)] * 3)
    monkeypatch.setattr(against, "measure", lambda *_: iter([next(loadings)]))
    ours, theirs = against.start(Path(), (OURS, THEIRS), 3)
    assert ours == ("ghostcard", 35.0, 2.0)
    assert theirs == ("softhsm2", 3.5, 1.0)
