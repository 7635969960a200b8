"""The wrapping key of a live token changes: no key is lost, and no program notices."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ghostcard import config
from ghostcard import pkcs11 as ck
from ghostcard.driver.administration import DomainAdministrator
from ghostcard.firmware.abi.blob import WKID_SIZE
from ghostcard.machine import Machine
from ghostcard.module.changeover import Changeover, wkid_of
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.rekeying import Reenciphered, Rekeying, RekeyingError, group_of
from ghostcard.module.store import Store
from tests.module.program import PIN, Program, mechanism, refusing

TWO_CARDS = "".join(f"[[cards]]\nadapter = {n}\ndomains = [0]\n" for n in (0, 1)) + (
    '[[slots]]\nid = 0\napqns = ["00.0000", "01.0000"]\n'
)
ECB = mechanism(ck.CKM_AES_ECB)
BLOCK = bytes(range(16))


@pytest.fixture(params=["one APQN", "two APQNs"])
def setting(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a token in slot 0 of a machine with one card, or two."""
    if request.param == "two APQNs":
        (home / "two.toml").write_text(TWO_CARDS)
        monkeypatch.setenv("GHOSTCARD_CONFIG", str(home / "two.toml"))
    return home


@pytest.fixture
def program(setting: Path) -> Iterator[Program]:
    library = Cryptoki()
    library.initialize()
    program = Program(library)
    program.login()
    yield program
    library.finalize()


@pytest.fixture
def other(setting: Path) -> Iterator[Program]:
    """Another process, as far as this matters: nothing but the files is common to both."""
    library = Cryptoki()
    library.initialize()
    program = Program(library)
    program.login()
    yield program
    library.finalize()


def rekeying() -> Rekeying:
    """The administrator's command, begun anew."""
    machine = Machine(config.load(), is_administered=True)
    return Rekeying(machine, group_of(machine, 0))


def nothing(done: int, total: int) -> None: ...


def begin() -> None:
    rekeying().generate()
    rekeying().commit()


def reencipher() -> Reenciphered:
    return rekeying().reencipher(0, PIN, nothing)


def change(*programs: Program) -> None:
    """All steps; the programs do something in between."""
    begin()
    reencipher()
    for program in programs:
        program.find()
        program.run("encrypt", ECB, program.aes(), BLOCK)
    rekeying().finalize()


def keys(program: Program) -> list[int]:
    """Of a session and of the token, public and private."""
    return [
        program.aes(TOKEN=token, PRIVATE=private, LABEL=f"{token} {private}")
        for token, private in product((False, True), repeat=2)
    ]


def sealed(program: Program, key: int) -> bytes:
    return program.run("encrypt", ECB, key, BLOCK)


def test_every_kind_of_key_outlives_three_changes(program: Program, other: Program) -> None:
    made = keys(program)
    before = [sealed(program, key) for key in made]
    theirs = [other.find(LABEL=f"True {private}")[0] for private in (False, True)]
    assert [sealed(other, key) for key in theirs] == before[2:]
    for _ in range(3):
        begin()
        assert reencipher() == Reenciphered(2, 0)
        assert [sealed(program, key) for key in made] == before  # and has noticed
        rekeying().finalize()
        assert [sealed(program, key) for key in made] == before
        assert [sealed(other, key) for key in theirs] == before[2:]
    library = Cryptoki()
    library.initialize()
    late = Program(library)
    late.login()
    found = [late.find(LABEL=f"True {private}")[0] for private in (False, True)]
    assert [sealed(late, key) for key in found] == before[2:]
    library.finalize()


def test_keys_that_are_made_meanwhile(program: Program, other: Program) -> None:
    """Whoever makes them gives them both blobs: nothing is left for the end."""
    begin()
    reencipher()
    made, theirs = keys(program), keys(other)
    before = [sealed(program, key) for key in made]
    program.set(made[3], LABEL="changed")
    program.set(made[1], LABEL="changed too")
    rekeying().finalize()
    assert [sealed(program, key) for key in made] == before
    assert len({sealed(other, key) for key in theirs}) == 4
    (again,) = other.find(LABEL="changed")
    assert sealed(other, again) == before[3]


