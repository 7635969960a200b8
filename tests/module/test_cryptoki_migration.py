"""A store of an older version is brought up to date, whole or not at all.

`stores/version-1` and `version-2` are homes of a card and its token as Ghostcard 0.1.0 wrote them,
at 7eb31cb and at 27ae5ec, with quick PINs: two data objects, a generic secret, a private key, and
the trace of a deleted object.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ghostcard import config
from ghostcard import pkcs11 as ck
from ghostcard.machine import Machine
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.encoding import EMPTY, ulong
from ghostcard.module.rekeying import Reenciphered, Rekeying, group_of
from ghostcard.module.store import Store
from ghostcard.module.store_schema import MIGRATIONS, SCHEMA_VERSION
from tests.module.program import PIN, Program, mechanism, refusing

STORES = Path(__file__).parent / "stores"


@pytest.fixture(params=[1, 2])
def version(request: pytest.FixtureRequest) -> int:
    """That of an old store."""
    return int(request.param)


@pytest.fixture
def old_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_pins: None, version: int
) -> Path:
    """A copy of the old home, in use."""
    home = tmp_path / "old"
    shutil.copytree(STORES / f"version-{version}", home)
    monkeypatch.setenv("GHOSTCARD_HOME", str(home))
    monkeypatch.delenv("GHOSTCARD_CONFIG", raising=False)
    return home


@pytest.fixture
def old_program(old_home: Path) -> Iterator[Program]:
    library = Cryptoki()
    library.initialize()
    program = Program(library)
    program.login()
    yield program
    library.finalize()


def tokens(home: Path) -> Path:
    return home / "tokens" / "slot-0.sqlite"


def version_of(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def test_every_object_is_there_and_works(old_program: Program) -> None:
    labels = {label: old_program.find(LABEL=label) for label in ("public", "private", "secret")}
    assert [old_program.one(found, "VALUE") for (found,) in labels.values()] == [
        *(b"public value", b"private value", b"0123456789abcdef")
    ]
    assert old_program.find(LABEL="gone") == []
    (private,) = old_program.find(LABEL="pair")
    signature = old_program.run("sign", mechanism(ck.CKM_ECDSA), private, bytes(32))
    public = load_der_public_key(old_program.one(private, "PUBLIC_KEY_INFO"))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    public.verify(encode_dss_signature(r, s), bytes(32), ec.ECDSA(Prehashed(SHA256())))


def test_old_objects_have_the_younger_attributes(old_program: Program) -> None:
    (secret,) = old_program.find(LABEL="secret")
    assert old_program.get(secret, "WRAP_TEMPLATE", "OBJECT_VALIDATION_FLAGS") == [EMPTY, ulong(0)]
    old_program.set(secret, LABEL="changed")
    assert old_program.one(secret, "DERIVE_TEMPLATE") == EMPTY


def test_the_wrapping_key_of_old_keys_can_be_changed(old_program: Program) -> None:
    (secret,), (private,) = old_program.find(LABEL="secret"), old_program.find(LABEL="pair")
    machine = Machine(config.load(), is_administered=True)
    rekeying = Rekeying(machine, group_of(machine, 0))
    rekeying.generate()
    rekeying.commit()
    assert rekeying.reencipher(0, PIN, lambda done, total: None) == Reenciphered(2, 0)
    rekeying.finalize()
    assert old_program.one(secret, "VALUE") == b"0123456789abcdef"
    assert len(old_program.run("sign", mechanism(ck.CKM_ECDSA), private, bytes(32))) == 64


def test_the_token_counts_its_objects_from_then_on(old_home: Path, version: int) -> None:
    assert version_of(tokens(old_home)) == version
    store = Store(str(tokens(old_home)))
    row = store.token()
    assert row is not None
    with store.reading():
        bodies = [len(entry.body) for entry in store.changed(-1, True)]
    assert (row.objects, row.bytes) == (len(bodies), sum(bodies)) == (4, sum(bodies))
    store.insert(False, b"1234")
    store.delete(1)
    after = store.token()
    assert after is not None
    assert (after.objects, after.bytes) == (4, sum(bodies) + 4 - bodies[0])
    store.close()
    assert version_of(tokens(old_home)) == SCHEMA_VERSION


def test_a_migration_that_fails_changes_nothing(
    old_home: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    monkeypatch.setitem(MIGRATIONS, 2, (*MIGRATIONS[2], "INSERT INTO nowhere VALUES (1)"))
    with refusing(ck.CKR_DEVICE_ERROR):
        Store(str(tokens(old_home)))
    assert version_of(tokens(old_home)) == version
    monkeypatch.undo()
    Store(str(tokens(old_home))).close()
    assert version_of(tokens(old_home)) == SCHEMA_VERSION


def test_two_processes_migrate_once(old_home: Path) -> None:
    """The second finds the work done inside its own transaction."""
    first = Store(str(tokens(old_home)))
    connection = sqlite3.connect(tokens(old_home), isolation_level=None)
    first._migrate(connection)
    connection.close()
    row = first.token()
    assert row is not None
    assert row.objects == 4
    first.close()


@pytest.mark.parametrize("younger", [SCHEMA_VERSION + 1, 1000])
def test_a_younger_store_is_refused(
    old_home: Path, younger: int, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = sqlite3.connect(tokens(old_home))
    connection.execute(f"PRAGMA user_version = {younger}")
    connection.close()
    with refusing(ck.CKR_DEVICE_ERROR):
        Store(str(tokens(old_home)))
    assert f"has schema version {younger}, this library knows" in capsys.readouterr().err
