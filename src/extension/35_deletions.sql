-- Functions on rows and on deletions. Each exists for values of any type and for text, so that a driver's untyped
-- parameters and named notation (VARIADIC key => ARRAY['42']) work as well.

CREATE FUNCTION softdelete.delete(relation regclass, VARIADIC key "any") RETURNS bigint
    -- search_path: the library pins it, except while triggers of the caller's tables may fire
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_delete';
CREATE FUNCTION softdelete.delete(relation regclass, VARIADIC key text[]) RETURNS bigint
    -- search_path: the library pins it, except while triggers of the caller's tables may fire
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_delete';
COMMENT ON FUNCTION softdelete.delete(regclass, "any") IS
    'Deletes the row with that primary key; returns the id of the deletion, or NULL where there is no live row.';
COMMENT ON FUNCTION softdelete.delete(regclass, text[]) IS
    'Deletes the row with that primary key; returns the id of the deletion, or NULL where there is no live row.';

CREATE FUNCTION softdelete.restore(relation regclass, VARIADIC key "any") RETURNS bigint
    -- search_path: the library pins it, except while triggers of the caller's tables may fire
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_restore';
CREATE FUNCTION softdelete.restore(relation regclass, VARIADIC key text[]) RETURNS bigint
    -- search_path: the library pins it, except while triggers of the caller's tables may fire
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_restore';
COMMENT ON FUNCTION softdelete.restore(regclass, "any") IS
    'Brings back the row with that primary key and what its deletion took along below it; returns the number of rows.';
COMMENT ON FUNCTION softdelete.restore(regclass, text[]) IS
    'Brings back the row with that primary key and what its deletion took along below it; returns the number of rows.';

CREATE FUNCTION softdelete.undo(deletion_id bigint) RETURNS bigint
    -- search_path: the library pins it, except while triggers of the caller's tables may fire
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_undo';
COMMENT ON FUNCTION softdelete.undo(bigint) IS 'Brings back a whole deletion; returns the number of rows.';

-- Several at once. The time is always said, so that none is meant by leaving it out; and no argument alone is enough, so
-- that undo('5') and a driver's untyped parameter mean a deletion.
CREATE FUNCTION softdelete.undo(actor text, since timestamptz, relation regclass DEFAULT NULL,
                                until timestamptz DEFAULT NULL) RETURNS bigint
    -- search_path: the library pins it, except while triggers of the caller's tables may fire
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_undo_of_actor';
CREATE FUNCTION softdelete.undo(relation regclass, since timestamptz, until timestamptz DEFAULT NULL) RETURNS bigint
    -- search_path: the library pins it, except while triggers of the caller's tables may fire
    LANGUAGE c AS 'MODULE_PATHNAME', 'softdelete_undo_of_relation';
COMMENT ON FUNCTION softdelete.undo(text, timestamptz, regclass, timestamptz) IS
    'Brings back what the actor, NULL: anybody, has deleted since then, all of it or nothing; returns the number of rows.';
COMMENT ON FUNCTION softdelete.undo(regclass, timestamptz, timestamptz) IS
    'Brings back all deletions since then that took rows of the table, all of them or nothing; returns the number of rows.';

CREATE FUNCTION softdelete.undo_preview(deletion_id bigint)
    RETURNS TABLE (deletion_id bigint, deleted_at timestamptz, deleted_by text, relation regclass, action text, rows bigint,
                   key jsonb, detail text)
    -- search_path: the library pins it, except while policies and indexes of the caller's tables call functions
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_undo_preview';
CREATE FUNCTION softdelete.undo_preview(actor text, since timestamptz, relation regclass DEFAULT NULL,
                                        until timestamptz DEFAULT NULL)
    RETURNS TABLE (deletion_id bigint, deleted_at timestamptz, deleted_by text, relation regclass, action text, rows bigint,
                   key jsonb, detail text)
    -- search_path: the library pins it, except while policies and indexes of the caller's tables call functions
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_undo_preview_of_actor';
CREATE FUNCTION softdelete.undo_preview(relation regclass, since timestamptz, until timestamptz DEFAULT NULL)
    RETURNS TABLE (deletion_id bigint, deleted_at timestamptz, deleted_by text, relation regclass, action text, rows bigint,
                   key jsonb, detail text)
    -- search_path: the library pins it, except while policies and indexes of the caller's tables call functions
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_undo_preview_of_relation';
COMMENT ON FUNCTION softdelete.undo_preview(bigint) IS
    'Shows what undo() of the deletion would bring back, and what refuses it; changes nothing.';
COMMENT ON FUNCTION softdelete.undo_preview(text, timestamptz, regclass, timestamptz) IS
    'Shows what undo() with these arguments would bring back, in its order, and what refuses it; changes nothing.';
COMMENT ON FUNCTION softdelete.undo_preview(regclass, timestamptz, timestamptz) IS
    'Shows what undo() with these arguments would bring back, in its order, and what refuses it; changes nothing.';

CREATE FUNCTION softdelete.conflicts(deletion_id bigint)
    RETURNS TABLE (relation regclass, key jsonb, reason text, detail text)
    -- search_path: the library pins it, except while policies and indexes of the caller's tables call functions
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_conflicts';
COMMENT ON FUNCTION softdelete.conflicts(bigint) IS 'Lists what stands in the way of undoing a deletion.';

