-- Run by CREATE EXTENSION softdelete. The parts 00_ to 90_ are concatenated when the extension is built.
\echo Use "CREATE EXTENSION softdelete" to load this file. \quit

-- softdelete holds what the manual describes, softdelete_internal everything else. Both statements fail where the schema
-- exists: what somebody else put there must not become part of the extension.
CREATE SCHEMA softdelete;
COMMENT ON SCHEMA softdelete IS 'Soft delete as a property of tables: registration, deletions, restore, retention.';

CREATE SCHEMA softdelete_internal;
COMMENT ON SCHEMA softdelete_internal IS 'What softdelete keeps, and functions that only softdelete calls.';
