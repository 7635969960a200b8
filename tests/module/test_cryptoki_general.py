"""The life of the library: configuration, forks, threads, slots, records, and nonsense."""

import gc
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ghostcard import config
from ghostcard import pkcs11 as ck
from ghostcard.emulator.journal import recover
from ghostcard.emulator.record import Recorder
from ghostcard.module import token_admin
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.errors import CryptokiError
from ghostcard.module.mechanisms import TABLE
from ghostcard.module.operation import Operation
from ghostcard.module.token_admin import TokenAdminError
from tests.module.program import PIN, RW, Program, mechanism, refusing

ECDSA = mechanism(ck.CKM_ECDSA)


def test_initialise_and_finalise(home: Path) -> None:
    library = Cryptoki()
    with refusing(ck.CKR_CRYPTOKI_NOT_INITIALIZED):
        library.finalize()
    for _ in range(2):
        library.initialize()
        with refusing(ck.CKR_CRYPTOKI_ALREADY_INITIALIZED):
            library.initialize()
        library.finalize()
    for call in (
        library.get_info,
        lambda: library.get_slot_list(True),
        lambda: library.get_token_info(0),
        lambda: library.open_session(0, RW),
        lambda: library.close_session(1),
        lambda: library.sign(1, b"", 0),
        lambda: library.wait_for_slot_event(ck.CKF_DONT_BLOCK),
    ):
        with refusing(ck.CKR_CRYPTOKI_NOT_INITIALIZED):
            call()


def test_descriptors_end_with_each_life(program: Program) -> None:
    """Whether or not somebody looks for garbage: there are programs of a thousand lives."""
    library, found = program.library, set()
    gc.disable()
    try:
        for _ in range(4):
            library.finalize()
            library.initialize()
            session = library.open_session(0, RW)
            library.digest_init(session, mechanism(ck.CKM_SHA256))
            library.digest(session, b"data", 32)
            found.add(len(os.listdir("/proc/self/fd")))
    finally:
        gc.enable()
    assert len(found) == 1


def test_descriptors_that_the_program_has_closed(home: Path) -> None:
    """Those that have their numbers by then are not ours to close."""
    code = """
import os, sys
from ghostcard.emulator.counter import ChangeCounter
from ghostcard.emulator.meter import Meter
counter, meter = ChangeCounter(sys.argv[1]), Meter(sys.argv[2], lambda *_: (1, 1))
meter.count(0, "a", 1)
files = [int(name) for name in os.listdir("/proc/self/fd") if int(name) > 2]
os.closerange(3, max(files) + 1)
others = {os.open("/dev/null", os.O_RDONLY) for _ in files}
own = {counter._file.number, meter._file.number}
assert own <= others
counter.close(), meter.close()
assert all(os.readlink(f"/proc/self/fd/{file}") == "/dev/null" for file in own)
"""
    names = str(home / "counter"), str(home / "meter")
    subprocess.run([sys.executable, "-c", code, *names], check=True, timeout=60)


def test_information(library: Cryptoki) -> None:
    assert library.get_info().cryptoki_version == (3, 2)
    assert library.get_slot_list(True) == library.get_slot_list(False) == [0, 1]
    description, _, flags, *_ = library.get_slot_info(1)
    assert description == "Ghostcard APQN 00.0001"
    assert flags == ck.CKF_TOKEN_PRESENT | ck.CKF_REMOVABLE_DEVICE | ck.CKF_HW_SLOT
    token, empty = library.get_token_info(0), library.get_token_info(1)
    assert token.label == b"test".ljust(32)
    assert len(token.serial) == 16
    assert (token.min_pin, token.max_pin) == (4, 255)
    set_up = ck.CKF_TOKEN_INITIALIZED | ck.CKF_USER_PIN_INITIALIZED
    assert token.flags & set_up == set_up
    assert (empty.label, empty.flags & set_up) == (b" " * 32, 0)
    with refusing(ck.CKR_SLOT_ID_INVALID):
        library.get_slot_info(2)


def test_mechanisms(library: Cryptoki) -> None:
    """What the cards say, of what the host knows; every one has a function and sane sizes."""
    listed = library.get_mechanism_list(0)
    assert set(listed) <= set(TABLE)
    assert {ck.CKM_RSA_PKCS, ck.CKM_ECDSA, ck.CKM_EDDSA, ck.CKM_AES_GCM, ck.CKM_SHA256} <= set(
        listed
    )
    for number in listed:
        least, most, flags = library.get_mechanism_info(0, number)
        assert least <= most
        assert flags & ~ck.CKF_HW
    for number in (ck.CKM_BLOWFISH_CBC, 1 << 40):
        with refusing(ck.CKR_MECHANISM_INVALID):
            library.get_mechanism_info(0, number)