def test_operations_that_were_begun_before(program: Program) -> None:
    library, session = program.library, program.session
    key = keys(program)[3]
    before = sealed(program, key)
    others = [Program(library) for _ in range(2)]
    library.encrypt_init(session, ECB, key)
    library.encrypt_init(others[0].session, ECB, key)
    library.encrypt_update(others[0].session, BLOCK, 64)
    library.sign_init(others[1].session, mechanism(ck.CKM_AES_CMAC), key)
    change()
    assert library.encrypt(session, BLOCK, 64) == before
    assert library.encrypt_update(others[0].session, BLOCK, 64) == before
    assert library.sign(others[1].session, BLOCK, 64) == program.run(
        "sign", mechanism(ck.CKM_AES_CMAC), key, BLOCK
    )
    library.encrypt_init(session, ECB, key)
    change()
    change()
    assert library.encrypt(session, BLOCK, 64) == before


def test_keys_in_parameters_and_in_clear(program: Program) -> None:
    """Blobs stand in mechanisms too; and the key that values leave the card under is the slot's."""
    base, more = (
        program.create(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_GENERIC_SECRET, VALUE=value,
                       DERIVE=True, SENSITIVE=False, EXTRACTABLE=True)
        for value in (b"0123456789", b"abcdef")
    )  # fmt: skip
    concatenate = mechanism(ck.CKM_CONCATENATE_BASE_AND_KEY, more.to_bytes(8, "big"))

    def derive() -> int:
        return program.library.derive_key(program.session, concatenate, base, [])

    assert program.one(derive(), "VALUE") == b"0123456789abcdef"
    begin()
    reencipher()
    assert program.one(base, "VALUE") == b"0123456789"
    rekeying().finalize()
    assert program.one(base, "VALUE") == b"0123456789"
    assert program.one(derive(), "VALUE") == b"0123456789abcdef"


STEPS = ("nothing", "generate", "commit", "reencipher", "first APQN", "all APQNs")


@pytest.mark.parametrize("step", STEPS)
def test_an_administrator_who_dies_loses_nothing(
    program: Program, other: Program, step: str
) -> None:
    """After each step programs go on, and so does the next administrator."""
    made = keys(program)
    before = [sealed(program, key) for key in made]
    reached = STEPS.index(step)
    if reached >= 1:
        rekeying().generate()
    if reached >= 2:
        rekeying().commit()
    if reached >= 3:
        reencipher()
        assert [sealed(program, key) for key in made] == before
    admins = list(rekeying().administrators.values())
    if reached >= 4:
        pattern = rekeying().coming()
        for admin in admins if step == "all APQNs" else admins[:1]:
            admin.finalize(pattern)
    theirs = other.find(LABEL="True True")[0]
    assert sealed(other, theirs) == before[3]
    assert [sealed(program, key) for key in made] == before
    fresh = [key for one in (program, other) for key in keys(one)[2:]]
    expected = [sealed(program, key) for key in fresh[:2]]
    if reached < 1:
        rekeying().generate()
    if reached < 2:
        rekeying().commit()
    if reached < 3:
        reencipher()
    assert [sealed(program, key) for key in made] == before
    is_made = step == "all APQNs" or (step == "first APQN" and len(admins) == 1)
    if not is_made:  # else the programs have finished the work
        rekeying().finalize()
    assert [sealed(program, key) for key in fresh[:2]] == expected
    assert [sealed(program, key) for key in made] == before
    assert sealed(other, theirs) == before[3]
    change(program)
    assert [sealed(program, key) for key in made] == before
    assert sealed(other, theirs) == before[3]


