"""What programs do to a token store: `python -m tests.module.store_writes NAME PATH` is one.

When its change is acknowledged it writes to the file `PATH.told`.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from ghostcard.module.pins import SealedKey
from ghostcard.module.store import NO_PIN, Store, TokenRow

ROW = TokenRow(b"epoch", "serial", b"label", NO_PIN, NO_PIN, 0, 0)


def create(store: Store) -> None:
    with store.writing():
        store.initialise(ROW)


def insert(store: Store) -> None:
    store.insert(True, b"body of a new object" * 30)


def update(store: Store) -> None:
    assert store.update(1, b"another body" * 500, 1)


def delete(store: Store) -> None:
    assert store.delete(2)


def set_pin(store: Store) -> None:
    with store.writing():
        store.set_pin("user", SealedKey(b"salt" * 4, b"key" * 20, 2))


def initialise_again(store: Store) -> None:
    with store.writing():
        store.initialise(ROW._replace(epoch=b"later", label=b"another label"))


def begin_change(store: Store) -> None:
    with store.writing():
        store.begin_change(bytes(16))


def erase(store: Store) -> None:
    store.erase()


def migrate(_store: Store) -> None:
    """It was when it was opened."""


def fill(store: Store) -> None:
    """What there is before the others."""
    create(store)
    for number in range(3):
        store.insert(number == 1, b"object %d" % number * 40)


Write = Callable[[Store], None]
WRITES: tuple[Write, ...] = (
    insert, update, delete, set_pin, initialise_again, begin_change, erase,
)  # fmt: skip
ALL = {write.__name__: write for write in (*WRITES, create, migrate)}


def main(name: str, path: str) -> None:
    """Open, change, tell, close."""
    store = Store(path)
    ALL[name](store)
    Path(f"{path}.told").write_text("done")
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
