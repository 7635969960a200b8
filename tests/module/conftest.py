"""A library with a home of its own, in which the token of slot 0 is set up."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ghostcard import config
from ghostcard.module import pins, token_admin
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.kinds import KINDS
from tests.module.program import PIN, QUICK_SCRYPT_N, SO_PIN, Program

ACCELERATOR = '[[cards]]\nadapter = 0\nprofile = "cex8a"\n'


@pytest.fixture
def quick_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    """PINs that cost next to nothing."""
    monkeypatch.setattr(pins, "SCRYPT_N", QUICK_SCRYPT_N)


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with an initialised token in slot 0, whose PINs are quick."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GHOSTCARD_HOME", str(home))
        patch.delenv("GHOSTCARD_CONFIG", raising=False)
        patch.setattr(pins, "SCRYPT_N", QUICK_SCRYPT_N)
        token_admin.initialise(config.load(), 0, "test", SO_PIN.decode(), PIN.decode())
    return home


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked `every_kind` run with each kind of token."""
    if metafunc.definition.get_closest_marker("every_kind") and "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", KINDS, indirect=True)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """The mode of the cards: that of the default machine, but for tests of `every_kind`."""
    chosen: str = getattr(request, "param", "ep11")
    return chosen


@pytest.fixture
def home(
    prepared_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    quick_pins: None,
    kind: str,
) -> Path:
    """A copy of that folder, in use by a machine with cards for that kind of token."""
    home = tmp_path / "home"
    shutil.copytree(prepared_home, home)
    monkeypatch.setenv("GHOSTCARD_HOME", str(home))
    monkeypatch.delenv("GHOSTCARD_CONFIG", raising=False)
    if kind == "accelerator":
        machine = tmp_path / "machine.toml"
        machine.write_text(ACCELERATOR)
        monkeypatch.setenv("GHOSTCARD_CONFIG", str(machine))
    monkeypatch.delenv("GHOSTCARD_RUN_DIR", raising=False)
    return home


@pytest.fixture
def library(home: Path) -> Iterator[Cryptoki]:
    """An initialised library."""
    library = Cryptoki()
    library.initialize()
    yield library
    if library.is_initialized:
        library.finalize()


@pytest.fixture
def program(library: Cryptoki) -> Program:
    """A program with a read/write session, its user logged in."""
    program = Program(library)
    program.login()
    return program
