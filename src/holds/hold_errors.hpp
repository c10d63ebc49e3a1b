// Errors that tell of a hold, with its id and how it ends.
#pragma once

#include "catalog/foreign_keys.hpp"
#include "catalog/table_info.hpp"

#include <cstdint>

namespace softdelete::holds {

// 55000: the hold protects a row of the table. verb: what is refused.
[[noreturn]] void raise_held(const catalog::TableInfo &table, std::int64_t hold, const char *verb = "remove");

// 55000: a held row would lose its link to the row.
[[noreturn]] void raise_held_link(const catalog::TableInfo &table, std::int64_t hold,
                                  const char *verb = "remove");

// 55000: the key carries this hold down. verb: what is refused of the key, as in "drop".
[[noreturn]] void raise_lost_link(const catalog::ForeignKey &key, std::int64_t hold, const char *verb);

} // namespace softdelete::holds
