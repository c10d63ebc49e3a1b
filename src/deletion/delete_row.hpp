// DELETE of one row by its primary key.
#pragma once

#include "pg/server.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace softdelete::deletion {

// Runs the DELETE as the caller and returns the id of its deletion; nothing where there was no live row.
std::optional<std::int64_t> delete_row(Oid relation, const std::vector<std::string> &key);

} // namespace softdelete::deletion
