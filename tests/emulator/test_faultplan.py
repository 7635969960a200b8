"""Plans of faults: what they say, what is refused and in which words, and when rules strike."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.faultkinds import KINDS
from ghostcard.emulator.faultplan import FaultPlanError, Names, Rule, parse, rule
from ghostcard.emulator.injector import Injector

NAMES = Names({"SignSingle": 24}, {"type86.reply_code": (4, 1)})
NEEDED: dict[str, object] = {
    "instruction": "nqap", "code": 4, "delay_ns": 5, "engine_permille": 2000, "for_ns": 7,
    "bytes": 3,
}  # fmt: skip


def minimal(kind: str) -> dict[str, object]:
    """As little as a plan may say of a kind."""
    said: dict[str, object] = {"kind": kind}
    said |= {key: NEEDED[key] for key in KINDS[kind].needs}
    if kind == "corrupt":
        said |= {"offset": 1, "flip": 1}
    if KINDS[kind].point == "card":
        said["nth"] = 1
    return said


def test_the_example_of_the_module_is_a_plan() -> None:
    text = """
        seed = 7
        [[faults]]
        kind = "drop"
        name = "lost on the link"
        card = 0
        domain = 3
        rate_ppm = 10_000
        from_ns = 0
        until_ns = 1_000_000
        times = 5
    """
    plan = parse(tomllib.loads(text))
    assert plan.seed == 7
    assert plan.rules == (
        Rule(
            "drop", "lost on the link", "request", card=0, domain=3,
            rate_ppm=10_000, from_ns=0, until_ns=1_000_000, times=5,
        ),
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_by_the_least_that_can_be_said(kind: str) -> None:
    made = rule(minimal(kind), "faults[0]")
    assert (made.kind, made.name, made.point) == (kind, kind, KINDS[kind].point)
    for key in KINDS[kind].needs:
        left_out = {k: v for k, v in minimal(kind).items() if k != key}
        with pytest.raises(FaultPlanError, match=rf"^faults\[0\]\.{key}: is missing, takes "):
            rule(left_out, "faults[0]")


def test_names_of_verbs_and_fields() -> None:
    verb = {"kind": "drop", "verb": "SignSingle"}
    assert rule(verb, "", NAMES).function == 24
    field = {"kind": "corrupt", "field": "type86.reply_code", "value": 0x90}
    made = rule(field, "", NAMES)
    assert (made.offset, made.width, made.value) == (4, 1, 0x90)


REFUSED: list[tuple[dict[str, object], str]] = [
    ({}, "kind: is missing, takes one of response, "),
    ({"kind": "rust"}, "kind: got 'rust', takes one of response, "),
    ({"kind": "drop", "crad": 1}, "crad: got an unknown key, takes kind, name, card"),
    ({"kind": "drop", "delay_ns": 1}, "delay_ns: got an unknown key"),
    ({"kind": "drop", "card": 256}, "card: got 256, takes a whole number from 0 to 255"),
    ({"kind": "drop", "card": True}, "card: got True, takes a whole number from 0 to 255"),
    ({"kind": "drop", "nth": 0}, "nth: got 0, takes a whole number from 1 to "),
    ({"kind": "drop", "nth": 1, "every": 2}, "every: got 2, takes no `nth` beside it"),
    ({"kind": "drop", "at_ns": 1, "times": 2}, "times: got 2, takes no `at_ns` beside it"),
    ({"kind": "drop", "from_ns": 5, "until_ns": 5}, "until_ns: got 5, takes more than from_ns, 5"),
    ({"kind": "drop", "rate_ppm": 1.5}, "rate_ppm: got 1.5, takes a whole number from 1 to "),
    ({"kind": "drop", "name": ""}, "name: got '', takes a text of 1 to 60 characters"),
    ({"kind": "drop", "name": "a\nb"}, r"name: got 'a\nb', takes a text"),
    ({"kind": "drop", "verb": "Sign"}, "verb: got 'Sign', takes one of SignSingle"),
    ({"kind": "drop", "verb": "SignSingle", "function": 1}, "verb: got 'SignSingle', takes no"),
    ({"kind": "reply-code", "code": 0}, "code: got 0, takes a whole number from 1 to 255"),
    ({"kind": "reply-code", "code": 1, "type": 1}, "type: got 1, takes 0x82 or 0x86 or 0x87"),
    ({"kind": "response", "instruction": "qci", "code": 1}, "instruction: got 'qci', takes one"),
    (
        {"kind": "response", "instruction": "tapq", "code": 1, "client": 1},
        "client: got 1, takes nothing: it is about a queue",
    ),
    ({"kind": "lost-interrupt", "verb": "SignSingle"}, "takes nothing: an interrupt has none"),
    ({"kind": "corrupt", "offset": 1}, "value: is missing, takes a value or, in `flip`"),
    ({"kind": "corrupt", "offset": 1, "width": 9, "flip": 1}, "width: got 9, takes a whole number"),
    ({"kind": "corrupt", "offset": 1, "value": 256}, "value: got 256, takes a whole number from"),
    ({"kind": "corrupt", "field": "x.y", "flip": 1}, "field: got 'x.y', takes one of type86."),
    (
        {"kind": "corrupt", "field": "type86.reply_code", "offset": 1, "flip": 1},
        "offset: got 1, takes nothing: the field has its place",
    ),
    ({"kind": "pull"}, "nth: is missing, takes nth, every, rate_ppm or at_ns"),
    ({"kind": "reset", "nth": 1}, "for_ns: is missing, takes a value: 'reset' needs it"),
    (
        {"kind": "power-loss", "for_ns": 1, "nvram_byte": 1, "at_ns": 3},
        "at_ns: got 3, takes nothing: its occasion is a write to NVRAM",
    ),
]


@pytest.mark.parametrize(("said", "expected"), REFUSED)
def test_what_cannot_be_is_refused_by_the_name_of_its_key(
    said: dict[str, object], expected: str
) -> None:
    with pytest.raises(FaultPlanError) as refusal:
        parse({"faults": [{"kind": "drop"}, said]}, NAMES)
    assert str(refusal.value).startswith("faults[1].")
    assert expected in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"fault": []}, "fault: got an unknown key, takes seed, faults"),
        ({"faults": {}}, "faults: got {}, takes up to 1000 [[faults]] tables"),
        ({"faults": [1]}, "faults[0]: got 1, takes a table"),
        ({"seed": -1}, "seed: got -1, takes a whole number from 0 to "),
    ],
)
def test_what_is_no_plan_is_refused(document: dict[str, object], expected: str) -> None:
    with pytest.raises(FaultPlanError) as refusal:
        parse(document)
    assert str(refusal.value).startswith(expected)


def struck(said: dict[str, object], times: list[int], seed: int = 0) -> list[int]:
    """At which of these times, one event each, a rule strikes."""
    injector = Injector(parse({"seed": seed, "faults": [{"kind": "drop", **said}]}))
    return [now for now in times if injector.strike("request", now, 0x0102, 24)]


WHEN: list[tuple[dict[str, object], list[int]]] = [
    ({}, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ({"nth": 3}, [2]),
    ({"every": 4}, [3, 7]),
    ({"at_ns": 6}, [6]),
    ({"from_ns": 7}, [7, 8, 9]),
    ({"until_ns": 2}, [0, 1]),
    ({"from_ns": 3, "until_ns": 6, "every": 2}, [4]),
    ({"times": 2}, [0, 1]),
    ({"every": 2, "times": 2}, [1, 3]),
    ({"rate_ppm": 1_000_000}, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ({"card": 1, "domain": 2, "function": 24, "nth": 1}, [0]),
    ({"card": 2}, []),
    ({"domain": 1}, []),
    ({"function": 25}, []),
    ({"client": 0}, []),
    ({"operation": "sha256"}, []),
]


@pytest.mark.parametrize(("said", "expected"), WHEN)
def test_when_a_rule_strikes(said: dict[str, object], expected: list[int]) -> None:
    assert struck(said, list(range(10))) == expected


def test_a_rate_is_kept_and_is_the_seeds() -> None:
    times = list(range(100_000))
    hits = struck({"rate_ppm": 10_000}, times, 1)
    assert 900 < len(hits) < 1100
    assert hits == struck({"rate_ppm": 10_000}, times, 1)
    assert hits != struck({"rate_ppm": 10_000}, times, 2)


@given(st.integers(1, 10**6), st.integers(0, 2**40))
def test_a_rule_before_it_changes_no_draw(rate: int, seed: int) -> None:
    """Each rule has its own stream, and counts what an earlier rule has taken too."""
    last = {"kind": "delay", "delay_ns": 1, "rate_ppm": rate}
    alone = Injector(parse({"seed": seed, "faults": [{"kind": "drop", "card": 9}, last]}))
    behind = Injector(parse({"seed": seed, "faults": [{"kind": "drop", "every": 3}, last]}))
    for number in range(1, 60):
        one, two = (each.strike("request", 0, 0) for each in (alone, behind))
        assert two is not None if number % 3 == 0 else one == two


def test_rules_come_and_go_while_it_runs() -> None:
    injector = Injector()
    assert injector.strike("request", 0, 0) is None
    first = injector.add(rule({"kind": "drop"}))
    second = injector.add(rule({"kind": "lose"}))
    assert [one.rule.kind for one in injector.armed()] == ["drop", "lose"]
    assert injector.remove(first) == 1
    struck = injector.strike("request", 0, 0)
    assert struck is not None
    assert struck.kind == "lose"
    assert [(one.number, one.seen, one.struck) for one in injector.armed()] == [(second, 1, 1)]
    assert injector.remove(first) == 0
    assert injector.remove() == 1
    assert injector.armed() == []
