-- What users may see of the extension's tables.

CREATE VIEW softdelete.tables AS
    SELECT r.relation, r.strategy, r.visibility, r.retention, r.indexes, r.deleted_at, r.deleted_by,
           ARRAY(SELECT a.rolname FROM pg_catalog.unnest(r.admin_roles) WITH ORDINALITY n (role, place)
                 JOIN pg_catalog.pg_roles a ON a.oid = n.role ORDER BY n.place) AS admin_roles,
           r.active_view, r.deleted_view, r.all_view, r.registered_at, r.on_expiry
    FROM softdelete_internal.registration r
    WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
    UNION ALL
    -- A query on the table sees live rows, as with a filter.
    SELECT a.relation, 'archive', 'filter', a.retention, 'none', a.deleted_at, a.deleted_by,
           ARRAY(SELECT o.rolname FROM pg_catalog.unnest(a.admin_roles) WITH ORDINALITY n (role, place)
                 JOIN pg_catalog.pg_roles o ON o.oid = n.role ORDER BY n.place), a.active_view, a.deleted_view,
           a.all_view, a.registered_at, a.on_expiry
    FROM softdelete_internal.archive a
    WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = a.relation)
      -- Of a table between the strategies the archive has a part of the deleted rows.
      AND NOT EXISTS (SELECT FROM softdelete_internal.registration r WHERE r.relation = a.relation);
COMMENT ON VIEW softdelete.tables IS 'The registered tables and how they are registered.';
