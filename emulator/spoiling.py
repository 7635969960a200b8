"""What a reply may suffer on its way to the host: other bytes, another's bytes, a second time."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ghostcard.emulator.job import Job

if TYPE_CHECKING:
    from ghostcard.emulator.faultplan import Rule

_FORMAT_ERROR = 1  # of type 86: header only (AP sheet 3.5)
_TYPE86 = 0x86


def error_block(kind: int, code: int) -> bytes:
    """The 8 bytes of an error reply of type 82, 87, 88 or 86 (AP sheet 3.5, 3.6)."""
    return bytes((0, kind, _FORMAT_ERROR if kind == _TYPE86 else 0, 0, code, 0, 0, 0))


def error_reply(job: Job, rule: Rule) -> None:
    """Put an error reply in the place of the answer."""
    job.stated_bytes = job.reply_bytes
    job.reply = error_block(rule.type, rule.code)
    job.reply_bytes = len(job.reply)


def spoilt(job: Job, rule: Rule) -> bool:
    """Cut the reply off, or change a field of it; False if it is as it was."""
    reply = job.reply
    if reply is None:
        return False
    changed = changed_bytes(reply, rule)
    if changed == reply:
        return False
    job.reply = changed
    job.reply_bytes = len(changed)
    return True


def changed_bytes(reply: bytes, rule: Rule) -> bytes:
    """What `truncate` or `corrupt` makes of a reply; a field that is not there stays so."""
    if rule.kind == "truncate":
        return reply[: rule.bytes]
    end = rule.offset + rule.width
    if end > len(reply):
        return reply
    was = int.from_bytes(reply[rule.offset : end], "big")
    value = rule.value if rule.value >= 0 else was ^ rule.flip
    return reply[: rule.offset] + value.to_bytes(rule.width, "big") + reply[end:]


def exchange(job: Job, replies: deque[Job]) -> bool:
    """Let `job` and the next of the replies that carries bytes have each other's PSMIDs.

    The jobs stay where they are and change their bytes, which is the same to whoever matches by
    PSMID. The other comes to the head of `replies`. False if there is none.
    """
    for other in replies:
        if other.reply is not None and job.reply is not None and other.psmid != job.psmid:
            job.reply, other.reply = other.reply, job.reply
            job.reply_bytes, other.reply_bytes = other.reply_bytes, job.reply_bytes
            return True
    return False


def copied(job: Job) -> Job:
    """The reply once more, with the same PSMID."""
    again = Job(job.client, job.qid, job.function, job.operation, job.payload_bytes)
    again.request_bytes, again.reply_bytes = job.request_bytes, job.reply_bytes
    again.reply, again.psmid, again.queue = job.reply, job.psmid, job.queue
    again.submitted, again.enqueued, again.replied = job.submitted, job.enqueued, job.replied
    return again
