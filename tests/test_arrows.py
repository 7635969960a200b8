"""The import arrows of docs/design.md, section 1: who may import whom, and what loads late."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FREE = {"ghostcard.pkcs11", "ghostcard.home", "ghostcard.__version__"}  # no layers
JOINED = {"driver", "emulator", "machine", "config"}
MAY: dict[str, set[str]] = {
    "emulator": {"emulator"},
    "firmware": {"firmware", "emulator"},
    "driver": {"driver", "emulator", "firmware.abi"},
    "module": {"module", *JOINED, "firmware.abi"},
    "benchmarks": {
        "benchmarks",
        *JOINED,
        "shared",
        "firmware.abi",
        "faults",
        "statistics",
        "library",
    },
    "conformance": {"conformance", *JOINED, "firmware.abi"},
}
# Packages that only these layers may import.
ONLY: dict[str, set[str]] = {
    "simpy": {"emulator", "benchmarks"},
    "cryptography": {"benchmarks", "firmware", "module"},
    "sqlite3": {"module"},
    "cffi": {"module", "benchmarks"},
    "matplotlib": {"benchmarks"},
}
LATE = {  # never loaded by importing what the library imports
    "simpy", "numpy", "dataclasses", "logging", "json", "importlib.metadata", "argparse",
    "cryptography.x509", "cryptography.hazmat.primitives.serialization", "pathlib",
}  # fmt: skip


def imports(path: Path) -> Iterator[str]:
    """The modules a file imports, anywhere in it, by their absolute names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def allowed(layer: str, name: str) -> bool:
    below = {f"ghostcard.{one}" for one in MAY[layer]} | FREE
    return name == "ghostcard" or any(name == one or name.startswith(f"{one}.") for one in below)


@pytest.mark.parametrize("layer", MAY)
def test_arrows(layer: str) -> None:
    files = sorted((ROOT / layer).rglob("*.py"))
    assert files
    for path in files:
        for name in imports(path):
            package = name.partition(".")[0]
            if package == "ghostcard":
                assert allowed(layer, name), f"{path.relative_to(ROOT)} imports {name}"
            elif package in ONLY:
                assert layer in ONLY[package], f"{path.relative_to(ROOT)} imports {name}"


_FOR_PEOPLE = ("ghostcard.benchmarks", "ghostcard.cli", "ghostcard.conformance")


def test_only_the_command_line_imports_what_is_for_people() -> None:
    for path in (ROOT / "ghostcard").glob("[!_]*.py"):
        for name in imports(path):
            assert name.partition(".")[0] not in ("click", "rich"), path
            assert not name.startswith(_FOR_PEOPLE), path


def test_simpy_is_imported_in_one_file_of_the_emulator() -> None:
    importers = [
        path.name
        for path in (ROOT / "emulator").rglob("*.py")
        if any(name.partition(".")[0] == "simpy" for name in imports(path))
    ]
    assert importers == ["timeline.py"]


def test_the_modules_import_path_is_light() -> None:
    """What a short-lived program loads: the plain Cryptoki layer and a whole machine."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "import ghostcard.module.cryptoki, ghostcard.machine, ghostcard.driver.ep11\n"
        "import ghostcard.firmware.ep11.image, ghostcard.emulator.profile_reader\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    loaded = set(run.stdout.split())
    assert "ghostcard.machine" in loaded
    assert sorted(loaded & LATE) == []


def test_what_only_administrators_and_pins_need_is_not_loaded_at_the_start() -> None:
    """A program that asks for its slots: libcrypto alone would be 4 ms and 5 MiB."""
    code = (
        "import sys\n"
        "import ghostcard.module.cryptoki, ghostcard.machine, ghostcard.module.entries\n"
        "print(*sorted(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    loaded = set(run.stdout.split())
    late = {"hashlib", "sqlite3", "tomllib", "simpy", "ghostcard.firmware.abi.admin"}
    late |= {"ghostcard.firmware.abi.parameters", "ghostcard.driver.timingtrack"}
    late |= {"ghostcard.firmware.abi.cca_function"}
    assert loaded & late == set()


def test_a_card_loads_the_families_that_are_used_and_no_others() -> None:
    """All of them would be 50 ms of a program that signs once."""
    code = (
        "import sys\n"
        "from ghostcard import pkcs11\n"
        "from ghostcard.firmware.mechanisms.directory import FAMILIES\n"
        "from ghostcard.machine import Machine\n"
        "from ghostcard.driver.ep11 import Ep11Host\n"
        "machine = Machine.simulation('cex8p')\n"
        "host = Ep11Host(machine.native, machine.targets(0), 61440)\n"
        "numbers = host.get_mechanism_list()\n"
        "key, _ = host.generate_key(pkcs11.CKM_AES_KEY_GEN.to_bytes(4, 'big'), 32,"
        " {pkcs11.CKA_ENCRYPT: b'\\1'})\n"
        "host.encrypt_single(pkcs11.CKM_AES_ECB.to_bytes(4, 'big'), key, bytes(16))\n"
        "print(len(numbers), *(name for name in FAMILIES"
        " if 'ghostcard.firmware.mechanisms.' + name.replace('-', '_') in sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    count, *loaded = run.stdout.split()
    assert int(count) > 240
    assert loaded == ["pubkey", "aes", "secret", "digest"]
