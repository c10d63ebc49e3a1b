// What the session has copied, session/copied_tables.hpp knows.
#include "ddl/refuse_drop.hpp"

#include "catalog/table_catalog.hpp"
#include "catalog/table_info.hpp"
#include "ddl/parse_tree.hpp"
#include "pg/quote.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registry/retention.hpp"
#include "session/copied_tables.hpp"
#include "session/registered_table.hpp"
#include "session/session_visibility.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
}

#include <cstring>

namespace softdelete::ddl {

namespace {

bool has_time_zone(Oid relation) {
    return pg::call([&] {
        session::RegisteredTable table;
        return !session::find_registered_table(relation, &table)
               || getBaseType(get_atttype(relation, table.deleted_at)) == TIMESTAMPTZOID;
    });
}

// A deleted row whose retention has not passed. Without a retention the table may go at any time, as it always could.
bool has_kept_rows(Oid relation) {
    registry::Cutoff cutoff = pg::call([&] { return registry::get_cutoff(relation); });
    if (!cutoff.has_retention) {
        return false;
    }
    pg::Spi spi;
    catalog::TableInfo table = catalog::get_table(spi, relation);
    std::string name = catalog::get_qualified_name(spi, relation).text(); // of a partition, not of its root
    bool has_zone = has_time_zone(relation);
    std::string query = sqltext::format(
        "/* softdelete */ SELECT FROM %1% AS t WHERE t.%2% IS NOT NULL AND "
        "t.%2% >= '%3%'::pg_catalog.%4% LIMIT 1",
        name, table.deleted_at,
        pg::write_time(has_zone ? cutoff.cutoff : registry::get_passed_everywhere(cutoff.cutoff)),
        has_zone ? "timestamptz" : "timestamp");
    pg::ReadScope owner(table.owner);
    return !spi.query(query, {}).empty();
}

void check_table(Oid relation) {
    if (pg::entry([&] { return has_kept_rows(relation); })) {
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("cannot drop table \"%s\": its deleted rows would be lost", get_rel_name(relation)),
                 errdetail("This session has copied its live rows, and no deleted ones."),
                 errhint("Copy the table after SET softdelete.visibility = 'all', which takes deleted rows "
                         "along, or remove them first by softdelete.unregister() with deleted_rows => "
                         "'purge'.")));
    }
}

// CREATE TRIGGER repack_trigger ... EXECUTE FUNCTION repack.repack_trigger(...)
bool is_repack(const CreateTrigStmt *create) {
    return list_length(create->funcname) == 2 && strcmp(strVal(linitial(create->funcname)), "repack") == 0
           && strcmp(strVal(llast(create->funcname)), "repack_trigger") == 0;
}

} // namespace

void refuse_drop_of_copied(const DdlCommand &command) {
    const Node *statement = command.node;
    if (!IsA(statement, DropStmt)) {
        return;
    }
    const DropStmt *drop = castNode(DropStmt, const_cast<Node *>(statement));
    ListCell *cell;
    foreach (cell, drop->removeType == OBJECT_TABLE ? drop->objects : NIL) {
        Oid relation = find_relation(makeRangeVarFromNameList(lfirst_node(List, cell)));
        session::RegisteredTable table;
        if (OidIsValid(relation) && session::was_copied(relation)
            && session::find_damaged_table(relation, &table) && table.deleted_at != InvalidAttrNumber) {
            check_table(relation);
        }
    }
}

void refuse_repack(const DdlCommand &command) {
    const Node *statement = command.node;
    if (!IsA(statement, CreateTrigStmt)) {
        return;
    }
    const CreateTrigStmt *create = castNode(CreateTrigStmt, const_cast<Node *>(statement));
    if (!is_repack(create) || session::session_view().visibility == settings::Visibility::all) {
        return;
    }
    session::RegisteredTable table;
    Oid relation = command.relation;
    if (OidIsValid(relation) && session::find_damaged_table(relation, &table)
        && table.visibility != session::TableVisibility::view) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("pg_repack would lose the deleted rows of registered table \"%s\"",
                               get_rel_name(relation)),
                        errdetail("Its session copies the rows that it sees, which are the live ones."),
                        errhint("Run it as PGOPTIONS='-c softdelete.visibility=all' pg_repack ...")));
    }
}

} // namespace softdelete::ddl
