// An entry of a change of the primary key names the other key by its values. When the table gets another primary key, these
// become values of that one, so that a row is found by all that it was.
#pragma once

#include "catalog/table_info.hpp"

namespace softdelete::history {

// Remembers by which columns the entries name a key from now on: those of the primary key of today.
void remember_key(pg::Spi &spi, Oid relation);

// Rewrites them where the primary key has other columns than those remembered. Where there is none now, it waits for the next.
void follow_other_keys(pg::Spi &spi, const catalog::TableInfo &table, const catalog::TableInfo &history);

// A value of an enum type has another name, which keys in all histories get as well.
// Errors: 0A000 where keys are of an array, a composite or a range of it, and have changed.
void follow_enum_value(pg::Spi &spi, Oid type, const std::string &before, const std::string &now);

// The history's column has another name.
void rename_key_column(pg::Spi &spi, Oid relation, const std::string &before, const std::string &now);

} // namespace softdelete::history
