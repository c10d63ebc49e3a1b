// Gives adopted rows new deletion ids where other deletions have got theirs meanwhile. One UPDATE without the user's
// triggers: nothing happens to the rows that the user would know of. Called by register() and ddl/take_on_member.
#include "registration/renumber_deletions.hpp"

#include "catalog/table_info.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registry/deletion_ids.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"
#include "sqltext/fragments.hpp"

namespace softdelete::registration {

namespace {

struct FoundDeletions {
    std::vector<std::string> ids;
    std::vector<std::string> times;
    std::string has_zone;  // of the column
    std::string precision; // decimals of a second
};

constexpr const char *column_query = R"(
    SELECT pg_catalog.format_type(coalesce(nullif(t.typbasetype, 0), t.oid), NULL) = 'timestamp with time zone',
           coalesce(nullif(CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, -1), 6)
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = $1::pg_catalog.oid AND pg_catalog.quote_ident(a.attname) = $2)";

// Is f.deleted_at of a row, or not that of the log, d.deleted_at? The column may round it. Of one without a zone nobody
// knows in which it was written: zones differ by quarters of an hour. Numbers are those of the parameters.
std::string make_other_time(int has_zone, int precision) {
    return sqltext::format("(f.deleted_at <> pg_catalog.timestamptz(d.deleted_at, $%2%::pg_catalog.int4)"
                           " AND ($%1%::pg_catalog.bool OR"
                           " EXTRACT(epoch FROM f.deleted_at - pg_catalog.timestamptz(d.deleted_at, "
                           "$%2%::pg_catalog.int4)) %% 900 <> 0))",
                           has_zone, precision);
}

// An id and the one that it is to become.
struct NewId {
    std::string former;
    std::string id;
    std::string deleted_at; // where it is about rows of that time alone
};

FoundDeletions find_deletions(pg::Spi &spi, const registry::TableRows &table) {
    pg::Row column = spi.query_kept(column_query, {OidIsValid(table.archive) ? table.archive : table.relation,
                                                   table.deleted_at.text()})
                         .front();
    FoundDeletions found = {{}, {}, column.text(0), column.text(1)};
    pg::ReadScope owner(table.owner);
    pg::SettingScope texts; // in the session's zone, as everywhere
    texts.set("DateStyle", "ISO, YMD");
    for (const pg::Row &row :
         spi.query(sqltext::statement("SELECT DISTINCT deletion_id, %2%::timestamptz FROM %1%"
                                      " WHERE deletion_id > 0 AND %2% IS NOT NULL",
                                      table.name, table.deleted_at)
                       .text())) {
        found.ids.push_back(row.text(0));
        found.times.push_back(row.text(1));
    }
    return found;
}

// SQL: the tables of deletion "d".
constexpr const char *tables_of_deletion =
    "(SELECT d.relation::pg_catalog.oid UNION SELECT pg_catalog.unnest(d.further_relations)::pg_catalog.oid"
    " UNION SELECT t.relation::pg_catalog.oid FROM softdelete_internal.deletion_table t"
    " WHERE t.deletion_id = d.id)";

// SQL: does deletion "d" have a table of somebody whose rights the owner, parameter 6, has not? Whoever may read ids and
// times would make his rows a part of it.
std::string make_other_owner() {
    return sqltext::format("EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid IN %1%"
                           " AND NOT pg_catalog.pg_has_role($6::pg_catalog.oid, c.relowner, 'USAGE'))",
                           tables_of_deletion);
}

std::vector<NewId> choose_ids(pg::Spi &spi, const registry::TableRows &table, const FoundDeletions &found) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<NewId> chosen;
    for (const pg::Row &row : spi.query(
             sqltext::format(
                 "WITH found (id, deleted_at) AS (SELECT * FROM unnest($1::pg_catalog.int8[], "
                 "$2::pg_catalog.timestamptz[])),"
                 " others AS (SELECT f.id, pg_catalog.bool_or(%1%) AS is_foreign,"
                 " pg_catalog.bool_and(%2%) AS is_another"
                 " FROM found f JOIN softdelete_internal.deletion d ON d.id = f.id"
                 " WHERE $3::pg_catalog.oid NOT IN %3% GROUP BY f.id),"
                 " known AS (SELECT r.former_id, r.deleted_at, r.id FROM "
                 "softdelete_internal.renumbered_deletion r"
                 " WHERE NOT EXISTS (SELECT FROM softdelete_internal.deletion d WHERE d.id = r.id AND %1%)"
                 " AND NOT EXISTS (SELECT FROM softdelete_internal.deletion d WHERE d.id = r.former_id"
                 " AND $3::pg_catalog.oid IN %3%))"
                 " SELECT f.id, pg_catalog.min(f.deleted_at), pg_catalog.min(r.id), "
                 "pg_catalog.bool_or(o.is_foreign)"
                 " FROM found f LEFT JOIN known r ON r.former_id = f.id AND r.deleted_at = f.deleted_at"
                 " LEFT JOIN others o ON o.id = f.id AND (o.is_foreign OR o.is_another)"
                 " WHERE o.id IS NOT NULL OR r.id IS NOT NULL GROUP BY f.id ORDER BY f.id",
                 make_other_owner(), make_other_time(4, 5), tables_of_deletion),
             {pg::make_array(found.ids), pg::make_array(found.times), table.relation, found.has_zone,
              found.precision, table.owner})) {
        NewId id = {row.text(0), row.text_or(2, ""), ""};
        bool is_foreign = row.text_or(3, "f") == "t";
        if (id.id.empty() && is_foreign) { // not kept: the rows of nobody else belong to it
            id.id = spi.query("SELECT pg_catalog.nextval('softdelete_internal.deletion_id_seq')", {})
                        .front()
                        .text(0);
        } else if (id.id.empty()) {
            id.id = spi.query("INSERT INTO softdelete_internal.renumbered_deletion (former_id, deleted_at, "
                              "id) VALUES"
                              " ($1::pg_catalog.int8, $2::pg_catalog.timestamptz,"
                              " pg_catalog.nextval('softdelete_internal.deletion_id_seq')) RETURNING id",
                              {id.former, row.text(1)})
                        .front()
                        .text(0);
        }
        chosen.push_back(id);
    }
    return chosen;
}

