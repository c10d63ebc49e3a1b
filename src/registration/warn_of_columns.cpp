// Columns that say beside deleted_at which rows are deleted. A boolean is left alone: DELETE does not set it, and what
// still reads it goes wrong. Where a column such as removed_at is not named in the call its rows are live again, and one
// such as removed_by is not written any more.
#include "catalog/quoting.hpp"
#include "pg/scopes.hpp"
#include "registration/plan_parts.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace softdelete::registration {

namespace {

// In lower case and without underscores.
std::string squeeze(const std::string &name) {
    std::string word;
    for (char character : name) {
        if (character != '_') {
            word += static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
        }
    }
    return word;
}

// deleted, is_deleted, isDeleted, soft_deleted, deleted_flag, removed ...
bool is_name_of_flag(const std::string &name) {
    std::string word = squeeze(name);
    for (const char *prefix : {"is", "was", "soft"}) {
        if (word.starts_with(prefix)) {
            word.erase(0, std::string_view(prefix).size());
        }
    }
    if (word.ends_with("flag")) {
        word.erase(word.size() - std::string_view("flag").size());
    }
    return word == "deleted" || word == "removed" || word == "trashed";
}

struct Disagreement {
    std::int64_t hidden; // the flag says deleted, the row is live
    std::int64_t shown;  // the row is deleted, the flag says nothing
};

// All rows, those of partitions and inheritance children too. Before deleted_at is there every row is live.
Disagreement count_disagreement(const TableWork &work, const catalog::Column &flag) {
    bool has_times = work.table.find_column(work.settings().deleted_at) != nullptr;
    sqltext::Expression deleted_at(has_times ? catalog::identifier(work.settings().deleted_at).text()
                                             : "NULL");
    pg::ReadScope scope(work.table.owner);
    pg::Row row =
        work.spi
            .query(sqltext::statement(
                       "/* softdelete */ SELECT"
                       " pg_catalog.count(*) FILTER (WHERE %2% AND %3% IS NULL),"
                       " pg_catalog.count(*) FILTER (WHERE %2% IS NOT TRUE AND %3% IS NOT NULL)"
                       " FROM %1%%4%",
                       work.table.qualified, flag.quoted, deleted_at,
                       sqltext::Expression(
                           has_times ? " WHERE softdelete.include_deleted(" + deleted_at.text() + ")" : ""))
                       .text())
            .front();
    return {row.number(0), row.number(1)};
}

std::string name_rows(std::int64_t rows) {
    return std::to_string(rows) + (rows == 1 ? " row" : " rows");
}

void warn_of_flag(TableWork &work, const catalog::Column &flag) {
    const std::string object = "column " + flag.quoted.text();
    const std::string deleted_at = catalog::identifier(work.settings().deleted_at).text();
    const std::string text = "DELETE sets " + deleted_at + " and leaves this column as it is";
    Disagreement rows = count_disagreement(work, flag);
    if (rows.hidden > 0) {
        work.warn(model::warning::flag_column_disagrees, work.table.oid, object,
                  text + "; " + name_rows(rows.hidden) + " with the value true will be live, since "
                      + deleted_at + " is null there",
                  "To have them deleted",
                  sqltext::statement("UPDATE %1% SET %2% = pg_catalog.now() WHERE %3% AND %2% IS NULL",
                                     work.table.qualified, catalog::identifier(work.settings().deleted_at),
                                     flag.quoted));
    }
    if (rows.shown > 0) {
        work.warn(model::warning::flag_column_disagrees, work.table.oid, object,
                  text + "; " + name_rows(rows.shown) + " will be deleted, since " + deleted_at
                      + " is set, though the value is not true");
    }
    if (rows.hidden == 0 && rows.shown == 0) {
        work.warn(model::warning::flag_column, work.table.oid, object, text,
                  "Let queries, indexes and views go by " + deleted_at + " and drop the column.");
    }
}

bool is_word_of_deletion(const std::string &word) {
    constexpr std::array words = {"deleted",   "delete",  "deletion", "removed",
                                  "discarded", "trashed", "archived"};
    return std::find(words.begin(), words.end(), word) != words.end();
}

// deleted_at, deletedOn, date_deleted, removed_at, archived_on, discarded ...
bool is_name_of_time(const std::string &name) {
    std::string word = squeeze(name);
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
    return is_word_of_deletion(word);
}

// deleted_by, removedBy, archived_by_id ...
bool is_name_of_actor(const std::string &name) {
    std::string word = squeeze(name);
    for (const char *suffix : {"by", "byid"}) {
        if (word.ends_with(suffix)) {
            return is_word_of_deletion(word.substr(0, word.size() - std::string_view(suffix).size()));
        }
    }
    return false;
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

sqltext::Statement make_call(const TableWork &work, const model::TableSettings &settings) {
    return sqltext::statement("SELECT * FROM softdelete.register(%1%%2%)",
                              catalog::literal(work.table.qualified.text()), make_arguments(settings));
}

// A date has to become a time first.
sqltext::Statement make_registration(const TableWork &work, const catalog::Column &column) {
    model::TableSettings settings = work.settings();
    settings.deleted_at = column.name;
    sqltext::Statement call = make_call(work, settings);
    return column.base_type != "date"
               ? call
               : sqltext::statement("ALTER TABLE %1% ALTER COLUMN %2% TYPE timestamptz; %3%",
                                    work.table.qualified, column.quoted, call);
}

const char *if_it_says_so(const TableWork &work) {
    return work.is_named ? "If this one says so, register with it instead"
                         : "If this one says so, register the table first, by itself";
}

void warn_of_actor(TableWork &work, const catalog::Column &column) {
    model::TableSettings settings = work.settings();
    settings.deleted_by = column.name;
    work.warn(model::warning::other_actor_column, work.table.oid, "column " + column.quoted.text(),
              "DELETE leaves this column as it is: the column that says who deleted a row is "
                  + catalog::identifier(*work.settings().deleted_by).text(),
              if_it_says_so(work), make_call(work, settings));
}

} // namespace

void warn_of_flags(TableWork &work) {
    for (const catalog::Column &column : work.table.columns) {
        if (column.base_type == "bool" && !column.is_generated && is_name_of_flag(column.name)) {
            warn_of_flag(work, column);
        }
    }
}

void warn_of_endless_times(TableWork &work) {
    if (work.table.find_column(work.settings().deleted_at) == nullptr) {
        return;
    }
    const sqltext::Identifier deleted_at = catalog::identifier(work.settings().deleted_at);
    pg::ReadScope scope(work.table.owner);
    pg::Row rows = work.spi
                       .query(sqltext::statement(
                                  "/* softdelete */ SELECT"
                                  " pg_catalog.count(*) FILTER (WHERE %2% OPERATOR(pg_catalog.=) 'infinity'),"
                                  " pg_catalog.count(*) FILTER (WHERE %2% OPERATOR(pg_catalog.=) '-infinity')"
                                  " FROM %1% WHERE %2% IS NOT NULL",
                                  work.table.qualified, deleted_at)
                                  .text())
                       .front();
    auto warn = [&](std::int64_t number, const char *value, const char *effect) {
        if (number > 0) {
            work.warn(model::warning::endless_times, work.table.oid, "column " + deleted_at.text(),
                      name_rows(number) + " with the time " + value
                          + (number == 1 ? " is deleted and " : " are deleted and ") + effect,
                      "Set it to NULL where they are live. To have them deleted now",
                      sqltext::statement("UPDATE %1% SET %2% = pg_catalog.now() WHERE %2% = '%3%' AND "
                                         "softdelete.include_deleted(%2%)",
                                         work.table.qualified, deleted_at, sqltext::Expression(value)));
        }
    };
    warn(rows.number(0), "infinity", "never due for a purge");
    warn(rows.number(1), "-infinity", "due for a purge at once");
}

void warn_of_other_columns(TableWork &work) {
    for (const catalog::Column &column : work.table.columns) {
        bool is_time = column.base_type == "timestamptz" || column.base_type == "timestamp"
                       || column.base_type == "date";
        if (!is_time || column.is_not_null || column.is_generated || column.name == work.settings().deleted_at
            || !is_name_of_time(column.name)) {
            continue;
        }
        std::int64_t rows = count_rows(work, column);
        if (rows > 0 && registry::find_registration(work.spi, work.table.oid)) {
            work.warn(model::warning::other_time_column, work.table.oid, "column " + column.quoted.text(),
                      std::to_string(rows) + (rows == 1 ? " row" : " rows")
                          + " with a value in this column may be live: the column that says which rows are "
                            "deleted is "
                          + catalog::identifier(work.settings().deleted_at).text(),
                      "If this one says so, unregister the table, deleted_rows => 'keep', and register it "
                      "with this one.");
        } else if (rows > 0) {
            work.warn(model::warning::other_time_column, work.table.oid, "column " + column.quoted.text(),
                      std::to_string(rows) + (rows == 1 ? " row" : " rows")
                          + " with a value in this column will be live: the column that says which rows are "
                            "deleted is "
                          + catalog::identifier(work.settings().deleted_at).text(),
                      if_it_says_so(work), make_registration(work, column));
        }
    }
}

void warn_of_other_actors(TableWork &work) {
    const std::optional<std::string> &deleted_by = work.settings().deleted_by;
    if (!deleted_by || work.table.find_column(*deleted_by) != nullptr) {
        return;
    }
    for (const catalog::Column &column : work.table.columns) {
        if (is_name_of_actor(column.name) && can_say_who(column)) {
            warn_of_actor(work, column);
        }
    }
}

} // namespace softdelete::registration
