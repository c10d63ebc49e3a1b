// The names of the constraint triggers that belong to a foreign key. Plain server code.
#pragma once

#include "pg/server.hpp"

namespace softdelete::catalog {

// The prefix and the key's name; a name that would be too long is replaced by a digest. Palloc'd.
const char *make_link_name(const char *prefix, const char *key);

} // namespace softdelete::catalog
