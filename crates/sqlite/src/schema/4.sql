-- Version 4. Files that were replaced, contents that nobody has any more, and interrupted leases.

-- The file that the chunks were cut from, while another one waits to take its place.
ALTER TABLE document ADD COLUMN replaced INTEGER REFERENCES file (number);
-- Leases on this content that the end of a process cut short.
ALTER TABLE document ADD COLUMN interruptions INTEGER NOT NULL DEFAULT 0;
CREATE INDEX document_of_replaced ON document (replaced);

-- Contents that no file has any more and whose bytes are still to be removed.
CREATE TABLE orphan (
    hash TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
