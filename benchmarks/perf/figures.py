"""The figures of runs, in the columns that crypto-perf tools have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ghostcard.benchmarks.perf.device import Device
from ghostcard.benchmarks.perf.ring import Polled
from ghostcard.benchmarks.wording import counted

ENOUGH = 100  # times the places of the queue or the burst: filling and draining is 1 %
ENOUGH_NS = 50_000_000  # of host time


class Run(NamedTuple):
    """One line: a size and a burst, and what came of it."""

    size: float  # bytes, the mean of a mix
    burst: int
    polled: Polled


class Shown(NamedTuple):
    """A table: heading and cells; numbers with so many decimals for people."""

    columns: tuple[str, ...]
    heading: str  # of CSV, as DPDK's tool has it
    lines: Sequence[tuple[float, ...]]
    decimals: tuple[int, ...]

    def formatted(self) -> Iterator[tuple[str, ...]]:
        """For people."""
        for line in self.lines:
            cells = zip(line, self.decimals, strict=True)
            yield tuple(f"{value:,.{places}f}" for value, places in cells)

    def csv(self) -> Iterator[str]:
        """The heading and the lines; the first column is DPDK's lcore, 0."""
        yield self.heading
        for line in self.lines:
            cells = zip(line, self.decimals, strict=True)
            yield ",".join(["0", *(f"{value:.{places}f}" for value, places in cells)])

    def records(self) -> list[dict[str, float]]:
        """For JSON."""
        return [dict(zip(self.columns, line, strict=True)) for line in self.lines]


def warnings(tested: Device, runs: Sequence[Run]) -> Iterator[str]:
    """Figures that rest on too little."""
    if tested.is_host:
        quickest = min(runs, key=lambda run: run.polled.elapsed_ns).polled
        if quickest.elapsed_ns < ENOUGH_NS:
            done, took = counted(quickest.dequeued, "operation"), quickest.elapsed_ns / 1e6
            yield f"{done} took {took:.1f} ms: take more, for 50 ms"
        return
    largest = max(runs, key=lambda run: run.burst)
    enough = ENOUGH * max(largest.burst, tested.places)
    if largest.polled.dequeued < enough:
        yield (
            f"--total-ops {largest.polled.dequeued:,} is few for bursts of {largest.burst} on "
            f"{counted(tested.places, 'place')}: filling and draining count; take {enough:,}"
        )


def throughput(tested: Device, runs: Sequence[Run]) -> Shown:
    """Of `--ptest throughput`."""
    lines = []
    for size, burst, one in runs:
        seconds = one.elapsed_ns / 1e9
        each_ns = one.elapsed_ns / one.dequeued
        lines.append(
            (
                size, burst, one.enqueued, one.dequeued, one.failed_enqueues, one.failed_dequeues,
                one.dequeued / seconds / 1e6, one.payload_bytes * 8 / seconds / 1e9,
                each_ns * tested.clock_mhz / 1000, each_ns,
            )
        )  # fmt: skip
    columns = (
        "Buf Size", "Burst Size", "Enqueued", "Dequeued", "Failed Enq", "Failed Deq", "MOps",
        "Gbps", "Cycles/Buf", "ns/Buf",
    )  # fmt: skip
    heading = (
        "#lcore id,Buffer Size(B),Burst Size,Enqueued,Dequeued,Failed Enq,Failed Deq,"
        "Ops(Millions),Throughput(Gbps),Cycles/Buf,ns/Buf"
    )
    return Shown(columns, heading, lines, (0, 0, 0, 0, 0, 0, 4, 4, 2, 2))


def latency(tested: Device, runs: Sequence[Run]) -> Shown:
    """Of `--ptest latency`; its CSV is `each`."""
    lines = []
    for size, burst, one in runs:
        times = one.latencies_ns
        figures = (min(times), sum(times) / len(times), max(times))
        cycles = (time * tested.clock_mhz / 1000 for time in figures)
        lines.append((size, burst, len(times), *cycles, *(time / 1000 for time in figures)))
    columns = (
        "Buf Size", "Burst Size", "Ops", "min cycles", "avg cycles", "max cycles", "min us",
        "avg us", "max us",
    )  # fmt: skip
    return Shown(columns, "", lines, (0, 0, 0, 0, 0, 0, 3, 3, 3))


def each(tested: Device, runs: Sequence[Run]) -> Iterator[str]:
    """A line of CSV for each operation."""
    yield "# lcore, Buf Size, Burst Size, Pakt Seq #, cycles, time (us)"
    for size, burst, one in runs:
        for number, time in enumerate(one.latencies_ns):
            cycles = time * tested.clock_mhz / 1000
            yield f"0,{size:.0f},{burst},{number + 1},{cycles:.0f},{time / 1000:.3f}"


def offload(tested: Device, runs: Sequence[Run]) -> Shown:
    """Of `--ptest offload`: what an operation costs the host."""
    lines = []
    for size, burst, one in runs:
        submit, poll = one.submit_ns / one.dequeued, one.poll_ns / one.dequeued
        cost = submit + poll
        lines.append(
            (
                size, burst, one.dequeued, submit, poll, cost, cost * tested.clock_mhz / 1000,
                one.retries, one.failed_dequeues, 100 * cost * one.dequeued / one.elapsed_ns,
            )
        )  # fmt: skip
    columns = (
        "Buf Size", "Burst Size", "Ops", "Submit ns/Op", "Poll ns/Op", "Offload ns/Op",
        "Cycles/Op", "Retries", "Empty Polls", "Host %",
    )  # fmt: skip
    heading = (
        "#lcore id,Buffer Size(B),Burst Size,Ops,Submit(ns/Op),Poll(ns/Op),Offload(ns/Op),"
        "Cycles/Op,Retries,Empty Polls,Host(%)"
    )
    return Shown(columns, heading, lines, (0, 0, 0, 1, 1, 1, 1, 0, 0, 1))
