"""The outputs of zcryptstats: default, TABLE, CSV and JSON, as text (AP sheet 6.4)."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ghostcard.measurement import TOTAL, Rate

STARS = "*" * 68
_COLUMNS = ((18, "<"), (10, ">"), (12, ">"), (12, ">"), (15, ">"))
_DEVICE = ((7, "<"), (5, "<"), (33, "<"), (20, "<"))
_TABLE = ((20, "<"), (7, "<"), (10, ">"), (12, ">"), (12, ">"), (15, ">"))
_NAMES = ("TIMESTAMP", "DEVICE", "OPS", "RATE", "UTILIZATION", "AVG.DURATION")


class Device(NamedTuple):
    """A card or a queue in an interval."""

    name: str
    type: str  # such as "CEX8P (EP11 co-processor)"
    is_card: bool
    rates: Sequence[Rate]  # the total last


class Interval(NamedTuple):
    """One interval; `seconds` since the epoch at its end."""

    number: int
    seconds: float
    devices: Sequence[Device]

    @property
    def timestamp(self) -> str:
        """``%m/%d/%y %H:%M:%S``; of simulated time in UTC, since it begins at 0."""
        moment = time.localtime if self.seconds > _SIMULATED_MOST else time.gmtime
        return time.strftime("%m/%d/%y %H:%M:%S", moment(self.seconds))


_SIMULATED_MOST = 10 * 365 * 86_400  # seconds: no simulation is so long, and no clock so early


class Style(NamedTuple):
    """What is left out."""

    totals: bool = True
    only_totals: bool = False


def heading() -> str:
    """Two lines: the host and the date."""
    host = os.uname()
    date = time.strftime("%m/%d/%y")
    return f"{host.sysname} {host.release} ({host.nodename}) \t{date}\t{host.machine}\n\n"


def plain(interval: Interval, style: Style) -> str:
    """An interval in the default format."""
    lines = [STARS, f"TIME: {interval.timestamp}\t\tINTERVAL: {interval.number}", ""]
    for device in interval.devices:
        lines += _device(device, interval, style)
    return "\n".join(lines) + "\n"


def _device(device: Device, interval: Interval, style: Style) -> Iterator[str]:
    kind = "CARD" if device.is_card else "APQN"
    yield _row(_DEVICE, ("DEVICE", "", "TYPE", "TIMESTAMP"))
    yield _line(_DEVICE)
    yield _row(_DEVICE, (device.name, kind, device.type, interval.timestamp))
    yield ""
    indent = " " * (4 if device.is_card else 8)
    yield indent + _row(_COLUMNS, ("COUNTER", "OPS", "RATE", "UTILIZATION", "AVG.DURATION"))
    yield indent + _line(_COLUMNS)
    for rate in device.rates if not style.only_totals else device.rates[-1:]:
        if rate.counter == TOTAL:
            if not style.totals:
                continue
            if not style.only_totals:
                yield indent + _line(_COLUMNS)
        yield indent + _row(_COLUMNS, _cells(rate))
    yield ""


def _cells(rate: Rate) -> tuple[str, ...]:
    percent = f"{100 * rate.utilization:.2f} %"
    return (rate.counter, str(rate.ops), f"{rate.rate:.2f}", percent, duration(rate.duration_s))


def duration(seconds: float) -> str:
    """With the unit that suits it."""
    if seconds >= 1:
        return f"{seconds:.3f} sec "
    return f"{seconds * 1e3:.3f} msec" if seconds >= 1e-3 else f"{seconds * 1e6:.3f} usec"


def table_heading() -> str:
    """Names of the columns, and a line."""
    return f"{_row(_TABLE, _NAMES)}\n{_line(_TABLE)}\n"


def table(interval: Interval) -> str:
    """Totals of an interval as rows, and a line."""
    rows = []
    for device in interval.devices:
        _, *cells = _cells(device.rates[-1])
        rows.append(_row(_TABLE, (interval.timestamp, device.name, *cells)))
    return "\n".join((*rows, _line(_TABLE))) + "\n"


def csv_heading() -> str:
    """Names of the columns."""
    return ",".join(_NAMES) + "\n"


def csv(interval: Interval) -> str:
    """Totals of an interval."""
    lines = []
    for device in interval.devices:
        total = device.rates[-1]
        percent = f"{100 * total.utilization:.2f} %"
        each = f"{total.duration_s:.9f}"
        cells = (
            interval.timestamp,
            device.name,
            str(total.ops),
            f"{total.rate:.2f}",
            percent,
            each,
        )
        lines.append(",".join(cells) + "\n")
    return "".join(lines)


def json_heading() -> str:
    """All in front of the first interval."""
    host = os.uname()
    about = {
        "nodename": host.nodename,
        "sysname": host.sysname,
        "release": host.release,
        "machine": host.machine,
        "date": time.strftime("%m/%d/%y"),
    }
    lines = [f"\t\t\t{json.dumps(key)}: {json.dumps(value)}," for key, value in about.items()]
    return "\n".join(("{", '\t"zcryptstats": {', '\t\t"host": {', *lines, '\t\t\t"statistics": ['))


def json_interval(interval: Interval, style: Style, is_first: bool) -> str:
    """An interval, with the comma after the one before."""
    indent = "\t" * 4
    devices = ",\n".join(_json_device(device, style) for device in interval.devices)
    return (
        f"{'' if is_first else ','}\n{indent}{{\n"
        f'{indent}\t"interval": {interval.number},\n'
        f'{indent}\t"timestamp": "{interval.timestamp}",\n'
        f'{indent}\t"devices": [\n{devices}\n{indent}\t]\n{indent}}}'
    )


def json_end() -> str:
    """All behind the last interval."""
    return "\n\t\t\t]\n\t\t}\n\t}\n}\n"


def _json_device(device: Device, style: Style) -> str:
    indent = "\t" * 6
    shown = [
        rate
        for rate in device.rates
        if (style.totals if rate.counter == TOTAL else not style.only_totals)
    ]
    counters = ",\n".join(
        f'{indent}\t\t{{"counter": "{rate.counter}", "ops": {rate.ops}, "rate": {rate.rate:.2f}, '
        f'"utilization": {100 * rate.utilization:.2f}, "duration": {rate.duration_s:.9f}}}'
        for rate in shown
    )
    return (
        f'{indent}{{\n{indent}\t"device": "{device.name}",\n{indent}\t"type": "{device.type}",\n'
        f'{indent}\t"counters": [\n{counters}\n{indent}\t]\n{indent}}}'
    )


def _row(columns: Sequence[tuple[int, str]], cells: Sequence[str]) -> str:
    pairs = zip(cells, columns, strict=True)
    return " ".join(f"{cell:{side}{width}}" for cell, (width, side) in pairs)


def _line(columns: Sequence[tuple[int, str]]) -> str:
    return "-" * (sum(width for width, _ in columns) + len(columns) - 1)
