// The steps by which a table goes on as an archive: it gets what it lacks, and loses what an archive has not. A plain table
// becomes the partition of its times, so that no row is copied.
#include "archive/adopt_archive.hpp"

#include "archive/own_columns.hpp"
#include "catalog/quoting.hpp"
#include "model/trigger_names.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "rows/time_partitions.hpp"
#include "sqltext/table_statements.hpp"

extern "C" {
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/ruleutils.h"
}

#include <cstring>

namespace softdelete::archive {

namespace {

using model::Action;

// Columns that an archive has without that: SQL for each, after ALTER TABLE and a name.
constexpr const char *looser_query = R"(
    SELECT pg_catalog.format('ALTER COLUMN %I DROP NOT NULL', a.attname)
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND a.attname <> $2::pg_catalog.name
    UNION ALL
    SELECT pg_catalog.format('ALTER COLUMN %I DROP DEFAULT', a.attname)
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atthasdef
    ORDER BY 1)";

constexpr const char *typed_query = R"(
    SELECT a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped AND (a.atttypmod <> -1 OR t.typtype = 'd')
    ORDER BY a.attnum)";

constexpr const char *members_query = R"(
    SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relreplident = 'f', c.relrowsecurity
    FROM (SELECT $1::pg_catalog.oid AS oid, 0 AS level
          UNION SELECT p.relid::pg_catalog.oid, p.level FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) p) t
    JOIN pg_catalog.pg_class c ON c.oid = t.oid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    ORDER BY t.level, 2)";

constexpr const char *index_query = R"(
    SELECT FROM pg_catalog.pg_index i
    WHERE i.indrelid = $1::pg_catalog.oid AND i.indpred IS NULL AND i.indisvalid
      AND $2 = (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY k.place)
                FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY k (number, place)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number))";

// Of the whole table, and of columns.
constexpr const char *readers_query = R"(
    WITH grants (columns, grantee) AS (
        SELECT NULL, x.grantee
        FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
        WHERE c.oid = $1::pg_catalog.oid AND x.grantee <> c.relowner AND x.privilege_type = 'SELECT'
        UNION
        SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(a.attname), ', '), x.grantee
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
        CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) x
        WHERE c.oid = $1::pg_catalog.oid AND x.grantee <> c.relowner AND x.privilege_type = 'SELECT'
        GROUP BY x.grantee)
    SELECT pg_catalog.format('GRANT SELECT%s ON TABLE %s TO %s', ' (' || g.columns || ')', $2::pg_catalog.text,
               CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) END)
    FROM grants g
    ORDER BY 1)";

// For the table that gets the name of the former one, of which alone the rows would be hidden else. That the owner is subject to
// the policies as well is not taken over: archived rows go in as him.
constexpr const char *row_security_query = R"(
    SELECT 0 AS place, '' AS name, pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', $2::pg_catalog.text)
    FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.oid AND c.relrowsecurity
    UNION ALL
    SELECT 1, p.polname, pg_catalog.format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, $2::pg_catalog.text,
               CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
               CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
               (SELECT pg_catalog.string_agg(CASE r.oid WHEN 0 THEN 'PUBLIC'
                                             ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.oid)) END, ', ' ORDER BY r.place)
                FROM pg_catalog.unnest(p.polroles) WITH ORDINALITY r (oid, place)))
               || coalesce(' USING (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')', '')
               || coalesce(' WITH CHECK (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
    FROM pg_catalog.pg_policy p WHERE p.polrelid = $1::pg_catalog.oid
    ORDER BY 1, 2)";

std::string get_type(const ArchiveColumn &column) {
    return column.definition.substr(column.quoted.text().size() + 1);
}

