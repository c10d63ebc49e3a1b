-- The schema softdelete holds what the manual describes and nothing else. What it needs besides stands in
-- softdelete_internal.
SELECT DISTINCT p.proname FROM pg_proc p WHERE p.pronamespace = 'softdelete'::regnamespace ORDER BY p.proname;
SELECT relname, relkind FROM pg_class WHERE relnamespace = 'softdelete'::regnamespace ORDER BY relname;
SELECT typname FROM pg_type WHERE typnamespace = 'softdelete'::regnamespace AND typrelid = 0 AND typelem = 0;

-- Both schemas and all that is in them belong to the extension; so do the event triggers.
SELECT n.nspname, count(*) FILTER (WHERE d.objid IS NULL) AS others
    FROM pg_namespace n
    JOIN (SELECT 'pg_proc'::regclass AS class, oid, pronamespace AS namespace FROM pg_proc
          UNION ALL SELECT 'pg_class', oid, relnamespace FROM pg_class WHERE relkind NOT IN ('i', 't')
              AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype IN ('a', 'i'))) o
        ON o.namespace = n.oid
    LEFT JOIN pg_depend d ON d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e'
    WHERE n.nspname LIKE 'softdelete%' GROUP BY n.nspname ORDER BY n.nspname;

-- Each object that a reader meets says what it is.
SELECT p.oid::regprocedure FROM pg_proc p
    WHERE p.pronamespace IN ('softdelete'::regnamespace, 'softdelete_internal'::regnamespace) AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT c.oid::regclass FROM pg_class c
    WHERE c.relnamespace IN ('softdelete'::regnamespace, 'softdelete_internal'::regnamespace) AND c.relkind IN ('r', 'v', 'S')
        AND obj_description(c.oid, 'pg_class') IS NULL;

-- Tables of softdelete itself cannot be registered.
SELECT count(*) FROM softdelete.register('softdelete_internal.hold'); -- fails
