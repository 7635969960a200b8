"""What a program asked of the cards, from the request records that its processes left behind;
where the time went, what limits it, and what other machines would make of it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from ghostcard.benchmarks.capture.forecast import Forecast
from ghostcard.benchmarks.capture.replay import Left
from ghostcard.benchmarks.provenance import caveat
from ghostcard.benchmarks.timeshares import Limit, limited, shares
from ghostcard.cli.order import punctuality, sentence, verdict
from ghostcard.cli.output import duration, rate, table
from ghostcard.config import Config
from ghostcard.driver.pace import Pace
from ghostcard.driver.timing import Standing
from ghostcard.emulator.errors import RecordError
from ghostcard.emulator.journal import recover
from ghostcard.emulator.profile import Profile
from ghostcard.emulator.profile import load as load_profile
from ghostcard.emulator.record import Recorder
from ghostcard.firmware.abi import verbs
from ghostcard.statistics import Operations, Resource, Statistics, summarise

_OPERATIONS = ("operation", ">requests", ">per second", ">mean", ">median", ">99 %", ">failed")
_FORECAST = ("cards", ">depth", ">per second", ">median", ">99 %", "limited by")
_RESOURCES = ("card", "resource", ">servers", ">busy", ">utilisation")


class Account(NamedTuple):
    """One run of a program: the cards' statistics in simulated time, and the host's clock.

    `verbs` counts the requests to EP11 cards by verb; `damaged` are files of records that could
    not be read, with the reason. `shares` are the nanoseconds of all threads by what they were
    spent on; `standing` is the order of the threads in time, `pace` how punctual they were in
    paced mode. `forecast` is of the first `forecast_of` requests, `no_forecast` why there is none.
    `server`: whose the cards are, who then has the records.
    """

    statistics: Statistics
    verbs: dict[str, int]
    host_ns: int
    profiles: dict[int, Profile]
    damaged: list[str]
    shares: dict[str, int]
    limit: Limit
    standing: Standing | None = None
    pace: Pace | None = None
    forecast: tuple[Forecast, ...] = ()
    forecast_of: int = 0
    no_forecast: str = ""
    server: str | None = None

    @property
    def host_per_simulated(self) -> float | None:
        """How many times longer the host took than the cards would; None without requests."""
        span_ns = self.statistics.span_ns
        return self.host_ns / span_ns if span_ns else None

    def plain(self) -> dict[str, Any]:
        """As dictionaries, lists and numbers, for JSON."""
        return {
            "profiles": {f"{adapter:02x}": p.name for adapter, p in self.profiles.items()},
            "caveats": _caveats(self.profiles),
            "clocks": {
                "simulated_ns": self.statistics.span_ns,
                "host_ns": self.host_ns,
                "host_per_simulated": self.host_per_simulated,
            },
            "verbs": self.verbs,
            "damaged": self.damaged,
            "time_ns": self.shares,
            "order": self._order(),
            "paced": self._paced(),
            "limited_by": self.limit._asdict(),
            "forecast": [each._asdict() for each in self.forecast],
            "forecast_of": self.forecast_of,
            "no_forecast": self.no_forecast,
            "server": self.server,
            **self.statistics.plain(),
        }

    def _order(self) -> dict[str, Any] | None:
        if self.standing is None:
            return None
        return {**self.standing._asdict(), "is_deterministic": self.standing.is_deterministic}

    def _paced(self) -> dict[str, Any] | None:
        if self.pace is None:
            return None
        told = {name: value for name, value in self.pace._asdict().items() if name != "needed"}
        judged = {"late_share": self.pace.wrong, "mean_lateness_ns": self.pace.mean_ns}
        judged["woken_late"] = self.pace.woken_late
        would_do = {"dilation_that_would_do": self.pace.would_do}
        return {**told, **judged, **would_do, "is_valid": self.pace.is_valid}


class Records(NamedTuple):
    """What the processes of a run left: records by the stem of their file, and what is damaged."""

    runs: dict[str, Recorder]
    damaged: list[str]


def collect(folder: Path, config: Config) -> Records:
    """The records in `folder`, of the cards of `config`."""
    adapters = {card.adapter for card in config.cards}
    found = Records({}, [])
    _recover(folder)
    for path in sorted(folder.glob("*.records")):
        try:
            found.runs[path.stem] = _loaded(path, adapters)
        except RecordError as error:
            found.damaged.append(str(error))
    return found


def account(
    runs: Sequence[Recorder], damaged: list[str], config: Config, host_ns: int, think_ns: int
) -> Account:
    """The account of some records; `host_ns` is how long all took, of which `think_ns` on the
    timeline were the threads' own.
    """
    profiles = {card.adapter: load_profile(card.profile) for card in config.cards}
    statistics, spent = summarise(runs, profiles), shares(runs, think_ns)
    counts, limit = _verbs(runs, profiles), limited(runs, profiles, think_ns)
    return Account(
        *(statistics, counts, host_ns, profiles, damaged, spent, limit), server=config.server
    )


def _recover(folder: Path) -> None:
    """Turns the journals that killed processes left into files of records."""
    for journal in folder.glob("*.journal"):
        try:
            recover(journal).save(journal.with_suffix(".records"))
        except RecordError:  # named as damaged, under the name it would have had
            journal.rename(journal.with_suffix(".records"))
        else:
            journal.unlink()


def _loaded(path: Path, known: set[int]) -> Recorder:
    run = Recorder.load(path)
    unknown = set((run.array()["qid"] >> 8).tolist()) - known
    if unknown:
        adapters = ", ".join(f"{adapter:02x}" for adapter in sorted(unknown))
        raise RecordError(f"{path}: adapters that are not configured: {adapters}")
    return run


def _verbs(runs: Sequence[Recorder], profiles: Mapping[int, Profile]) -> dict[str, int]:
    """Requests to EP11 cards by verb, the most frequent first."""
    ep11 = {adapter for adapter, profile in profiles.items() if profile.mode == "ep11"}
    counts: Counter[int] = Counter()
    for run in runs:
        array = run.array()
        queues, functions = array["qid"].tolist(), array["function"].tolist()
        counts.update(f for q, f in zip(queues, functions, strict=True) if q >> 8 in ep11)
    return {verbs.name(function): number for function, number in counts.most_common()}


def show(account: Account, program: str, file: TextIO | None = None) -> None:
    """Prints the account as tables."""
    statistics = account.statistics
    if statistics.operations:
        rows = map(_operation, (*statistics.operations, statistics.total))
        table(f"Simulated time: what the cards did for {program}", _OPERATIONS, rows, file)
        used = [resource for resource in statistics.resources if resource.busy_ns]
        table("Resources", _RESOURCES, map(_resource, used), file)
    for line in _lines(account):
        print(line, file=file)
    if account.forecast:
        print(file=file)
        part = account.forecast_of < statistics.total.requests + statistics.total.failed
        of = f", its first {account.forecast_of:,} requests" if part else ""
        table(f"Forecast: the same run{of}", _FORECAST, map(_forecast, account.forecast), file)
    if account.no_forecast:
        print(f"no forecast    {account.no_forecast}", file=file)


def show_left(left: Sequence[Left], file: TextIO | None = None) -> None:
    """Prints what a replay has left out, and why."""
    for each in left:
        print(f"left out       {each.requests:,} x {each.operation}: {each.reason}", file=file)


def _forecast(one: Forecast) -> tuple[str, ...]:
    times = (one.p50_ns, one.p99_ns)
    return (
        f"{one.cards} (this run)" if one.is_this else f"{one.cards}",
        f"{one.depth}",
        rate(one.per_second) if one.per_second else "-",
        *("-" if ns is None else duration(ns) for ns in times),
        one.limited_by,
    )


def _operation(kind: Operations) -> tuple[str, ...]:
    latency = kind.latency
    times = (latency.mean_ns, latency.p50_ns, latency.p99_ns) if latency else ()
    shown = [duration(ns) for ns in times] or ["-"] * 3
    return (
        kind.operation,
        f"{kind.requests:,}",
        rate(kind.per_second) if kind.per_second else "-",
        *shown,
        f"{kind.failed:,}" if kind.failed else "-",
    )


def _resource(resource: Resource) -> tuple[str, ...]:
    return (
        f"{resource.adapter:02x}",
        resource.name,
        str(resource.servers),
        duration(resource.busy_ns),
        f"{resource.utilisation:.1%}",
    )


def _not_recorded(statistics: Statistics) -> str:
    lost = f"not recorded   {statistics.dropped:,} requests"
    return f"{lost}, beyond the recorder's capacity or when its file was full or closed"


def _lines(account: Account) -> Iterator[str]:
    statistics = account.statistics
    for damage in account.damaged:
        yield f"damaged        {damage}"
    if not statistics.operations and account.server is not None:
        yield f"the cards are those of {account.server}: `ghostcard serve --records` tells of them"
        return
    if not statistics.operations:
        yield "no request reached a card" if not statistics.dropped else _not_recorded(statistics)
        return
    if account.verbs:
        yield "verbs          " + ", ".join(f"{name} {n:,}" for name, n in account.verbs.items())
    depth = max(profile.queue.depth for profile in account.profiles.values())
    yield f"deepest queue  {statistics.deepest} of {depth}"
    runs = _counted(statistics.runs, "run")
    yield f"callers        {_counted(statistics.clients, 'thread')} in {runs} of the library"
    yield f"clocks         {_clocks(account)}"
    if account.standing is not None:
        yield f"order          {sentence(account.standing)}"
    if account.pace is not None:
        yield f"paced          {punctuality(account.pace)}"
        yield f"verdict        {verdict(account.pace)}"
    yield f"time           {_shares(account.shares)}"
    yield f"limited by     {account.limit.sentence}"
    if statistics.dropped:
        yield _not_recorded(statistics)
    for line in _caveats(account.profiles):
        yield f"assumptions    {line}"


def _shares(spent: Mapping[str, int]) -> str:
    total = sum(spent.values()) or 1
    return ", ".join(f"{part} {ns / total:.1%}" for part, ns in spent.items())


def _clocks(account: Account) -> str:
    span_ns, host_ns = account.statistics.span_ns, account.host_ns
    ratio = account.host_per_simulated
    times = "" if ratio is None else f"; the host took {rate(ratio)} times as long as the cards"
    return f"{duration(span_ns)} simulated, {duration(host_ns)} on the host{times}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _caveats(profiles: Mapping[int, Profile]) -> list[str]:
    return sorted({caveat(profile) for profile in profiles.values()})
