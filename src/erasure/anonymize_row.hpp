// Anonymization: columns are overwritten by the rules of their tables (set_anonymizer).
#pragma once

#include "rows/row_set.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::erasure {

// Overwrites the row, live, marked or archived, and those that reference it by any foreign key and whose tables have rules
// (erasure/subject_tree.hpp says how far). Returns the log entry as JSON. Locks, roles and errors as erase_row(); 55000 where the table has no rules.
std::string anonymize_row(Oid relation, const std::optional<std::string> &reason,
                          const std::vector<std::string> &key);

// For tables whose rows are anonymized when their retention ends: overwrites these deleted rows by the table's rules and
// marks them as done. table: it, or its archive. Returns how many there were. The caller has locked the rows and checked holds,
// and acts as the table's owner. Errors: 55000 where the table has no rules.
std::uint64_t anonymize_rows(pg::Spi &spi, const catalog::TableInfo &table, const rows::RowSet &rows);

// Are rows of the table's archive anonymized when their retention ends?
bool anonymizes_archive(pg::Spi &spi, Oid relation);

// SQL: the deleted row under that alias is not marked so yet. Marked rows have the negative of their deletion's id, so
// that rows which are imported or released from a hold late are never missed, and none comes up twice.
std::string make_pending_condition(const char *alias);

} // namespace softdelete::erasure
