"""The sysfs tree of a simulated host, against the texts of AP sheet 5."""

import errno

import pytest

from ghostcard.config import CardConfig, Config
from ghostcard.driver.attributes import BUS, DEVICES, Attributes
from ghostcard.driver.errors import DriverError
from ghostcard.driver.simulated import SimulatedPort
from ghostcard.driver.simulatedhost import SimulatedHost
from ghostcard.emulator.job import Job
from ghostcard.machine import Machine

SIGN = 31


class Tree:
    """A machine with an accelerator, a CCA and an EP11 coprocessor, each with domains 0 and 6."""

    def __init__(self, interrupts: bool = True) -> None:
        profiles = ("cex8a", "cex8c", "cex7p")
        cards = tuple(CardConfig(n, name, (0, 6)) for n, name in enumerate(profiles))
        machine = Machine(Config(cards, (), "real", 1), in_memory=True)
        self.machine = machine
        self.port: SimulatedPort = machine.simulated(interrupts)
        self.attributes = Attributes(SimulatedHost(machine.bus, self.port, interrupts))

    def read(self, path: str) -> str:
        return self.attributes.read(path)

    def write(self, path: str, text: str) -> None:
        self.attributes.write(path, text)

    def submit(self, qid: int) -> Job:
        job = Job(0, 0, SIGN, "rsa2048-sign", 51, 400, 300)
        self.port.submit(job, (qid,), lambda job: None)
        return job


@pytest.fixture
def tree() -> Tree:
    return Tree()


def refused(tree: Tree, code: int, path: str, text: str | None = None) -> None:
    access = (lambda: tree.read(path)) if text is None else (lambda: tree.write(path, text))
    with pytest.raises(DriverError) as caught:
        access()
    assert caught.value.code == code


MASK_012, MASK_06 = "0xe" + "0" * 63, "0x82" + "0" * 62
TEXTS = {
    f"{BUS}/ap_adapter_mask": MASK_012,
    f"{BUS}/ap_usage_domain_mask": MASK_06,
    f"{BUS}/ap_control_domain_mask": MASK_06,
    f"{BUS}/ap_domain": "0",
    f"{BUS}/ap_interrupts": "1",
    f"{BUS}/ap_max_adapter_id": "255",
    f"{BUS}/ap_max_domain_id": "84",
    f"{BUS}/apmask": "0x" + "f" * 64,
    f"{BUS}/aqmask": "0x" + "f" * 64,
    f"{BUS}/bindings": "6/6 (complete)",
    f"{BUS}/bindings_complete_count": "1",
    f"{BUS}/config_time": "30",
    f"{BUS}/features": "APSC APXA",
    f"{BUS}/poll_thread": "0",
    f"{BUS}/poll_timeout": "250000",
    f"{BUS}/scans": "1",
    f"{DEVICES}/card00/ap_functions": "0x6A800000",
    f"{DEVICES}/card01/ap_functions": "0x92800000",
    f"{DEVICES}/card02/ap_functions": "0x06800000",
    f"{DEVICES}/card00/type": "CEX8A",
    f"{DEVICES}/card01/type": "CEX8C",
    f"{DEVICES}/card02/type": "CEX7P",
    f"{DEVICES}/card02/hwtype": "13",
    f"{DEVICES}/card02/raw_hwtype": "13",
    f"{DEVICES}/card02/modalias": "ap:t0D",
    f"{DEVICES}/card02/depth": "8",
    f"{DEVICES}/card00/max_msg_size": "12288",
    f"{DEVICES}/card02/API_ordinalnr": "6",
    f"{DEVICES}/card02/config": "1",
    f"{DEVICES}/card02/chkstop": "0",
    f"{DEVICES}/card02/online": "1",
    f"{DEVICES}/card02/load": "0",
    f"{DEVICES}/card02/02.0006/ap_functions": "0x06800000",
    f"{DEVICES}/card02/02.0006/interrupt": "Interrupts enabled.",
    f"{DEVICES}/card02/02.0006/reset": "No Reset Timer set.",
    f"{DEVICES}/card02/02.0006/states": "OPERATING [IDLE]",
    f"{DEVICES}/card02/02.0006/last_err_rc": "NORMAL",
    f"{DEVICES}/card02/02.0006/se_bind": "-",
    f"{DEVICES}/card02/02.0006/driver_override": "",
    f"{BUS}/devices/card02/type": "CEX7P",
    f"{BUS}/devices/02.0006/online": "1",
}


@pytest.mark.parametrize("path", TEXTS)
def test_an_attribute_reads_as_in_sysfs(tree: Tree, path: str) -> None:
    assert tree.read(path) == TEXTS[path] + "\n"


def test_every_path_can_be_read_and_none_is_there_for_the_wrong_mode(tree: Tree) -> None:
    paths = list(tree.attributes.paths())
    assert len(paths) == len(set(paths))
    for path in paths:
        assert tree.read(path).endswith("\n"), path
    names = {path.removeprefix(DEVICES) for path in paths}
    assert [f"/card0{n}/serialnr" in names for n in range(3)] == [False, True, True]
    assert "/card01/01.0000/mkvps" in names
    assert "/card00/00.0000/mkvps" not in names
    assert "/card01/FW_version" not in names


