"""A call that is over, as bytes that another process can take up (C_AsyncGetID, C_AsyncJoin).

    magic | user i8 | life of the token, 8 bytes | the rest

Of a call made by a user who was logged in the rest is encrypted with the token key, like private
objects are; of anybody else it is as public as public objects. What the rest is, all big-endian:

    function | answer i64 | results | objects u8 each | effects

Texts and bytes have a length u32 before them, sequences a count u32. An effect is an object to be
made (`body.py`).
"""

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ghostcard.module import body, pins
from ghostcard.module.asynchronous import Creation, Effect, Outcome
from ghostcard.module.errors import CryptokiError
from ghostcard.module.rows import Owner
from ghostcard.module.session import NOBODY
from ghostcard.module.template import restored

if TYPE_CHECKING:
    from ghostcard.driver.jobs import Jobs

_MAGIC = b"GCASYNC\1"
_EPOCH_BYTES = 8
_HEAD = struct.Struct(f">8sb{_EPOCH_BYTES}s")
_ANSWER, _COUNT = struct.Struct(">q"), struct.Struct(">I")


class JobError(ValueError):
    """The bytes are no job, or not one for who wants it."""


class Job(NamedTuple):
    """What a call has come to. Only calls that make objects, and change none, become one."""

    function: str
    outcome: Outcome
    effects: Sequence[Effect]


class Claim:
    """A job that nobody else can take up meanwhile."""

    __slots__ = ("_jobs", "number")

    def __init__(self, jobs: "Jobs", number: int) -> None:
        self._jobs = jobs
        self.number = number

    def remove(self) -> None:
        """It has been taken up, or is wanted no more."""
        self._jobs.remove(self.number)

    def release(self) -> None:
        """Somebody else may take it up."""
        self._jobs.release(self.number)


def pack(job: Job, owner: Owner) -> bytes:
    """The bytes of a job; TypeError if one of its effects is no object to be made."""
    parts = [_text(job.function.encode()), _ANSWER.pack(job.outcome.answer)]
    parts += [_COUNT.pack(len(job.outcome.results)), *map(_text, job.outcome.results)]
    parts.append(_text(bytes(job.outcome.objects)))
    parts += [_COUNT.pack(len(job.effects)), *(_text(_packed(each)) for each in job.effects)]
    head = _HEAD.pack(_MAGIC, owner.user, owner.epoch)
    rest = b"".join(parts)
    return head + (rest if owner.user == NOBODY else pins.encrypt(owner.key, rest, head))


def unpack(data: bytes, owner: Owner) -> Job:
    """The job; JobError for any other bytes, or if it is not this owner's."""
    try:
        magic, user, epoch = _HEAD.unpack_from(data)
    except struct.error:
        raise JobError("cut off") from None
    if (magic, user, epoch) != (_MAGIC, owner.user, owner.epoch):
        raise JobError("another token's or user's, or of another version")
    head, rest = data[: _HEAD.size], data[_HEAD.size :]
    opened = rest if user == NOBODY else pins.decrypt(owner.key, rest, head)
    if opened is None:
        raise JobError("cannot be decrypted")
    try:
        return _read(_Reader(opened))
    except (struct.error, ValueError, CryptokiError) as error:
        raise JobError(str(error)) from None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def number(self, of: struct.Struct) -> int:
        (value,) = of.unpack_from(self._data, self._place)
        self._place += of.size
        return int(value)

    def text(self) -> bytes:
        size = self.number(_COUNT)
        value = self._data[self._place : self._place + size]
        self._place += size
        if len(value) != size:
            raise JobError("cut off")
        return value

    def texts(self) -> tuple[bytes, ...]:
        return tuple([self.text() for _ in range(self.number(_COUNT))])

    @property
    def is_at_end(self) -> bool:
        return self._place == len(self._data)


def _read(reader: _Reader) -> Job:
    function = reader.text().decode()
    answer = reader.number(_ANSWER)
    results, objects, packed = reader.texts(), tuple(reader.text()), reader.texts()
    if not reader.is_at_end or any(place >= len(packed) for place in objects):
        raise JobError("its parts do not add up")
    effects = [_unpacked(each) for each in packed]
    return Job(function, Outcome(answer, results, objects), effects)


def _text(data: bytes) -> bytes:
    return _COUNT.pack(len(data)) + data


def _packed(effect: Effect) -> bytes:
    if not isinstance(effect, Creation):
        raise TypeError("a change of an object is tied to its process")
    return body.pack(effect.attributes, effect.blob)


def _unpacked(data: bytes) -> Creation:
    attributes, blob = body.unpack(data)
    return Creation(restored(attributes), blob)
