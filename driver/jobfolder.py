"""Jobs in a folder: a file each, written in whole or not at all.

A file holds a magic, its owner and the job, under a checksum; who has claimed it holds a lock on
it, which goes with his process. Any number of processes may use one folder.
"""

import errno
import fcntl
import os
import struct
import zlib
from contextlib import suppress
from threading import Lock
from typing import Final

from ghostcard.driver.errors import DriverError
from ghostcard.driver.jobs import BLOB_MOST, JOBS_MOST
from ghostcard.home import make_folder

_HEADER: Final = struct.Struct("<8sI")  # magic, uid
_MAGIC: Final = b"GCJOB\0\0\1"
_CHECKSUM: Final = struct.Struct("<I")  # CRC-32 of all before
_MOST: Final = _HEADER.size + BLOB_MOST + _CHECKSUM.size
_SUFFIX: Final = ".job"


class JobFolder:
    """Implements `ghostcard.driver.jobs.Jobs` for a claimant: the user ``uid``, in a folder of his
    own below ``folder``. Each claimant has an object like this, and closes it when he ends.
    """

    def __init__(self, folder: str, uid: int) -> None:
        self._folder = os.path.join(folder, str(uid))
        self._uid = uid
        self._claimed: dict[int, int] = {}  # number -> file
        self._lock = Lock()

    def put(self, blob: bytes) -> int:
        """It is on the disk when this returns."""
        if len(blob) > BLOB_MOST:
            raise DriverError(errno.EMSGSIZE, f"a job has at most {BLOB_MOST} bytes")
        make_folder(os.path.dirname(self._folder))
        make_folder(self._folder)
        if sum(name.endswith(_SUFFIX) for name in os.listdir(self._folder)) >= JOBS_MOST:
            raise DriverError(errno.ENOSPC, f"a user has at most {JOBS_MOST} jobs")
        number = self._fresh()
        try:
            _write(self._path(number), _sealed(_HEADER.pack(_MAGIC, self._uid) + blob))
            _sync(self._folder)
        except OSError as error:
            raise DriverError(errno.ENOSPC, f"the job is not kept: {error.strerror}") from None
        return number

    def claim(self, number: int) -> bytes | None:
        """What the file of that number holds; who has claimed it already is given it again."""
        with self._lock:
            file = self._claimed.get(number)
            if file is None:
                file = self._locked(number)
                if file is None:
                    return None
                self._claimed[number] = file
            data = os.pread(file, _MOST + 1, 0)
        body = data[: -_CHECKSUM.size]
        if len(body) < _HEADER.size or _sealed(body) != data:
            raise DriverError(errno.EBADMSG, "the job is damaged")
        if _HEADER.unpack_from(body) != (_MAGIC, self._uid):
            raise DriverError(errno.EBADMSG, "the job is another user's, or of another version")
        return body[_HEADER.size :]

    def release(self, number: int) -> None:
        """Let go of the file's lock."""
        with self._lock:
            file = self._claimed.pop(number, None)
            if file is not None:
                os.close(file)

    def remove(self, number: int) -> None:
        """Remove the file."""
        with suppress(FileNotFoundError):
            os.unlink(self._path(number))
        self.release(number)

    def close(self) -> None:
        """Let go of all that is claimed."""
        for number in list(self._claimed):
            self.release(number)

    def _locked(self, number: int) -> int | None:
        """The file with its lock held; None if there is none, or it has gone meanwhile."""
        path = self._path(number)
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DriverError(errno.EBADMSG, f"the job cannot be read: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.exists(path):
                return file
        except BlockingIOError:
            os.close(file)
            raise DriverError(errno.EBUSY, "another has claimed the job") from None
        os.close(file)
        return None

    def _fresh(self) -> int:
        while True:
            number = int.from_bytes(os.urandom(8), "big") >> 1
            if number and not os.path.exists(self._path(number)):
                return number

    def _path(self, number: int) -> str:
        return os.path.join(self._folder, f"{number:016x}{_SUFFIX}")


def _write(path: str, data: bytes) -> None:
    unfinished = f"{path}.new"
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(file, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(file)
        os.rename(unfinished, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(unfinished)
        raise


def _sealed(body: bytes) -> bytes:
    return body + _CHECKSUM.pack(zlib.crc32(body))


def _sync(folder: str) -> None:
    """So that the name of a new file survives a loss of power too."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(place)
    finally:
        os.close(place)
