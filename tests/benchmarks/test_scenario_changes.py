"""Figures that change on the way: when they count, in whose figures, and what is refused."""

from typing import Any

import numpy as np
import pytest

from ghostcard.benchmarks.analysis import answers, loads
from ghostcard.benchmarks.scenario import Change, Scenario, ScenarioError
from ghostcard.benchmarks.scenario_changes import carry_out
from ghostcard.benchmarks.scenario_reader import parse
from ghostcard.benchmarks.scenario_result import Changed, evaluate
from ghostcard.benchmarks.scenario_run import machine_of, replicate

MS = 1_000_000
KEY = "engines.rsa.operations.rsa2048-sign.fixed_ns"
WAS, IS = 320_000, 1_000_000  # WAS: cex8p, rating 64 at 5 engines
TENANT = {"clients": 12, "operation": "rsa2048-sign", "payload_bytes": 51}
CHANGE = {"at_ns": 5 * MS, "key": KEY, "value": IS}


def scenario(*changes: dict[str, Any], **more: Any) -> Scenario:
    usual = {"duration_ns": 20 * MS, "tenants": [TENANT], "changes": list(changes)}
    return parse(usual | more)


@pytest.mark.parametrize("engine", ["simpy", "recursion"])
def test_what_a_core_fetches_after_the_request_has_the_new_time(engine: str) -> None:
    done = replicate(scenario(CHANGE), 0, engine=engine)
    array, names = done.recorder.array(), done.recorder.names
    [admin] = array[array["client"] == 12]
    assert int(admin["submitted"]) == 5 * MS
    assert (int(admin["function"]), names[admin["operation"]]) == (41, "query")
    assert int(admin["outcome"]) == 0
    signed = array[array["function"] == 31]
    took = (signed["finished"] - signed["started"]).astype(np.int64)
    later = signed["fetched"] > admin["fetched"]
    assert set(took[later].tolist()) == {IS}
    assert set(took[~later].tolist()) == {WAS}


def test_each_card_has_a_request_of_its_own_and_others_stay() -> None:
    one = scenario(
        CHANGE | {"cards": [2, 0]}, {"at_ns": 1, "key": "firmware.decode_ns", "value": 7},
        machine={"cards": 3},
    )  # fmt: skip
    assert one.changes == (
        *(Change(1, card, "firmware.decode_ns", 7) for card in range(3)),
        *(Change(5 * MS, card, KEY, IS) for card in (0, 2)),
    )
    done = replicate(one, 0)
    array = done.recorder.array()
    assert array["qid"][array["client"] >= 12].tolist() == [0, 256, 512, 0, 512]
    late = array[array["submitted"] > 10 * MS]
    assert set((late["decoded"] - late["fetched"]).tolist()) == {7 + 10}  # 200 ns per KiB
    for qid, time_ns in ((256, WAS), (512, IS)):
        own = late[late["qid"] == qid]
        assert set((own["finished"] - own["started"]).tolist()) == {time_ns}


@pytest.mark.parametrize("percentiles", ["exact", "histogram"])
def test_changes_are_in_no_tenants_figures_and_said(percentiles: str) -> None:
    late = CHANGE | {"at_ns": 19 * MS}
    one = scenario(CHANGE, late, requests=100, warm_up_ns=1, percentiles=percentiles)
    run = replicate(one, 0)
    result = evaluate(one, [run])
    [row] = result.rows
    assert result.submitted == 100
    assert row.requests + result.left_out == 100
    [done, never] = result.changes
    assert done.change == one.changes[0]
    assert done.fetched_ns is not None
    assert done.fetched_ns > 5 * MS
    assert never == Changed(one.changes[1], None)  # the 100 requests had ended


def test_theory_does_not_apply_and_the_load_afterwards_is_known() -> None:
    open_tenant = {**TENANT, "arrivals": "poisson", "rate_per_s": 8000}
    del open_tenant["clients"]
    one = scenario(CHANGE, tenants=[open_tenant])
    machine = machine_of(one, 1)
    before = loads(one, machine.bus.cards)[0]
    carry_out(one, machine.bus)
    after = loads(one, machine.bus.cards)[0]
    assert (before.load, after.load) == pytest.approx((8000 * WAS / 5e9, 8000 * IS / 5e9))
    assert answers(one, machine.bus.cards)[0].assumes == "a figure changes on the way"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at_ns": -1}, r"changes\[0\]\.at_ns: got -1, takes a whole number from 0"),
        ({"at_ns": 20 * MS}, r"changes\[0\]\.at_ns: got 20000000, takes less than duration_ns"),
        ({"key": "firmware.cores"}, r"changes\[0\]\.key: got 'firmware.cores', takes a figure"),
        ({"key": "engines.ec.operations.rsa2048-sign.fixed_ns"}, rf"key: got .* change: {KEY}"),
        ({"value": 10**13 + 1}, r"changes\[0\]\.value: got 10000000000001, takes a whole number"),
        ({"value": 1.5}, r"changes\[0\]\.value: got 1\.5"),
        ({"cards": [1]}, r"changes\[0\]\.cards: got \[1\], takes a list of different whole"),
        ({"card": 0}, r"changes\[0\]\.card: got an unknown key \(did you mean cards\?\)"),
    ],
)
def test_nonsense(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        scenario(CHANGE | change)


def test_only_ep11_cards_take_the_request() -> None:
    tenant = {"operation": "rsa2048-crt", "payload_bytes": 256}
    with pytest.raises(ScenarioError, match=r"cards: is missing.* mode ep11.* 0 is accelerator"):
        scenario(CHANGE, machine={"profile": "cex8a"}, tenants=[tenant])
