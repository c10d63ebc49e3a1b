// Runs the update of a restore and turns its errors into ones that name the key and the remedy. Called by restore() and
// undo().
#include "restore/restore_errors.hpp"
#include "sqltext/format.hpp"

#include "pg/called_settings.hpp"
#include "pg/relations.hpp"
#include "registry/deletion_ids.hpp"
#include "restore/restore_statement.hpp"
#include "rows/newest_rows.hpp"
#include "session/own_statement.hpp"
#include "session/plan_notes.hpp"

#include <algorithm>

extern "C" {
#include "miscadmin.h"
#include "utils/acl.h"
}

namespace softdelete::restore {

namespace {

bool may_show_values(const catalog::TableInfo &table) {
    return pg::call([&] { return pg::may_show_values(table.relation); });
}

} // namespace

std::string make_taken_hint(const std::optional<std::string> &deletion) {
    const std::string hint = "Change or delete the live row that has the value, then restore again.";
    return deletion ? sqltext::format("%1% Of rows that the deletion took with the same value "
                                      "softdelete.restore() brings back one. SELECT * FROM "
                                      "softdelete.conflicts(%2%) lists all conflicts.",
                                      hint, *deletion)
                    : hint;
}

bool stands_above(Oid owner) {
    return pg::call([&] { return GetUserId() != owner && has_privs_of_role(GetUserId(), owner); });
}

std::uint64_t execute_restore(pg::Spi &spi, const catalog::TableInfo &table, RestoreAs role,
                              const std::optional<std::string> &deletion, const std::string &statement,
                              const std::vector<pg::Parameter> &parameters) {
    bool may_show = may_show_values(table);
    try {
        std::optional<pg::OwnerScope> owner;
        if (role == RestoreAs::owner || stands_above(table.owner)) {
            owner.emplace(table.owner);
        }
        RestoreAnswers answers;
        session::OwnStatement own(statement, {.notes = session::note_restore,
                                              .skipped = {&answers, CMD_UPDATE, table.relation},
                                              .runs_as_called = true});
        return spi.execute(statement, parameters);
    } catch (pg::ServerError &error) {
        if (error.sqlstate() == ERRCODE_UNIQUE_VIOLATION || error.sqlstate() == ERRCODE_EXCLUSION_VIOLATION) {
            error.set_message(
                sqltext::format("cannot restore rows of table %1%: %2%", table.title, error.message()));
            error.set_hint(make_taken_hint(deletion));
            error.clear_context();
            if (!may_show) {
                error.clear_detail();
            }
        }
        throw;
    }
}

std::uint64_t update_rows(pg::Spi &spi, const catalog::TableInfo &table, RestoreAs role,
                          const std::optional<std::string> &deletion, const rows::RowSet &rows) {
    rows::RowSet newest = rows::follow_updates(rows);
    std::string statement =
        sqltext::format("/* softdelete */ UPDATE %1% AS t SET %2% = NULL WHERE %3%", table.name,
                        table.deleted_at, rows::make_membership(table, "t", 1));
    return execute_restore(spi, table, role, deletion, statement, {newest.tables(), newest.positions()});
}

void raise_parent_deleted(const catalog::ForeignKey &key, const std::string &values,
                          const std::optional<std::string> &deletion) {
    std::string detail = may_show_values(key.child)
                             ? sqltext::format("Key (%1%)=(%2%) refers to a deleted row of table %3%.",
                                               key.child_columns, values, key.parent.title)
                             : sqltext::format("Key refers to a deleted row of table %1%.", key.parent.title);
    std::string hint = sqltext::format("Restore the row of table %1% first", key.parent.title);
    if (deletion) {
        hint += sqltext::format(", or bring back the whole deletion with softdelete.undo(%1%)", *deletion);
    }
    pg::raise(
        {.sqlstate = ERRCODE_FOREIGN_KEY_VIOLATION,
         .message = sqltext::format("cannot restore a row of table %1% below a deleted row of table %2%",
                                    key.child.title, key.parent.title),
         .detail = detail,
         .hint = hint + ".",
         .relation = key.child.relation});
}

bool may_keep_rows_of(const std::vector<catalog::TableInfo> &tables) {
    return pg::call([&] {
        return std::any_of(tables.begin(), tables.end(),
                           [](const catalog::TableInfo &table) { return may_keep_rows(table.relation); });
    });
}

void check_all_restored(pg::Spi &spi, const std::vector<catalog::TableInfo> &tables,
                        const std::optional<std::string> &deletion, const rows::RowSet &rows) {
    if (!may_keep_rows_of(tables)) {
        return;
    }
    const rows::RowSet newest = rows::follow_updates(rows);
    for (const catalog::TableInfo &table : tables) {
        const std::string query = sqltext::format(
            "/* softdelete */ SELECT FROM %1% AS t WHERE softdelete.include_deleted(t.%2%) AND t.%2% IS NOT "
            "NULL AND %4% IS NOT DISTINCT FROM $3::pg_catalog.int8 AND %3% LIMIT 1",
            table.name, table.deleted_at, rows::make_membership(table, "t", 1),
            registry::make_deletion_of("t.deletion_id"));
        pg::OwnerScope owner(table.owner);
        if (!spi.query(query, {newest.tables(), newest.positions(), deletion}).empty()) {
            raise_not_all_restored(table);
        }
    }
}

void raise_not_all_restored(const catalog::TableInfo &table) {
    pg::raise({.sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE,
               .message = sqltext::format("not all rows of table %1% could be restored", table.title),
               .detail = "Row-level security or a trigger kept rows back. Nothing was restored.",
               .hint = "Restore as a role whose policies cover all rows, for example as the table's owner.",
               .relation = table.relation});
}

void tell_waiting(std::uint64_t rows, std::int64_t deletion) {
    if (rows > 0) {
        const sqltext::Pattern form =
            rows == 1
                ? sqltext::Pattern("%1% row below it waits in deletion %2% until its other parents are back")
                : sqltext::Pattern(
                    "%1% rows below it wait in deletion %2% until their other parents are back");
        pg::notice(sqltext::format(form, rows, deletion));
    }
}

} // namespace softdelete::restore
