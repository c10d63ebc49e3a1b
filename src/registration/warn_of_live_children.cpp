// Deleted rows that register() adopts may have live children: nobody has refused or cascaded their deletion. A deletion
// that takes such a child's own children along cannot be undone, since its parent is gone.
#include "catalog/foreign_keys.hpp"
#include "catalog/quoting.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "registration/plan_parts.hpp"

#include <algorithm>

namespace softdelete::registration {

namespace {

// As far as the child knows, or will know: empty where it has no deletions of its own.
std::string find_deletion_column(const TableWork &work, const catalog::ForeignKey &key,
                                 const std::vector<catalog::Table> &together) {
    if (key.child.is_registered) {
        return key.child.deleted_at;
    }
    bool comes_along = std::any_of(together.begin(), together.end(),
                                   [&](const auto &table) { return table.oid == key.child.relation; });
    return comes_along ? pg::quote_identifier(work.settings().deleted_at) : "";
}

bool has_column(const std::vector<catalog::Table> &together, Oid relation, const std::string &quoted) {
    auto table = std::find_if(together.begin(), together.end(),
                              [=](const auto &candidate) { return candidate.oid == relation; });
    return table == together.end()
           || std::any_of(table->columns.begin(), table->columns.end(),
                          [&](const auto &column) { return column.quoted.text() == quoted; });
}

sqltext::Expression make_condition(const catalog::ForeignKey &key, const std::string &parent_column,
                                   const std::string &child_column) {
    return sqltext::Expression(key.link + " AND p." + parent_column + " IS NOT NULL"
                               + (child_column.empty() ? "" : " AND c." + child_column + " IS NULL"));
}

std::int64_t count_children(TableWork &work, const catalog::ForeignKey &key,
                            const sqltext::Expression &condition) {
    pg::ReadScope scope(key.parent.owner);
    return work.spi
        .query(sqltext::statement(
                   "/* softdelete */ SELECT pg_catalog.count(*) FROM %1% AS c, %2% AS p WHERE %3%",
                   sqltext::Expression(key.child.key_rows()), sqltext::Expression(key.parent.key_rows()),
                   condition)
                   .text())
        .front()
        .number(0);
}

// Of the live rows of a table with an archive, or of one whose rows are marked.
std::string describe(std::int64_t rows, bool is_archive) {
    std::string text = std::to_string(rows) + (rows == 1 ? " row is live" : " rows are live");
    if (is_archive) {
        return text + (rows == 1 ? " and keeps a deleted row" : " and keep deleted rows")
               + " of this table from the purge";
    }
    return text + " and reference deleted rows of this table: what is deleted below them cannot be restored";
}

void warn_of_children_by(TableWork &work, const catalog::ForeignKey &key,
                         const std::vector<catalog::Table> &together) {
    const std::string deleted_at = pg::quote_identifier(work.settings().deleted_at);
    const std::string column = find_deletion_column(work, key, together);
    const bool is_archive = gets_archive(work, key.child.relation); // all its rows are live
    if ((column.empty() && !is_archive) || !catalog::binds(key.on_delete) || !catalog::has_one_owner(key)) {
        return;
    }
    bool is_there = !is_archive && has_column(together, key.child.relation, column);
    std::int64_t rows = count_children(work, key, make_condition(key, deleted_at, is_there ? column : ""));
    if (rows == 0) {
        return;
    }
    const std::string object = "rows of " + key.child.name;
    if (key.parent.relation != work.table.oid) { // the view does not tell its rows from those of other tables
        work.warn(model::warning::live_children, work.table.oid, object,
                  describe(rows, is_archive) + ", which are in " + key.parent.name,
                  "Delete them as well, once the tables are registered.");
        return;
    }
    sqltext::QualifiedName all(catalog::identifier(work.table.schema),
                               catalog::identifier(work.settings().all_view));
    work.warn(model::warning::live_children, work.table.oid, object, describe(rows, is_archive),
              "To have them deleted as well, once the tables are registered",
              is_archive ? sqltext::statement("DELETE FROM %1% AS c USING %2% AS p WHERE %3%",
                                              sqltext::Expression(key.child.name), all,
                                              make_condition(key, deleted_at, ""))
                         : sqltext::statement("UPDATE %1% AS c SET %2% = p.%3% FROM %4% AS p WHERE %5%",
                                              sqltext::Expression(key.child.name),
                                              sqltext::Expression(column), sqltext::Expression(deleted_at),
                                              all, make_condition(key, deleted_at, column)));
    work.steps.back().needs_look = true; // live rows would go, and are due when the others are
}

} // namespace

void warn_of_live_children(TableWork &work, const std::vector<catalog::Table> &together) {
    if (work.table.find_column(work.settings().deleted_at) == nullptr) {
        return; // every row is live
    }
    for (Oid heir : catalog::find_heirs(work.spi, work.table.oid)) {
        for (const catalog::ForeignKey &key : catalog::find_referencing_keys(work.spi, heir)) {
            warn_of_children_by(work, key, together);
        }
    }
}

} // namespace softdelete::registration
