"""Objects as a small model of the standard has them (PKCS #11 3.2, 4.4, 5.6 and 5.7), and the same
calls through two processes: what they answer, and after each call what every process sees.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.errors import CryptokiError
from tests.module.program import PIN, RO, RW, SO_PIN, Value, attributes, refusing

LABELS = ("", "a", "b")
FLAGS = ("TOKEN", "PRIVATE", "MODIFIABLE", "COPYABLE", "DESTROYABLE")
DEFAULTS: dict[str, Value] = {
    **{"TOKEN": False, "PRIVATE": False},
    **{"MODIFIABLE": True, "COPYABLE": True, "DESTROYABLE": True, "LABEL": ""},
}
KINDS: dict[str, dict[str, Value]] = {
    "data": {"CLASS": ck.CKO_DATA, "VALUE": b"", "APPLICATION": b""},
    "secret": {
        **{"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_GENERIC_SECRET, "ID": b""},
        "PRIVATE": True,
        **{"SENSITIVE": False, "EXTRACTABLE": True, "SIGN": False},
    },
}
ONLY_IN_COPIES = {"TOKEN", "PRIVATE", "MODIFIABLE", "DESTROYABLE"}
ONLY_TO: dict[str, bool] = {"COPYABLE": False, "SENSITIVE": True, "EXTRACTABLE": False}
CHANGEABLE = {"LABEL", "VALUE", "APPLICATION", "ID", "SIGN", *ONLY_TO}
BY_CARD = {"EXTRACTABLE", "SIGN"}
SECRET = b"a secret value"

one_change = st.one_of(
    *(
        st.tuples(st.just(name), st.sampled_from(values))
        for name, values in (
            *((name, (True, False)) for name in (*FLAGS, "SENSITIVE", "EXTRACTABLE", "SIGN")),
            *(("LABEL", LABELS), ("VALUE", (b"", b"x")), ("ID", (b"", b"1"))),
            *(("CLASS", (ck.CKO_DATA, ck.CKO_SECRET_KEY)), ("UNIQUE_ID", (b"mine",))),
        )
    )
)
some_changes = st.lists(one_change, max_size=2).map(dict)
some_flags = st.fixed_dictionaries(
    {"TOKEN": st.booleans(), "PRIVATE": st.booleans()},
    optional={name: st.booleans() for name in ("MODIFIABLE", "COPYABLE", "DESTROYABLE")},
)
numbers = st.integers(0, 1 << 16)


class Session(NamedTuple):
    process: int
    handle: int
    is_rw: bool


class Known:
    """An object of the model. ``owner``: the session of a session object; ``is_fixed``: a key that
    was not modifiable when it was made, which the card does not forget in copies; ``handles``: by
    process, of those that have seen it since they last logged out.
    """

    def __init__(self, values: dict[str, Value], owner: Session | None, is_fixed: bool) -> None:
        self.values = values
        self.is_fixed = is_fixed
        self.owner = owner
        self.handles: dict[int, int] = {}


class Model(RuleBasedStateMachine):
    """Two processes with up to three sessions each, and one token."""

    home: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = mkdtemp()
        self.processes: list[Cryptoki] = []
        self.users: list[int | None] = [None, None]
        self.sessions: list[Session] = []
        self.objects: dict[bytes, Known] = {}
        self.gone: set[tuple[int, int]] = set()

    @initialize()
    def begin(self) -> None:
        home = os.path.join(self.folder, "home")
        shutil.copytree(self.home, home)
        os.environ["GHOSTCARD_HOME"] = home
        for number in (0, 1):
            self.processes.append(Cryptoki())
            self.processes[number].initialize()
            self.open(number, True)
        self.login(0, ck.CKU_USER)
        for on_token in (False, True):
            for is_private in (False, True):
                flags: dict[str, bool] = {"TOKEN": on_token, "PRIVATE": is_private}
                self.create(0, "data", flags, "a")
        for name in ("MODIFIABLE", "COPYABLE", "DESTROYABLE"):
            self.create(0, "secret", {"TOKEN": True, "PRIVATE": False, name: False}, "b")

    def teardown(self) -> None:
        for process in self.processes:
            process.finalize()
        shutil.rmtree(self.folder)

    # --- sessions and logins ---------------------------------------------------------------------

    @rule(process=st.integers(0, 1), is_rw=st.booleans())
    def open(self, process: int, is_rw: bool) -> None:
        if len(self.of(process)) == 3:
            return
        wrong = set()
        if not is_rw and self.users[process] == ck.CKU_SO:
            wrong.add(ck.CKR_SESSION_READ_WRITE_SO_EXISTS)
        library = self.processes[process]
        handle = self.call(wrong, lambda: library.open_session(0, RW if is_rw else RO))
        if isinstance(handle, int):
            self.sessions.append(Session(process, handle, is_rw))

    @precondition(lambda self: self.sessions)
    @rule(at=numbers)
    def close(self, at: int) -> None:
        session = self.session(at)
        self.processes[session.process].close_session(session.handle)
        self.sessions.remove(session)
        self.drop(lambda each: each.owner == session)
        if not self.of(session.process):
            self.log_out(session.process)

    @rule(process=st.integers(0, 1), is_rw=st.booleans(), ends=st.booleans())
    def begin_again(self, process: int, is_rw: bool, ends: bool) -> None:
        """All sessions are closed, or the process ends."""
        library = self.processes[process]
        if ends:
            library.finalize()
            library.initialize()
        else:
            library.close_all_sessions(0)
        self.sessions = [each for each in self.sessions if each.process != process]
        self.drop(lambda each: each.owner is not None and each.owner.process == process)
        self.log_out(process)
        if ends:
            self.gone = {each for each in self.gone if each[0] != process}
            for each in self.objects.values():
                each.handles.pop(process, None)
        self.open(process, is_rw)

    @precondition(lambda self: self.sessions)
    @rule(at=numbers, user=st.sampled_from([ck.CKU_USER, ck.CKU_USER, ck.CKU_SO]))
    def login(self, at: int, user: int) -> None:
        session = self.session(at)
        wrong = set()
        there = self.users[session.process]
        if there == user:
            wrong.add(ck.CKR_USER_ALREADY_LOGGED_IN)
        elif there is not None:
            wrong.add(ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN)
        if user == ck.CKU_SO and not all(each.is_rw for each in self.of(session.process)):
            wrong.add(ck.CKR_SESSION_READ_ONLY_EXISTS)
        library, pin = self.processes[session.process], PIN if user == ck.CKU_USER else SO_PIN
        self.call(wrong, lambda: library.login(session.handle, user, pin))
        if not wrong:
            self.users[session.process] = user

    @precondition(lambda self: self.sessions)
    @rule(at=numbers)
    def logout(self, at: int) -> None:
        session = self.session(at)
        is_in = self.users[session.process] is not None
        wrong = set() if is_in else {ck.CKR_USER_NOT_LOGGED_IN}
        self.call(wrong, lambda: self.processes[session.process].logout(session.handle))
        self.log_out(session.process)

    # --- objects ---------------------------------------------------------------------------------

    @precondition(lambda self: self.sessions)
    @rule(
        at=numbers,
        kind=st.sampled_from(["data", "data", "secret"]),
        flags=some_flags,
        label=st.sampled_from(LABELS),
    )
    def create(self, at: int, kind: str, flags: dict[str, bool], label: str) -> None:
        session = self.session(at)
        given: dict[str, Value] = {**flags, "LABEL": label}
        values = {**DEFAULTS, **KINDS[kind], **given}
        template = attributes(**{**KINDS[kind], **given})
        if kind == "secret":
            template += attributes(VALUE=SECRET)
        library = self.processes[session.process]
        handle = self.call(
            self.misplaced(session, values),
            lambda: library.create_object(session.handle, template),
        )
        self.keep(session, handle, values, kind == "secret" and not values["MODIFIABLE"])

    @precondition(lambda self: self.sessions and self.objects)
    @rule(at=numbers, which=numbers, changes=some_changes)
    def copy(self, at: int, which: int, changes: dict[str, Value]) -> None:
        session, handle, source = self.chosen(at, which)
        library = self.processes[session.process]
        wrong = set()
        values = {**source.values, **changes}
        if not self.sees(session.process, source):
            wrong = {ck.CKR_OBJECT_HANDLE_INVALID}
        else:
            wrong = self.unchangeable(source, changes, CHANGEABLE | ONLY_IN_COPIES)
            wrong |= self.misplaced(session, values)
            if not source.values["COPYABLE"]:
                wrong.add(ck.CKR_ACTION_PROHIBITED)
            if source.values["PRIVATE"] and not values["PRIVATE"]:
                wrong.add(ck.CKR_TEMPLATE_INCONSISTENT)
        made = self.call(
            wrong, lambda: library.copy_object(session.handle, handle, attributes(**changes))
        )
        self.keep(session, made, values, source.is_fixed)

    @precondition(lambda self: self.sessions and self.objects)
    @rule(at=numbers, which=numbers, changes=some_changes)
    def change(self, at: int, which: int, changes: dict[str, Value]) -> None:
        session, handle, entry = self.chosen(at, which)
        library = self.processes[session.process]
        if not self.sees(session.process, entry):
            wrong = {ck.CKR_OBJECT_HANDLE_INVALID}
        else:
            wrong = self.unchangeable(entry, changes, CHANGEABLE)
            wrong |= self.misplaced(session, entry.values)
            if not entry.values["MODIFIABLE"]:
                wrong.add(ck.CKR_ACTION_PROHIBITED)
        self.call(
            wrong,
            lambda: library.set_attribute_value(session.handle, handle, attributes(**changes)),
        )
        if not wrong:
            entry.values.update(changes)

    @precondition(lambda self: self.sessions and self.objects)
    @rule(at=numbers, which=numbers, label=st.sampled_from(LABELS))
    def rename(self, at: int, which: int, label: str) -> None:
        self.change(at, which, {"LABEL": label})

    @precondition(lambda self: self.sessions and self.objects)
    @rule(at=numbers, which=numbers, name=st.sampled_from(sorted(ONLY_TO)), value=st.booleans())
    def allow(self, at: int, which: int, name: str, value: bool) -> None:
        self.change(at, which, {name: value})

    @precondition(lambda self: self.sessions and self.objects)
    @rule(at=numbers, which=numbers)
    def destroy(self, at: int, which: int) -> None:
        session, handle, entry = self.chosen(at, which)
        library = self.processes[session.process]
        if not self.sees(session.process, entry):
            wrong = {ck.CKR_OBJECT_HANDLE_INVALID}
        else:
            wrong = self.misplaced(session, entry.values)
            if not entry.values["DESTROYABLE"]:
                wrong.add(ck.CKR_ACTION_PROHIBITED)
        self.call(wrong, lambda: library.destroy_object(session.handle, handle))
        if not wrong:
            self.drop(lambda each: each is entry)

    @precondition(lambda self: self.sessions)
    @rule(at=numbers, wanted=some_changes)
    def search(self, at: int, wanted: dict[str, Value]) -> None:
        session = self.session(at)
        found = self.found(session, wanted)
        expected = {
            each.handles.get(session.process)
            for each in self.objects.values()
            if self.sees(session.process, each)
            and all(each.values.get(name) == value for name, value in wanted.items())
        }
        assert set(found) == expected
        assert len(found) == len(expected)

    @precondition(lambda self: self.sessions and self.objects)
    @rule(at=numbers, which=numbers)
    def search_by_its_own_name(self, at: int, which: int) -> None:
        session, handle, entry = self.chosen(at, which)
        unique = next(key for key, each in self.objects.items() if each is entry)
        found = self.found(session, {"UNIQUE_ID": unique})
        assert found == ([handle] if self.sees(session.process, entry) else [])

    @precondition(lambda self: self.sessions)
    @rule(at=numbers)
    def a_search_ends_where_somebody_logs_out(self, at: int) -> None:
        session = self.session(at)
        library = self.processes[session.process]
        library.find_objects_init(session.handle, [])
        if self.users[session.process] is not None:
            library.logout(session.handle)
            self.log_out(session.process)
        found = library.find_objects(session.handle, 1000)
        library.find_objects_final(session.handle)
        visible = [each for each in self.objects.values() if self.sees(session.process, each)]
        assert set(found) == {each.handles[session.process] for each in visible}

    # --- what must hold ---------------------------------------------------------------------------

    @invariant()
    def everybody_sees_what_there_is(self) -> None:
        """By searches, so that no more is read than a program would have the library read."""
        for process in range(len(self.processes)):
            for session in self.of(process)[:1]:
                visible = {}
                for unique, entry in self.objects.items():
                    wanted: dict[str, Value] = {"UNIQUE_ID": unique, "LABEL": entry.values["LABEL"]}
                    found = self.found(session, wanted)
                    assert len(found) == self.sees(process, entry)
                    for handle in found:
                        assert entry.handles.setdefault(process, handle) == handle
                        visible[handle] = entry
                assert set(self.found(session, {})) == visible.keys()
                assert not self.gone & {(process, handle) for handle in visible}

    @precondition(lambda self: self.sessions and self.objects)
    @rule(at=numbers, which=numbers)
    def look(self, at: int, which: int) -> None:
        session, handle, entry = self.chosen(at, which)
        if self.sees(session.process, entry):
            self.check_values(session, handle, entry)

    @precondition(lambda self: self.sessions and self.gone)
    @rule(at=numbers, which=numbers)
    def look_at_what_has_gone(self, at: int, which: int) -> None:
        session = self.session(at)
        process, handle = sorted(self.gone)[which % len(self.gone)]
        library = self.processes[process]
        if process == session.process:
            with refusing(ck.CKR_OBJECT_HANDLE_INVALID):
                library.get_attribute_value(session.handle, handle, [ck.CKA_CLASS])

    def check_values(self, session: Session, handle: int, entry: Known) -> None:
        library = self.processes[session.process]
        expected = attributes(**entry.values)
        types = [type for type, _ in expected]
        values = library.get_attribute_value(session.handle, handle, types)
        assert list(zip(types, values, strict=True)) == expected
        if "SENSITIVE" in entry.values:
            is_readable = entry.values["EXTRACTABLE"] and not entry.values["SENSITIVE"]
            value = library.get_attribute_value(session.handle, handle, [ck.CKA_VALUE])
            assert value == [SECRET if is_readable else ck.CKR_ATTRIBUTE_SENSITIVE]

    # --- the rules --------------------------------------------------------------------------------

    def of(self, process: int) -> list[Session]:
        return [each for each in self.sessions if each.process == process]

    def session(self, at: int) -> Session:
        return self.sessions[at % len(self.sessions)]

    def chosen(self, at: int, which: int) -> tuple[Session, int, Known]:
        """A session, an object, and a handle: that of the session's process, or one of nobody."""
        session = self.session(at)
        entry = list(self.objects.values())[which % len(self.objects)]
        return session, entry.handles.get(session.process, 1 << 40), entry

    def sees(self, process: int, entry: Known) -> bool:
        is_here = entry.owner is None or entry.owner.process == process
        return is_here and (not entry.values["PRIVATE"] or self.users[process] == ck.CKU_USER)

    def misplaced(self, session: Session, values: dict[str, Value]) -> set[int]:
        """Why a session may not create, change or destroy such an object (5.6, table 5)."""
        wrong = set()
        if values["TOKEN"] and not session.is_rw:
            wrong.add(ck.CKR_SESSION_READ_ONLY)
        if values["PRIVATE"] and self.users[session.process] != ck.CKU_USER:
            wrong.add(ck.CKR_USER_NOT_LOGGED_IN)
        return wrong

    def unchangeable(self, entry: Known, changes: dict[str, Value], allowed: set[str]) -> set[int]:
        """Why these attributes of an object cannot be changed (4.1.2, 4.1.3 and tables)."""
        wrong = set()
        for name, value in changes.items():
            before = entry.values.get(name)
            is_fixed = entry.is_fixed and name in BY_CARD
            if name not in entry.values and name != "UNIQUE_ID":
                is_hidden = name == "VALUE" and "SENSITIVE" in entry.values
                wrong.add(ck.CKR_ATTRIBUTE_READ_ONLY if is_hidden else ck.CKR_TEMPLATE_INCONSISTENT)
            elif name not in allowed or (
                value != before and (is_fixed or value != ONLY_TO.get(name, value))
            ):
                wrong.add(ck.CKR_ATTRIBUTE_READ_ONLY)
        return wrong

    def found(self, session: Session, wanted: dict[str, Value]) -> list[int]:
        library = self.processes[session.process]
        library.find_objects_init(session.handle, attributes(**wanted))
        found = []
        while some := library.find_objects(session.handle, 3):
            found += some
        library.find_objects_final(session.handle)
        return found

    def keep(
        self, session: Session, handle: object, values: dict[str, Value], is_fixed: bool
    ) -> None:
        if not isinstance(handle, int):
            return
        library = self.processes[session.process]
        assert (session.process, handle) not in self.gone
        (unique,) = library.get_attribute_value(session.handle, handle, [ck.CKA_UNIQUE_ID])
        assert isinstance(unique, bytes)
        assert unique not in self.objects
        entry = Known(values, None if values["TOKEN"] else session, is_fixed)
        entry.handles[session.process] = handle
        self.objects[unique] = entry

    def drop(self, is_gone: Callable[[Known], bool]) -> None:
        for unique, each in list(self.objects.items()):
            if is_gone(each):
                del self.objects[unique]
                self.gone |= set(each.handles.items())

    def log_out(self, process: int) -> None:
        self.users[process] = None
        self.drop(
            lambda each: (
                each.owner is not None
                and each.owner.process == process
                and each.values["PRIVATE"] is True
            )
        )
        for each in self.objects.values():
            if each.values["PRIVATE"] and process in each.handles:
                self.gone.add((process, each.handles.pop(process)))

    def call(self, wrong: set[int], what: Callable[[], object]) -> object:
        """What a call answers; an error must be one of those that are to be expected."""
        try:
            answer = what()
        except CryptokiError as error:
            answer, given = None, {error.rv}
        else:
            given = set()
        assert given <= wrong
        assert bool(given) == bool(wrong)
        return answer


def test_two_processes_keep_to_the_model(
    prepared_home: Path, monkeypatch: pytest.MonkeyPatch, quick_pins: None
) -> None:
    monkeypatch.setenv("GHOSTCARD_HOME", "")
    monkeypatch.delenv("GHOSTCARD_CONFIG", raising=False)
    monkeypatch.delenv("GHOSTCARD_RUN_DIR", raising=False)
    monkeypatch.setattr(Model, "home", prepared_home, raising=False)
    thorough = settings(
        max_examples=40,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(Model, settings=thorough)
