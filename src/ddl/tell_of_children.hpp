// Tables that come under registered ones without being registered.
#pragma once

#include "ddl/parse_tree.hpp"

namespace softdelete::ddl {

// After CREATE TABLE and ALTER TABLE: one NOTICE where the command gives an unregistered table an ON DELETE CASCADE key to
// a registered one, with what becomes of its rows and the call that registers it. Returns quickly for any other statement.
void tell_of_children(const DdlCommand &command);

} // namespace softdelete::ddl
