// hold() and release(): locks the row, checks the reason and writes to registry/hold_log. Called by api/holds.
#include "holds/hold_row.hpp"

#include "catalog/quoting.hpp"
#include "catalog/referencing_tables.hpp"
#include "catalog/table_catalog.hpp"
#include "holds/hold_tables.hpp"
#include "registry/hold_log.hpp"
#include "rows/named_row.hpp"
#include "sqltext/format.hpp"

#include <deque>
#include <set>

namespace softdelete::holds {

namespace {

std::vector<std::string> to_texts(const std::vector<Oid> &relations) {
    std::vector<std::string> texts;
    for (Oid relation : relations) {
        texts.push_back(std::to_string(relation));
    }
    return texts;
}

// Tables whose rows a crash removes.
void warn_of_unlogged(pg::Spi &spi, Oid relation) {
    for (const pg::Row &row : spi.query(
             "SELECT pg_catalog.quote_ident(c.relname), pg_catalog.format('%I.%I', n.nspname, c.relname)"
             " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
             " WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND c.relpersistence = 'u' ORDER BY c.oid",
             {pg::make_array(to_texts(catalog::find_heirs(spi, relation)))})) {
        pg::warn(sqltext::format("a hold does not keep rows of unlogged table %1% from a crash", row.text(0)),
                 sqltext::format("To have them kept as well: ALTER TABLE %1% SET LOGGED", row.text(1)));
    }
}

// The tables below the held row that nobody registered, where a DELETE fires no trigger of ours.
void warn_of_unkept(pg::Spi &spi, Oid relation) {
    std::set<Oid> seen = {relation};
    std::deque<Oid> work = {relation};
    while (!work.empty()) {
        for (Oid heir : catalog::find_heirs(spi, work.front())) {
            for (Oid child : catalog::find_cascade_children(spi, heir)) {
                if (!seen.insert(child).second) {
                    continue;
                }
                work.push_back(child);
                warn_of_unlogged(spi, child);
                catalog::TableInfo table = catalog::get_table(spi, child);
                if (!table.is_registered && !table.is_archived()) {
                    const bool can_be_registered = !catalog::shares_inheritance(spi, child);
                    pg::warn(
                        sqltext::format("rows of table %1% below the held row can be deleted", table.title),
                        can_be_registered ? "To have them kept as well: "
                                                + sqltext::statement("SELECT * FROM softdelete.register(%1%)",
                                                                     catalog::literal(table.name))
                                                      .text()
                                          : "It cannot be registered, as it, or a child of it, inherits from "
                                            "another table as well.");
                }
            }
        }
        work.pop_front();
    }
}

} // namespace

std::int64_t hold_row(Oid relation, const std::optional<std::string> &reason,
                      const std::vector<std::string> &key) {
    pg::Spi spi;
    rows::check_reason(reason, key);
    catalog::TableInfo table = rows::get_owned_soft_table(spi, relation);
    pg::call([] { registry::lock_holds(registry::HoldLock::row_exclusive); });
    lock_holds_below(spi, {table.relation}, registry::HoldAccess::make);
    const std::vector<std::string> stored =
        rows::find_keyed_rows(spi, table, key, rows::SubjectLock::for_key_share).get_key(table, key);
    rows::check_reason_as_key(spi, table, *reason, stored);
    warn_of_unlogged(spi, table.relation);
    warn_of_unkept(spi, table.relation);
    return registry::insert_hold(spi, table.relation, stored, *reason);
}

bool release_hold(std::int64_t hold) {
    pg::Spi spi;
    std::optional<Oid> relation = registry::find_held_relation(spi, hold);
    if (!relation) {
        return false;
    }
    rows::get_owned_soft_table(spi, *relation);
    lock_holds_below(spi, {*relation}, registry::HoldAccess::make);
    return registry::release_hold(spi, hold);
}

} // namespace softdelete::holds
