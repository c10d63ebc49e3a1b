// What restore and undo have in common: the update itself, and the errors that name the key and the remedy.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "rows/row_set.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::restore {

// A cascade reached the table: it is updated as its owner.
enum class RestoreAs { caller, owner };

// Has the session all rights of the owner and more? The owner's triggers are not to have them, so that even the caller's part
// of a restore runs as the owner.
bool stands_above(Oid owner);

// What to do where a live row, or another one of the deletion, has a value of a row that comes back.
std::string make_taken_hint(const std::optional<std::string> &deletion);

// Runs the update of one table and returns its row count. A violation of a unique or exclusion constraint becomes an
// error that says what cannot be restored and how to go on, with the server's SQLSTATE, and its DETAIL
// where the caller may see it.
std::uint64_t execute_restore(pg::Spi &spi, const catalog::TableInfo &table, RestoreAs role,
                              const std::optional<std::string> &deletion, const std::string &statement,
                              const std::vector<pg::Parameter> &parameters);

// The same for these rows of the table, wherever they are by now. How many came back.
std::uint64_t update_rows(pg::Spi &spi, const catalog::TableInfo &table, RestoreAs role,
                          const std::optional<std::string> &deletion, const rows::RowSet &rows);

// 23503: the row's parent is deleted and does not come back with it.
[[noreturn]] void raise_parent_deleted(const catalog::ForeignKey &key, const std::string &values,
                                       const std::optional<std::string> &deletion);

// May code of users, or row security, of one of them keep rows of any of them deleted? A trigger of one table may write to another.
bool may_keep_rows_of(const std::vector<catalog::TableInfo> &tables);

// After an update that counted all of these rows: has a trigger marked one anew, as of the deletion that it was of before? What is
// below such a row would be live by now. Errors: raise_not_all_restored().
void check_all_restored(pg::Spi &spi, const std::vector<catalog::TableInfo> &tables,
                        const std::optional<std::string> &deletion, const rows::RowSet &rows);

// 42501: row security or a trigger kept rows back.
[[noreturn]] void raise_not_all_restored(const catalog::TableInfo &table);

// Says that so many rows wait in the deletion; nothing where none does.
void tell_waiting(std::uint64_t rows, std::int64_t deletion);

} // namespace softdelete::restore
