"""The tables of a token store, and what makes them of those of older versions."""

APPLICATION_ID = 0x47484344  # "GHCD"
SCHEMA_VERSION = 3

SCHEMA = """
CREATE TABLE token (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch BLOB NOT NULL,
    serial TEXT NOT NULL,
    label BLOB NOT NULL,
    so_salt BLOB NOT NULL, so_key BLOB NOT NULL, so_tries INTEGER NOT NULL,
    user_salt BLOB NOT NULL, user_key BLOB NOT NULL, user_tries INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    forgotten INTEGER NOT NULL,
    objects INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    wkid BLOB NOT NULL DEFAULT x'',
    next_wkid BLOB NOT NULL DEFAULT x''
) STRICT;
CREATE TABLE object (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    changed INTEGER NOT NULL,
    private INTEGER NOT NULL,
    body BLOB NOT NULL,
    renewed BLOB,
    following BLOB
) STRICT;
CREATE INDEX object_changed ON object (changed);
CREATE TABLE deleted (changed INTEGER PRIMARY KEY, object INTEGER NOT NULL) STRICT;
"""

MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE token ADD COLUMN objects INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE token ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0",
        "UPDATE token SET (objects, bytes) ="
        " (SELECT count(*), coalesce(sum(length(body)), 0) FROM object)",
    ),
    2: (
        "ALTER TABLE token ADD COLUMN wkid BLOB NOT NULL DEFAULT x''",
        "ALTER TABLE token ADD COLUMN next_wkid BLOB NOT NULL DEFAULT x''",
        "ALTER TABLE object ADD COLUMN renewed BLOB",
        "ALTER TABLE object ADD COLUMN following BLOB",
    ),
}
"""Version -> what makes the next of it. A store is brought up to date when it is opened, in one
transaction; one of a version that is not here is refused.
"""
