// The names of the constraint triggers that belong to a foreign key. Plain server code.
#pragma once

#include "pg/server.hpp"

namespace softdelete::registration {

// On the referencing table: no live row newly references a deleted one.
inline constexpr char parent_check_prefix[] = "softdelete_parent_";

// On the referenced table: a deferrable NO ACTION key at its time.
inline constexpr char children_check_prefix[] = "softdelete_children_";

// The prefix and the key's name; a name that would be too long is replaced by a digest. Palloc'd.
const char *make_link_name(const char *prefix, const char *key);

} // namespace softdelete::registration