def test_what_cards_say_of_themselves(tree: Tree) -> None:
    keys = tree.read(f"{DEVICES}/card01/01.0006/mkvps").splitlines()
    assert [line.split(":")[0] for line in keys] == [
        f"{kind} {one}" for kind in ("AES", "APKA", "ASYM") for one in ("NEW", "CUR", "OLD")
    ]
    assert keys[0] == "AES NEW: empty 0x" + "0" * 16
    assert keys[1].startswith("AES CUR: valid 0x")
    assert len(keys[7]) == len("ASYM CUR: valid 0x") + 32
    current, new = tree.read(f"{DEVICES}/card02/02.0000/mkvps").splitlines()
    assert current.startswith("WK CUR: valid 0x")
    assert len(current) == len("WK CUR: valid 0x") + 64
    assert new == "WK NEW: empty -"
    assert len(tree.read(f"{DEVICES}/card01/serialnr")) == 8 + 1
    assert len(tree.read(f"{DEVICES}/card02/serialnr")) == 16 + 1


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        (f"{BUS}/nothing", None, errno.ENOENT),
        (f"{DEVICES}/card03/type", None, errno.ENOENT),
        (f"{DEVICES}/card00/01.0000/online", None, errno.ENOENT),
        (f"{DEVICES}/card00/00.0001/online", None, errno.ENOENT),
        ("", None, errno.ENOENT),
        (f"{DEVICES}/card00/type", "CEX9A", errno.EACCES),
        (f"{DEVICES}/card00/online", "2", errno.EINVAL),
        (f"{DEVICES}/card00/online", "", errno.EINVAL),
        (f"{DEVICES}/card00/online", "x", errno.EINVAL),
        (f"{BUS}/config_time", "4", errno.EINVAL),
        (f"{BUS}/config_time", "121", errno.EINVAL),
        (f"{BUS}/poll_timeout", "120000000001", errno.EINVAL),
        (f"{BUS}/ap_domain", "85", errno.EINVAL),
        (f"{BUS}/apmask", "0xg", errno.EINVAL),
        (f"{BUS}/apmask", "+256", errno.EINVAL),
        (f"{DEVICES}/card00/00.0000/se_bind", "1", errno.EINVAL),
    ],
)
def test_what_cannot_be_read_or_written(tree: Tree, path: str, text: str | None, code: int) -> None:
    refused(tree, code, path, text)


def test_a_card_offline_takes_its_queues_along(tree: Tree) -> None:
    card, queue = f"{DEVICES}/card02", f"{DEVICES}/card02/02.0006"
    tree.write(f"{card}/online", "0\n")
    assert (tree.read(f"{card}/online"), tree.read(f"{queue}/online")) == ("0\n", "0\n")
    refused(tree, errno.EINVAL, f"{queue}/online", "1")
    with pytest.raises(DriverError):
        tree.submit(0x206)
    tree.write(f"{card}/online", "1")
    tree.write(f"{queue}/online", "0")
    assert (tree.read(f"{card}/online"), tree.read(f"{card}/02.0000/online")) == ("1\n", "1\n")
    with pytest.raises(DriverError):
        tree.submit(0x206)
    tree.write(f"{queue}/online", "1")
    job = tree.submit(0x206)
    tree.port.timeline.run()
    assert job.outcome == 0


def test_config_off_and_on(tree: Tree) -> None:
    card, queue = f"{DEVICES}/card02", f"{DEVICES}/card02/02.0006"
    tree.write(f"{card}/config", "0")
    assert [tree.read(f"{card}/{name}") for name in ("config", "online")] == ["0\n", "0\n"]
    assert tree.read(f"{queue}/config") == "0\n"
    assert tree.read(f"{queue}/states") == "ERROR [IDLE]\n"
    assert tree.read(f"{queue}/last_err_rc") == "DECONFIGURED\n"
    refused(tree, errno.ENODEV, f"{card}/online", "1")
    refused(tree, errno.ENODEV, f"{queue}/online", "1")
    tree.write(f"{card}/config", "1")
    assert tree.read(f"{card}/online") == "1\n"
    assert tree.read(f"{queue}/reset") == "Reset in progress.\n"
    assert tree.read(f"{queue}/interrupt") == "Interrupts disabled.\n"
    tree.port.timeline.run()
    assert tree.read(f"{queue}/states") == "OPERATING [IDLE]\n"
    assert tree.read(f"{queue}/interrupt") == "Interrupts enabled.\n"


