// The findings about what reads registered tables past the filter: policies of other tables, views of tables that have no
// filter, materialized views that were filled before there was one, functions with settings of their own. Called by
// checkup/catalog_findings and checkup/database_findings. Each is told by dependencies and settings, no condition is guessed
// at, and what mentions deleted_at has seen to it itself.
#include "checkup/reader_findings.hpp"

#include "checkup/kind.hpp"

#include <array>

namespace softdelete::checkup {

namespace {

// $1: the registered tables that are looked at, everywhere below but in the last one.

// Policies see live rows where the table has a filter, whatever is set. A policy of the table itself depends on it in any case.
constexpr Kind policy_reads_deleted = {Severity::warning, "policy_reads_deleted", R"(
    SELECT t.relation::pg_catalog.oid, pg_catalog.format('policy %I of %s', p.polname, p.polrelid::pg_catalog.regclass),
           pg_catalog.format('the policy reads this table, of which visibility view hides nothing: deleted rows count there. A policy '
                             'that reads %I.%I instead goes by live rows', n.nspname, t.active_view), NULL
    FROM softdelete.tables t
    JOIN pg_catalog.pg_class c ON c.oid = t.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.oid
     AND d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass
    JOIN pg_catalog.pg_policy p ON p.oid = d.objid AND p.polrelid <> c.oid
    WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag' AND t.visibility = 'view'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend o JOIN pg_catalog.pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
                      WHERE o.classid = d.classid AND o.objid = d.objid AND o.refclassid = d.refclassid AND o.refobjid = c.oid
                        AND a.attname = t.deleted_at)
    GROUP BY t.relation, t.active_view, n.nspname, p.polname, p.polrelid
    ORDER BY t.relation::pg_catalog.text, 2)"};

// Views and functions with a parsed body depend on the columns that they name.
constexpr Kind view_shows_deleted = {Severity::notice, "view_shows_deleted", R"(
    SELECT DISTINCT t.relation::pg_catalog.oid, reader.object,
           pg_catalog.format('it reads the table itself, of which visibility view hides nothing, and has no condition on %I: it sees '
                             'deleted rows. To see live rows, let it read %I.%I', t.deleted_at, n.nspname, t.active_view), NULL
    FROM softdelete.tables t
    JOIN pg_catalog.pg_class c ON c.oid = t.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.oid
    CROSS JOIN LATERAL (
        SELECT CASE v.relkind WHEN 'm' THEN 'materialized ' ELSE '' END || 'view ' || v.oid::pg_catalog.regclass::pg_catalog.text
        FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
        WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
        UNION ALL SELECT 'function ' || f.oid::pg_catalog.regprocedure::pg_catalog.text
        FROM pg_catalog.pg_proc f
        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid = d.objid AND f.prosqlbody IS NOT NULL) AS reader (object)
    WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag' AND t.visibility = 'view'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend o JOIN pg_catalog.pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
                      WHERE o.classid = d.classid AND o.objid = d.objid AND o.refclassid = d.refclassid AND o.refobjid = c.oid
                        AND a.attname = t.deleted_at)
    ORDER BY 1, 2)"};