def test_a_key_that_comes_too_late_is_made_anew(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its blob is under the old key, and the store has changed over by now."""
    keep, calls = Changeover.check, []

    def late(self: Changeover, row: object, blob: bytes) -> bytes:
        calls.append(blob)
        if len(calls) == 1:
            pytest.fail("not reached") if not blob else None
        return keep(self, row, blob)  # type: ignore[arg-type]

    generate = program.library._slots[0].host.generate_key

    def then_change(*asked: object) -> tuple[bytes, bytes]:
        made = generate(*asked)  # type: ignore[arg-type]
        if not calls:
            change()
        return made

    monkeypatch.setattr(Changeover, "check", late)
    monkeypatch.setattr(program.library._slots[0].host, "generate_key", then_change)
    key = program.aes(TOKEN=True)
    assert len(sealed(program, key)) == 16
    assert len({wkid_of(blob) for blob in calls}) == 2


def test_a_program_that_did_nothing_meanwhile_loses_its_session_keys(
    program: Program, other: Program
) -> None:
    """Its keys are nowhere but with itself; those of the token are safe."""
    made = keys(program)
    before = sealed(program, made[3])
    change()
    with refusing(ck.CKR_DEVICE_ERROR):
        sealed(program, made[0])
    assert sealed(program, made[3]) == before
    assert len(sealed(program, program.aes())) == 16


def test_what_is_not_in_order_is_refused(program: Program) -> None:
    program.aes(TOKEN=True, PRIVATE=True)
    admin = rekeying()
    for step in (admin.commit, admin.coming, admin.finalize):
        with pytest.raises(RekeyingError):
            step()
    begin()
    with pytest.raises(RekeyingError, match="has a committed wrapping key already"):
        admin.generate()
    with pytest.raises(RekeyingError, match="not re-enciphered: 1"):
        admin.finalize()
    assert admin.reencipher(0, None, nothing) == Reenciphered(0, 0)
    assert admin.needs_pin(0)
    with pytest.raises(RekeyingError, match="slot 0: objects that are not re-enciphered: 1; "):
        admin.finalize()
    admin.clear_next()
    with pytest.raises(RekeyingError, match="no next wrapping key is committed"):
        admin.finalize()
    change()


def test_a_change_given_up_is_begun_again_with_another_key(program: Program) -> None:
    made = keys(program)
    before = [sealed(program, key) for key in made]
    begin()
    reencipher()
    assert [sealed(program, key) for key in made] == before
    rekeying().clear_next()
    assert [sealed(program, key) for key in made] == before
    begin()
    reencipher()
    assert [sealed(program, key) for key in made] == before
    rekeying().finalize()
    assert [sealed(program, key) for key in made] == before


def test_a_domain_that_was_given_another_key_takes_new_ones(program: Program) -> None:
    """Without the token's knowledge: what is on it is dead, what comes to it lives."""
    old = program.aes(TOKEN=True)
    pattern = rekeying().import_parts((bytes(32), b"\x11" * 32))
    for admin in rekeying().administrators.values():
        admin.commit(pattern)
        admin.finalize(pattern)
    with refusing(ck.CKR_DEVICE_ERROR):
        sealed(program, old)
    key = program.aes(TOKEN=True)
    before = sealed(program, key)
    change()
    assert sealed(program, key) == before


def test_keys_that_are_dead_already_stand_in_nobodys_way(program: Program) -> None:
    program.aes(TOKEN=True)
    for admin in rekeying().administrators.values():
        admin.zeroize()
    begin()
    assert reencipher() == Reenciphered(0, 1)
    rekeying().finalize()
    assert len(sealed(program, program.aes(TOKEN=True))) == 16


def test_the_store_knows_its_wrapping_key(program: Program, setting: Path) -> None:
    def wkids() -> tuple[bytes, bytes]:
        store = Store(str(setting / "tokens" / "slot-0.sqlite"))
        row = store.token()
        store.close()
        assert row is not None
        return row.wkid, row.next_wkid

    admin = rekeying()
    (current,) = {state.current[:WKID_SIZE] for state in admin.states().values()}
    program.aes(TOKEN=True)
    assert wkids() == (current, b"")
    admin.generate()
    following = admin.commit()[:WKID_SIZE]
    reencipher()
    assert wkids() == (current, following)
    admin.finalize()
    assert wkids() == (following, b"")


def test_parts_that_are_imported_make_the_same_key_everywhere(setting: Path) -> None:
    admin = rekeying()
    parts = (bytes(32), bytes(range(32)), b"\x11" * 32)
    pattern = admin.import_parts(parts)
    assert {state.following for state in admin.states().values()} == {pattern}
    assert admin.import_parts(reversed(parts)) == pattern


def test_one_apqn_that_comes_later(program: Program) -> None:
    """It had no key while the others changed; programs and tokens have done so with them."""
    key = program.aes(TOKEN=True)
    before = sealed(program, key)
    begin()
    reencipher()
    *others, last = rekeying().administrators.values()
    if not others:
        return
    pattern = rekeying().coming()
    last.clear()
    for admin in others:
        admin.finalize(pattern)
    assert sealed(program, key) == before
    assert rekeying().finalize() == pattern
    assert {state.current for state in rekeying().states().values()} == {pattern}
    assert sealed(program, key) == before
    change()
    assert sealed(program, key) == before


def test_one_apqn_that_lags_behind_is_told_of(setting: Path) -> None:
    admin = rekeying()
    if len(admin.administrators) == 1:
        return
    first: DomainAdministrator = next(iter(admin.administrators.values()))
    first.generate()
    with pytest.raises(RekeyingError) as refused:
        admin.commit()
    told = admin.states()[0].following[:4].hex()
    assert str(refused.value) == (
        "the APQNs do not have the same next wrapping key: "
        f"00.0000 {told} (not committed), 01.0000 has none"
    )


def killed_at(point: int, work: Callable[[], object]) -> bool:
    """Do it in a process of its own that is killed at that point: before the so manieth command to
    a card, or the beginning or end of a transaction. False if it was done before.
    """
    child = os.fork()
    if child == 0:
        left = point

        def passing(before: Callable[..., Any]) -> Callable[..., Any]:
            def counted(*asked: Any) -> Any:
                nonlocal left
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
                return before(*asked)

            return counted

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DomainAdministrator, "command", passing(DomainAdministrator.command))
            patch.setattr(Store, "transaction", twice(passing, Store.transaction))
            work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def twice(
    passing: Callable[[Callable[..., Any]], Callable[..., Any]],
    transaction: Callable[[Store], AbstractContextManager[Any]],
) -> Callable[[Store], AbstractContextManager[Any]]:
    """A transaction with a point before it and one behind it."""

    @contextmanager
    def counted(store: Store) -> Iterator[Any]:
        passing(lambda: None)()
        with transaction(store) as token:
            yield token
        passing(lambda: None)()

    return counted


