// A boolean beside deleted_at is left alone: DELETE does not set it, and what still reads it goes wrong.
#include "catalog/quoting.hpp"
#include "pg/scopes.hpp"
#include "registration/plan_parts.hpp"

#include <algorithm>
#include <cctype>

namespace softdelete::registration {

namespace {

// deleted, is_deleted, isDeleted, soft_deleted, deleted_flag, removed ...
bool is_name_of_flag(const std::string &name) {
    std::string word;
    for (char character : name) {
        if (character != '_') {
            word += static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
        }
    }
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
    pg::Row row = work.spi
                      .query(sqltext::statement(
                                 "/* softdelete */ SELECT"
                                 " pg_catalog.count(*) FILTER (WHERE %2% AND %3% IS NULL),"
                                 " pg_catalog.count(*) FILTER (WHERE %2% IS NOT TRUE AND %3% IS NOT NULL)"
                                 " FROM %1%",
                                 work.table.qualified, flag.quoted, deleted_at)
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
        work.warn(model::Concern::data, work.table.oid, object,
                  text + "; " + name_rows(rows.hidden) + " with the value true will be live, since "
                      + deleted_at + " is null there",
                  "To have them deleted",
                  sqltext::statement("UPDATE %1% SET %2% = pg_catalog.now() WHERE %3% AND %2% IS NULL",
                                     work.table.qualified, catalog::identifier(work.settings().deleted_at),
                                     flag.quoted));
    }
    if (rows.shown > 0) {
        work.warn(model::Concern::data, work.table.oid, object,
                  text + "; " + name_rows(rows.shown) + " will be deleted, since " + deleted_at
                      + " is set, though the value is not true");
    }
    if (rows.hidden == 0 && rows.shown == 0) {
        work.warn(model::Concern::behaviour, work.table.oid, object, text,
                  "Let queries, indexes and views go by " + deleted_at + " and drop the column.");
    }
}

} // namespace

void warn_of_flags(TableWork &work) {
    for (const catalog::Column &column : work.table.columns) {
        if (column.base_type == "bool" && !column.is_generated && is_name_of_flag(column.name)) {
            warn_of_flag(work, column);
        }
    }
}

} // namespace softdelete::registration
