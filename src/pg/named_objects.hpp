// What an expression depends on.
#pragma once

#include "pg/boundary.hpp"

extern "C" {
#include "nodes/nodes.h"
}

#include <string>
#include <vector>

namespace softdelete::pg {

// The identities of what the analyzed expression names besides columns of the relation and what the server brings, as
// pg_event_trigger_dropped_objects() gives them. Writes dependencies within a savepoint and rolls them back: not in a read-only
// transaction.
std::vector<std::string> find_named_objects(Oid relation, Node *tree);

} // namespace softdelete::pg
