// Lists of the relation cache that do not outlive a look-up. A relation that is open keeps its columns, but an
// invalidation, which any look-up in a catalog may take in, frees its triggers, foreign keys and policies and reads
// them anew: RelationClearRelation() in src/backend/utils/cache/relcache.c, RelationRebuildRelation() since 18. Whoever
// looks anything up while he walks such a list walks a copy. Plain server code.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "commands/trigger.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/reltrigger.h"
}

namespace softdelete::pg {

// The relation's own foreign keys: ForeignKeyCacheInfo nodes, in the current memory context.
inline List *copy_foreign_keys(Relation relation) {
    return static_cast<List *>(copyObjectImpl(RelationGetFKeyList(relation)));
}

// The relation's triggers, in the current memory context; null where it has none.
inline const TriggerDesc *copy_triggers(Relation relation) {
    return CopyTriggerDesc(relation->trigdesc);
}

} // namespace softdelete::pg
