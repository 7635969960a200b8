"""The faults of a program on both tracks: what calls see, and what records say."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ghostcard.config import CardConfig, Config, SlotConfig, qid
from ghostcard.driver.errors import DriverError
from ghostcard.driver.faultynative import FaultyNativePort, ProgramFaults, is_of_function
from ghostcard.driver.shapes import renderer
from ghostcard.emulator.faultkinds import KINDS
from ghostcard.emulator.faultplan import FaultPlan, FaultPlanError, Rule, rule
from ghostcard.emulator.nvram import PowerLost
from ghostcard.emulator.record import Recorder
from ghostcard.firmware.abi.verbs import DIGEST_SINGLE
from ghostcard.machine import Machine
from tests.emulator.test_faultplan import minimal

Say = dict[str, object]


class Program:
    """A program that hashes, on a machine with one or two cards and these faults."""

    def __init__(self, folder: Path, *said: Say, cards: int = 1) -> None:
        queues = tuple(qid(card, 0) for card in range(cards))
        config = Config(
            tuple(CardConfig(card, domains=(0,)) for card in range(cards)),
            (SlotConfig(0, "all", queues),),
            seed=1,
            control=True,
        )
        self.recorder = Recorder()
        self.machine = Machine(config, recorder=self.recorder)
        self.targets = queues
        assert self.machine.faults is not None
        self.faults = self.machine.faults
        self._function, self._render = renderer("sha256", 64, self.machine.native, self.targets)
        for one in said:
            self.faults.add(rule(one))

    def call(self) -> int:
        """Hash once; the queue that served it."""
        return self.machine.native.call(self._function, self._render, self.targets)[1]

    def code(self) -> int:
        """The errno of a call, 0 if it was served."""
        try:
            self.call()
        except DriverError as error:
            return error.code
        return 0

    def records(self) -> list[tuple[int, int, str]]:
        """Of each request queue, outcome and fault."""
        self.machine.native.finish()
        names = ("", *self.recorder.names)
        return [
            (int(one["qid"]), int(one["outcome"]), names[one["fault"]])
            for one in self.recorder.array()
        ]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Program]]:
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path / "home"))
    made = list[Program]()

    def make(*said: Say, cards: int = 1) -> Program:
        made.append(Program(tmp_path, *said, cards=cards))
        return made[-1]

    yield make
    for one in made:
        one.machine.close()


Make = Callable[..., Program]


def test_every_kind_belongs_to_one_track() -> None:
    function = {kind for kind in KINDS if is_of_function(rule(minimal(kind)))}
    assert function == {
        "response", "reply-code", "truncate", "corrupt", "swap",
        "deconfigure", "checkstop", "pull", "zeroise", "power-loss",
    }  # fmt: skip
    in_reset = rule({"kind": "response", "instruction": "nqap", "code": 2})
    assert not is_of_function(in_reset)  # the driver comes back to the same queue


def test_rules_that_could_never_strike_are_refused() -> None:
    plan = FaultPlan((rule({"kind": "drop"}), rule({"kind": "swap"})))
    with pytest.raises(FaultPlanError, match=r"^faults\[1\]\.kind: got 'swap', takes another: "):
        ProgramFaults(plan)
    faults = ProgramFaults(FaultPlan())
    with pytest.raises(FaultPlanError, match=r"^client: got 1, takes nothing: "):
        faults.add(rule({"kind": "truncate", "bytes": 1, "client": 1}))
    with pytest.raises(FaultPlanError, match=r"^operation: got 'sha256', takes nothing: "):
        faults.add(rule({"kind": "pull", "nth": 1, "operation": "sha256"}))


def test_without_a_fault_nothing_is_different(program: Make) -> None:
    one = program()
    assert isinstance(one.machine.native, FaultyNativePort)
    assert one.code() == 0
    assert one.records() == [(0, 0, "")]


def test_an_error_reply_sends_the_request_elsewhere(program: Make) -> None:
    one = program({"kind": "reply-code", "code": 0x90, "nth": 1}, cards=2)
    assert one.call() == 0x100
    assert one.records() == [(0, 0x90, "reply-code"), (0x100, 0, "")]


def test_an_error_reply_that_blames_the_request(program: Make) -> None:
    one = program({"kind": "reply-code", "code": 0x84, "type": 0x88, "nth": 2, "name": "blame"})
    assert [one.code() for _ in range(3)] == [0, errno.EINVAL, 0]
    assert one.records() == [(0, 0, ""), (0, 0x84, "blame"), (0, 0, "")]


def test_ten_error_replies(program: Make) -> None:
    one = program({"kind": "reply-code", "code": 0x10})
    assert one.code() == errno.EIO
    assert one.records() == [(0, 0x10, "reply-code")] * 10


def test_a_reply_of_no_known_type_goes_again(program: Make) -> None:
    one = program({"kind": "corrupt", "offset": 1, "value": 0x84, "nth": 1}, cards=2)
    assert one.call() == 0x100
    assert [(queue, fault) for queue, _, fault in one.records()] == [(0, "corrupt"), (0x100, "")]


def test_a_short_reply_is_the_host_librarys_to_refuse(program: Make) -> None:
    """The request was served, and its record says what happened to its reply."""
    one = program({"kind": "truncate", "bytes": 90, "nth": 1})
    assert one.code() == 0
    assert one.records() == [(0, 0, "truncate")]


@pytest.mark.parametrize("instruction", ["nqap", "dqap"])
def test_a_queue_that_fails_is_left(program: Make, instruction: str) -> None:
    failing: Say = {"kind": "response", "instruction": instruction, "code": 4, "card": 0}
    one = program(failing, cards=2)
    assert [one.call() for _ in range(3)] == [0x100] * 3
    alone = program({**failing, "nth": 1})
    assert [alone.code() for _ in range(2)] == [errno.ENODEV, 0]


def test_the_record_of_the_next_attempt_names_the_fault(program: Make) -> None:
    one = program({"kind": "response", "instruction": "nqap", "code": 1, "nth": 1}, cards=2)
    one.call()
    assert one.records() == [(0x100, 0, "response")]


@pytest.mark.parametrize("code", [0x15, 0x16, 0x42])
def test_a_request_that_the_bus_does_not_take(program: Make, code: int) -> None:
    one = program({"kind": "response", "instruction": "nqap", "code": code, "nth": 1}, cards=2)
    assert [one.code() for _ in range(2)] == [errno.EINVAL, 0]


@pytest.mark.parametrize("kind", ["pull", "deconfigure", "checkstop", "power-loss"])
def test_a_card_goes_and_comes_back_at_the_end(program: Make, kind: str) -> None:
    one = program({"kind": kind, "card": 0, "nth": 1, "for_ns": 10**15}, cards=2)
    assert [one.call() for _ in range(3)] == [0x100] * 3
    sockets = one.machine.sockets
    assert sockets is not None
    assert not sockets.is_there(0)
    assert [(note.qid, note.name) for note in one.recorder.notes] == [(0, kind)]
    one.machine.close()
    assert sockets.is_there(0)


def test_a_card_that_is_pulled_for_good_stays_away(program: Make) -> None:
    one = program({"kind": "pull", "nth": 1})
    assert one.code() == errno.ENODEV
    one.machine.close()
    sockets = one.machine.sockets
    assert sockets is not None
    assert not sockets.is_there(0)


def test_at_a_time_of_the_hosts_clock(program: Make) -> None:
    one = program({"kind": "checkstop", "at_ns": 0}, cards=2)
    assert one.code() == errno.ENODEV  # both, with the first request after that time


def test_tampering_destroys_the_wrapping_key(program: Make) -> None:
    one = program({"kind": "zeroise", "nth": 2})
    assert one.code() == 0
    nvram = one.machine.bus.cards[0].nvram
    (name,) = [name for name in nvram.names() if "domain" not in name and "serial" not in name]
    assert nvram.read(name)
    assert one.code() == 0  # a hash needs no key
    assert nvram.read(name) == b""


POWER_LOSS: Say = {"kind": "power-loss", "nvram_byte": 3, "nth": 1, "for_ns": 10**15}


def test_power_is_lost_in_the_middle_of_a_write(program: Make) -> None:
    one = program()
    one.call()
    one.faults.add(rule(POWER_LOSS))
    nvram = one.machine.bus.cards[0].nvram
    before = {name: nvram.read(name) for name in nvram.names()}
    with pytest.raises(PowerLost):
        nvram.write("new", b"value")
    assert {name: nvram.read(name) for name in nvram.names()} == before
    assert one.code() == errno.ENODEV


def test_power_is_lost_while_the_card_boots(program: Make) -> None:
    one = program(POWER_LOSS)
    assert one.code() == errno.ENODEV
    one.machine.close()
    one.machine.follow()
    assert one.code() == 0
    assert [note.name for note in one.recorder.notes] == ["power-loss"]


def test_what_takes_time_is_on_the_timing_track(program: Make) -> None:
    one = program({"kind": "delay", "delay_ns": 5_000_000, "nth": 2})
    assert [one.code() for _ in range(3)] == [0] * 3
    assert [fault for _, _, fault in one.records()] == ["", "delay", ""]
    array = one.recorder.array()
    took = (array["done"] - array["submitted"]).tolist()
    assert took[1] - took[0] == 5_000_000
    assert [(note.name, note.at_ns) for note in one.recorder.notes] == [
        ("delay", int(array["enqueued"][1]))
    ]


def test_a_lost_message_is_sent_again_after_the_time_out(program: Make) -> None:
    one = program({"kind": "drop", "nth": 1})
    assert one.code() == 0
    one.machine.native.finish()
    array = one.recorder.array()
    assert int(array["done"][0]) > 900 * 10**9
    assert one.records() == [(0, 0, "drop")]


def test_a_verb(program: Make) -> None:
    one = program({"kind": "reply-code", "code": 0x84, "function": DIGEST_SINGLE + 1})
    assert one.code() == 0
    other = program({"kind": "reply-code", "code": 0x84, "function": DIGEST_SINGLE})
    assert other.code() == errno.EINVAL


def test_an_operation_is_known_of_replies(program: Make) -> None:
    one = program({"kind": "reply-code", "code": 0x84, "operation": "sha256", "nth": 2})
    assert [one.code() for _ in range(3)] == [0, errno.EINVAL, 0]


def test_rules_are_listed_by_one_number_and_taken_away(program: Make) -> None:
    one = program({"kind": "drop", "nth": 9}, {"kind": "reply-code", "code": 0x84, "nth": 1})
    one.code()
    one.machine.native.finish()
    assert [(n, a.rule.kind, a.seen, a.struck) for n, a in one.faults.armed()] == [
        (0, "drop", 1, 0),
        (1, "reply-code", 1, 1),
    ]
    assert one.faults.remove(1) == 1
    assert one.faults.remove(1) == 0
    assert one.faults.add(Rule("lose", "lose", "request")) == 2
    assert one.faults.remove() == 2
    assert one.faults.armed() == []