def _unusable_home(home: Path) -> None:
    file = home.parent / "file"
    file.touch()
    os.environ["GHOSTCARD_HOME"] = str(file)


def _bad_configuration(home: Path) -> None:
    file = home.parent / "bad.toml"
    file.write_text("[[cards]]\nadaptor = 1\n")
    os.environ["GHOSTCARD_CONFIG"] = str(file)


def _no_configuration(home: Path) -> None:
    os.environ["GHOSTCARD_CONFIG"] = str(home / "is not there.toml")


def _unknown_profile(home: Path) -> None:
    file = home.parent / "profile.toml"
    file.write_text('[[cards]]\nadapter = 0\nprofile = "cex99"\n')
    os.environ["GHOSTCARD_CONFIG"] = str(file)


def _damaged_card(home: Path) -> None:
    (home / "cards" / "00.nvram").write_bytes(b"nonsense" * 10)


@pytest.mark.parametrize(
    "spoil",
    [_unusable_home, _bad_configuration, _no_configuration, _unknown_profile, _damaged_card],
)
def test_what_cannot_be_initialised(
    library: Cryptoki,
    home: Path,
    spoil: object,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """CKR_GENERAL_ERROR and one line that says why; then everything still works after a repair."""
    library.finalize()
    monkeypatch.setenv("GHOSTCARD_CONFIG", "")
    spoil(home)  # type: ignore[operator]
    with refusing(ck.CKR_GENERAL_ERROR):
        library.initialize()
    error = capsys.readouterr().err
    assert error.startswith("ghostcard: ")
    assert error.count("\n") == 1
    with refusing(ck.CKR_CRYPTOKI_NOT_INITIALIZED):
        library.get_info()
    monkeypatch.setenv("GHOSTCARD_CONFIG", "")
    monkeypatch.setenv("GHOSTCARD_HOME", str(home.parent / "another"))
    library.initialize()
    assert library.get_slot_list(True) == [0, 1]


def test_a_damaged_store_is_the_token_s_alone(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "tokens" / "slot-0.sqlite").write_bytes(b"nonsense" * 1000)
    library = Cryptoki()
    library.initialize()
    assert library.get_token_info(0).flags & ck.CKF_ERROR_STATE
    with refusing(ck.CKR_DEVICE_ERROR):
        library.open_session(0, RW)
    with refusing(ck.CKR_DEVICE_ERROR):
        library.init_token(0, PIN, b"x")
    library.init_token(1, PIN, b"well")
    assert library.get_token_info(1).label.rstrip() == b"well"
    library.finalize()
    assert capsys.readouterr().err.count("\n") == 1


def test_several_apqns_behind_one_slot(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key made by one card is used by both."""
    file = tmp_path / "two.toml"
    file.write_text(
        "[[cards]]\nadapter = 2\n[[cards]]\nadapter = 3\n"
        '[[slots]]\nid = 7\napqns = ["02.0000", "03.0001"]\n'
    )
    monkeypatch.setenv("GHOSTCARD_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("GHOSTCARD_CONFIG", str(file))
    library = Cryptoki()
    library.initialize()
    assert library.get_slot_list(True) == [7]
    library.init_token(7, PIN, b"two")
    session = library.open_session(7, RW)
    program = Program.__new__(Program)
    program.library, program.session = library, session
    key = program.secret(b"x", PRIVATE=False)
    code = mechanism(ck.CKM_SHA256_HMAC)
    for _ in range(8):
        program.verify(code, key, b"data", program.run("sign", code, key, b"data"))
        assert len(program.run_in_parts("sign", code, key, b"data" * 100, 10)) == 32
    machine = library._machine
    assert machine is not None
    used = {row["qid"] for row in machine.recorder.array()}
    assert used == {0x200, 0x301}
    library.finalize()


def test_without_a_run_nothing_is_accounted_for(program: Program) -> None:
    key = program.secret(b"x", PRIVATE=False)
    assert len(program.run("sign", mechanism(ck.CKM_SHA256_HMAC), key, b"data")) == 32
    machine = program.library._machine
    assert machine is not None
    assert (len(machine.recorder), machine.recorder.dropped) == (0, 0)


def test_records_of_a_run(
    library: Cryptoki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.finalize()
    monkeypatch.setenv("GHOSTCARD_RUN_DIR", str(tmp_path))
    for number in (1, 2):
        library.initialize()
        session = library.open_session(0, RW)
        library.generate_random(session, 10)
        alive = recover(tmp_path / f"{os.getpid()}-{number}.journal")
        library.finalize()
        records = Recorder.load(tmp_path / f"{os.getpid()}-{number}.records")
        assert len(records) == 1
        assert records.to_bytes() == alive.to_bytes()
    assert not list(tmp_path.glob("*.journal"))
    library.initialize()


def test_a_run_folder_that_is_gone(
    library: Cryptoki, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    library.finalize()
    monkeypatch.setenv("GHOSTCARD_RUN_DIR", "/nonexistent/folder")
    library.initialize()
    error = capsys.readouterr().err
    assert error.startswith("ghostcard: /nonexistent/folder/")
    assert error.count("\n") == 1


_FORK = """
import os
from ghostcard.module import pins
from tests.module.program import *
pins.SCRYPT_N = QUICK_SCRYPT_N
library = Cryptoki()
library.initialize()
program = Program(library)
program.login()
key = program.aes(TOKEN=True, LABEL="ours")
child = os.fork()
if child == 0:
    library.after_fork()
    with refusing(ck.CKR_CRYPTOKI_NOT_INITIALIZED):
        library.get_session_info(program.session)
    library.initialize()
    theirs = Program(library)
    assert theirs.session != program.session
    assert theirs.find() == []
    theirs.login()
    (found,) = theirs.find(LABEL="ours")
    theirs.set(found, LABEL="changed by the child")
    library.finalize()
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0
assert program.one(key, "LABEL") == b"changed by the child"
program.run("encrypt", mechanism(ck.CKM_AES_ECB), key, bytes(16))
program.data("after the child", TOKEN=True)
library.finalize()
"""


def test_a_child_begins_anew_and_leaves_its_parent_alone(home: Path) -> None:
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FORK], cwd=root, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_threads_with_sessions_of_their_own(program: Program) -> None:
    """Four threads create, find, sign, verify and destroy at once; none meets another's objects."""
    library, failures = program.library, []
    public, private = program.ec(TOKEN=True)

    def work(number: int) -> None:
        try:
            own = Program(library)
            for count in range(25):
                made = own.data(f"{number}-{count}", TOKEN=count % 5 == 0)
                signature = own.run("sign", ECDSA, private, bytes(32))
                own.verify(ECDSA, public, bytes(32), signature)
                assert own.find(LABEL=f"{number}-{count}") == [made]
                library.destroy_object(own.session, made)
            library.close_session(own.session)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(program.find()) == {public, private}


def test_the_hot_path_is_short(program: Program) -> None:
    """C_SignInit, C_Sign: what this layer adds to the host library's own call (call-path sheet)."""
    _, private = program.ec()
    library, session = program.library, program.session
    program.run("sign", ECDSA, private, bytes(32))
    operation = library._slots[0].token.objects[private].prepared[2, ECDSA]
    assert isinstance(operation, Operation)
    operation._ready = operation._ready._replace(single=lambda mechanism, data: bytes(64))

    def pair() -> None:
        library.sign_init(session, ECDSA, private)
        library.sign(session, b"data", 64)

    best = min(_time(pair) for _ in range(20_000))
    assert best < 8e-6  # 1.5 us on an idle machine


def _time(action: object) -> float:
    start = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - start


def test_token_administration(home: Path) -> None:
    machine = config.load()
    token_admin.initialise(machine, 1, "öffentlich", "12345678", None)
    first, second = token_admin.listing(machine)
    assert (first.label, first.has_user_pin, first.is_initialised) == ("test", True, True)
    assert (second.label, second.has_user_pin, second.is_damaged) == ("öffentlich", False, False)
    for slot, label, so_pin, pin, reason in (
        (2, "x", "12345678", None, "there is no slot 2; there are 0, 1"),
        (1, "x" * 33, "12345678", None, "the label is longer than 32 bytes"),
        (1, "x", "123", None, "the SO PIN must have 4 to 255 bytes"),
        (1, "x", "12345678", "1", "the user PIN must have 4 to 255 bytes"),
        (1, "x", "wrong pin", None, "slot 1: the token is initialised and has another SO PIN"),
    ):
        with pytest.raises(TokenAdminError) as caught:
            token_admin.initialise(machine, slot, label, so_pin, pin)
        assert str(caught.value) == reason


def test_listing_of_damaged_and_missing_tokens(home: Path) -> None:
    (home / "tokens" / "slot-0.sqlite").write_bytes(b"nonsense" * 1000)
    first, second = token_admin.listing(config.load())
    assert (first.is_damaged, first.is_initialised) == (True, False)
    assert (second.is_damaged, second.is_initialised) == (False, False)


def test_everything_is_private_to_the_user(program: Program, home: Path) -> None:
    program.data("x", TOKEN=True)
    for path in home.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


_BYTES = st.binary(max_size=40)
_HANDLES = st.sampled_from([0, 1, 2, 3, 4, 5, 1 << 63])
_TEMPLATES = st.lists(
    st.tuples(
        st.sampled_from([*(getattr(ck, name) for name in dir(ck) if name.startswith("CKA_"))]),
        st.sampled_from([b"", b"\0", b"\1", *(n.to_bytes(8, "little") for n in range(5))]) | _BYTES,
    ),
    max_size=6,
)
_MECHANISMS = st.builds(
    mechanism, st.sampled_from(sorted(TABLE)) | st.integers(0, 2**32 - 1), _BYTES
) | st.sampled_from([b"", b"\0"])
_CAPACITIES = st.none() | st.integers(0, 100)
_CALLS = st.one_of(
    *(
        st.tuples(st.just(name), *arguments)
        for name, arguments in {
            "create_object": (_TEMPLATES,),
            "copy_object": (_HANDLES, _TEMPLATES),
            "set_attribute_value": (_HANDLES, _TEMPLATES),
            "get_attribute_value": (_HANDLES, st.lists(st.integers(0, 2**64 - 1), max_size=5)),
            "get_object_size": (_HANDLES,),
            "destroy_object": (_HANDLES,),
            "find_objects_init": (_TEMPLATES,),
            "find_objects": (st.integers(0, 10),),
            "find_objects_final": (),
            **{
                f"{name}_init": (st.none() | _MECHANISMS, _HANDLES)
                for name in ("encrypt", "decrypt", "sign", "verify", "sign_recover")
            },
            "verify_recover_init": (st.none() | _MECHANISMS, _HANDLES),
            "digest_init": (st.none() | _MECHANISMS,),
            **dict.fromkeys(
                ("encrypt", "decrypt", "digest", "sign", "sign_recover"), (_BYTES, _CAPACITIES)
            ),
            "verify_recover": (_BYTES, _CAPACITIES),
            **{
                f"{name}_update": (_BYTES, _CAPACITIES)
                for name in ("encrypt", "decrypt", "digest_encrypt", "decrypt_verify")
            },
            **{f"{name}_update": (_BYTES,) for name in ("digest", "sign", "verify")},
            **{
                f"{name}_final": (_CAPACITIES,) for name in ("encrypt", "decrypt", "digest", "sign")
            },
            "verify": (_BYTES, _BYTES),
            "verify_final": (_BYTES,),
            "digest_key": (_HANDLES,),
            "generate_key": (_MECHANISMS, _TEMPLATES),
            "wrap_key": (_MECHANISMS, _HANDLES, _HANDLES, _CAPACITIES),
            "unwrap_key": (_MECHANISMS, _HANDLES, _BYTES, _TEMPLATES),
            "derive_key": (_MECHANISMS, _HANDLES, _TEMPLATES),
            "seed_random": (_BYTES,),
            "generate_random": (st.integers(0, 100),),
            "login": (st.integers(2, 9), st.none() | _BYTES),
        }.items()
    )
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_CALLS, max_size=12))
def test_any_calls_are_answered_or_refused(
    program: Program, calls: list[tuple[str, tuple[object, ...]]]
) -> None:
    """Whatever a program does, in whatever order: an answer or a CK_RV of the standard."""
    if not program.find(KEY_TYPE=ck.CKK_AES):
        program.aes(SENSITIVE=False)
        program.ec(DERIVE=True)
    session = program.library.open_session(0, RW)
    for name, *arguments in calls:
        try:
            getattr(program.library, name)(session, *arguments)
        except CryptokiError as error:
            assert error.rv in _CODES, f"{name}: {error}"  # noqa: PT017
    program.library.close_session(session)


_CODES = {getattr(ck, name) for name in dir(ck) if name.startswith("CKR_")} - {
    ck.CKR_OK,
    ck.CKR_GENERAL_ERROR,
    ck.CKR_DEVICE_ERROR,
}


def test_cards_without_a_token_have_no_slot(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CCA coprocessors beside an EP11 coprocessor: the library is of use, and shows the one."""
    file = tmp_path / "cca.toml"
    file.write_text(
        '[[cards]]\nadapter = 0\nprofile = "cex8c"\ndomains = [0]\n'
        "[[cards]]\nadapter = 1\ndomains = [0]\n"
    )
    monkeypatch.setenv("GHOSTCARD_CONFIG", str(file))
    cryptoki = Cryptoki()
    cryptoki.initialize()
    assert cryptoki.get_slot_list(False) == [1]
    cryptoki.finalize()
