// Indexes are found by their names, as the registry has them.
#include "ddl/refuse_index_drop.hpp"

#include "ddl/parse_tree.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registry/registered_names.hpp"
#include "session/registered_table.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
}

namespace softdelete::ddl {

namespace {

constexpr const char *needed_query = R"(
    SELECT false FROM softdelete_internal.registration r
    WHERE r.relation = $1::pg_catalog.oid AND $3::pg_catalog.name = ANY (r.added_indexes)
    UNION ALL
    SELECT true FROM softdelete_internal.converted_index c
    WHERE c.relation = $2::pg_catalog.oid AND c.name = $3::pg_catalog.name AND c.kind = 'unique')";

struct NamedIndex {
    Oid table; // InvalidOid where there is no such index on a registered table
    const char *name;
};

NamedIndex find_index(List *name) {
    Oid index = find_relation(makeRangeVarFromNameList(name));
    char kind = OidIsValid(index) ? get_rel_relkind(index) : '\0';
    if (kind != RELKIND_INDEX && kind != RELKIND_PARTITIONED_INDEX) {
        return {};
    }
    Oid table = IndexGetRelation(index, true);
    bool is_registered = OidIsValid(table) && session::is_registered_table(table);
    return {is_registered ? table : InvalidOid, get_rel_name(index)};
}

[[noreturn]] void refuse(const NamedIndex &index, bool is_constraint) {
    std::string table = pg::call([&] { return get_rel_name(index.table); });
    std::string hint =
        is_constraint ? "It stands for a UNIQUE constraint, which ALTER TABLE ... DROP CONSTRAINT drops. "
                      : "softdelete.unregister() removes it. ";
    pg::raise({ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
               sqltext::format("cannot drop index \"%1%\" of registered table \"%2%\"",
                               std::string(index.name), table),
               {},
               hint + "A tool that compares schemas has to be told to leave it alone.",
               index.table});
}

void check_index(const NamedIndex &index) {
    pg::Spi spi;
    pg::UserScope owner(pg::get_extension_owner());
    Oid root = registry::find_registered_root(spi, index.table).value_or(index.table);
    auto rows = spi.query_kept(needed_query, {root, index.table, std::string(index.name)});
    if (!rows.empty()) {
        refuse(index, rows.front().boolean(0));
    }
}

} // namespace

void refuse_index_drop(const DdlCommand &command) {
    const Node *statement = command.node;
    if (!IsA(statement, DropStmt)
        || castNode(DropStmt, const_cast<Node *>(statement))->removeType != OBJECT_INDEX) {
        return;
    }
    ListCell *cell;
    foreach (cell, castNode(DropStmt, const_cast<Node *>(statement))->objects) {
        NamedIndex index = pg::call([&] { return find_index(lfirst_node(List, cell)); });
        if (OidIsValid(index.table)) {
            check_index(index);
        }
    }
}

} // namespace softdelete::ddl
