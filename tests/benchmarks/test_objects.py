"""A token of 100,000 objects, and that the benchmark would notice one that is not right."""

from contextlib import nullcontext
from itertools import count
from pathlib import Path
from unittest.mock import patch

import pytest

from ghostcard import config, pkcs11
from ghostcard.benchmarks import objects
from ghostcard.benchmarks.client import build
from ghostcard.benchmarks.objects import PIN, SO_PIN, Wrong, furnish, label, measure
from ghostcard.library import library
from ghostcard.module import template, token_admin
from ghostcard.module.encoding import FALSE, TRUE, ulong
from ghostcard.module.rows import Rows
from ghostcard.module.store import Store, store_path
from ghostcard.module.token import Token

OBJECTS = 100_000


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("objects"), "objects")


def filled(home: Path, number: int) -> None:
    """What `furnish` does, in one transaction: what each call waits for is the disk."""
    path = store_path(home, 0)
    token = Token(path, count(1))
    token.login(pkcs11.CKU_USER, PIN.encode())
    rows: Rows = token._rows
    store = Store(path)
    usual = template.complete(
        {pkcs11.CKA_CLASS: ulong(pkcs11.CKO_DATA), pkcs11.CKA_TOKEN: TRUE},
        template.CREATED,
        False,
    )
    with store.writing() as row, patch.object(Store, "writing", lambda _: nullcontext(row)):
        for each in range(number):
            is_private = each % 2 == 1
            own = {
                pkcs11.CKA_LABEL: label(each).encode(),
                pkcs11.CKA_PRIVATE: TRUE if is_private else FALSE,
                pkcs11.CKA_UNIQUE_ID: b"%032d" % each,
            }
            store.insert(is_private, rows.packed(usual | own, b""))
    store.close()
    token.close()


def test_a_hundred_thousand_objects(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GHOSTCARD_HOME", str(tmp_path))
    monkeypatch.delenv("GHOSTCARD_CONFIG", raising=False)
    token_admin.initialise(config.load(), 0, "many", SO_PIN, PIN)
    filled(tmp_path, OBJECTS)
    for row in measure(program, library(), tmp_path, OBJECTS):
        assert row.holds(), row


def test_what_the_benchmark_does_itself(program: Path, tmp_path: Path) -> None:
    furnish(program, library(), tmp_path, 30)
    assert all(row.value > 0 for row in measure(program, library(), tmp_path, 30))
    with pytest.raises(Wrong, match=r"^find object-0000030: 0 objects, not 1$"):
        measure(program, library(), tmp_path, 31)


def test_a_missed_target_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    objects._show(7, [objects.Row("add", 2.0, "ms", None), objects.Row("find", 12.0, "us", 10.0)])
    assert capsys.readouterr().out.splitlines()[1:] == [
        "add                                                 2.00 ms",
        "find                                               12.00 us          10  missed",
    ]
