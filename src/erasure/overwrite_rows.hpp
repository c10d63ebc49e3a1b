// Overwrites rows by the rules for anonymization of their table, and looks at what is stored afterwards: triggers of the
// table may have put back what was there.
#pragma once

#include "erasure/carry_keys.hpp"
#include "registry/anonymizers.hpp"
#include "rows/row_set.hpp"

#include <set>
#include <string>

namespace softdelete::erasure {

// on_expiry: the rows are marked, so that they are not due again.
enum class Occasion { request, on_expiry };

// As the table's owner, who stands behind its rules. Returns how many rows there are. Archived rows that reference one of them get
// the key that a rule gives it; those that do not are added to left, and to deletions those that the rows' history names.
// Errors: 55000 where a row stays as it was, or does not store what the rules give; what the UPDATE raises.
std::uint64_t overwrite_rows(pg::Spi &spi, const catalog::TableInfo &table,
                             const std::vector<registry::Anonymizer> &rules, const rows::RowSet &rows,
                             Occasion occasion, RowsLeft *left = nullptr,
                             std::set<std::string> *deletions = nullptr);

// Does an anonymization of the table forget who deleted a row? Not where the table keeps no actor, a rule of
// its own says what becomes of it, or it must not be NULL. Live rows have nobody there.
bool forgets_actor(pg::Spi &spi, const catalog::TableInfo &table,
                   const std::vector<registry::Anonymizer> &rules);

} // namespace softdelete::erasure
