-- Version 5. What rules hold until a person has looked at it.

CREATE TABLE review (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    project TEXT,
    user TEXT,
    key TEXT NOT NULL,
    call TEXT NOT NULL,
    side TEXT NOT NULL,
    model TEXT NOT NULL,
    -- A JSON list, the one that holds it first.
    rules TEXT NOT NULL,
    message TEXT NOT NULL,
    -- Empty for answers.
    digest TEXT NOT NULL,
    text TEXT NOT NULL,
    -- JSON.
    held TEXT NOT NULL,
    complete INTEGER NOT NULL,
    -- 'waiting' also when its time is over; 'expired' once its texts are gone.
    state TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    decided_by TEXT,
    decided_user TEXT,
    decided_ms INTEGER,
    note TEXT,
    edited TEXT
) STRICT;
CREATE INDEX review_of_tenant ON review (tenant, number);
CREATE INDEX review_waiting ON review (tenant, expires_ms, digest) WHERE state = 'waiting';
CREATE INDEX review_by_age ON review (created_ms);
