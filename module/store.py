"""The token store: one SQLite file per token, safe with several processes and with kill -9.

It knows rows and no attributes: the token's row and per object whether it is private and its bytes
(`body`, of a private object encrypted, as are its blobs). Of a key that was re-enciphered the
body's own blob is dead and ``renewed`` is good; ``following`` is the one under the wrapping key
that comes next, empty where none is needed, NULL where nobody has looked yet. `sequence` numbers
the changes, so that a process can ask for what it has not seen yet. Errors of the data base become
CryptokiError here and nowhere else; a damaged file is told of once on stderr.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ghostcard import pkcs11 as ck
from ghostcard.config import NO_LIMITS, Limits
from ghostcard.emulator.counter import ChangeCounter
from ghostcard.module.errors import CryptokiError
from ghostcard.module.pins import SealedKey
from ghostcard.module.store_schema import APPLICATION_ID, MIGRATIONS, SCHEMA, SCHEMA_VERSION

if TYPE_CHECKING:
    from sqlite3 import Connection

BUSY_SECONDS = 10.0
LABEL_BYTES = 32
_SERIAL_BYTES = 8
DELETIONS_KEPT = 4096
"""How many deletions are remembered; whoever has missed more reads everything again."""


def store_path(home: str | os.PathLike[str], slot: int) -> str:
    """The file of a slot's token in the state folder."""
    return os.path.join(home, "tokens", f"slot-{slot}.sqlite")


_TABLES_OF_ITS_OWN = "SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"

NO_PIN = SealedKey(b"", b"", 0)


Bytes: TypeAlias = bytes  # in a class that has a column of this name


class TokenRow(NamedTuple):
    """The token itself. `epoch` is new with every C_InitToken; `user` is NO_PIN until C_InitPIN;
    `bytes` are those of all objects' bodies. `wkid` is the start of the verification pattern of the
    wrapping key that the keys are under, empty before the first; `next_wkid` of the committed one
    that they will be under, empty while no change is under way.
    """

    epoch: bytes
    serial: str
    label: bytes
    so: SealedKey
    user: SealedKey
    sequence: int
    forgotten: int
    objects: int = 0
    bytes: int = 0
    wkid: "Bytes" = b""
    next_wkid: "Bytes" = b""


def new_row(before: TokenRow | None, label: bytes, so: SealedKey) -> TokenRow:
    """The row of a token that begins its life, or another one."""
    serial = before.serial if before else os.urandom(_SERIAL_BYTES).hex()
    sequence = before.sequence + 1 if before else 0
    padded = label.ljust(LABEL_BYTES)[:LABEL_BYTES]
    wkids = (before.wkid, before.next_wkid) if before else ()
    epoch = os.urandom(_SERIAL_BYTES)
    return TokenRow(epoch, serial, padded, so, NO_PIN, sequence, sequence, 0, 0, *wkids)


class ObjectRow(NamedTuple):
    """One object; `changed` is the sequence number of its last change."""

    id: int
    changed: int
    is_private: bool
    body: bytes
    renewed: bytes | None


Check = Callable[[TokenRow], bytes]
"""What looks at the token's row when nobody else can write any more: `Changeover.check`."""


def unchecked(row: TokenRow) -> bytes:
    """Of what has no key."""
    return b""