STEPS_OF_THE_COMMAND: dict[str, Callable[[], object]] = {
    "generate": lambda: rekeying().generate(),
    "commit": lambda: rekeying().commit(),
    "reencipher": reencipher,
    "finalize": lambda: rekeying().finalize(),
    "clear": lambda: rekeying().clear_next(),
}


@pytest.mark.parametrize("step", STEPS_OF_THE_COMMAND)
def test_a_command_killed_at_each_point_can_be_done_again(program: Program, step: str) -> None:
    """No key is lost, neither old nor made in between, and it goes on where it stopped."""
    order = ("generate", "commit", "reencipher", "finalize" if step != "clear" else "clear")
    made = keys(program)
    expected = {key: sealed(program, key) for key in made}
    points = 0
    for point in range(100):
        for each in order[: order.index(step)]:
            STEPS_OF_THE_COMMAND[each]()
            program.find()
        was_killed = killed_at(point, STEPS_OF_THE_COMMAND[step])
        assert {key: sealed(program, key) for key in expected} == expected
        fresh = program.aes(TOKEN=True, PRIVATE=True)
        expected[fresh] = sealed(program, fresh)
        go_on(program, order, step)
        assert {key: sealed(program, key) for key in expected} == expected
        points += was_killed
        if not was_killed:
            break
    assert points >= 1


def go_on(program: Program, order: tuple[str, ...], step: str) -> None:
    """The step once more and those that follow, unless programs have finished the work."""
    for each in order[order.index(step) :]:
        program.find()
        if each == "finalize" and not any(s.is_committed for s in rekeying().states().values()):
            with pytest.raises(RekeyingError, match="no next wrapping key is committed"):
                rekeying().finalize()
        else:
            STEPS_OF_THE_COMMAND[each]()
