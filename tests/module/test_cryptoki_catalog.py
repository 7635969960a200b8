"""Look-ups: what is found without reading a body, and that all ways of looking agree."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.module import body
from ghostcard.module.catalog import OUTLINE, Catalog
from ghostcard.module.encoding import FALSE, TRUE, ulong
from ghostcard.module.errors import CryptokiError
from ghostcard.module.object import Object
from ghostcard.module.store import Store
from ghostcard.module.template import Attributes
from ghostcard.module.token import Revision, Token
from tests.module.program import refusing
from tests.module.test_cryptoki_store import PIN, data, session_of

VALUES = {
    ck.CKA_LABEL: [b"a", b"b", b""],
    ck.CKA_ID: [b"", b"1"],
    ck.CKA_CLASS: [ulong(ck.CKO_DATA), ulong(ck.CKO_SECRET_KEY)],
    ck.CKA_KEY_TYPE: [ulong(ck.CKK_AES), ulong(ck.CKK_RSA)],
    ck.CKA_PRIVATE: [TRUE, FALSE],
    ck.CKA_VALUE: [b"x", b"y"],
}


def some(required: frozenset[int]) -> st.SearchStrategy[Attributes]:
    fields = {type: st.sampled_from(values) for type, values in VALUES.items()}
    optional = {type: fields.pop(type) for type in list(fields) if type not in required}
    return st.fixed_dictionaries(fields, optional=optional)


OBJECTS = some(frozenset((ck.CKA_CLASS, ck.CKA_PRIVATE)))


@settings(max_examples=200)
@given(st.lists(st.tuples(OBJECTS, st.booleans()), max_size=8), some(frozenset()), st.data())
def test_a_search_finds_what_a_walk_would(
    objects: list[tuple[Attributes, bool]], wanted: Attributes, data: st.DataObject
) -> None:
    """Session objects and rows, some of them renamed or removed again."""
    bodies: dict[int, Attributes] = {}

    def load(entry: Object) -> None:
        entry.replace(bodies[entry.row], b"")

    catalog = Catalog(count(1), load)
    truth: dict[int, Attributes] = {}
    for number, (attributes, is_stored) in enumerate(objects, 1):
        if is_stored:
            bodies[number] = attributes
            outline = tuple(attributes.get(type) for type in OUTLINE)
            is_private = attributes[ck.CKA_PRIVATE] == TRUE
            handle = catalog.add_row(number, 0, is_private, outline)
        else:
            handle = catalog.add(attributes, b"").handle
        truth[handle] = attributes
    for handle in data.draw(st.sets(st.sampled_from(sorted(truth)))) if truth else ():
        if data.draw(st.booleans()):
            catalog.remove(handle)
            del truth[handle]
        else:
            entry = catalog.by_handle[handle]
            new = {**truth[handle], ck.CKA_LABEL: b"renamed"}
            truth[handle] = bodies[entry.row] = new
            if entry.is_read:
                catalog.replace(entry, new, b"")
            else:
                catalog.rename(entry, tuple(new.get(type) for type in OUTLINE))
    for sought in (wanted, wanted | {ck.CKA_LABEL: b"renamed"}, {}):
        walked = [each for each, values in truth.items() if sought.items() <= values.items()]
        assert sorted(catalog.find(sought)) == walked


@pytest.fixture
def path(tmp_path: Path, quick_pins: None) -> str:
    path = str(tmp_path / "tokens" / "slot-0.sqlite")
    token = Token(path, count(1))
    token.initialise(PIN, b"test")
    token.login(ck.CKU_SO, PIN)
    token.set_user_pin(PIN)
    token.close()
    store = Store(path)
    for number in range(50):
        store.insert(False, body.pack(data(b"%d" % number, b"value %d" % number), b""))
    store.close()
    return path


@pytest.fixture
def token(path: str) -> Iterator[Token]:
    token = Token(path, count(1))
    token.login(ck.CKU_USER, PIN)
    yield token
    token.close()


def bodies_read(token: Token) -> int:
    return sum(entry.is_read for entry in token.objects.values())


def test_bodies_are_read_when_somebody_wants_them(token: Token) -> None:
    (handle,) = token.find({ck.CKA_LABEL: b"7"})
    assert len(token.find({ck.CKA_CLASS: ulong(ck.CKO_DATA), ck.CKA_TOKEN: TRUE})) == 50
    assert token.find({ck.CKA_PRIVATE: TRUE}) == []
    assert bodies_read(token) == 0
    assert token.objects[handle].attributes[ck.CKA_VALUE] == b"value 7"
    assert bodies_read(token) == 1
    assert token.find({ck.CKA_LABEL: b"7", ck.CKA_VALUE: b"value 7"}) == [handle]
    assert bodies_read(token) == 1
    assert token.find({ck.CKA_VALUE: b"value 9"}) != []
    assert bodies_read(token) == 50


def changing(values: Attributes) -> Revision:
    return lambda before: (before | values, b"")


def test_an_unread_object_that_another_process_changes(path: str, token: Token) -> None:
    read, unread = (token.find({ck.CKA_LABEL: label})[0] for label in (b"1", b"2"))
    assert token.objects[read].attributes[ck.CKA_VALUE] == b"value 1"
    other = Token(path, count(1))
    session_of(other)
    for label in (b"1", b"2"):
        (handle,) = other.find({ck.CKA_LABEL: label})
        entry = other.objects[handle]
        new = {ck.CKA_LABEL: b"new " + label}
        other.change(entry, changing(new))
    other.close()
    assert token.find({ck.CKA_LABEL: b"1"}) == token.find({ck.CKA_LABEL: b"2"}) == []
    assert token.find({ck.CKA_LABEL: b"new 1"}) == [read]
    assert token.find({ck.CKA_LABEL: b"new 2"}) == [unread]
    assert bodies_read(token) == 1
    assert token.objects[unread].attributes[ck.CKA_LABEL] == b"new 2"


def test_an_unread_object_that_another_process_removes(path: str, token: Token) -> None:
    (handle,) = token.find({ck.CKA_LABEL: b"3"})
    entry = token.objects[handle]
    store = Store(path)
    assert store.delete(entry.row)
    store.close()
    with refusing(ck.CKR_OBJECT_HANDLE_INVALID):
        _ = entry.attributes
    assert handle not in token.objects
    with refusing(ck.CKR_OBJECT_HANDLE_INVALID):
        _ = entry.blob


def test_a_search_passes_over_what_goes_under_its_hands() -> None:
    errors = {1: ck.CKR_OBJECT_HANDLE_INVALID, 2: ck.CKR_DEVICE_ERROR}

    def load(entry: Object) -> None:
        raise CryptokiError(errors[entry.row])

    catalog = Catalog(count(1), load)
    catalog.add_row(1, 0, False, (None,) * len(OUTLINE))
    assert catalog.find({ck.CKA_VALUE: b"x"}) == []
    catalog.add_row(2, 0, False, (None,) * len(OUTLINE))
    with refusing(ck.CKR_DEVICE_ERROR):
        catalog.find({ck.CKA_VALUE: b"x"})


def test_many_threads_read_what_another_process_changes(path: str, token: Token) -> None:
    """Each sees one state of an object, an old one or a new one, and nobody waits for ever."""
    other = Token(path, count(1))
    session_of(other)
    handles = token.find({ck.CKA_CLASS: ulong(ck.CKO_DATA)})
    wrong: list[object] = []

    def read() -> None:
        for handle in handles:
            attributes = token.objects[handle].attributes
            label, value = attributes[ck.CKA_LABEL], attributes[ck.CKA_VALUE]
            if (label, value) not in ((value[6:], value), (b"new", b"new")):
                wrong.append((label, value))

    threads = [Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for handle in other.find({ck.CKA_CLASS: ulong(ck.CKO_DATA)}):
        entry = other.objects[handle]
        new = {ck.CKA_LABEL: b"new", ck.CKA_VALUE: b"new"}
        other.change(entry, changing(new))
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
    assert len(token.find({ck.CKA_LABEL: b"new"})) == 50
    other.close()
