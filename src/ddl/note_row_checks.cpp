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
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
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

bool checks_rows(const AlterDomainStmt *alter) {
    switch (alter->subtype) {
    case 'O': // SET NOT NULL
    case 'V': // VALIDATE CONSTRAINT
        return true;
    case 'C': // ADD CONSTRAINT
        return !castNode(Constraint, alter->def)->skip_validation;
    default:
        return false;
    }
}

bool checks_rows_of_table(const Node *statement) {
    Node *node = const_cast<Node *>(statement);
    return (IsA(node, AlterTableStmt) && checks_rows(castNode(AlterTableStmt, node)))
           || (IsA(node, IndexStmt) && castNode(IndexStmt, node)->unique
               && !castNode(IndexStmt, node)->concurrent);
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

// In a column of the domain, or of one over it.
bool has_deleted_rows_of(const List *domain) {
    Oid type = pg::call([&] {
        return LookupTypeNameOid(nullptr, makeTypeNameFromNameList(const_cast<List *>(domain)), true);
    });
    pg::Spi spi;
    for (const pg::Row &row : spi.query_kept(R"(
        WITH RECURSIVE domains (type) AS (
            SELECT $1::pg_catalog.oid UNION SELECT t.oid FROM domains d JOIN pg_catalog.pg_type t ON t.typbasetype = d.type)
        SELECT DISTINCT c.oid FROM domains d JOIN pg_catalog.pg_attribute a ON a.atttypid = d.type
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        WHERE c.relkind = 'r' AND NOT a.attisdropped ORDER BY 1)",
                                             {type})) {
        if (has_deleted_rows(row.oid(0))) {
            return true;
        }
    }
    return false;
}

} // namespace

void note_row_checks(const DdlCommand &command) {
    const Node *statement = command.node;
    session::end_row_checks();
    if (IsA(statement, AlterDomainStmt)) {
        const auto *alter = castNode(AlterDomainStmt, const_cast<Node *>(statement));
        if (checks_rows(alter) && pg::entry([&] { return has_deleted_rows_of(alter->typeName); })) {
            session::begin_row_checks();
        }
        return;
    }
    Oid relation = checks_rows_of_table(statement) ? command.relation : InvalidOid;
    session::RegisteredTable table;
    if (OidIsValid(relation) && session::find_damaged_table(relation, &table)
        && table.deleted_at != InvalidAttrNumber && pg::entry([&] { return has_deleted_rows(relation); })) {
        session::begin_row_checks();
    }
}

} // namespace softdelete::ddl
