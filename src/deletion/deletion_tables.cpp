// Finds the tables of a deletion, in the log of deletions, and whether they still hold rows of it. Called by undo(),
// conflicts(), erasure and the end of restores.
#include "deletion/deletion_tables.hpp"
#include "catalog/definitions.hpp"
#include "sqltext/format.hpp"

#include "pg/quote.hpp"
#include "pg/relations.hpp"
#include "pg/scopes.hpp"
#include "registry/deletion_ids.hpp"
#include "rows/key_statement.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

#include <algorithm>

namespace softdelete::deletion {

namespace {

// The tables of the registry, which is the one of the strategy, that a table is or is a part of: an inheritance child that a
// statement named is a part of its parent. Tables that were dropped or unregistered since are no part of the deletion any
// more.
constexpr sqltext::Pattern registered_query(R"(
    WITH RECURSIVE line (relation) AS (
        SELECT $1::pg_catalog.oid
        UNION
        SELECT h.inhparent FROM pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation)
    SELECT l.relation
    FROM line l
    JOIN softdelete_internal.%1% r ON r.relation = l.relation
    JOIN pg_catalog.pg_class c ON c.oid = l.relation
    ORDER BY l.relation)");

enum class Registry { registration, archive };

const std::string &get_registered_query(Registry registry) {
    static const std::string of_registration = sqltext::format(registered_query, "registration");
    static const std::string of_archive = sqltext::format(registered_query, "archive");
    return registry == Registry::registration ? of_registration : of_archive;
}

// By the log, in the order in which the deletion came to them. Read as the extension's owner.
std::vector<Oid> find_touched(pg::Spi &spi, std::int64_t deletion, DeletionLock lock) {
    std::string query =
        "SELECT relation::pg_catalog.oid, coalesce(further_relations, '{}')::pg_catalog.oid[] FROM "
        "softdelete_internal.deletion WHERE id = $1::pg_catalog.int8";
    const pg::Rows found =
        spi.query_kept(lock == DeletionLock::for_update ? query + " FOR UPDATE" : query, {deletion});
    if (found.empty()) {
        pg::raise({.sqlstate = ERRCODE_NO_DATA_FOUND,
                   .message = sqltext::format("deletion %1% does not exist", deletion),
                   .hint = "SELECT * FROM softdelete.deletions lists what can be undone."});
    }
    std::vector<Oid> touched = {found.front().oid(0)};
    for (const std::string &relation : found.front().array(1)) {
        touched.push_back(static_cast<Oid>(std::stoul(relation)));
    }
    for (const pg::Row &row :
         spi.query_kept("SELECT relation::pg_catalog.oid FROM softdelete_internal.deletion_table WHERE "
                        "deletion_id = $1::pg_catalog.int8 ORDER BY ctid",
                        {deletion})) {
        touched.push_back(row.oid(0));
    }
    return touched;
}

std::vector<Oid> find_registered(pg::Spi &spi, const std::vector<Oid> &touched, Registry registry) {
    std::vector<Oid> tables;
    for (Oid relation : touched) {
        for (const pg::Row &row :
             catalog::read_definitions(spi, get_registered_query(registry), {relation})) {
            if (std::find(tables.begin(), tables.end(), row.oid(0)) == tables.end()) {
                tables.push_back(row.oid(0));
            }
        }
    }
    return tables;
}

// So that they keep the strategy that they are found with. Before the deletion, as commands lock them that change it.
void lock_tables(const std::vector<Oid> &tables) {
    for (Oid table : tables) {
        (void)pg::lock_if_there(table, pg::Lock::access_share);
    }
}

std::optional<std::string> find_archived_time(pg::Spi &spi, const catalog::TableInfo &table,
                                              std::int64_t deletion) {
    static const std::string query =
        "SELECT d.deleted_at FROM softdelete_internal.deletion d JOIN softdelete_internal.archive a ON "
        + registry::make_given_after("d.id", "a.timed_after")
        + " WHERE d.id = $1::pg_catalog.int8 AND a.relation = $2::pg_catalog.oid";
    pg::UserScope owner(pg::get_extension_owner());
    pg::ExactTextScope exact;
    const pg::Rows found = spi.query_kept(query, {deletion, table.relation});
    return found.empty() ? std::nullopt : std::optional(found.front().text(0));
}

} // namespace

bool is_logged(pg::Spi &spi, std::int64_t deletion) {
    pg::UserScope owner(pg::get_extension_owner());
    return !spi.query_kept("SELECT FROM softdelete_internal.deletion WHERE id OPERATOR(pg_catalog.=) "
                           "$1::pg_catalog.int8",
                           {deletion})
                .empty();
}

DeletionTables get_deletion_tables(pg::Spi &spi, std::int64_t deletion, DeletionLock lock) {
    std::vector<Oid> marked;
    std::vector<Oid> archived;
    {
        pg::UserScope owner(pg::get_extension_owner());
        lock_tables(find_touched(spi, deletion, DeletionLock::none));
        const std::vector<Oid> touched = find_touched(spi, deletion, lock);
        marked = find_registered(spi, touched, Registry::registration);
        archived = find_registered(spi, touched, Registry::archive);
    }
    DeletionTables tables;
    for (Oid relation : marked) {
        tables.marked.push_back(catalog::get_registered_table(spi, relation));
    }
    for (Oid relation : archived) {
        catalog::TableInfo table = catalog::get_table(spi, relation);
        // Else it is missing, and its rows with it; or the table is between the strategies, and they are all in it.
        if (table.archive && (!table.is_registered || holds_archived_rows(spi, table, deletion))) {
            tables.archived.push_back(std::move(table));
        }
    }
    return tables;
}

bool holds_rows(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion) {
    const std::string query = sqltext::format("/* softdelete */ SELECT FROM %1% AS t WHERE t.deletion_id = "
                                              "$1::pg_catalog.int8 AND t.%2% IS NOT NULL LIMIT 1",
                                              table.name, table.deleted_at);
    return !rows::read_as_owner(spi, table, query, {deletion}).empty();
}

bool holds_any_rows(pg::Spi &spi, std::int64_t deletion) {
    const DeletionTables tables = get_deletion_tables(spi, deletion, DeletionLock::none);
    return std::any_of(tables.marked.begin(), tables.marked.end(),
                       [&](const catalog::TableInfo &table) { return holds_rows(spi, table, deletion); })
           || std::any_of(
               tables.archived.begin(), tables.archived.end(),
               [&](const catalog::TableInfo &table) { return holds_archived_rows(spi, table, deletion); });
}

ArchivedCondition::ArchivedCondition(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion)
    : deletion_(deletion)
    , deleted_at_(table.archive->deleted_at)
    , time_(find_archived_time(spi, table, deletion)) {}

std::string ArchivedCondition::with_parameters(const char *alias,
                                               std::vector<pg::Parameter> *parameters) const {
    parameters->emplace_back(deletion_);
    std::string sql = sqltext::format("%1%.deletion_id = $%2%::pg_catalog.int8", alias, parameters->size());
    if (time_) {
        parameters->emplace_back(*time_, TIMESTAMPTZOID);
        sql += sqltext::format(" AND %1%.%2% = $%3%::pg_catalog.timestamptz", alias, deleted_at_,
                               parameters->size());
    }
    return sql;
}

std::string ArchivedCondition::with_literals(const char *alias) const {
    std::string sql = sqltext::format("%1%.deletion_id = %2%", alias, deletion_);
    if (time_) {
        sql += sqltext::format(" AND %1%.%2% = CAST(%3% AS pg_catalog.timestamptz)", alias, deleted_at_,
                               pg::quote_literal(*time_));
    }
    return sql;
}

bool holds_archived_rows(pg::Spi &spi, const catalog::TableInfo &table, std::int64_t deletion) {
    std::vector<pg::Parameter> parameters;
    const std::string rows = ArchivedCondition(spi, table, deletion).with_parameters("t", &parameters);
    return !rows::read_as_owner(spi, table,
                                sqltext::format("/* softdelete */ SELECT FROM %1% AS t WHERE %2% LIMIT 1",
                                                table.archive->name, rows),
                                parameters)
                .empty();
}

} // namespace softdelete::deletion
