// The triggers of a table with a history, and the guard of the history. The role in force owns the table.
#pragma once

#include "catalog/table_info.hpp"

#include <string>

namespace softdelete::history {

void create_triggers(pg::Spi &spi, const catalog::TableInfo &table);

// Gives partitions that have come the trigger for TRUNCATE, and lets all fire in every mode of replication.
void complete_triggers(pg::Spi &spi, Oid relation);

void drop_triggers(pg::Spi &spi, const catalog::TableInfo &table);

// Of a history that has no partitions yet: they get the guard when they are made.
void create_guard(pg::Spi &spi, const std::string &history);
void drop_guard(pg::Spi &spi, Oid history);

} // namespace softdelete::history
