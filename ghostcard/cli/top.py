"""``ghostcard top``: a shared card while it runs, by process, queue and engine."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import click
from rich.console import Group
from rich.live import Live
from rich.text import Text

from ghostcard.cli.failure import Failure
from ghostcard.cli.output import console, document, duration, rate, table_of
from ghostcard.config import apqn
from ghostcard.shared.client import ServerError, ask
from ghostcard.shared.live import percentile
from ghostcard.shared.place import SERVER, default

_PROCESSES = (
    "process",
    ">pid",
    ">threads",
    ">requests",
    ">per second",
    ">host",
    ">median",
    ">99 %",
)
_QUEUES = ("queue", ">requests", ">per second", ">depth", ">median", ">99 %", ">failed")
_RESOURCES = ("card", "resource", ">servers", ">utilisation")
_NOTHING: dict[str, Any] = {
    "host_ns": 0, "simulated_ns": 0, "parked": 0, "processes": [], "queues": [], "resources": [],
}  # fmt: skip


class Spent(NamedTuple):
    """Of a process or a queue between two snapshots."""

    requests: int
    failed: int
    latency_ns: int
    depth: int
    buckets: dict[str, int]

    @property
    def mean_depth(self) -> float:
        """Messages that a request met in hardware, itself included."""
        asked = self.requests + self.failed
        return self.depth / asked if asked else 0.0


@click.command(
    "top",
    epilog="""\b
Examples:
  ghostcard top                            every second, until Ctrl-C
  ghostcard top --once --json              since the server began
  ghostcard top --socket /run/ghostcard/cards.sock --interval 5
""",
)
@click.option("--socket", "path", type=click.Path(), envvar=SERVER,
              help="Of the server; default: server.sock in GHOSTCARD_HOME.")  # fmt: skip
@click.option("--interval", default=1.0, show_default=True, type=click.FloatRange(0.1, 3600),
              help="Seconds between two looks.")  # fmt: skip
@click.option("--once", is_flag=True, help="What has been since the server began, and no more.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: one document, or one a line.")
def command(path: str | None, interval: float, once: bool, as_json: bool) -> None:
    """Show what programs do on a shared card (ghostcard serve), and what keeps it busy.

    Rates are per second of simulated time; "host" is per second of the wall clock. Latencies are
    simulated, and exact within 4.4 %. To look on, an entry in [[access]] without queues is enough.
    """
    place = path or default()
    if once:
        told = difference(_NOTHING, _snapshot(place))
        if as_json:
            document(told)
        else:
            console().print(shown(told))
        return
    views = _views(place, interval)
    if as_json:
        for told in views:
            click.echo(json.dumps(told))
        return
    with Live(console=console(), auto_refresh=False, screen=console().is_terminal) as live:
        for told in views:
            live.update(shown(told), refresh=True)


def _views(place: str, interval: float) -> Iterator[dict[str, Any]]:
    before = _snapshot(place)
    yield difference(_NOTHING, before)
    while True:
        time.sleep(interval)
        after = _snapshot(place)
        if after["host_ns"] < before["host_ns"]:  # another server
            before = _NOTHING
        yield difference(before, after)
        before = after


def _snapshot(place: str) -> dict[str, Any]:
    try:
        answer, files = ask(place, "snapshot")
    except ServerError as error:
        raise Failure(str(error)) from None
    with os.fdopen(files[0], "rb") as file:
        told: dict[str, Any] = json.loads(os.pread(file.fileno(), answer["snapshot"], 0))
    return told


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What happened between two snapshots: rates and utilisation, as plain values."""
    simulated_ns = after["simulated_ns"] - before["simulated_ns"]
    host_ns = after["host_ns"] - before["host_ns"]
    known = {one["pid"]: one for one in before["processes"]}
    queues = {one["qid"]: one for one in before["queues"]}
    busy = {(one["adapter"], one["name"]): one["busy_ns"] for one in before["resources"]}
    return {
        "clocks": {"simulated_ns": simulated_ns, "host_ns": host_ns},
        "parked": after["parked"],
        "processes": [
            {
                **{key: one[key] for key in ("pid", "name", "uid", "threads")},
                **_told(_spent(known.get(one["pid"]), one), simulated_ns, host_ns),
            }
            for one in after["processes"]
        ],
        "queues": [
            {
                "queue": apqn(one["qid"]),
                **_told(_spent(queues.get(one["qid"]), one), simulated_ns, host_ns),
            }
            for one in after["queues"]
        ],
        "resources": [
            {
                **{key: one[key] for key in ("adapter", "name", "servers")},
                "utilisation": _share(
                    one["busy_ns"] - busy.get((one["adapter"], one["name"]), 0),
                    one["servers"] * simulated_ns,
                ),
            }
            for one in after["resources"]
        ],
    }


def _spent(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Spent:
    numbers = ("requests", "failed", "latency_ns", "depth")
    was = before or {**dict.fromkeys(numbers, 0), "buckets": {}}
    requests, failed, latency_ns, depth = (after[key] - was[key] for key in numbers)
    left = {key: count - was["buckets"].get(key, 0) for key, count in after["buckets"].items()}
    buckets = {key: count for key, count in left.items() if count > 0}
    return Spent(requests, failed, latency_ns, depth, buckets)


def _told(spent: Spent, simulated_ns: int, host_ns: int) -> dict[str, Any]:
    return {
        "requests": spent.requests,
        "failed": spent.failed,
        "per_second": _share(spent.requests * 1e9, simulated_ns),
        "per_host_second": _share(spent.requests * 1e9, host_ns),
        "depth": spent.mean_depth,
        "p50_ns": percentile(spent.buckets, 50),
        "p99_ns": percentile(spent.buckets, 99),
    }


def _share(part: float, whole: int) -> float:
    return part / whole if whole else 0.0


def shown(told: Mapping[str, Any]) -> Group:
    """The tables for people."""
    clocks = told["clocks"]
    head = (
        f"{duration(clocks['simulated_ns'])} simulated, {duration(clocks['host_ns'])} on the host"
    )
    if told["parked"]:
        head += f"; idle threads left behind {told['parked']:,} times"
    return Group(
        Text(head),
        table_of("Processes", _PROCESSES, [_process(one) for one in told["processes"]]),
        table_of("Queues", _QUEUES, [_queue(one) for one in told["queues"]]),
        table_of("Resources", _RESOURCES, [_resource(one) for one in told["resources"]]),
    )


def _process(one: Mapping[str, Any]) -> tuple[str, ...]:
    threads = str(one["threads"]) if one["threads"] else "gone"
    rates = (rate(one["per_second"]), rate(one["per_host_second"]))
    return (one["name"], str(one["pid"]), threads, f"{one['requests']:,}", *rates, *_latencies(one))


def _queue(one: Mapping[str, Any]) -> tuple[str, ...]:
    failed = f"{one['failed']:,}" if one["failed"] else "-"
    asked = (f"{one['requests']:,}", rate(one["per_second"]), f"{one['depth']:.1f}")
    return (one["queue"], *asked, *_latencies(one), failed)


def _resource(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{one['adapter']:02x}", one["name"], str(one["servers"]), f"{one['utilisation']:.1%}",
    )  # fmt: skip


def _latencies(one: Mapping[str, Any]) -> tuple[str, str]:
    p50, p99 = (one[key] for key in ("p50_ns", "p99_ns"))
    return "-" if p50 is None else duration(p50), "-" if p99 is None else duration(p99)
