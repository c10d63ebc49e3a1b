-- All privileges in one place. The tables are read through views that show what the reader may see, and written by the
-- library only.

-- Owners need USAGE of both: their dumps name trigger functions.
GRANT USAGE ON SCHEMA softdelete, softdelete_internal TO PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA softdelete, softdelete_internal FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA softdelete, softdelete_internal FROM PUBLIC;

-- Said outright: default privileges may have taken it away, and statements on registered tables call some of them.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA softdelete, softdelete_internal TO PUBLIC;

-- Which tables are registered is no more of a secret than pg_class is.
GRANT SELECT ON softdelete_internal.registration TO PUBLIC;
GRANT SELECT ON softdelete.tables TO PUBLIC;
GRANT SELECT ON softdelete.deletions TO PUBLIC;
GRANT SELECT ON softdelete.purge_log TO PUBLIC;
GRANT SELECT ON softdelete.removals TO PUBLIC;
GRANT SELECT ON softdelete_internal.anonymizer, softdelete.anonymizers TO PUBLIC; -- as pg_attrdef
GRANT SELECT ON softdelete.holds TO PUBLIC;
GRANT SELECT ON softdelete.erasure_log TO PUBLIC;
GRANT SELECT ON softdelete.history TO PUBLIC;
GRANT SELECT ON softdelete.stats TO PUBLIC;

-- About the whole server.
REVOKE EXECUTE ON FUNCTION softdelete_internal.worker_entries() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION softdelete_internal.worker_entries() TO pg_monitor;
GRANT SELECT ON softdelete.worker_status TO pg_monitor;

-- So that the owner of the database can run pg_dump, as before.
GRANT SELECT ON softdelete_internal.converted_index, softdelete_internal.deletion, softdelete_internal.deletion_table,
    softdelete_internal.renumbered_deletion, softdelete_internal.restoration, softdelete_internal.hold, softdelete_internal.erasure,
    softdelete_internal.purge_run, softdelete_internal.removal, softdelete_internal.secured_table, softdelete_internal.tracked_table,
    softdelete_internal.history_column, softdelete_internal.archive TO pg_database_owner;
GRANT SELECT ON SEQUENCE softdelete_internal.deletion_id_seq, softdelete_internal.restoration_id_seq, softdelete_internal.hold_id_seq,
    softdelete_internal.erasure_id_seq, softdelete_internal.purge_run_id_seq, softdelete_internal.removal_id_seq TO pg_database_owner;
