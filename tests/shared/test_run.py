"""`ghostcard run` of a program on a shared card: who has its requests is said."""

import subprocess
import sys

from ghostcard import pkcs11 as ck
from ghostcard.benchmarks.capture import file
from ghostcard.library import library
from tests.shared.stand import Stand

TOOL = ("pkcs11-tool", "--module", "{module}", "--generate-random", "8", "-o", "/dev/null")


def ran(served: Stand, *options: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "ghostcard", "run", "--output", "-", *options, "--", *TOOL)
    return subprocess.run(
        command, env=served.environment, cwd=served.folder, capture_output=True, text=True
    )


def test_the_server_has_the_records(served: Stand) -> None:
    says = f"the cards are those of {served.socket}: `ghostcard serve --records` tells of them\n"
    assert ran(served).stdout == says


def test_its_cards_are_not_others_and_its_requests_not_ours_to_capture(served: Stand) -> None:
    refused = ran(served, "--capture", "it.capture")
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: --capture: the cards are those of {served.socket}, ")
    assert ran(served, "--cards", "2").stderr == (
        f"error: --profile, --cards, --depth: the cards are those of {served.socket}\n"
    )


def test_its_calls_are_captured_in_front_of_the_library(served: Stand) -> None:
    ran(served, "--capture", "it.capture", "--through", str(library()))
    captured = file.load(served.folder / "it.capture")
    assert captured.module == "libghostcard.so"
    assert ck.FUNCTIONS.index("C_OpenSession") in captured.rows["function"].tolist()