// What the table itself has to become, under the name that it has then.
std::vector<std::string> loosen(ArchiveWork &work, const FormerArchive &former,
                                const sqltext::QualifiedName &name) {
    std::vector<std::string> commands;
    auto alter = [&](const std::string &change) {
        commands.push_back(sqltext::format("ALTER TABLE %1% %2%", name, change));
    };
    for (const pg::Row &row : work.spi.query(looser_query, {former.relation, work.settings.deleted_at})) {
        alter(row.text(0));
    }
    alter(sqltext::format("ALTER COLUMN %1% SET NOT NULL", catalog::identifier(work.settings.deleted_at)));
    const std::vector<ArchiveColumn> its = read_columns(work.spi, former.relation);
    for (const pg::Row &row : work.spi.query(typed_query, {former.relation})) {
        for (const ArchiveColumn &column : its) {
            if (column.name == row.text(0)) {
                alter(sqltext::format("ALTER COLUMN %1% TYPE %2%", column.quoted, get_type(column)));
            }
        }
    }
    if (work.settings.deleted_by && !former.has_deleted_by) {
        alter(sqltext::format("ADD COLUMN %1% pg_catalog.text",
                              catalog::identifier(*work.settings.deleted_by)));
    }
    if (!former.has_deletion_id) {
        alter(sqltext::format("ADD COLUMN %1% pg_catalog.int8", deletion_id_column));
    }
    return commands;
}

bool has_trigger(pg::Spi &spi, Oid relation, const char *trigger) {
    return !spi.query("SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = $1::pg_catalog.oid AND tgname = "
                      "$2::pg_catalog.name",
                      {relation, trigger})
                .empty();
}

// What archives and their partitions have: the guard, whole rows for replication, the row security of the table.
void add_guard(ArchiveWork &work, Oid relation, const std::string &name, bool has_identity,
               bool has_row_security, std::vector<std::string> *commands) {
    if (has_trigger(work.spi, relation, model::kept_trigger)) {
        commands->push_back(sqltext::format("DROP TRIGGER %1% ON %2%", model::kept_trigger, name));
    }
    commands->push_back(
        sqltext::format("CREATE TRIGGER %1% BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %2% FOR EACH "
                        "STATEMENT EXECUTE FUNCTION softdelete_internal.on_kept_table()",
                        model::kept_trigger, name));
    commands->push_back(sqltext::format("ALTER TRIGGER %1% ON %2% DEPENDS ON EXTENSION softdelete",
                                        model::kept_trigger, name));
    if (!has_identity) {
        commands->push_back(sqltext::format("ALTER TABLE %1% REPLICA IDENTITY FULL", name));
    }
    if (work.table.has_row_security && !has_row_security) {
        commands->push_back(sqltext::format("ALTER TABLE %1% ENABLE ROW LEVEL SECURITY", name));
    }
}

void add_index(ArchiveWork &work, const FormerArchive &former, const std::string &columns,
               std::vector<std::string> *commands) {
    if (!columns.empty() && work.spi.query(index_query, {former.relation, columns}).empty()) {
        commands->push_back(sqltext::format("CREATE INDEX ON %1% (%2%)", former.name, columns));
    }
}

void plan_partitioned(ArchiveWork &work, const FormerArchive &former,
                      const std::vector<ArchiveColumn> &columns, const std::string &object) {
    std::vector<std::string> commands = loosen(work, former, former.name);
    for (const pg::Row &row : work.spi.query(members_query, {former.relation})) {
        add_guard(work, row.oid(0), row.text(1), row.boolean(2), row.boolean(3), &commands);
    }
    if (!has_trigger(work.spi, former.relation, model::applied_trigger)) {
        for (const std::string &command : make_applied_trigger(former.name)) {
            commands.push_back(command);
        }
    }
    for (const ArchiveColumn &column : columns) {
        if (column.is_external) {
            commands.push_back(make_storage(former.name, column));
        }
    }
    add_index(work, former, make_key(work.spi, work.table.oid), &commands);
    add_index(work, former, deletion_id_column, &commands);
    commands.push_back(make_retention_comment(former.name, work.settings));
    work.add(Action::adopt, work.table.oid, object, commands, "it goes on as the archive, with its rows");
}

// Days, as no partition begins or ends within one.
struct Bounds {
    std::string from;
    std::string to;
};

