-- Version 1. Numbers that leave the database (documents, chunks, sequences) are AUTOINCREMENT, so
-- that none is ever given out twice.

CREATE TABLE base (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    tenant     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    settings   TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    -- Sequence of the last deletion that is no longer kept in the outbox; 0 when all are.
    forgotten  INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, name)
) STRICT;

CREATE TABLE file (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    tenant     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    hash       TEXT    NOT NULL,
    bytes      INTEGER NOT NULL,
    purpose    TEXT    NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX file_of_tenant ON file (tenant, number);
CREATE INDEX file_of_hash ON file (hash);

CREATE TABLE document (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    base       INTEGER NOT NULL REFERENCES base (number) ON DELETE CASCADE,
    file       INTEGER NOT NULL REFERENCES file (number) ON DELETE CASCADE,
    source     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    hash       TEXT    NOT NULL,
    attributes TEXT    NOT NULL,
    -- 0 queued, 1 processing, 2 ready, 3 failed.
    state      INTEGER NOT NULL,
    reason     TEXT,
    attempts   INTEGER NOT NULL DEFAULT 0,
    chunks     INTEGER NOT NULL DEFAULT 0,
    pages      INTEGER,
    -- The place in the queue, given when it was submitted.
    turn       INTEGER NOT NULL,
    -- Queued: not to be claimed before. Processing: when the lease ends.
    due_ms     INTEGER NOT NULL DEFAULT 0,
    -- The last lease that was given out; never goes back.
    lease      INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    UNIQUE (base, source)
) STRICT;
CREATE INDEX document_of_base ON document (base, id);
CREATE INDEX document_of_file ON document (file, base);
CREATE INDEX document_of_name ON document (base, name);
CREATE INDEX document_waiting ON document (turn) WHERE state <= 1;
CREATE INDEX document_waiting_in_base ON document (base, turn) WHERE state <= 1;

-- Attributes once more, for filters: numbers as REAL, strings as TEXT, true, false and null as their
-- JSON in a BLOB. A list has one row for each such member, marked as listed.
CREATE TABLE attribute (
    base     INTEGER NOT NULL,
    key      TEXT    NOT NULL,
    value    ANY     NOT NULL,
    document INTEGER NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    listed   INTEGER NOT NULL,
    PRIMARY KEY (base, key, value, document)
) STRICT, WITHOUT ROWID;
CREATE INDEX attribute_of_document ON attribute (document);

CREATE TABLE section (
    id       INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    heading  TEXT    NOT NULL,
    text     TEXT    NOT NULL
) STRICT;
CREATE INDEX section_of_document ON section (document);

CREATE TABLE chunk (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES document (id) ON DELETE CASCADE,
    ordinal  INTEGER NOT NULL,
    section  INTEGER,
    tokens   INTEGER NOT NULL,
    text     TEXT    NOT NULL,
    heading  TEXT    NOT NULL,
    lines    BLOB    NOT NULL,
    vector   BLOB    NOT NULL,
    UNIQUE (document, ordinal)
) STRICT;
CREATE INDEX chunk_of_section ON chunk (section, ordinal) WHERE section IS NOT NULL;

CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    base     INTEGER NOT NULL REFERENCES base (number) ON DELETE CASCADE,
    -- No reference: the row of a deleted document tells that it is gone.
    document INTEGER NOT NULL UNIQUE,
    gone     INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_of_base ON outbox (base, sequence);
CREATE INDEX outbox_gone ON outbox (base, sequence) WHERE gone = 1;

CREATE TABLE key (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    tenant     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    hash       TEXT    NOT NULL UNIQUE,
    scopes     TEXT    NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX key_of_tenant ON key (tenant, number);
