// The findings of check() that catalogs, statistics and our own tables tell of registered tables and of those with a history:
// one query for each kind, over all tables at once, so that a thousand tables take no longer than they must. Called by
// checkup/check, which says what the caller may look at; leaves readers, publications and purges to their own files.
//
// All of them run as the extension's owner, and none calls anybody's code: they read catalogs and our tables alone.
#include "checkup/catalog_findings.hpp"

#include "checkup/kind.hpp"
#include "checkup/publication_findings.hpp"
#include "checkup/purge_findings.hpp"
#include "checkup/reader_findings.hpp"
#include "pg/scopes.hpp"

#include <array>

namespace softdelete::checkup {

namespace {

// $1: the tables with a history that are looked at.
constexpr Kind history_missing = {Severity::error, "history_missing", R"(
    SELECT c.oid, 'history', 'somebody has dropped its history: changes of its rows are refused',
           pg_catalog.format('SELECT softdelete.track_history(%L%s%s)', c.oid::pg_catalog.regclass,
                             ', retention => ' || pg_catalog.quote_literal(t.retention),
                             CASE WHEN t.left_out <> '{}' THEN ', without => ' || pg_catalog.quote_literal(t.left_out) END)
    FROM softdelete_internal.tracked_table t JOIN pg_catalog.pg_class c ON c.oid = t.relation
    WHERE c.oid = ANY ($1::pg_catalog.oid[])
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_class h WHERE h.oid = t.history)
    ORDER BY c.oid::pg_catalog.regclass::pg_catalog.text)"};

// $1: the tables that are looked at, registered or with a history.
constexpr Kind trigger_disabled = {Severity::error, "trigger_disabled", R"(
    WITH RECURSIVE member (root, relation) AS (
        SELECT t, t FROM pg_catalog.unnest($1::pg_catalog.oid[]) t
        UNION SELECT m.root, h.inhrelid FROM pg_catalog.pg_inherits h JOIN member m ON h.inhparent = m.relation)
    SELECT m.root, pg_catalog.format('trigger %I of %s', g.tgname, g.tgrelid::pg_catalog.regclass),
           'the trigger is one of the extension''s and does not fire',
           pg_catalog.format('SELECT * FROM softdelete.repair(%L)', m.root::pg_catalog.regclass)
    FROM member m
    JOIN pg_catalog.pg_trigger g ON g.tgrelid = m.relation AND g.tgenabled IN ('D', 'R')
    JOIN pg_catalog.pg_proc f ON f.oid = g.tgfoid AND f.pronamespace = 'softdelete_internal'::pg_catalog.regnamespace
    ORDER BY 1, 2)"};

// $1: the registered tables that are looked at.
constexpr std::array table_kinds = {
    Kind{Severity::error, "archive_missing", R"(
    SELECT a.relation::pg_catalog.oid, 'archive', 'somebody has dropped its archive: DELETE is refused',
           pg_catalog.format('SELECT * FROM softdelete.repair(%L)', a.relation)
    FROM softdelete_internal.archive a
    WHERE a.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[])
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = a.archive)
    ORDER BY a.relation::pg_catalog.text)"},
    Kind{Severity::error, "registered_without_trigger", R"(
    SELECT t.relation::pg_catalog.oid, 'trigger ' || own.name,
           'the table is registered and lacks the trigger ' || own.purpose,
           pg_catalog.format('SELECT * FROM softdelete.repair(%L)', t.relation)
    FROM softdelete.tables t
    JOIN (VALUES ('flag', 'softdelete_marker', 'softdelete_internal.on_delete'::pg_catalog.regproc,
                  'by which sessions tell that: its DELETE is physical and its queries show deleted rows'),
                 ('archive', 'softdelete_archive', 'softdelete_internal.on_archived_delete'::pg_catalog.regproc,
                  'that moves deleted rows to its archive: its DELETE is physical and keeps nothing'))
        AS own (strategy, name, function, purpose) ON own.strategy = t.strategy
    WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[])
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = t.relation AND g.tgfoid = own.function)
    ORDER BY t.relation::pg_catalog.text)"},
    // What else repair() would do is for checkup/table_findings to find.
    Kind{Severity::error, "out_of_step", R"(
    SELECT c.oid, pg_catalog.format('view %I', v.relname), pg_catalog.format('the view belongs to %s, and not to the owner of the table', v.relowner::pg_catalog.regrole),
           pg_catalog.format('SELECT * FROM softdelete.repair(%L)', c.oid::pg_catalog.regclass)
    FROM (SELECT r.relation::pg_catalog.oid, pg_catalog.unnest(r.added_views)::pg_catalog.name FROM softdelete_internal.registration r
          UNION SELECT a.relation::pg_catalog.oid, pg_catalog.unnest(ARRAY[a.active_view, a.deleted_view, a.all_view])::pg_catalog.name
          FROM softdelete_internal.archive a) own (relation, name)
    JOIN pg_catalog.pg_class c ON c.oid = own.relation
    JOIN pg_catalog.pg_class v ON v.relnamespace = c.relnamespace AND v.relname = own.name AND v.relkind = 'v' AND v.relowner <> c.relowner
    WHERE c.oid = ANY ($1::pg_catalog.oid[])
    ORDER BY c.oid::pg_catalog.regclass::pg_catalog.text, v.relname)"},
    // Of a table between the strategies nothing is configured: it is told of that first.
    Kind{Severity::notice, "no_retention", R"(
    SELECT t.relation::pg_catalog.oid, 'retention', 'deleted rows are kept for ever',
           pg_catalog.format('SELECT * FROM softdelete.configure(%L, retention => ''1 year'')', t.relation)
    FROM softdelete.tables t
    WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.retention IS NULL
      AND NOT EXISTS (SELECT FROM softdelete_internal.registration r JOIN softdelete_internal.archive a ON a.relation = r.relation
                      WHERE r.relation = t.relation)
    ORDER BY t.relation::pg_catalog.text)"},
    Kind{Severity::notice, "old_hold", R"(
    SELECT h.relation::pg_catalog.oid, 'hold ' || h.id,
           pg_catalog.format('the legal hold is in force since %s. When its reason is gone, softdelete.release() ends it', pg_catalog.to_char(h.held_at, 'YYYY-MM-DD')),
           NULL
    FROM softdelete_internal.hold h
    WHERE h.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND h.released_at IS NULL
      AND h.held_at < pg_catalog.now() - '1 year'::pg_catalog.interval
    ORDER BY h.held_at, h.id LIMIT 100)"},
    Kind{Severity::notice, "mostly_deleted", R"(
    SELECT s.relation::pg_catalog.oid, 'rows', pg_catalog.format('about %s of %s rows are deleted. A shorter retention removes them earlier; configure(strategy => ''archive'') moves them aside',
                                                       s.deleted_rows, s.live_rows + s.deleted_rows), NULL
    FROM softdelete_internal.table_sizes s JOIN softdelete.tables t ON t.relation = s.relation
    WHERE s.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag'
      AND s.deleted_rows > s.live_rows AND s.deleted_rows >= 10000
    ORDER BY s.relation::pg_catalog.text)"},
    Kind{Severity::notice, "index_of_deleted_rows", R"(
    SELECT s.relation::pg_catalog.oid, pg_catalog.format('index %s', i.indexrelid::pg_catalog.regclass),
           pg_catalog.format('about %s of the %s rows in it are deleted, of %s in all', s.deleted_rows, s.live_rows + s.deleted_rows,
                             pg_catalog.pg_size_pretty(c.relpages * pg_catalog.current_setting('block_size')::pg_catalog.int8)),
           CASE WHEN t.retention IS NULL THEN pg_catalog.format('SELECT * FROM softdelete.configure(%L, retention => ''90 days'')', s.relation)
                ELSE pg_catalog.format('CALL softdelete.purge(%L); REINDEX INDEX CONCURRENTLY %s', s.relation, i.indexrelid::pg_catalog.regclass) END
    FROM softdelete_internal.table_sizes s JOIN softdelete.tables t ON t.relation = s.relation
    JOIN pg_catalog.pg_index i ON i.indrelid = s.relation AND i.indpred IS NULL
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE s.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag'
      AND s.deleted_rows > 9 * s.live_rows AND s.deleted_rows >= 100000
    ORDER BY 1, 2)"},
    Kind{Severity::notice, "never_restored", R"(
    SELECT s.relation::pg_catalog.oid, 'rows',
           pg_catalog.format('about %s rows are deleted, and the log tells of none that came back since %s. A shorter retention may do: '
                             'configure(retention => ''30 days'')', s.deleted_rows, pg_catalog.to_char(t.registered_at, 'YYYY-MM-DD')), NULL
    FROM softdelete_internal.table_sizes s JOIN softdelete.tables t ON t.relation = s.relation
    WHERE s.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND s.deleted_rows >= 10000
      AND t.registered_at < pg_catalog.now() - '90 days'::pg_catalog.interval
      AND (t.retention IS NULL OR t.retention > '30 days'::pg_catalog.interval)
      AND NOT EXISTS (SELECT FROM softdelete_internal.deletion d WHERE d.relation = s.relation AND d.restored_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM softdelete_internal.deletion d CROSS JOIN LATERAL pg_catalog.unnest(d.further_relations) f
                      WHERE f = s.relation AND d.restored_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM softdelete_internal.deletion_table f JOIN softdelete_internal.deletion d ON d.id = f.deletion_id
                      WHERE f.relation = s.relation AND d.restored_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM softdelete_internal.restoration p WHERE p.relation = s.relation)
    ORDER BY s.relation::pg_catalog.text)"},
    // Which zone the values are of, is for somebody to know.
    Kind{Severity::notice, "time_without_zone", R"(
    SELECT c.oid, pg_catalog.format('column %I', a.attname),
           'the column has no time zone: sessions write it in their own, and a purge compares it in its own. To make it timestamptz, '
           'unregister the table with deleted_rows => ''keep'', alter the column with USING ... AT TIME ZONE, and register again', NULL
    FROM softdelete.tables t
    JOIN pg_catalog.pg_class c ON c.oid = t.relation
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = t.deleted_at AND NOT a.attisdropped
    JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
    WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag'
      AND 'timestamp'::pg_catalog.regtype IN (y.oid, y.typbasetype)
    ORDER BY c.oid::pg_catalog.regclass::pg_catalog.text)"},
    Kind{Severity::notice, "looks_like_a_log", R"(
    SELECT t.relation::pg_catalog.oid, 'table', 'by its name the rows of this table are better removed, or moved to an archive by configure(strategy => ''archive''), than kept beside live ones', NULL
    FROM softdelete.tables t JOIN pg_catalog.pg_class c ON c.oid = t.relation
    WHERE t.relation::pg_catalog.oid = ANY ($1::pg_catalog.oid[]) AND t.strategy = 'flag'
      AND c.relname ~ '(^|_)(logs?|log_entries|queues?|caches?|sessions?|tokens?|jobs?)$'
    ORDER BY t.relation::pg_catalog.text)"},
};

} // namespace

Findings find_in_catalogs(pg::Spi &spi, const std::vector<Oid> &registered, const std::vector<Oid> &tracked) {
    pg::UserScope administrator(pg::get_extension_owner());
    const auto make_list = [](const std::vector<Oid> &tables) {
        std::vector<std::string> list;
        for (Oid table : tables) {
            list.push_back(std::to_string(table));
        }
        return pg::Parameter(pg::make_array(list), OIDARRAYOID);
    };
    std::vector<Oid> all = registered;
    all.insert(all.end(), tracked.begin(), tracked.end());
    Findings findings;
    add_kind(findings, spi, history_missing, {make_list(tracked)});
    add_kind(findings, spi, trigger_disabled, {make_list(all)});
    for (const Kind &kind : table_kinds) {
        add_kind(findings, spi, kind, {make_list(registered)});
    }
    add_reader_findings(findings, spi, {make_list(registered)});
    add_publication_findings(findings, spi, {make_list(registered)});
    add_purge_findings(findings, spi, make_list(registered), make_list(tracked));
    return findings;
}

} // namespace softdelete::checkup
