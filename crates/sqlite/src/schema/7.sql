-- Version 7. An approval lets one call pass. Those that were given before count for one call each.

-- The call that has the approval, or had it.
ALTER TABLE review ADD COLUMN used_by TEXT;
ALTER TABLE review ADD COLUMN used_ms INTEGER;
-- 1 once it is used up; before that the call goes on.
ALTER TABLE review ADD COLUMN used_up INTEGER NOT NULL DEFAULT 0;
CREATE INDEX review_in_use ON review (used_by) WHERE used_by IS NOT NULL AND used_up = 0;