CREATE FUNCTION softdelete.preview(relation regclass, VARIADIC key "any")
    RETURNS TABLE (depth integer, relation regclass, action text, rows bigint)
    -- search_path: the library pins it, except while policies and indexes of the caller's tables call functions
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_preview';
CREATE FUNCTION softdelete.preview(relation regclass, VARIADIC key text[])
    RETURNS TABLE (depth integer, relation regclass, action text, rows bigint)
    -- search_path: the library pins it, except while policies and indexes of the caller's tables call functions
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_preview';
COMMENT ON FUNCTION softdelete.preview(regclass, "any") IS
    'Shows what a DELETE of the row with that primary key would take along, or what refuses it.';
COMMENT ON FUNCTION softdelete.preview(regclass, text[]) IS
    'Shows what a DELETE of the row with that primary key would take along, or what refuses it.';

CREATE FUNCTION softdelete.preview_tree(relation regclass, VARIADIC key "any")
    RETURNS TABLE (tree text, rows bigint, action text, why text)
    -- search_path: the library pins it, except while policies and indexes of the caller's tables call functions
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_preview_tree';
CREATE FUNCTION softdelete.preview_tree(relation regclass, VARIADIC key text[])
    RETURNS TABLE (tree text, rows bigint, action text, why text)
    -- search_path: the library pins it, except while policies and indexes of the caller's tables call functions
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_preview_tree';
COMMENT ON FUNCTION softdelete.preview_tree(regclass, "any") IS
    'Shows as a tree what a DELETE of the row with that primary key would take along, by which keys, or what refuses it.';
COMMENT ON FUNCTION softdelete.preview_tree(regclass, text[]) IS
    'Shows as a tree what a DELETE of the row with that primary key would take along, by which keys, or what refuses it.';

CREATE FUNCTION softdelete.cascade_graph(relation regclass) RETURNS text
    -- search_path: the library pins it; names of tables are shown by the caller's
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'softdelete_cascade_graph';
COMMENT ON FUNCTION softdelete.cascade_graph(regclass) IS
    'Draws what a DELETE does along the foreign keys to the table and to those below it, as a Mermaid flowchart.';

-- The cost is that of a look-up per table: ORDER BY and LIMIT come first, and what they leave is counted.
CREATE FUNCTION softdelete_internal.count_deletion(deletion_id bigint) RETURNS text
    LANGUAGE c STABLE COST 1000 SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'softdelete_count_deletion';
COMMENT ON FUNCTION softdelete_internal.count_deletion(bigint) IS
    'Internal: the rows that a deletion still holds, per table that the caller may read, as a JSON object.';

-- A condition with a function of the reader's may look at a row before ours does. Here it sees nothing that is not meant
-- for the reader, and yet the planner may go by the index on id; for the other logs a security barrier is good enough.
CREATE VIEW softdelete.deletions AS
    SELECT d.id, d.relation,
           CASE WHEN reader.may_see THEN d.deleted_at END AS deleted_at,
           CASE WHEN reader.may_see THEN d.deleted_by END AS deleted_by,
           CASE WHEN reader.may_see THEN d.reason END AS reason,
           softdelete_internal.count_deletion(d.id)::pg_catalog.jsonb AS rows,
           CASE WHEN reader.may_see THEN d.restored_at END AS restored_at,
           CASE WHEN reader.may_see
                THEN coalesce(d.restored_by, (SELECT p.restored_by FROM softdelete_internal.restoration p WHERE p.deletion_id = d.id
                                              ORDER BY p.id DESC LIMIT 1)) END AS restored_by,
           (SELECT pg_catalog.jsonb_object_agg(t.name, t.rows)
            FROM (SELECT part.name, pg_catalog.sum(part.rows)
                  FROM (SELECT r.key, r.value::bigint FROM pg_catalog.jsonb_each_text(CASE WHEN reader.may_see THEN d.restored END) r
                        UNION ALL
                        SELECT pg_catalog.format('%I.%I', s.nspname, o.relname), p.rows
                        FROM softdelete_internal.restoration p JOIN pg_catalog.pg_class o ON o.oid = p.relation
                             JOIN pg_catalog.pg_namespace s ON s.oid = o.relnamespace
                        WHERE p.deletion_id = d.id AND reader.may_see) AS part (name, rows)
                  GROUP BY part.name) AS t (name, rows),
                 LATERAL pg_catalog.parse_ident(t.name) AS name (parts)
                 JOIN pg_catalog.pg_namespace n ON n.nspname = name.parts[1]
                 JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = name.parts[2]
            WHERE pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT pg_catalog.row_security_active(c.oid)) AS restored
    FROM softdelete_internal.deletion d,
         LATERAL (SELECT pg_catalog.has_table_privilege(d.relation::pg_catalog.oid, 'SELECT')) AS reader (may_see)
    WHERE reader.may_see;
COMMENT ON VIEW softdelete.deletions IS
    'The recycle bin by deletion: who deleted what, when and why, how many rows of which tables it still holds, and who brought back how many.';
