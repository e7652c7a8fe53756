-- Version 2.
SELECT 1;
