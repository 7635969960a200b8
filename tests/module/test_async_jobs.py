"""Calls that outlive their process, as bytes: there and back, and nobody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.module.asynchronous import Change, Creation, Outcome
from ghostcard.module.job import Job, JobError, pack, unpack
from ghostcard.module.object import Object
from ghostcard.module.rows import Owner
from ghostcard.module.session import NOBODY
from ghostcard.module.template import CREATED, complete
from tests.module.program import attributes

USER = Owner(b"epoch of", ck.CKU_USER, bytes(32))
PUBLIC = Owner(b"epoch of", NOBODY, b"")
DATA = complete(dict(attributes(CLASS=ck.CKO_DATA, LABEL="kept")), CREATED, False) | {
    ck.CKA_UNIQUE_ID: b"unique"
}
OUTCOMES = st.builds(
    Outcome,
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.lists(st.binary(max_size=40), max_size=3).map(tuple),
    st.just((0,)),
    st.just(False),
)


@given(OUTCOMES, st.sampled_from([USER, PUBLIC]), st.binary(max_size=40))
def test_there_and_back(outcome: Outcome, owner: Owner, blob: bytes) -> None:
    job = Job("generate_key", outcome, [Creation(DATA, blob)])
    found = unpack(pack(job, owner), owner)
    assert (found.function, found.outcome) == ("generate_key", outcome)
    assert [*found.effects] == [Creation(DATA, blob)]


@pytest.mark.parametrize(
    "other",
    [
        USER._replace(epoch=b"another!"),
        USER._replace(user=ck.CKU_SO),
        USER._replace(key=b"k" * 32),
        PUBLIC,
    ],
)
def test_nobody_else_opens_it(other: Owner) -> None:
    with pytest.raises(JobError):
        unpack(pack(Job("sign", Outcome(0, (b"signature",)), []), USER), other)


def test_of_a_user_nothing_is_to_be_seen() -> None:
    secret = b"what was decrypted"
    assert secret not in pack(Job("decrypt", Outcome(len(secret), (secret,)), []), USER)
    assert secret in pack(Job("decrypt", Outcome(len(secret), (secret,)), []), PUBLIC)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_job_or_none(rest: bytes) -> None:
    head = pack(Job("sign", Outcome(0), []), PUBLIC)[:17]
    for data in (rest, head + rest):
        try:
            job = unpack(data, PUBLIC)
        except JobError:
            continue
        assert unpack(pack(job, PUBLIC), PUBLIC) == job


def test_a_change_of_an_object_is_no_job() -> None:
    change = Change(Object(1, (), False), DATA, (DATA, b""), lambda before: (before, b""))
    with pytest.raises(TypeError):
        pack(Job("set_attribute_value", Outcome(0), [change]), USER)
