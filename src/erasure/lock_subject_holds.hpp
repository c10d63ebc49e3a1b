// The holds that may forbid to anonymize rows of a table, and their locks.
#pragma once

#include "catalog/table_info.hpp"
#include "pg/spi.hpp"

#include <set>

namespace softdelete::erasure {

// Locks the holds on the table, and on those with rules of the caller's from which any foreign keys lead to it, with what is
// below them. Whatever is in `locked` already is left out, and what was not is added. Returns whether there was any: a key may
// have come meanwhile. Taken before rows are locked, and after the table.
bool lock_subject_holds(pg::Spi &spi, const catalog::TableInfo &subject, std::set<Oid> *locked);

} // namespace softdelete::erasure
