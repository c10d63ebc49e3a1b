// What a session keeps of definitions that were read by SQL is right for as long as none has changed.
#pragma once

#include "pg/server.hpp"

namespace softdelete::pg {

// Hears of what other sessions have committed, as taking a lock does, and says how often definitions have changed since the
// session began: of relations, constraints, types, schemas, operators, operator classes and collations. Plain server code.
uint64 count_definition_changes();

// Called by session/registered_table, which hears of changes of relations: the server has few places for such callbacks.
void note_relation_change() noexcept;

// Registers the invalidation callbacks; called once from _PG_init.
void install_definition_changes();

} // namespace softdelete::pg
