-- Version 6. Secrets of the installation, such as providers' keys. Only the master key, which is not in
-- this database, opens them.

CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    -- The public id of the master key that seals it.
    key TEXT NOT NULL,
    sealed BLOB NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
