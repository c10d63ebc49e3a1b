// What a client and the server's log are told of a table that could not be purged, and of rows that stay.
#pragma once

#include "catalog/table_info.hpp"
#include "registry/purge_log.hpp"

#include <string>

namespace softdelete::purge {

void tell_failure(const catalog::TableInfo &table, const std::string &sqlstate, const std::string &message);

// All tables: the other run does what this one would. One that was named (55P03): somebody waits for it to be done.
void refuse_second_run(const catalog::TableInfo &table, bool is_named);

// Of the rows that were due.
void tell_what_stays(const catalog::TableInfo &table, const registry::PurgeCounts &counts);

} // namespace softdelete::purge
