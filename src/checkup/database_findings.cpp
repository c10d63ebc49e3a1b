// The findings of check() that are about no registered table. Called by checkup/check, which says what the caller may look
// at; leaves settings to checkup/setting_findings. Runs as the extension's owner, and calls nobody's code: it reads catalogs,
// the configuration and our tables alone.
#include "checkup/database_findings.hpp"

#include "checkup/kind.hpp"
#include "checkup/reader_findings.hpp"
#include "checkup/setting_findings.hpp"
#include "pg/scopes.hpp"
#include "registration/event_trigger_state.hpp"

namespace softdelete::checkup {

namespace {

// One of all tables is made anew, in one transaction so that its subscribers never find none. That of tables and sequences
// cannot be.
constexpr Kind own_tables_published = {Severity::warning, "own_tables_published", R"(
    SELECT NULL, pg_catalog.format('publication %I', pub.pubname),
           'it publishes the extension''s own tables, which belong to one database and which subscribers must not take over'
           || CASE WHEN pub.puballtables THEN '; one of schemas has to be told of those that come later' ELSE '' END,
           CASE WHEN NOT pub.puballtables THEN pg_catalog.format('ALTER PUBLICATION %I DROP %s', pub.pubname, listed.objects)
                WHEN pg_catalog.to_jsonb(pub) ->> 'puballsequences' = 'true' THEN NULL
                ELSE pg_catalog.format('BEGIN; DROP PUBLICATION %1$I; CREATE PUBLICATION %1$I FOR TABLES IN SCHEMA %2$s WITH (%3$s); '
                         'ALTER PUBLICATION %1$I OWNER TO %4$I; %5$sCOMMIT', pub.pubname, users.schemas,
                         pg_catalog.format('publish = %L, publish_via_partition_root = %s%s',
                             pg_catalog.concat_ws(', ', CASE WHEN pub.pubinsert THEN 'insert' END, CASE WHEN pub.pubupdate THEN 'update' END,
                                 CASE WHEN pub.pubdelete THEN 'delete' END, CASE WHEN pub.pubtruncate THEN 'truncate' END),
                             pub.pubviaroot::pg_catalog.text,
                             CASE WHEN pg_catalog.to_jsonb(pub) ->> 'pubgencols' = 's' THEN ', publish_generated_columns = stored' END),
                         pg_catalog.pg_get_userbyid(pub.pubowner),
                         pg_catalog.format('COMMENT ON PUBLICATION %I IS ', pub.pubname)
                             || pg_catalog.quote_literal(pg_catalog.obj_description(pub.oid, 'pg_publication')) || '; ') END
    FROM pg_catalog.pg_publication pub
    CROSS JOIN LATERAL (
        SELECT pg_catalog.string_agg(pg_catalog.quote_ident(n.nspname), ', ' ORDER BY n.nspname) FROM pg_catalog.pg_namespace n
        WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'softdelete', 'softdelete_internal')) AS users (schemas)
    CROSS JOIN LATERAL (
        SELECT pg_catalog.string_agg(o.object, ', ' ORDER BY o.object) FROM (
            SELECT 'TABLE ' || r.prrelid::pg_catalog.regclass::pg_catalog.text FROM pg_catalog.pg_publication_rel r
            JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
            WHERE r.prpubid = pub.oid AND c.relnamespace = 'softdelete_internal'::pg_catalog.regnamespace
            UNION ALL SELECT 'TABLES IN SCHEMA softdelete_internal' FROM pg_catalog.pg_publication_namespace n
            WHERE n.pnpubid = pub.oid AND n.pnnspid = 'softdelete_internal'::pg_catalog.regnamespace) AS o (object)) AS listed (objects)
    WHERE (pub.puballtables AND EXISTS (SELECT FROM softdelete.tables)) OR (NOT pub.puballtables AND listed.objects IS NOT NULL)
    ORDER BY pub.pubname)"};

// 62: BEFORE each statement that writes (src/include/catalog/pg_trigger.h). See src/extension/70_own_tables.sql.
constexpr Kind own_table_unguarded = {Severity::error, "own_table_unguarded", R"(
    SELECT NULL, pg_catalog.format('table %s', c.oid::pg_catalog.regclass),
           'the trigger that keeps everybody but its owner from writing this table of the extension''s, and tells sessions of changes, is '
           || CASE WHEN g.tgname IS NULL THEN 'gone' ELSE 'disabled, or does not fire in every session' END,
           CASE WHEN g.tgname IS NULL THEN
               pg_catalog.format('CREATE OR REPLACE TRIGGER softdelete_own_table BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %1$s '
                   'FOR EACH STATEMENT EXECUTE FUNCTION softdelete_internal.on_own_table(); COMMENT ON TRIGGER softdelete_own_table ON %1$s IS %2$L; ',
                   c.oid::pg_catalog.regclass, 'The table is written by its owner alone, as whom the library writes.')
           ELSE '' END
           || pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', c.oid::pg_catalog.regclass, coalesce(g.tgname, 'softdelete_own_table'))
    FROM pg_catalog.pg_class c
    LEFT JOIN LATERAL (
        SELECT t.tgname, t.tgenabled FROM pg_catalog.pg_trigger t
        WHERE t.tgrelid = c.oid AND t.tgfoid = 'softdelete_internal.on_own_table'::pg_catalog.regproc AND t.tgtype = 62 AND t.tgqual IS NULL
        ORDER BY t.tgenabled LIMIT 1) AS g ON true
    WHERE c.relnamespace = 'softdelete_internal'::pg_catalog.regnamespace AND c.relkind = 'r' AND g.tgenabled IS DISTINCT FROM 'A'
    ORDER BY c.relname)"};

// $1: the caller; $2: whether he may look at everybody's tables.
constexpr Kind hand_made = {Severity::notice, "soft_delete_by_hand", R"(
    SELECT c.oid, pg_catalog.format('column %I', a.attname),
           pg_catalog.format('the table has about %s rows and seems to be soft-deleted by hand', c.reltuples::bigint),
           pg_catalog.format('SELECT * FROM softdelete.register(%L%s)', c.oid::pg_catalog.regclass,
                             CASE WHEN a.attname <> 'deleted_at' THEN pg_catalog.format(', deleted_at => %L', a.attname) END)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^(pg_|information_schema$|softdelete)'
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped AND NOT a.attnotnull AND a.attgenerated = ''
         AND a.attname IN ('deleted_at', 'deleted_on', 'removed_at', 'discarded_at', 'archived_at')
         AND a.atttypid IN ('timestamptz'::pg_catalog.regtype, 'timestamp'::pg_catalog.regtype)
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND c.reltuples >= 10000
      AND ($2::pg_catalog.bool OR pg_catalog.pg_has_role($1::pg_catalog.oid, c.relowner, 'USAGE'))
      AND NOT EXISTS (SELECT FROM softdelete.tables t WHERE t.relation = c.oid)
      AND NOT EXISTS (SELECT FROM softdelete_internal.archive t WHERE t.archive = c.oid)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                      AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.oid::pg_catalog.regclass::pg_catalog.text, a.attnum)"};

// $1 and $2 as above. The marker says how the table was registered, in arguments that a zero ends. Partitions and children go with the
// table that was.
constexpr Kind trigger_without_registration = {Severity::error, "trigger_without_registration", R"(
    WITH RECURSIVE marked (relation, arguments, ancestor) AS (
        SELECT g.tgrelid, g.tgargs, g.tgrelid
        FROM pg_catalog.pg_trigger g
        WHERE g.tgfoid = 'softdelete_internal.on_delete'::pg_catalog.regproc AND g.tgparentid = 0 AND g.tgname = 'softdelete_marker'
        UNION SELECT m.relation, m.arguments, h.inhparent FROM marked m JOIN pg_catalog.pg_inherits h ON h.inhrelid = m.ancestor)
    SELECT c.oid, 'trigger softdelete_marker', 'the table has the triggers of a registered table and is not registered, as a copy of the '
           'schema without its data leaves it: deleted rows stay, and nothing restores or purges them',
           pg_catalog.format('SELECT * FROM softdelete.register(%L%s%s%s)', c.oid::pg_catalog.regclass,
                             CASE WHEN a.list[1] <> 'deleted_at' THEN pg_catalog.format(', deleted_at => %L', a.list[1]) END,
                             CASE a.list[2] WHEN 'deleted_by' THEN '' WHEN '' THEN ', deleted_by => NULL'
                                  ELSE pg_catalog.format(', deleted_by => %L', a.list[2]) END,
                             CASE WHEN a.list[3] <> 'filter' THEN pg_catalog.format(', visibility => %L', a.list[3]) END)
    FROM marked m
    JOIN pg_catalog.pg_class c ON c.oid = m.relation AND m.relation = m.ancestor
    CROSS JOIN LATERAL (
        SELECT pg_catalog.array_agg(pg_catalog.convert_from(pg_catalog.decode(pg_catalog.replace(p.digits, ' ', ''), 'hex'),
                                                            pg_catalog.getdatabaseencoding()) ORDER BY p.place)
        FROM pg_catalog.string_to_table(pg_catalog.regexp_replace(pg_catalog.encode(m.arguments, 'hex'), '(..)', '\1 ', 'g'), '00 ')
             WITH ORDINALITY AS p (digits, place)) AS a (list)
    WHERE ($2::pg_catalog.bool OR pg_catalog.pg_has_role($1::pg_catalog.oid, c.relowner, 'USAGE'))
      AND NOT EXISTS (SELECT FROM marked l JOIN softdelete_internal.registration r ON r.relation = l.ancestor WHERE l.relation = m.relation)
    ORDER BY c.oid::pg_catalog.regclass::pg_catalog.text)"};

// Whom the policies of visibility rls do not bind. Superusers are bound by nothing, which is no news.
constexpr Kind row_security_bypassed = {Severity::notice, "row_security_bypassed", R"(
    SELECT NULL, pg_catalog.format('role %I', o.rolname),
           pg_catalog.format('with BYPASSRLS, policies do not hide deleted rows of tables with visibility rls from it, such as %s',
                             (pg_catalog.array_agg(t.relation::pg_catalog.text ORDER BY t.relation::pg_catalog.text))[1]), NULL
    FROM softdelete.tables t
    JOIN pg_catalog.pg_class c ON c.oid = t.relation
    JOIN pg_catalog.pg_roles o ON o.rolbypassrls AND NOT o.rolsuper AND o.rolname <> ALL (t.admin_roles)
         AND pg_catalog.has_any_column_privilege(o.oid, c.oid, 'SELECT')
    WHERE t.visibility = 'rls' AND ($2::pg_catalog.bool OR pg_catalog.pg_has_role($1::pg_catalog.oid, c.relowner, 'USAGE'))
    GROUP BY o.rolname
    UNION ALL
    SELECT NULL, pg_catalog.format('role %I', o.rolname),
           pg_catalog.format('as their owner, policies do not hide deleted rows of tables with visibility rls from it, such as %s: let '
                             'applications connect as another role',
                             (pg_catalog.array_agg(t.relation::pg_catalog.text ORDER BY t.relation::pg_catalog.text))[1]), NULL
    FROM softdelete.tables t
    JOIN pg_catalog.pg_class c ON c.oid = t.relation AND NOT c.relforcerowsecurity
    JOIN pg_catalog.pg_roles o ON o.oid = c.relowner AND o.rolcanlogin AND NOT o.rolsuper AND NOT o.rolbypassrls
         AND o.rolname <> ALL (t.admin_roles)
    WHERE t.visibility = 'rls' AND ($2::pg_catalog.bool OR pg_catalog.pg_has_role($1::pg_catalog.oid, c.relowner, 'USAGE'))
    GROUP BY o.rolname
    ORDER BY 2)"};

Findings find_event_triggers_off(pg::Spi &spi) {
    Findings findings;
    for (const std::string &name : registration::find_disabled_event_triggers(spi)) {
        findings.push_back({Severity::error, "event_triggers_off", std::nullopt, "event trigger " + name,
                            "it does not fire in every session: DDL on registered tables is not followed",
                            "ALTER EVENT TRIGGER " + name + " ENABLE ALWAYS"});
    }
    return findings;
}

} // namespace

Findings find_in_database(pg::Spi &spi, Oid caller, bool watches_all) {
    pg::UserScope administrator(pg::get_extension_owner());
    Findings findings;
    add_guarded(findings, spi, std::nullopt, "kind event_triggers_off",
                [&] { return find_event_triggers_off(spi); });
    add_setting_findings(findings, spi);
    add_kind(findings, spi, own_table_unguarded);
    add_kind(findings, spi, own_tables_published);
    add_kind(findings, spi, hand_made, {caller, watches_all});
    add_kind(findings, spi, trigger_without_registration, {caller, watches_all});
    add_kind(findings, spi, row_security_bypassed, {caller, watches_all});
    add_function_findings(findings, spi, caller, watches_all);
    return findings;
}

} // namespace softdelete::checkup
