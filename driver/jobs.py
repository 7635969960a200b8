"""Jobs that outlive the program that began them: what a keeper of them promises.

The server of a shared card keeps them where there is one, the state folder where there is none
(`jobfolder.py`). A job is bytes that only its owner, a user of the host, gets back: he encrypts
what is secret, and says in them when it is due.
"""

from typing import Final, Protocol

BLOB_MOST: Final = 1 << 16  # bytes of one job
JOBS_MOST: Final = 1024  # of one user at a time


class Jobs(Protocol):
    """A keeper of jobs. What it has acknowledged, by returning a number, survives the end of the
    caller and of the keeper. Every function: DriverError(ENODEV) when the keeper is gone.
    """

    def put(self, blob: bytes) -> int:
        """Keep a job: its number, 1 to 2^63 - 1, drawn at random.

        DriverError: EMSGSIZE for more than BLOB_MOST bytes, ENOSPC when the user has JOBS_MOST or
        the disk has no room; then nothing is kept.
        """
        ...

    def claim(self, number: int) -> bytes | None:
        """The job, for the caller alone until he releases it or ends. None: there is none, or it is
        another user's.

        DriverError: EBUSY while another has claimed it, EBADMSG if it was kept and is damaged.
        """
        ...

    def release(self, number: int) -> None:
        """Let others claim a job; nothing happens if the caller has not claimed it."""
        ...

    def remove(self, number: int) -> None:
        """Keep a job no longer, whoever has claimed it; nothing happens if there is none."""
        ...
