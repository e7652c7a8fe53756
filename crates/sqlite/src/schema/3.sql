-- Version 3. Tenants with their projects and users; what keys may do beside their scopes; money that was
-- drawn.

CREATE TABLE account (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant     TEXT    NOT NULL,
    -- 'tenant', 'project' or 'user'.
    kind       TEXT    NOT NULL,
    -- Its own id; a tenant's is that of the column tenant.
    id         TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    disabled   INTEGER NOT NULL,
    limits     TEXT    NOT NULL,
    declared   INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    UNIQUE (tenant, kind, id)
) STRICT;
INSERT INTO account (tenant, kind, id, name, disabled, limits, declared, created_ms)
    VALUES ('default', 'tenant', 'default', '', 0, 'null', 0, 0);
INSERT INTO account (tenant, kind, id, name, disabled, limits, declared, created_ms)
    SELECT tenant, 'tenant', tenant, '', 0, 'null', 0, min(created_ms) FROM key WHERE tenant <> 'default' GROUP BY tenant;

ALTER TABLE key ADD COLUMN project TEXT;
ALTER TABLE key ADD COLUMN user TEXT;
-- The rest of what is said of a key, as JSON.
ALTER TABLE key ADD COLUMN terms TEXT NOT NULL DEFAULT '{}';
ALTER TABLE key ADD COLUMN declared INTEGER NOT NULL DEFAULT 0;
ALTER TABLE key ADD COLUMN used_ms INTEGER;

-- In billionths. The empty holder is what was set from the records of usage.
CREATE TABLE budget (
    period  TEXT    NOT NULL,
    account TEXT    NOT NULL,
    holder  TEXT    NOT NULL,
    drawn   INTEGER NOT NULL,
    PRIMARY KEY (period, account, holder)
) STRICT, WITHOUT ROWID;
