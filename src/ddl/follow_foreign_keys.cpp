// Puts the triggers of a foreign key on both tables after a command has added the key. Event triggers call it; which
// triggers those are is decided in registration/plan_foreign_key_triggers.
#include "ddl/follow_foreign_keys.hpp"
#include "model/trigger_names.hpp"

#include "catalog/foreign_keys.hpp"
#include "ddl/parse_tree.hpp"
#include "pg/relation_cache.hpp"
#include "pg/scopes.hpp"
#include "pg/spi.hpp"
#include "registration/plan_foreign_key_triggers.hpp"
#include "registration/run_steps.hpp"
#include "registration/trigger_names.hpp"
#include "session/registered_table.hpp"

extern "C" {
#include "access/table.h"
#include "commands/trigger.h"
#include "nodes/parsenodes.h"
#include "utils/rel.h"
#include "utils/relcache.h"
}

#include <cstring>

namespace softdelete::ddl {

namespace {

bool may_change_keys(Node *node) {
    return IsA(node, CreateStmt)
           || (IsA(node, AlterTableStmt) && castNode(AlterTableStmt, node)->objtype == OBJECT_TABLE)
           || (IsA(node, RenameStmt) && castNode(RenameStmt, node)->renameType == OBJECT_TABCONSTRAINT);
}

// A trigger of ours that stands for a foreign key which may be gone or renamed.
bool has_link_trigger(Relation relation) {
    const TriggerDesc *triggers = relation->trigdesc; // nothing is looked up
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
        if (strncmp(triggers->triggers[i].tgname, model::parent_check_prefix,
                    strlen(model::parent_check_prefix))
            == 0) {
            return true;
        }
    }
    return false;
}

bool has_registered_parent(Relation relation) {
    ListCell *cell;
    foreach (cell, pg::copy_foreign_keys(relation)) {
        const auto *key = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));
        if (session::is_registered_table(key->confrelid)) {
            return true;
        }
    }
    return false;
}

} // namespace

Oid find_table_to_link(const DdlCommand &command) {
    if (!may_change_keys(command.node)) {
        return InvalidOid;
    }
    // Still locked by the command itself. Gone if the command was ALTER TABLE IF EXISTS.
    Oid relation_id = command.relation;
    Relation relation = OidIsValid(relation_id) ? RelationIdGetRelation(relation_id) : nullptr;
    if (relation == nullptr) {
        return InvalidOid;
    }
    bool is_concerned = session::is_registered_table(relation_id) || has_link_trigger(relation)
                        || has_registered_parent(relation);
    RelationClose(relation);
    return is_concerned ? relation_id : InvalidOid;
}

void link_table(Oid relation) {
    pg::Spi spi;
    catalog::TableInfo table = catalog::get_table(spi, relation);
    registration::run_steps(spi, registration::plan_own_links(spi, table.relation));
    registration::RegisteredTables tables;
    for (const catalog::ForeignKey &key : catalog::find_own_keys(spi, table.relation)) {
        if (key.parent.is_registered) {
            tables[key.parent.relation] = key.parent.deleted_at;
        }
    }
    registration::run_steps(spi, registration::plan_links(spi, tables));
}

} // namespace softdelete::ddl