Bounds read_bounds(ArchiveWork &work, const FormerArchive &former) {
    pg::ReadScope owner(work.table.owner);
    pg::ExactTextScope exact;
    const pg::Row row =
        work.spi
            .query(sqltext::format(
                "SELECT pg_catalog.date_trunc('day', least(pg_catalog.now(), pg_catalog.min(%1%)), 'UTC'), "
                "pg_catalog.date_trunc('day', greatest(pg_catalog.now(), pg_catalog.max(%1%)), 'UTC') + "
                "pg_catalog.make_interval(hours => 24), "
                "coalesce(pg_catalog.bool_and(pg_catalog.isfinite(%1%)),"
                " true), pg_catalog.count(*) = pg_catalog.count(%1%) FROM %2%",
                catalog::identifier(work.settings.deleted_at), former.name))
            .front();
    if (!row.boolean(2) || !row.boolean(3)) {
        pg::raise({.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                   .message = sqltext::format("table %1% has rows without a time of deletion", former.name),
                   .detail = sqltext::format("Column %1% is null or infinite there.",
                                             catalog::identifier(work.settings.deleted_at)),
                   .hint = "Give these rows a time, then register the table.",
                   .relation = work.table.oid});
    }
    return {row.text(0), row.text(1)};
}

void plan_plain(ArchiveWork &work, const FormerArchive &former, const std::vector<ArchiveColumn> &columns,
                const std::string &object) {
    const std::string name = pg::make_object_name(work.settings.archive_name, "", "before");
    const sqltext::QualifiedName renamed = name_beside(work.table, name);
    const Bounds bounds = read_bounds(work, former);
    std::vector<std::string> commands = {
        sqltext::format("ALTER TABLE %1% RENAME TO %2%", former.name, catalog::identifier(name))};
    std::vector<std::string> loosened = loosen(work, former, renamed);
    commands.insert(commands.end(), loosened.begin(), loosened.end());
    std::vector<std::string> made =
        make_archive(work.table, work.settings, columns, make_key(work.spi, work.table.oid));
    commands.insert(commands.end(), made.begin(), made.end());
    for (const pg::Row &row : work.spi.query(row_security_query, {former.relation, former.name.text()})) {
        commands.push_back(row.text(2));
    }
    add_guard(work, former.relation, renamed.text(), false, false, &commands);
    commands.push_back(sqltext::format("ALTER TABLE %1% ATTACH PARTITION %2% FOR VALUES FROM (%3%) TO (%4%)",
                                       former.name, renamed, pg::quote_literal(bounds.from),
                                       pg::quote_literal(bounds.to)));
    for (const std::string &grant : make_reader_grants(work.spi, former)) {
        commands.push_back(grant);
    }
    work.add(Action::adopt, work.table.oid, object, commands,
             sqltext::format("its rows go on as partition %1%", catalog::identifier(name)));
}

// Does the server write the query like that? Before 16 a view has references besides those of its query, which makes it
// say of which table columns are. Plain server code.
bool is_written_as(const char *text, const char *written) {
    List *parsed = pg_parse_query(text); // pinned
    Query *query =
        parse_analyze_fixedparams(linitial_node(RawStmt, parsed), text, nullptr, 0, nullptr); // pinned
    if (strcmp(pg_get_querydef(query, false), written) == 0) {
        return true;
    }
    query->rtable = lappend(query->rtable, copyObjectImpl(linitial(query->rtable)));
    return strcmp(pg_get_querydef(query, false), written) == 0;
}

} // namespace

std::vector<std::string> make_reader_grants(pg::Spi &spi, const FormerArchive &former) {
    std::vector<std::string> grants;
    for (const pg::Row &row : spi.query(readers_query, {former.relation, former.name.text()})) {
        grants.push_back(row.text(0));
    }
    return grants;
}

void plan_adoption(ArchiveWork &work, const std::vector<ArchiveColumn> &columns) {
    const FormerArchive &former = *work.former;
    std::string object = "table " + catalog::identifier(work.settings.archive_name).text();
    if (former.is_partitioned) {
        plan_partitioned(work, former, columns, object);
    } else {
        plan_plain(work, former, columns, object);
    }
    work.add(Action::create, work.table.oid, "partitions of " + object, {},
             "one for this time and one for the next; further ones are made in time");
}

bool is_same_view(pg::Spi &spi, Oid view, const std::string &query) {
    const std::string written =
        spi.query("SELECT pg_catalog.rtrim(pg_catalog.pg_get_viewdef($1::pg_catalog.oid), ';')", {view})
            .front()
            .text(0);
    return pg::call([&] { return is_written_as(query.c_str(), written.c_str()); });
}

registry::TableRows get_archive_rows(const ArchiveWork &work, Oid archive) {
    return {work.table.oid, work.table.owner, name_beside(work.table, work.settings.archive_name),
            catalog::identifier(work.settings.deleted_at), archive};
}

} // namespace softdelete::archive
