// Steps from rows to the rows that a deletion took below them, for restore/restore_tree. Statistics from before a
// deletion know of no deleted rows, and a plan by them would begin with all of those, once per level; the statements
// here leave the planner no such choice.
#include "restore/taken_children.hpp"
#include "sqltext/format.hpp"

#include "catalog/index_catalog.hpp"
#include "rows/follow_links.hpp"

extern "C" {
#include "catalog/pg_type.h"
}

namespace softdelete::restore {

using catalog::ForeignKey;

namespace {

// With an index the plan is to begin with the parents: CASE hides from the planner how few rows may be deleted ones.
// Without one it is to begin with the rows of the deletion.
std::string make_condition(const ForeignKey &key, bool has_index, Children children,
                           const std::string &deletion) {
    const sqltext::Pattern condition =
        has_index ? sqltext::Pattern("softdelete.include_deleted(c.%1%) AND CASE WHEN c.%1% IS NULL THEN "
                                     "false ELSE c.deletion_id %2% END")
                  : sqltext::Pattern("c.%1% IS NOT NULL AND c.deletion_id %2%");
    const sqltext::Pattern ids =
        children == Children::restorable ? sqltext::Pattern("= %1%") : sqltext::Pattern("IN (%1%, - %1%)");
    return sqltext::format(condition, key.child.deleted_at, sqltext::format(ids, deletion));
}

const char *get_lock(Children children) {
    return children == Children::taken ? "" : " FOR UPDATE OF c";
}

} // namespace

std::vector<rows::RowId> ChildFinder::find(const ForeignKey &key, const rows::RowSet &parents,
                                           Children children) {
    if (!catalog::has_one_owner(key)) {
        rows::RowSet set = rows::find_children(
            spi_, key, parents,
            " AND " + make_condition(key, catalog::has_key_index(spi_, key.constraint), children, deletion_)
                + get_lock(children));
        return {set.ids().begin(), set.ids().end()};
    }
    // So many one by one cost less than to plan a statement for all of them.
    constexpr std::size_t few = 10;
    std::vector<rows::RowId> found;
    auto take = [&](const rows::KeyStatement &statement, const pg::Parameter &tables,
                    const pg::Parameter &positions) {
        for (const pg::Row &row : statement.query({{deletion_, INT8OID}, tables, positions})) {
            found.push_back(rows::read_row_id(row));
        }
    };
    if (parents.size() > few) {
        take(get_statement(key, Parents::many, children), parents.tables(), parents.positions());
        return found;
    }
    const rows::KeyStatement &statement = get_statement(key, Parents::one, children);
    for (const rows::RowId &parent : parents.ids()) {
        take(statement, parent.table_parameter(), parent.position_parameter());
    }
    return found;
}

const rows::KeyStatement &ChildFinder::get_statement(const ForeignKey &key, Parents parents,
                                                     Children children) {
    std::tuple id(key.constraint, parents, children);
    auto place = statements_.find(id);
    if (place == statements_.end()) {
        std::vector<Oid> types = parents == Parents::one
                                     ? std::vector<Oid>{INT8OID, OIDOID, TIDOID}
                                     : std::vector<Oid>{INT8OID, OIDARRAYOID, TIDARRAYOID};
        rows::KeyStatement statement(spi_, key, make_query(key, parents, children), types,
                                     rows::Plan::session);
        place = statements_.emplace(id, std::move(statement)).first;
    }
    return place->second;
}

// Without an index each row of the deletion looks its parent up where many are asked for.
std::string ChildFinder::make_query(const ForeignKey &key, Parents parents, Children children) {
    bool has_index = catalog::has_key_index(spi_, key.constraint);
    std::string parent = sqltext::format("JOIN %1% AS p ON softdelete.include_deleted(p.%2%) AND %3%",
                                         key.parent.key_rows(), key.parent.deleted_at, key.link);
    return sqltext::format(
        "/* softdelete */ SELECT c.tableoid, c.ctid FROM %1% AS c %2% WHERE %3% AND %4%%5%",
        key.child.key_rows(), (parents == Parents::many && !has_index ? catalog::join_parent(key) : parent),
        make_condition(key, has_index, children, "$1"),
        (parents == Parents::one ? rows::make_identity(key.parent, "p", 2)
                                 : rows::make_membership(key.parent, "p", 2)),
        get_lock(children));
}

} // namespace softdelete::restore
