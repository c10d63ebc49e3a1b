-- All privileges in one place. The tables are read through views that show what the reader may see, and written by the
-- library only.

GRANT USAGE ON SCHEMA softdelete TO PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA softdelete FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA softdelete FROM PUBLIC;

-- Said outright: default privileges may have taken it away, and statements on registered tables call some of them.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA softdelete TO PUBLIC;

-- Which tables are registered is no more of a secret than pg_class is.
GRANT SELECT ON softdelete.registration TO PUBLIC;
GRANT SELECT ON softdelete.tables TO PUBLIC;
GRANT SELECT ON softdelete.deletions TO PUBLIC;
GRANT SELECT ON softdelete.purge_log TO PUBLIC;
GRANT SELECT ON softdelete.anonymizer TO PUBLIC; -- as pg_attrdef
GRANT SELECT ON softdelete.holds TO PUBLIC;
GRANT SELECT ON softdelete.erasure_log TO PUBLIC;

-- So that the owner of the database can run pg_dump, as before.
GRANT SELECT ON softdelete.converted_index, softdelete.deletion, softdelete.deletion_table, softdelete.renumbered_deletion,
    softdelete.hold, softdelete.erasure, softdelete.purge_run, softdelete.secured_table TO pg_database_owner;
GRANT SELECT ON SEQUENCE softdelete.deletion_id_seq, softdelete.hold_id_seq,
    softdelete.erasure_id_seq, softdelete.purge_run_id_seq TO pg_database_owner;