class Store:
    """An open store. Its methods may be called by several threads."""

    def __init__(self, path: str, limits: Limits = NO_LIMITS) -> None:
        """Open the file, creating an empty one with mode 0600 if there is none; one of an older
        version is migrated.

        CKR_DEVICE_ERROR if it is damaged, of another program, or of a version nobody knows.
        """
        self.path = path
        self._limits = limits
        self._lock = RLock()
        self._was_reported = False
        with self.guarded():
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self.counter = ChangeCounter(os.path.splitext(path)[0] + ".changes")
            try:
                self._connection = self._connect()
            except BaseException:
                self.counter.close()
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock, self.guarded():
            self._connection.close()
            self.counter.close()

    def token(self) -> TokenRow | None:
        """The token's row; None before the first C_InitToken."""
        with self._lock, self.guarded():
            return self._token() if self._is_initialised() else None

    @contextmanager
    def reading(self) -> Iterator[TokenRow | None]:
        """One instant of the store, with the token's row."""
        with self._lock, self.guarded():
            self._connection.execute("BEGIN")
            try:
                yield self._token() if self._is_initialised() else None
            finally:
                self._connection.execute("ROLLBACK")

    def changed(self, since: int, is_user: bool) -> Iterator[ObjectRow]:
        """Objects that changed after ``since``, private ones for the user, in the order in which
        they changed: that of the index. Inside `reading()`.
        """
        return self._objects("changed > ? AND private <= ? ORDER BY changed", (since, is_user))

    def all(self, is_user: bool) -> Iterator[ObjectRow]:
        """Every object, private ones for the user, the oldest first. Inside `reading()`."""
        return self._objects("private <= ? ORDER BY id", (is_user,))

    def deleted(self, since: int) -> list[int]:
        """Rows of objects that went after ``since``. Call it inside `reading()`."""
        gone = self._connection.execute("SELECT object FROM deleted WHERE changed > ?", (since,))
        return [row for (row,) in gone]

    def private_objects(self) -> Iterator[ObjectRow]:
        """Every private object, for the user who logs in. Call it inside `reading()`."""
        return self._objects("private = 1 ORDER BY id", ())

    def object(self, row: int) -> ObjectRow | None:
        """An object as it is now; None if it is gone."""
        with self._lock, self.guarded():
            return next(self._objects("id = ?", (row,)), None)

    def initialise(self, row: TokenRow) -> None:
        """Write the token's row anew and remove every object. Call it inside `writing()`."""
        if not self._is_initialised():
            for statement in SCHEMA.split(";"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        for table in ("token", "object", "deleted"):
            self._connection.execute(f"DELETE FROM {table}")
        values = (
            *(row.epoch, row.serial, row.label, *row.so, *row.user),
            *(row.sequence, row.forgotten, row.objects, row.bytes, row.wkid, row.next_wkid),
        )
        self._connection.execute(f"INSERT INTO token VALUES (1{', ?' * len(values)})", values)

    def erase(self) -> None:
        """Make the store what it was before C_InitToken; nothing of the token stays in the file."""
        with self.writing():
            for table in ("object", "deleted", "token"):
                self._connection.execute(f"DROP TABLE {table}")
            self._connection.execute("PRAGMA user_version = 0")
            self._connection.execute("PRAGMA application_id = 0")
        with self._lock, self.guarded():
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def set_pin(self, role: str, pin: SealedKey) -> None:
        """Write the sealed key of "so" or "user". Call it inside `writing()`."""
        self._connection.execute(
            f"UPDATE token SET {role}_salt = ?, {role}_key = ?, {role}_tries = ?", tuple(pin)
        )

    def insert(
        self,
        is_private: bool,
        body: bytes,
        following: bytes | None = None,
        check: Check = unchecked,
    ) -> int:
        """Write a new object; its row number. Acknowledged means on the disk. CKR_DEVICE_MEMORY
        beyond a limit.
        """
        with self.writing() as token:
            self._check(token, check)
            row = self._connection.execute(
                "INSERT INTO object (changed, private, body, following) VALUES (?, ?, ?, ?)",
                (self._next(1, len(body)), is_private, body, following),
            ).lastrowid
            assert row is not None
            return row

    def update(
        self,
        row: int,
        body: bytes,
        seen: int,
        following: bytes | None = None,
        check: Check = unchecked,
    ) -> bool:
        """Write an object anew; False if it is gone, or not any more what it was with change
        ``seen``. CKR_DEVICE_MEMORY beyond a limit.
        """
        with self.writing() as token:
            self._check(token, check)
            before = self._connection.execute(
                "SELECT length(body) FROM object WHERE id = ? AND changed = ?", (row, seen)
            ).fetchone()
            if before is None:
                return False
            self._connection.execute(
                "UPDATE object SET changed = ?, body = ?, renewed = NULL, following = ?"
                " WHERE id = ?",
                (self._next(0, len(body) - before[0]), body, following, row),
            )
            return True

    def delete(self, row: int) -> bool:
        """Remove an object; False if it is gone already."""
        with self.writing():
            gone = self._connection.execute(
                "DELETE FROM object WHERE id = ? RETURNING length(body)", (row,)
            ).fetchall()
            if not gone:
                return False
            changed = self._next(-1, -gone[0][0])
            self._connection.execute("INSERT INTO deleted VALUES (?, ?)", (changed, row))
            forgotten = changed - DELETIONS_KEPT
            if self._connection.execute(
                "DELETE FROM deleted WHERE changed <= ?", (forgotten,)
            ).rowcount:
                self._connection.execute("UPDATE token SET forgotten = ?", (forgotten,))
            return True

    def _check(self, token: TokenRow | None, check: Check) -> None:
        if token is not None and (wkid := check(token)):
            self._connection.execute("UPDATE token SET wkid = ?", (wkid,))

    # A change of the wrapping key (`rekeying.py`). All are to be called inside `writing()`, or in a
    # transaction of one's turn.

    def begin_change(self, next_wkid: bytes) -> None:
        """Keys have a blob that follows from now on; no wkid: no more."""
        self._connection.execute("UPDATE token SET next_wkid = ?", (next_wkid,))
        self._connection.execute("UPDATE object SET following = NULL WHERE following IS NOT NULL")

    def without_following(self, is_user: bool, after: int, limit: int) -> list[ObjectRow]:
        """Objects behind a row of which nobody knows a blob that follows, private ones for the
        user.
        """
        condition = "following IS NULL AND private <= ? AND id > ? ORDER BY id LIMIT ?"
        return list(self._objects(condition, (is_user, after, limit)))

    def count_without_following(self, is_user: bool) -> int:
        """How many those are."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM object WHERE following IS NULL AND private <= ?", (is_user,)
        ).fetchone()
        return int(count)

    def has_private(self, at_all: bool) -> bool:
        """Whether there are private objects without a blob that follows, or any at all."""
        condition = "private = 1" + ("" if at_all else " AND following IS NULL")
        return next(self._objects(f"{condition} LIMIT 1", ()), None) is not None

    def set_following(self, row: ObjectRow, following: bytes) -> None:
        """The blob that follows, if the object is as it was; nobody has to read it again."""
        self._connection.execute(
            "UPDATE object SET following = ? WHERE id = ? AND changed = ?",
            (following, row.id, row.changed),
        )

    def make_following_present(self) -> None:
        """The cards have the next wrapping key: the blobs that follow are the good ones."""
        self._connection.execute(
            "UPDATE object SET renewed = following WHERE length(following) > 0"
        )
        self._connection.execute("UPDATE object SET following = NULL WHERE following IS NOT NULL")
        self._connection.execute("UPDATE token SET wkid = next_wkid, next_wkid = x''")

    @contextmanager
    def writing(self) -> Iterator[TokenRow | None]:
        """A transaction nobody else can write beside, with the token's row; an exception takes it
        back.
        """
        with self.turn(), self.transaction() as token:
            yield token

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else can write until this ends, in however many transactions."""
        with self._lock, self.guarded():
            self.counter.begin()
            try:
                yield
            finally:
                self.counter.finish()

    @contextmanager
    def transaction(self) -> Iterator[TokenRow | None]:
        """One of one's turn, with the token's row; it is on the disk when this ends."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._token() if self._is_initialised() else None
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn what the data base or the file system says into a CK_RV."""
        import sqlite3  # 8 ms: a program that only asks for slots does not need it

        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise CryptokiError(ck.CKR_DEVICE_MEMORY) from error
            self.report(error.strerror or type(error).__name__)
            raise CryptokiError(ck.CKR_DEVICE_ERROR) from error
        except sqlite3.OperationalError as error:
            name = getattr(error, "sqlite_errorname", "SQLITE_")  # Python's own have none
            code = _OPERATIONAL.get(name.split("_")[1])
            if code is None:
                self.report(str(error))
            raise CryptokiError(code or ck.CKR_DEVICE_ERROR) from error
        except (sqlite3.Error, UnicodeDecodeError) as error:  # a message may quote the damage
            self.report(str(error))
            raise CryptokiError(ck.CKR_DEVICE_ERROR) from error

    def report(self, reason: str) -> None:
        """Tell once, in one line, why the token cannot be used."""
        if not self._was_reported:
            self._was_reported = True
            print(f"ghostcard: token store {self.path}: {reason}", file=sys.stderr)

    def _connect(self) -> "Connection":
        import sqlite3

        connection = sqlite3.connect(
            self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._settle(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _settle(self, connection: "Connection") -> None:
        """Refuse a foreign file before anything is written to it; bring an old store up to date."""
        application, version = _versions(connection)
        is_old = application == APPLICATION_ID and version in MIGRATIONS
        if not is_old and (application, version) != (APPLICATION_ID, SCHEMA_VERSION):
            is_empty = connection.execute(_TABLES_OF_ITS_OWN).fetchone()[0] == 0
            if not (application == version == 0 and is_empty):
                self.report(_foreign(application, version))
                raise CryptokiError(ck.CKR_DEVICE_ERROR)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit outlives a loss of power too
        if is_old:
            self._migrate(connection)

    def _migrate(self, connection: "Connection") -> None:
        """Step by step to the present version, all or nothing; another process may be faster."""
        self.counter.begin()
        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                _, version = _versions(connection)
                while version in MIGRATIONS:
                    for statement in MIGRATIONS[version]:
                        connection.execute(statement)
                    version += 1
                connection.execute(f"PRAGMA user_version = {version}")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        finally:
            self.counter.finish()

    def _is_initialised(self) -> bool:
        return _pragma(self._connection, "user_version") == SCHEMA_VERSION

    def _token(self) -> TokenRow:
        row = self._connection.execute(
            "SELECT epoch, serial, label, so_salt, so_key, so_tries,"
            " user_salt, user_key, user_tries, sequence, forgotten, objects, bytes,"
            " wkid, next_wkid FROM token"
        ).fetchone()
        if row is None:
            self.report("the token's row is missing")
            raise CryptokiError(ck.CKR_DEVICE_ERROR)
        epoch, serial, label, *pins, sequence, forgotten, objects, size, wkid, next_wkid = row
        if len(label) > LABEL_BYTES:
            self.report("the token's label is too long")
            raise CryptokiError(ck.CKR_DEVICE_ERROR)
        so, user = SealedKey(*pins[:3]), SealedKey(*pins[3:])
        changes = (sequence, forgotten, objects, size, wkid, next_wkid)
        return TokenRow(epoch, serial, label, so, user, *changes)

    def _objects(self, condition: str, values: tuple[int, ...]) -> Iterator[ObjectRow]:
        rows = self._connection.execute(
            f"SELECT id, changed, private, body, renewed FROM object WHERE {condition}", values
        )
        for row, changed, private, body, renewed in rows:
            yield ObjectRow(row, changed, bool(private), body, renewed)

    def _next(self, objects: int, size: int) -> int:
        """The sequence number of the change that is being written, which adds so many objects and
        bytes.
        """
        sequence, count, total = self._connection.execute(
            "UPDATE token SET sequence = sequence + 1, objects = objects + ?, bytes = bytes + ?"
            " RETURNING sequence, objects, bytes",
            (objects, size),
        ).fetchone()
        if (objects > 0 and count > _or_infinite(self._limits.objects)) or (
            size > 0 and total > _or_infinite(self._limits.memory_bytes)
        ):
            raise CryptokiError(ck.CKR_DEVICE_MEMORY)
        return int(sequence)


_OPERATIONAL = {
    "BUSY": ck.CKR_FUNCTION_FAILED,
    "LOCKED": ck.CKR_FUNCTION_FAILED,
    "FULL": ck.CKR_DEVICE_MEMORY,
    "NOMEM": ck.CKR_HOST_MEMORY,
    "READONLY": ck.CKR_TOKEN_WRITE_PROTECTED,
}
"""SQLite result code -> CKR for what is not a damaged file."""


def _or_infinite(limit: int | None) -> float:
    return float("inf") if limit is None else limit


def _pragma(connection: "Connection", name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _versions(connection: "Connection") -> tuple[int, int]:
    return _pragma(connection, "application_id"), _pragma(connection, "user_version")


def _foreign(application: int, version: int) -> str:
    if application != APPLICATION_ID:
        return f"is not a Ghostcard token (application id 0x{application:08x})"
    return f"has schema version {version}, this library knows {SCHEMA_VERSION}"
