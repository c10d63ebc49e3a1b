// Follows DDL as far as foreign keys are concerned.
#include "commands/follow_foreign_keys.hpp"

#include "catalog/foreign_keys.hpp"
#include "commands/link_triggers.hpp"
#include "commands/repair_table.hpp"
#include "commands/run_steps.hpp"
#include "pg/scopes.hpp"
#include "planner/registered_table.hpp"

extern "C" {
#include "access/table.h"
#include "catalog/namespace.h"
#include "nodes/parsenodes.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

namespace softdelete::commands {

namespace {

const RangeVar *find_named_table(const Node *statement) {
    if (IsA(statement, CreateStmt)) {
        return castNode(CreateStmt, const_cast<Node *>(statement))->relation;
    }
    if (IsA(statement, AlterTableStmt)) {
        const AlterTableStmt *alter = castNode(AlterTableStmt, const_cast<Node *>(statement));
        return alter->objtype == OBJECT_TABLE ? alter->relation : nullptr;
    }
    return nullptr;
}

bool references_registered(Relation relation) {
    planner::RegisteredTable table;
    ListCell *cell;
    foreach (cell, RelationGetFKeyList(relation)) {
        const auto *key = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));
        if (planner::find_registered_table(key->confrelid, &table)) {
            return true;
        }
    }
    return false;
}

} // namespace

Oid find_table_to_link(const Node *statement) {
    const RangeVar *name = find_named_table(statement);
    if (name == nullptr) {
        return InvalidOid;
    }
    // Still locked by the command itself. Gone if the command was ALTER TABLE IF EXISTS.
    Oid relation_id = RangeVarGetRelid(name, NoLock, true);
    Relation relation = OidIsValid(relation_id) ? RelationIdGetRelation(relation_id) : nullptr;
    if (relation == nullptr) {
        return InvalidOid;
    }
    planner::RegisteredTable table;
    bool is_concerned =
        planner::find_registered_table(relation_id, &table) || references_registered(relation);
    RelationClose(relation);
    return is_concerned ? relation_id : InvalidOid;
}

void link_table(Oid relation) {
    pg::SettingScope settings;
    settings.set("search_path", "pg_catalog, pg_temp");
    pg::Spi spi;
    RegisteredTables tables;
    catalog::TableInfo table = catalog::get_table(spi, relation);
    if (table.is_registered) {
        tables[table.relation] = table.deleted_at;
    }
    for (const catalog::ForeignKey &key : catalog::find_own_keys(spi, table.relation)) {
        if (key.parent.is_registered) {
            tables[key.parent.relation] = key.parent.deleted_at;
        }
    }
    run_steps(spi, plan_links(spi, tables));
}

bool adds_inheritance_child(const Node *statement) {
    if (IsA(statement, CreateStmt)) {
        const CreateStmt *create = castNode(CreateStmt, const_cast<Node *>(statement));
        return create->inhRelations != NIL && create->partbound == nullptr;
    }
    const AlterTableStmt *alter =
        IsA(statement, AlterTableStmt) ? castNode(AlterTableStmt, const_cast<Node *>(statement)) : nullptr;
    ListCell *cell;
    foreach (cell, alter == nullptr ? NIL : alter->cmds) {
        if (lfirst_node(AlterTableCmd, cell)->subtype == AT_AddInherit) {
            return true;
        }
    }
    return false;
}

void follow_inheritance_child(const Node *statement) {
    Oid relation = pg::call([&] {
        const RangeVar *name = find_named_table(statement);
        return name == nullptr ? InvalidOid : RangeVarGetRelid(name, NoLock, true);
    });
    pg::SettingScope settings;
    settings.set("search_path", "pg_catalog, pg_temp");
    pg::Spi spi;
    for (const pg::Row &root : spi.query(
             "WITH RECURSIVE line (relation) AS (SELECT $1::pg_catalog.oid UNION SELECT h.inhparent FROM "
             "pg_catalog.pg_inherits h JOIN line l ON h.inhrelid = l.relation) SELECT "
             "r.relation::pg_catalog.oid "
             "FROM line l JOIN softdelete.registration r ON r.relation = l.relation",
             {relation})) {
        repair_table(root.oid(0));
    }
}

void forget_dropped_tables() {
    pg::Spi spi;
    pg::UserScope owner(pg::get_extension_owner());
    for (const char *table : {"registration", "converted_index", "deletion", "deletion_table", "hold"}) {
        spi.execute(std::string("DELETE FROM softdelete.") + table
                    + " k USING pg_catalog.pg_event_trigger_dropped_objects() d WHERE d.classid = "
                      "'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND d.objid = "
                      "k.relation::pg_catalog.oid");
    }
}

} // namespace softdelete::commands