def test_a_checkstop_is_seen_by_the_scan(tree: Tree) -> None:
    tree.machine.bus.cards[1].checkstop(True)
    assert tree.read(f"{DEVICES}/card01/chkstop") == "0\n"
    tree.write(f"{BUS}/scans", "1")
    assert tree.read(f"{DEVICES}/card01/chkstop") == "1\n"
    assert tree.read(f"{BUS}/scans") == "2\n"
    assert tree.read(f"{DEVICES}/card01/01.0000/mkvps").splitlines()[0] == "AES NEW: - -"
    assert tree.read(f"{DEVICES}/card01/serialnr") == "\n"


def test_counts(tree: Tree) -> None:
    card, queue = f"{DEVICES}/card02", f"{DEVICES}/card02/02.0006"
    for _ in range(10):
        tree.submit(0x206)
    tree.port.timeline.run(100_000)
    counts = ("request_count", "pendingq_count", "requestq_count")
    assert [tree.read(f"{queue}/{name}") for name in counts] == ["10\n", "8\n", "2\n"]
    assert [tree.read(f"{card}/{name}") for name in counts] == ["10\n", "8\n", "2\n"]
    assert int(tree.read(f"{queue}/load")) > 0
    assert tree.read(f"{queue}/states") == "OPERATING [FULL]\n"
    assert tree.read(f"{queue}/reset") == "Reset Timer armed.\n"
    tree.write(f"{card}/request_count", "0")
    assert tree.read(f"{queue}/request_count") == tree.read(f"{card}/request_count") == "0\n"
    tree.port.timeline.run()
    assert tree.read(f"{queue}/load") == "0\n"


def test_a_reset_by_hand(tree: Tree) -> None:
    queue = f"{DEVICES}/card02/02.0006"
    job = tree.submit(0x206)
    tree.port.timeline.run(50_000)
    tree.write(f"{queue}/reset", "1")
    assert tree.read(f"{queue}/reset") == "Reset in progress.\n"
    tree.port.timeline.run()
    assert job.outcome == 0  # it went again, for want of another queue


def test_masks_give_queues_to_other_drivers(tree: Tree) -> None:
    tree.write(f"{BUS}/aqmask", "-6")
    assert tree.read(f"{BUS}/bindings") == "3/6\n"
    assert tree.read(f"{DEVICES}/card02/02.0006/online") == "0\n"
    refused(tree, errno.ENODEV, f"{DEVICES}/card02/02.0006/online", "1")
    refused(tree, errno.EINVAL, f"{BUS}/ap_domain", "6")
    refused(tree, errno.EINVAL, f"{DEVICES}/card02/02.0000/driver_override", "vfio_ap")
    tree.write(f"{BUS}/aqmask", "+0-255")
    assert tree.read(f"{BUS}/bindings") == "6/6 (complete)\n"
    tree.write(f"{DEVICES}/card02/02.0000/driver_override", "vfio_ap")
    assert tree.read(f"{BUS}/bindings") == "5/6\n"
    refused(tree, errno.EINVAL, f"{BUS}/apmask", "-0")
    tree.write(f"{DEVICES}/card02/02.0000/driver_override", "\n")
    assert tree.read(f"{BUS}/bindings") == "6/6 (complete)\n"


def test_settings_of_the_bus_without_interrupts() -> None:
    tree = Tree(interrupts=False)
    for name, text in (
        ("poll_thread", "1"),
        ("poll_timeout", "1000000"),
        ("config_time", "60"),
        ("ap_domain", "6"),
    ):
        tree.write(f"{BUS}/{name}", text)
        assert tree.read(f"{BUS}/{name}") == text + "\n"
    assert tree.port.driver.poll_ns == 1_000_000
    assert tree.port.driver.scan_ns == 60_000_000_000


def test_no_poll_thread_with_interrupts(tree: Tree) -> None:
    tree.write(f"{BUS}/poll_thread", "1")
    assert tree.read(f"{BUS}/poll_thread") == "0\n"


def test_device_nodes_are_in_the_tree(tree: Tree) -> None:
    """AP sheet 4.5: made, given masks, used, taken away."""
    node = "/sys/class/zcrypt/mine"
    tree.write("/sys/class/zcrypt/create", "mine\n")
    assert tree.read(f"{node}/apmask") == "0x" + "0" * 64 + "\n"
    tree.write(f"{node}/aqmask", "+6\n")
    assert tree.attributes.nodes.read("mine", "aqmask") == "0x02" + "0" * 62
    assert f"{node}/admask" in set(tree.attributes.paths())
    assert tree.read("/sys/class/zcrypt/z90crypt/ioctlmask") == "0x" + "f" * 64 + "\n"
    refused(tree, errno.EEXIST, "/sys/class/zcrypt/create", "mine")
    refused(tree, errno.EINVAL, f"{node}/apmask", "+256")
    refused(tree, errno.EACCES, "/sys/class/zcrypt/create")
    tree.write("/sys/class/zcrypt/destroy", "mine")
    refused(tree, errno.ENOENT, f"{node}/apmask")
    refused(tree, errno.ENOENT, "/sys/class/zcrypt/destroy", "mine")
    refused(tree, errno.ENOENT, "/sys/class/zcrypt/z90crypt/name", "x")
