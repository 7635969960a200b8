"""Jobs in a folder: `ghostcard.driver.jobs.Jobs` as it is promised."""

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.driver.errors import DriverError
from ghostcard.driver.jobfolder import JobFolder
from ghostcard.driver.jobs import BLOB_MOST, JOBS_MOST, Jobs

ME, OTHER = 1000, 1001
HOLDER = """\
import sys, time
from ghostcard.driver.jobfolder import JobFolder
jobs = JobFolder(sys.argv[1], int(sys.argv[2]))
print(jobs.claim(int(sys.argv[3])), flush=True)
time.sleep(60)
"""


def refused(code: int, call: Callable[[], object]) -> None:
    with pytest.raises(DriverError) as error:
        call()
    assert error.value.code == code


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "jobs")


@pytest.fixture
def jobs(folder: str) -> Jobs:
    return JobFolder(folder, ME)


def file_of(folder: str, number: int, uid: int = ME) -> Path:
    return Path(folder) / str(uid) / f"{number:016x}.job"


def test_it_is_there_until_it_is_removed(jobs: Jobs, folder: str) -> None:
    number = jobs.put(b"answer")
    assert 1 <= number < 1 << 63
    assert jobs.claim(number) == b"answer"
    jobs.release(number)
    assert JobFolder(folder, ME).claim(number) == b"answer"
    jobs.remove(number)
    assert jobs.claim(number) is None
    jobs.remove(number)
    jobs.release(number)


def test_one_at_a_time_has_it(jobs: Jobs, folder: str) -> None:
    number, other = jobs.put(b"answer"), JobFolder(folder, ME)
    assert jobs.claim(number) == jobs.claim(number) == b"answer"
    refused(errno.EBUSY, lambda: other.claim(number))
    other.release(number)
    refused(errno.EBUSY, lambda: other.claim(number))
    jobs.release(number)
    assert other.claim(number) == b"answer"
    refused(errno.EBUSY, lambda: jobs.claim(number))
    other.close()
    assert jobs.claim(number) == b"answer"


def test_a_claim_ends_with_its_process(jobs: Jobs, folder: str) -> None:
    number = jobs.put(b"answer")
    command = [sys.executable, "-c", HOLDER, folder, str(ME), str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "b'answer'\n"
        refused(errno.EBUSY, lambda: jobs.claim(number))
        holder.send_signal(signal.SIGKILL)
    assert jobs.claim(number) == b"answer"


def test_it_is_nobody_elses(jobs: Jobs, folder: str) -> None:
    number, other = jobs.put(b"mine"), JobFolder(folder, OTHER)
    assert other.claim(number) is None
    other.remove(number)
    assert jobs.claim(number) == b"mine"
    jobs.release(number)
    moved = other.put(b"his")
    os.replace(file_of(folder, number), file_of(folder, moved, OTHER))
    refused(errno.EBADMSG, lambda: other.claim(moved))


@given(st.integers(0, 1 << 63))
def test_a_number_that_was_never_given_is_none(number: int) -> None:
    assert JobFolder("/nonexistent", ME).claim(number) is None


def test_a_damaged_one_is_told_wherever_the_damage_is(jobs: Jobs, folder: str) -> None:
    number = jobs.put(b"answer")
    path = file_of(folder, number)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :])
        refused(errno.EBADMSG, lambda: jobs.claim(number))
        path.write_bytes(whole[:place])
        refused(errno.EBADMSG, lambda: jobs.claim(number))
    path.write_bytes(whole)
    assert jobs.claim(number) == b"answer"


def test_it_is_private(jobs: Jobs, folder: str) -> None:
    path = file_of(folder, jobs.put(b"x"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700


def test_size_and_number_are_bounded(jobs: Jobs, folder: str) -> None:
    assert jobs.claim(jobs.put(bytes(BLOB_MOST))) == bytes(BLOB_MOST)
    refused(errno.EMSGSIZE, lambda: jobs.put(bytes(BLOB_MOST + 1)))
    for number in range(1, JOBS_MOST):
        file_of(folder, number).touch()
    refused(errno.ENOSPC, lambda: jobs.put(b"x"))
    jobs.remove(1)
    jobs.put(b"x")


def test_what_was_not_written_in_whole_was_not_acknowledged(jobs: Jobs, folder: str) -> None:
    jobs.put(b"x")
    file_of(folder, 5).with_suffix(".job.new").write_bytes(b"GCJOB")
    assert jobs.claim(5) is None