// With the deletion's time where only rows of that time get the new id.
std::string make_update(const registry::TableRows &table, const std::vector<NewId> &ids, bool by_time) {
    std::string values;
    for (const NewId &id : ids) {
        std::string time =
            by_time ? ", " + pg::quote_literal(id.deleted_at) + "::pg_catalog.timestamptz" : "";
        values += (values.empty() ? "(" : ", (") + id.former + ", " + id.id + time + ")";
    }
    return sqltext::statement(
               "UPDATE %1% AS t SET deletion_id = n.id FROM (VALUES %3%) AS n (former_id, id%4%)"
               " WHERE t.deletion_id = n.former_id AND t.%2% IS NOT NULL%5%",
               table.name, table.deleted_at, sqltext::Expression(values),
               sqltext::Expression(by_time ? ", deleted_at" : ""),
               by_time ? sqltext::expression(" AND t.%1%::pg_catalog.timestamptz = n.deleted_at",
                                             table.deleted_at)
                       : sqltext::Expression(""))
        .text();
}

// Without the user's triggers, and without ours. No setting says so: the table's owner may have code that runs meanwhile.
void update(pg::Spi &spi, const registry::TableRows &table, const std::string &statement) {
    session::NoTriggers none;
    pg::ReadScope owner(table.owner);
    session::OwnStatement own(
        statement, {.notes = session::note_removal, .skipped = {&none, CMD_UPDATE, table.relation, true}});
    spi.execute(statement);
}

// Rows that have the id of a deletion in the log and another time, as rows that were deleted elsewhere have.
struct Stranger {
    std::string id;
    std::string deleted_at;
    std::string logged_at;
    bool is_certain; // the deletion itself is restored, or has other rows here
};

