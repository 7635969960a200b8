"""Two engines, one model: the kernel's records are those of the SimPy engine to the byte."""

from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work, sized
from ghostcard.benchmarks.recursion import engine
from ghostcard.benchmarks.recursion.sources import Constant, Source, closed_loop
from ghostcard.emulator.image import Plan
from ghostcard.emulator.profile import (
    BatchProfile,
    Distribution,
    EngineProfile,
    MemoryProfile,
    Operation,
    load,
    names,
)
from ghostcard.emulator.record import RECORD_BYTES, STAGES, Recorder
from ghostcard.machine import Machine
from tests.benchmarks.recursion.stand import CardFigures, Case, Player, cases

KINDS = (("rsa2048-sign", 51), ("ecdsa-p256-sign", 32), ("aes-256-gcm", 1024), ("sha256", 1024))
SIGN = sized("rsa2048-sign", 51)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_records_of_any_scenario_are_equal(case: Case) -> None:
    recorder, bus = Recorder(), case.bus()
    assert engine.obstacle(bus, recorder, case.sources) is None
    engine.run(bus, recorder, case.sources, case.requests, case.end_ns, case.interrupts)
    assert recorder.to_bytes() == Player(case).run()


@pytest.mark.parametrize("interrupts", [True, False])
@pytest.mark.parametrize("profile", ["cex8p", "null"])
@pytest.mark.parametrize(("clients", "think_ns"), [(1, 0), (8, 0), (64, 0), (30, 12_345)])
def test_a_closed_loop_on_real_cards(
    profile: str, clients: int, think_ns: int, interrupts: bool
) -> None:
    def machine() -> Machine:
        return Machine.simulation(profile, cards=2, domains=2)

    work = [sized(*kind) for kind in KINDS]
    one, other = machine(), machine()
    targets = one.targets(0)
    port = one.simulated(interrupts)
    ClosedLoop(port, targets, work, clients, 40, think_ns=think_ns, seed=5).run()
    sources = closed_loop(targets, work, clients, 40, think_ns, 5)
    engine.run(other.bus, other.recorder, sources, interrupts=interrupts)
    assert other.recorder.to_bytes() == one.recorder.to_bytes()
    assert len(other.recorder) == 40 * clients


def run(sources: list[Source], requests: int | None = None) -> Recorder:
    machine = Machine.simulation()
    engine.run(machine.bus, machine.recorder, sources, requests)
    return machine.recorder


@pytest.mark.parametrize(
    ("profile", "operation", "payload"),
    [*(("cex8p", *kind) for kind in KINDS), ("cex8p", "query", 0), ("cex8a", "rsa2048-crt", 256)],
)
def test_a_lone_request_takes_what_the_card_says(
    profile: str, operation: str, payload: int
) -> None:
    work, machine = sized(operation, payload), Machine.simulation(profile)
    engine.run(machine.bus, machine.recorder, closed_loop((0,), [work], 1, 1))
    lone = machine.bus.cards[0].lone(0, *work[:2], *work[3:5])
    records = machine.recorder.array()
    assert tuple(int(records[stage][0]) for stage in STAGES) == lone


