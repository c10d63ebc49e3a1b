-- Run by CREATE EXTENSION softdelete. The parts 00_ to 90_ are concatenated when the extension is built.
\echo Use "CREATE EXTENSION softdelete" to load this file. \quit

-- Fails where a schema of this name exists: what somebody else put there must not become part of the extension.
CREATE SCHEMA softdelete;
COMMENT ON SCHEMA softdelete IS 'Soft delete as a property of tables: registration, deletions, restore, retention.';
