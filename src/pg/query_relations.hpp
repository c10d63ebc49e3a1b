// The relations that a query names, with those of its sub-queries.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "nodes/parsenodes.h"
}

namespace softdelete::pg {

// query: the one whose entry it is, which may be a sub-query.
using TakeRelation = bool (*)(Query *query, RangeTblEntry *entry, void *context);

// Is there one that take answers with true? It is asked no more after that. Plain server code.
bool find_relation_entry(Query *query, TakeRelation take, void *context = nullptr);

} // namespace softdelete::pg