// Only a table that was adopted had deleted rows before. REFRESH writes the view's row of pg_class; that it did so before the
// registration is told by transactions, where the triggers and what is noted of the table are of the very same one: they are
// not any more once the table was repaired, configured, restored from a dump or upgraded. What the query says of the column
// beyond showing it, it may say to leave deleted rows out.
constexpr Kind stale_materialized_view = {Severity::warning, "stale_materialized_view", R"(
    SELECT DISTINCT r.relation::pg_catalog.oid, 'materialized view ' || v.oid::pg_catalog.regclass::pg_catalog.text,
           'it was filled before the table was registered, when its query saw deleted rows as well',
           pg_catalog.format('REFRESH MATERIALIZED VIEW %s', v.oid::pg_catalog.regclass)
    FROM softdelete_internal.registration r
    CROSS JOIN LATERAL (
        SELECT pg_catalog.count(*) FILTER (WHERE g.xmin = r.xmin), pg_catalog.max(pg_catalog.age(g.xmin))
        FROM pg_catalog.pg_trigger g
        WHERE g.tgrelid = r.relation AND g.tgname IN ('softdelete_marker', 'softdelete_truncate', 'softdelete_update')) AS made (triggers, age)
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = r.relation
     AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid
    JOIN pg_catalog.pg_class v ON v.oid = w.ev_class AND v.relkind = 'm' AND v.relispopulated
    CROSS JOIN LATERAL (
        SELECT CASE WHEN pg_catalog.quote_ident(r.deleted_at) = r.deleted_at
                    THEN (SELECT pg_catalog.count(*) FROM pg_catalog.regexp_matches(pg_catalog.pg_get_viewdef(v.oid), '\m' || r.deleted_at || '\M', 'g'))
                    ELSE pg_catalog.cardinality(pg_catalog.string_to_array(pg_catalog.pg_get_viewdef(v.oid), pg_catalog.quote_ident(r.deleted_at))) - 1
               END) AS named (times)
    WHERE r.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND r.visibility IN ('filter', 'rls')
      AND r.deleted_at <> ALL (r.added_columns)
      AND made.triggers = 3 AND made.age >= 0 AND pg_catalog.age(v.xmin) > made.age
      AND (named.times = 0 OR (named.times = 1 AND r.deleted_at ~ '^[a-z_]+$' AND EXISTS (
          SELECT FROM pg_catalog.pg_attribute s WHERE s.attrelid = v.oid AND s.attname = r.deleted_at)))
      AND EXISTS (
          SELECT FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = r.deleted_at
          CROSS JOIN LATERAL pg_catalog.unnest(s.most_common_vals::pg_catalog.text::pg_catalog.timestamptz[]
                                               || s.histogram_bounds::pg_catalog.text::pg_catalog.timestamptz[]) AS known (time)
          WHERE c.oid = r.relation AND known.time < r.registered_at)
    ORDER BY 1, 2)"};

constexpr std::array reader_kinds = {policy_reads_deleted, view_shows_deleted, stale_materialized_view};

// $1: the caller; $2: whether he may look at everybody's. row_security = off has no part in what runs with its owner's rights, and
// is for something else where the body names no registered table.
constexpr Kind function_shows_deleted = {Severity::notice, "function_shows_deleted", R"(
    SELECT NULL, 'function ' || f.oid::pg_catalog.regprocedure::pg_catalog.text,
           pg_catalog.format('it runs with %s: to it, deleted rows of registered tables are there', c.setting), NULL
    FROM pg_catalog.pg_proc f
    JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace AND n.nspname !~ '^(pg_|information_schema$|softdelete)'
    CROSS JOIN LATERAL pg_catalog.unnest(f.proconfig) AS c (setting)
    WHERE CASE WHEN f.prosecdef THEN pg_catalog.lower(c.setting) IN ('softdelete.visibility=all', 'softdelete.visibility=deleted')
               ELSE c.setting = 'row_security=off' AND EXISTS (
                   SELECT FROM softdelete.tables t JOIN pg_catalog.pg_class r ON r.oid = t.relation
                   WHERE t.strategy = 'flag' AND r.relname ~ '^\w+$' AND f.prosrc ~ ('\m' || r.relname || '\M')) END
      AND ($2::pg_catalog.bool OR pg_catalog.pg_has_role($1::pg_catalog.oid, f.proowner, 'USAGE'))
      AND EXISTS (SELECT FROM softdelete.tables)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                      AND d.objid = f.oid AND d.deptype = 'e')
    ORDER BY 2)"};

} // namespace

void add_reader_findings(Findings &findings, pg::Spi &spi, const std::vector<pg::Parameter> &tables) {
    for (const Kind &kind : reader_kinds) {
        add_kind(findings, spi, kind, tables);
    }
}

void add_function_findings(Findings &findings, pg::Spi &spi, Oid caller, bool watches_all) {
    add_kind(findings, spi, function_shows_deleted, {caller, watches_all});
}

} // namespace softdelete::checkup
