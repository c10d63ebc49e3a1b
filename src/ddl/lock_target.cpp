// As ProcessUtilitySlow() in src/backend/tcop/utility.c does it just after.
#include "ddl/lock_target.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "commands/tablecmds.h"
#include "nodes/parsenodes.h"
#include "utils/inval.h"
}

namespace softdelete::ddl {

void lock_target(DdlCommand *command) {
    Node *statement = command->node;
    if (IsA(statement, AlterTableStmt) && castNode(AlterTableStmt, statement)->objtype == OBJECT_TABLE) {
        AlterTableStmt *alter = castNode(AlterTableStmt, statement);
        command->relation = AlterTableLookupRelation(alter, AlterTableGetLockLevel(alter->cmds));
    } else if (IsA(statement, IndexStmt)) {
        const IndexStmt *index = castNode(IndexStmt, statement);
        LOCKMODE lock = index->concurrent ? ShareUpdateExclusiveLock : ShareLock;
        command->relation =
            RangeVarGetRelidExtended(index->relation, lock, 0, RangeVarCallbackOwnsRelation, nullptr);
    } else {
        AcceptInvalidationMessages();
    }
}

} // namespace softdelete::ddl
