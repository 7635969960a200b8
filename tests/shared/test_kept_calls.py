"""C_AsyncGetID in one process, C_AsyncJoin in another, on a shared card that is killed between."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.module.tree import LIBRARY, compile_host
from tests.shared.stand import Stand, stand
from tests.shared.test_cli import make_token


def part(made: Stand, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One part of `tests/module/hosts/pending.c`."""
    return subprocess.run(
        [program, str(LIBRARY), "12345678", *arguments],
        env={**made.environment, "GHOSTCARD_DEBUG": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def ended(ran: subprocess.CompletedProcess[str]) -> None:
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_call_of_a_killed_program_is_joined_by_another_once(
    tmp_path: Path, is_killed: bool
) -> None:
    program = compile_host("pending", tmp_path)
    with stand(tmp_path, "") as made:
        made.start()
        make_token(made)
        ended(part(made, program, "key"))
        detached = part(made, program, "detach")
        assert (detached.returncode, detached.stderr) == (-signal.SIGKILL, "")
        (kept,) = (made.home / "jobs").rglob("*.job")
        if is_killed:
            made.kill()
            made.start()
        ended(part(made, program, "join", detached.stdout.strip()))
        assert not kept.exists()


@pytest.mark.parametrize("name", ["rules", "objects", "claimed", "threads", "events"])
def test_the_rules_are_those_of_cards_of_its_own(tmp_path: Path, name: str) -> None:
    program = compile_host("pending", tmp_path)
    with stand(tmp_path, "") as made:
        made.start()
        make_token(made)
        ended(part(made, program, "key"))
        ended(part(made, program, name))
