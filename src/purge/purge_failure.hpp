// What a client and the server's log are told of a table that could not be purged.
#pragma once

#include "catalog/table_info.hpp"

#include <string>

namespace softdelete::purge {

void tell_failure(const catalog::TableInfo &table, const std::string &sqlstate, const std::string &message);

} // namespace softdelete::purge
