// A column such as removed_at, which says beside the one that register() was told which rows are deleted: where it is not
// named, its rows are live again. Booleans are in warn_of_flags.
#include "catalog/quoting.hpp"
#include "pg/scopes.hpp"
#include "registration/plan_parts.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace softdelete::registration {

namespace {

// deleted_at, deletedOn, date_deleted, removed_at, archived_on, discarded ...
bool is_name_of_deletion(const std::string &name) {
    std::string word;
    for (char character : name) {
        if (character != '_') {
            word += static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
        }
    }
    for (const char *prefix : {"date", "time", "soft"}) {
        if (word.starts_with(prefix)) {
            word.erase(0, std::string_view(prefix).size());
        }
    }
    for (const char *suffix : {"at", "on", "date", "time", "timestamp"}) {
        if (word.ends_with(suffix)) {
            word.erase(word.size() - std::string_view(suffix).size());
            break;
        }
    }
    constexpr std::array words = {"deleted",   "delete",  "deletion", "removed",
                                  "discarded", "trashed", "archived"};
    return std::find(words.begin(), words.end(), word) != words.end();
}

// Rows with a value in the column that deleted_at, where it is there, says nothing of.
std::int64_t count_rows(const TableWork &work, const catalog::Column &column) {
    bool has_times = work.table.find_column(work.settings().deleted_at) != nullptr;
    sqltext::Expression deleted_at(has_times ? catalog::identifier(work.settings().deleted_at).text()
                                             : "NULL");
    pg::ReadScope scope(work.table.owner);
    return work.spi
        .query(sqltext::statement("/* softdelete */ SELECT pg_catalog.count(*) FROM %1%"
                                  " WHERE %2% IS NOT NULL AND %3% IS NULL",
                                  work.table.qualified, column.quoted, deleted_at)
                   .text())
        .front()
        .number(0);
}

// A date has to become a time first.
sqltext::Statement make_registration(const TableWork &work, const catalog::Column &column) {
    model::TableSettings settings = work.settings();
    settings.deleted_at = column.name;
    sqltext::Statement call =
        sqltext::statement("SELECT * FROM softdelete.register(%1%%2%)",
                           catalog::literal(work.table.qualified.text()), make_arguments(settings));
    return column.base_type != "date"
               ? call
               : sqltext::statement("ALTER TABLE %1% ALTER COLUMN %2% TYPE timestamptz; %3%",
                                    work.table.qualified, column.quoted, call);
}

} // namespace

void warn_of_other_columns(TableWork &work) {
    for (const catalog::Column &column : work.table.columns) {
        bool is_time = column.base_type == "timestamptz" || column.base_type == "timestamp"
                       || column.base_type == "date";
        if (!is_time || column.is_not_null || column.is_generated || column.name == work.settings().deleted_at
            || !is_name_of_deletion(column.name)) {
            continue;
        }
        std::int64_t rows = count_rows(work, column);
        if (rows > 0) {
            work.warn(model::Concern::data, work.table.oid, "column " + column.quoted.text(),
                      std::to_string(rows) + (rows == 1 ? " row" : " rows")
                          + " with a value in this column will be live: the column that says which rows are "
                            "deleted is "
                          + catalog::identifier(work.settings().deleted_at).text(),
                      work.is_named ? "If this one says so, register with it instead"
                                    : "If this one says so, register the table first, by itself",
                      make_registration(work, column));
        }
    }
}

} // namespace softdelete::registration
