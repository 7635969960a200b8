"""Images that boot at the first request, and profiles read from compiled copies."""

from pathlib import Path

import pytest

from ghostcard.config import CardConfig, Config, SlotConfig
from ghostcard.deferred import DeferredImage
from ghostcard.emulator.document import SUFFIX, compile_documents, read_document
from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.profile import FOLDER, is_path, load
from ghostcard.firmware.accelerator import AcceleratorImage
from ghostcard.firmware.ep11.image import Ep11Image
from ghostcard.firmware.facilities import FACILITIES
from ghostcard.machine import Machine

QUERY = bytes(88)  # no request at all: an image answers with an error reply


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path))
    return tmp_path


def machine(profile: str) -> Machine:
    return Machine(Config((CardConfig(0, profile, (0,)),), (SlotConfig(0, "one", (0,)),), "real"))


def test_a_deferred_image_answers_as_the_image(home: Path) -> None:
    card = machine("cex8p").bus.cards[0]
    assert isinstance(card.image, DeferredImage)
    assert not (home / "cards" / "00.nvram").exists()  # its secrets are made when it boots
    reply = card.image.perform(0, QUERY)
    assert (home / "cards" / "00.nvram").exists()
    eager = Ep11Image()
    eager.boot(card)
    assert reply == eager.perform(0, QUERY)
    assert card.image.plan("rsa2048-sign", 32) == eager.plan("rsa2048-sign", 32)


@pytest.mark.parametrize("image", [Ep11Image, AcceleratorImage])
def test_facilities_are_those_of_the_image(image: type[Ep11Image | AcceleratorImage]) -> None:
    assert image.facilities == FACILITIES[image.mode]


def test_a_profile_of_the_users_boots_at_once(home: Path) -> None:
    mine = home / "mine.toml"
    mine.write_text(Path(FOLDER, "cex8p.toml").read_text())
    assert is_path(str(mine))
    assert isinstance(machine(str(mine)).bus.cards[0].image, Ep11Image)


def test_a_compiled_copy_is_used_only_if_it_fits_its_text(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text("a = 1\n")
    compile_documents([str(path)])
    assert read_document(str(path)) == {"a": 1}
    compiled = Path(str(path) + SUFFIX)
    good = compiled.read_bytes()
    compiled.write_bytes(good.replace(b"a", b"b"))
    assert read_document(str(path)) == {"b": 1}  # so it is the copy that is read
    compiled.write_bytes(good)
    path.write_text("a = 2\n")
    assert read_document(str(path)) == {"a": 2}
    path.write_text("a = 1\n")
    compiled.write_bytes(good[:3])
    assert read_document(str(path)) == {"a": 1}


@pytest.mark.parametrize("text", [b"\xff", b"a = " + b"[" * 5000, b"a = " + b"9" * 5000])
def test_what_is_no_toml_is_named(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "one.toml"
    path.write_bytes(text)
    with pytest.raises(ProfileError, match=r"one\.toml: not TOML"):
        read_document(str(path))


def test_the_compiled_profiles_are_the_profiles() -> None:
    assert load("cex8p") == load(str(Path(FOLDER, "cex8p.toml")))._replace(name="cex8p")
