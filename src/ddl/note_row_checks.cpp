// The table is asked for a deleted row by the index of those.
#include "ddl/note_row_checks.hpp"

#include "catalog/table_catalog.hpp"
#include "catalog/table_info.hpp"
#include "ddl/parse_tree.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "session/registered_table.hpp"
#include "session/row_checks.hpp"
#include "sqltext/format.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::ddl {

namespace {

bool checks_rows(const AlterTableCmd *command) {
    switch (command->subtype) {
    case AT_SetNotNull:
    case AT_ValidateConstraint:
    case AT_AlterColumnType:
    case AT_AttachPartition:
        return true;
    case AT_AddConstraint:
        return IsA(command->def, Constraint) && !castNode(Constraint, command->def)->skip_validation;
    default:
        return false;
    }
}

bool checks_rows(const AlterTableStmt *alter) {
    ListCell *cell;
    foreach (cell, alter->objtype == OBJECT_TABLE ? alter->cmds : NIL) {
        if (checks_rows(lfirst_node(AlterTableCmd, cell))) {
            return true;
        }
    }
    return false;
}

bool has_deleted_rows(Oid relation) {
    pg::Spi spi;
    catalog::TableInfo table = catalog::get_table(spi, relation);
    std::string name = catalog::get_qualified_name(spi, relation).text();
    pg::ReadScope owner(table.owner);
    return table.is_registered
           && !spi.query(sqltext::format("SELECT FROM %1% AS t WHERE t.%2% IS NOT NULL LIMIT 1", name,
                                         table.deleted_at))
                   .empty();
}

} // namespace

void note_row_checks(const DdlCommand &command) {
    const Node *statement = command.node;
    session::end_row_checks();
    if (!IsA(statement, AlterTableStmt)) {
        return;
    }
    const AlterTableStmt *alter = castNode(AlterTableStmt, const_cast<Node *>(statement));
    Oid relation = checks_rows(alter) ? command.relation : InvalidOid;
    session::RegisteredTable table;
    if (OidIsValid(relation) && session::find_damaged_table(relation, &table)
        && table.deleted_at != InvalidAttrNumber && pg::entry([&] { return has_deleted_rows(relation); })) {
        session::begin_row_checks();
    }
}

} // namespace softdelete::ddl