std::vector<Stranger> find_strangers(pg::Spi &spi, const FoundDeletions &found) {
    pg::UserScope owner(pg::get_extension_owner());
    pg::ExactTextScope exact;
    std::vector<Stranger> strangers;
    for (const pg::Row &row : spi.query(
             "WITH found (id, deleted_at) AS"
             " (SELECT * FROM unnest($1::pg_catalog.int8[], $2::pg_catalog.timestamptz[]))"
             " SELECT f.id, f.deleted_at, d.deleted_at, d.restored_at IS NOT NULL OR EXISTS"
             " (SELECT FROM found o WHERE o.id = f.id AND o.deleted_at ="
             " pg_catalog.timestamptz(d.deleted_at, $4::pg_catalog.int4))"
             " FROM found f JOIN softdelete_internal.deletion d ON d.id = f.id WHERE "
                 + registry::make_other_range("f.id") + " AND " + make_other_time(3, 4)
                 + " ORDER BY f.id, f.deleted_at",
             {pg::make_array(found.ids), pg::make_array(found.times), found.has_zone, found.precision})) {
        strangers.push_back({row.text(0), row.text(1), row.text(2), row.boolean(3)});
    }
    return strangers;
}

// Has the deletion rows of its own time in a table? Without any, somebody may have changed the time of its rows.
bool has_own_rows(pg::Spi &spi, const Stranger &stranger) {
    for (Oid relation : registry::find_touched_tables(spi, stranger.id)) {
        const catalog::TableInfo table = catalog::get_table(spi, relation);
        if (!table.is_registered) {
            continue;
        }
        std::string query =
            sqltext::statement(
                "/* softdelete */ SELECT FROM %1% AS t WHERE t.deletion_id = $1::pg_catalog.int8"
                " AND t.%2%::pg_catalog.timestamptz ="
                " pg_catalog.timestamptz($2::pg_catalog.timestamptz, $3::pg_catalog.int4) LIMIT 1",
                sqltext::Expression(table.name), sqltext::Expression(table.deleted_at))
                .text();
        std::string precision = spi.query_kept(column_query, {relation, table.deleted_at}).front().text(1);
        pg::ReadScope owner(table.owner);
        if (!spi.query(query, {stranger.id, stranger.logged_at, precision}).empty()) {
            return true;
        }
    }
    return false;
}

// The id that rows of this id and time have got in another table already, or a new one.
std::string get_new_id(pg::Spi &spi, const Stranger &stranger) {
    pg::UserScope owner(pg::get_extension_owner());
    std::vector<pg::Row> known =
        spi.query_kept("SELECT id FROM softdelete_internal.renumbered_deletion"
                       " WHERE former_id = $1::pg_catalog.int8 AND deleted_at = $2::pg_catalog.timestamptz",
                       {stranger.id, stranger.deleted_at});
    return known.empty()
               ? spi.query("INSERT INTO softdelete_internal.renumbered_deletion (former_id, deleted_at, id) "
                           "VALUES"
                           " ($1::pg_catalog.int8, $2::pg_catalog.timestamptz,"
                           " pg_catalog.nextval('softdelete_internal.deletion_id_seq')) RETURNING id",
                           {stranger.id, stranger.deleted_at})
                     .front()
                     .text(0)
               : known.front().text(0);
}

} // namespace

std::vector<model::Step> renumber_deletions(pg::Spi &spi, const registry::TableRows &table) {
    FoundDeletions found = find_deletions(spi, table);
    if (found.ids.empty()) {
        return {};
    }
    registry::reserve_deletion_ids(spi, found.ids);
    std::vector<NewId> ids = choose_ids(spi, table, found);
    if (ids.empty()) {
        return {};
    }
    std::string statement = make_update(table, ids, false);
    update(spi, table, statement);
    return {{table.relation,
             std::to_string(ids.size()) + " deletions with ids of others",
             model::Action::alter,
             false,
             {statement}}};
}

std::vector<model::Step> part_deletions(pg::Spi &spi, const registry::TableRows &table) {
    FoundDeletions found = find_deletions(spi, table);
    if (found.ids.empty()) {
        return {};
    }
    registry::reserve_deletion_ids(spi, found.ids);
    std::vector<NewId> ids;
    for (const Stranger &stranger : find_strangers(spi, found)) {
        if (stranger.is_certain || has_own_rows(spi, stranger)) {
            ids.push_back({stranger.id, get_new_id(spi, stranger), stranger.deleted_at});
        }
    }
    if (ids.empty()) {
        return {};
    }
    std::string command = make_update(table, ids, true);
    std::string statement = std::string(session::removal_text) + " " + command;
    session::OwnStatement own(statement, {.notes = session::note_removal});
    update(spi, table, statement);
    return {{table.relation,
             std::to_string(ids.size()) + " deletions with ids of others",
             model::Action::alter,
             false,
             {command}}};
}

} // namespace softdelete::registration