def test_records_can_be_handed_over_as_they_come() -> None:
    machine, pieces = Machine.simulation(), []
    sources = closed_loop((0,), [SIGN, sized("sha256", 64)], 8, 20_000)

    def sink(records: bytes, names: tuple[str, ...]) -> None:
        pieces.append((len(records) // RECORD_BYTES, names))

    engine.run(machine.bus, machine.recorder, sources, sink=sink)
    assert sum(count for count, _ in pieces) == 160_000
    assert max(count for count, _ in pieces) < engine.CHUNK_RECORDS + 8
    assert {names for _, names in pieces} == {run(sources[:8], requests=50).names}
    assert len(machine.recorder) == 0


def test_names_and_capacity_of_the_recorder_are_kept() -> None:
    recorder = Recorder(capacity=5)
    recorder.learn("rsa", "sha256")
    machine = Machine.simulation()
    engine.run(machine.bus, recorder, closed_loop((0,), [SIGN, sized("sha256", 64)], 2, 4))
    assert (len(recorder), recorder.dropped) == (5, 3)
    assert set(recorder.names[2:]) == {"rsa2048-sign", "symmetric"}
    assert recorder.names[:2] == ("rsa", "sha256")


def test_nothing_is_recorded_of_a_run_that_times_out() -> None:
    """AP sheet 1.7: 900 s without a reply, and the driver resets the queue."""
    plans = {"sha256": Plan(0, 0, "", 0, 0), "query": Plan(901 * 10**9, 0, "", 0, 0)}
    bus, recorder = (
        Case((CardFigures(load("null"), plans, (0,)),), [], None, None, True).bus(),
        Recorder(),
    )
    work = [Work(name, 0, 38, 100, 100) for name in plans]
    with pytest.raises(engine.BeyondKernel, match="a request timed out"):
        engine.run(bus, recorder, closed_loop((0,), work, 1, 40))
    assert len(recorder) == 0


def test_nothing_is_recorded_of_a_run_beyond_the_end_of_time() -> None:
    late = Source(
        0, (0,), (SIGN,), lambda first, count: ([0, 1 << 62][first:], [0, 0][first:]), True
    )
    recorder = Recorder()
    with pytest.raises(engine.BeyondKernel, match="146 years"):
        engine.run(Machine.simulation().bus, recorder, [late])
    assert len(recorder) == 0


def test_an_exception_of_a_supply_ends_the_run() -> None:
    def broken(first: int, count: int) -> tuple[list[int], list[int]]:
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        run([Source(0, (0,), (SIGN,), broken)])
    with pytest.raises(ValueError, match="client 3: a negative time"):
        run([Source(3, (0,), (SIGN,), lambda first, count: ([-1], [0]))])
    with pytest.raises(IndexError):
        run([Source(3, (0,), (SIGN,), lambda first, count: ([1], [7]))])


def test_a_supply_that_ends_ends_the_client() -> None:
    def two(first: int, count: int) -> tuple[list[int], list[int]]:
        return [5, 7][first:], [0, 0][first:]

    assert len(run([Source(0, (0,), (SIGN,), two)])) == 2
    assert len(run([Source(0, (0,), (SIGN,), two, is_open=True)])) == 2


def test_what_stands_against_it_is_said() -> None:
    machine = Machine.simulation()
    recorder = machine.recorder

    def reason(*sources: Source) -> str | None:
        return engine.obstacle(machine.bus, recorder, sources)

    assert reason(*closed_loop((0,), [SIGN])) is None
    assert reason(*closed_loop((1,), [SIGN])) == "a target that no card serves"
    rendered = SIGN._replace(render=lambda domain: b"")
    assert reason(*closed_loop((0,), [rendered])) == "requests are blocks that the cards execute"
    unknown = SIGN._replace(operation="rsa9-sign")
    assert reason(*closed_loop((0,), [unknown])) == "a target has no rsa9-sign"
    long = SIGN._replace(request_bytes=1 << 20)
    assert reason(*closed_loop((0,), [long])) == "no target takes rsa2048-sign"
    machine.bus.cards[0].checkstop(True)
    assert reason(Source(0, (0,), (SIGN,), Constant())) == "card 00 is out of service"


def test_a_figure_that_the_kernel_does_not_model_stands_against_it() -> None:
    class Later(NamedTuple):
        submit_ns: int = 0
        lunch_break_ns: int = 0

    profile = load("null")
    assert engine.unknown_figure(profile) is None
    usual = profile._replace(queue=Later(0))  # type: ignore[arg-type]
    assert engine.unknown_figure(usual) is None
    later = profile._replace(queue=Later(0, 1))  # type: ignore[arg-type]
    assert engine.unknown_figure(later) == "queue.lunch_break_ns"


ONE_BY_ONE = BatchProfile(1, 0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({"link_out": load("cex8p").link}, None),
        ({"host": load("null").host._replace(coalesce_count=8, coalesce_ns=9)}, None),
        ({"operations": {"sha256": Operation("", 0, 0, Distribution("exponential"))}}, None),
        (
            {"operations": {"sha256": Operation("", 0, 0, Distribution("normal"))}},
            "operations.sha256.distribution.kind normal",
        ),
        ({"memory": MemoryProfile(8, 1 << 20)}, "memory"),
        ({"engines": (EngineProfile("rsa", 1, ONE_BY_ONE),)}, "engines.rsa.batch"),
        ({"firmware": load("null").firmware._replace(scheduler="shares")}, "firmware.scheduler"),
    ],
)
def test_what_of_a_profile_it_models(changes: dict[str, Any], figure: str | None) -> None:
    assert engine.unknown_figure(load("null")._replace(**changes)) == figure


@pytest.mark.parametrize("profile", names())
def test_what_it_knows_of_the_profiles(profile: str) -> None:
    """All that come with Ghostcard are served in order."""
    assert engine.unknown_figure(load(profile)) is None
