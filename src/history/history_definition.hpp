// What a history table is made of, as SQL: read from the catalogs of its table. Called when a history is made and when it
// follows its table.
#pragma once

#include "catalog/table_info.hpp"

#include <string>
#include <vector>

namespace softdelete::history {

struct SourceColumn {
    std::string name;
    std::string definition; // quoted name, base type and collation; no default and no constraint
    std::string type;       // the base type
    bool is_external;       // may be stored outside of the row
    bool is_stored;         // not a generated column that is computed when it is read
};

// The table's columns of today.
std::vector<SourceColumn> read_source_columns(pg::Spi &spi, Oid relation);

// The columns that the history has before them, with commas.
std::string make_own_columns();

// The key by which rows are looked up: the columns of the primary key, quoted, and the time; empty where there is none.
std::string make_key_index_columns(pg::Spi &spi, Oid relation);

// SQL: large values go as they are, which saves compressing in vain what was not compressed.
std::string make_storage_statement(const std::string &history, const SourceColumn &column);

bool is_own_column(const std::string &name);

// 42701: a column of the table has the name of one of the history's own.
[[noreturn]] void raise_own_name(const catalog::TableInfo &table, const std::string &column);

} // namespace softdelete::history
