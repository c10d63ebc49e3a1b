// The row that hold(), erase() and anonymize() are about.
#pragma once

#include "rows/row_set.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::rows {

struct SubjectRow {
    catalog::TableInfo table;
    RowSet rows; // one; more where inheritance children have the same key
    std::vector<catalog::KeyColumn> columns;
    std::vector<std::string> key; // as pg::ExactTextScope writes it
};

// A registered table that the caller owns, locked in ROW SHARE. Errors: 42809, 55000, 42501; 42P01 where it is gone.
catalog::TableInfo get_owned_table(pg::Spi &spi, Oid relation);

// The same with either strategy; the other one raises 0A000 where the table has an archive.
catalog::TableInfo get_owned_soft_table(pg::Spi &spi, Oid relation);

// The same of a table that need not be registered.
catalog::TableInfo get_owned_users_table(pg::Spi &spi, Oid relation);

enum class SubjectLock { for_key_share, for_update };

// Finds the row by its key, live or deleted, and locks it; acts as the table's owner.
// Errors: 42P10 without a primary key, 22023 for the wrong number of values, P0002 where there is no such row.
SubjectRow get_subject_row(pg::Spi &spi, const catalog::TableInfo &table, const std::vector<std::string> &key,
                           SubjectLock lock);

// The same; nothing where there is no such row.
std::optional<SubjectRow> find_subject_row(pg::Spi &spi, const catalog::TableInfo &table,
                                           const std::vector<std::string> &key, SubjectLock lock);

// What has the key: a row of the table, and those in its archive.
struct KeyedRows {
    std::optional<SubjectRow> row;
    std::optional<SubjectRow> archived;

    // The key as it is stored; there must be a row. P0002 where there is none.
    const std::vector<std::string> &get_key(const catalog::TableInfo &table,
                                            const std::vector<std::string> &given) const;
};

// Finds them and locks them, as above. A row that another transaction moves from one place to the other meanwhile is found
// where it has got to.
KeyedRows find_keyed_rows(pg::Spi &spi, const catalog::TableInfo &table, const std::vector<std::string> &key,
                          SubjectLock lock);

// A reason is kept where the data is not: it must not be the key. Errors: 22004 for none, 22023 for a key value.
void check_reason(const std::optional<std::string> &reason, const std::vector<std::string> &key);

// The same of a reason that is a value of the key in other words: 22023 where it, read as a column of the key is, equals the
// value of that column. key: as pg::ExactTextScope writes it.
void check_reason_as_key(pg::Spi &spi, const catalog::TableInfo &table, const std::string &reason,
                         const std::vector<std::string> &key);

// P0002: neither a live nor a deleted row has the key.
[[noreturn]] void raise_no_such_row(const catalog::TableInfo &table, const std::vector<std::string> &key);

enum class Occasion { erasure, anonymization, purge };

// 55000: a trigger or a rule has kept rows that were to go, or to be overwritten.
[[noreturn]] void raise_not_removed(const catalog::TableInfo &table, Occasion occasion);
[[noreturn]] void raise_not_overwritten(const catalog::TableInfo &table);

} // namespace softdelete::rows
