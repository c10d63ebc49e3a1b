// A set of rows of one table, by physical position: tableoid and ctid, which hold still while the rows are locked.
#pragma once

#include "catalog/table_info.hpp"

extern "C" {
#include "storage/itemptr.h"
}

#include <compare>
#include <map>
#include <set>
#include <string>

namespace softdelete::rows {

// A row by its physical position. Ordered as the rows lie.
struct RowId {
    Oid table; // the partition or child that it is in
    ItemPointerData position;

    std::strong_ordering operator<=>(const RowId &other) const;

    bool operator==(const RowId &other) const { return (*this <=> other) == 0; }

    // As parameters for make_identity().
    pg::Parameter table_parameter() const;
    pg::Parameter position_parameter() const;
};

// The row whose tableoid and ctid are the columns from first on.
RowId read_row_id(const pg::Row &row, std::size_t first = 0);

class RowSet {
public:
    bool add(const RowId &row) { return rows_.insert(row).second; }

    void add_all(const RowSet &other) { rows_.insert(other.rows_.begin(), other.rows_.end()); }

    bool remove(const RowId &row) { return rows_.erase(row) != 0; }

    bool contains(const RowId &row) const { return rows_.count(row) != 0; }

    bool empty() const { return rows_.empty(); }

    std::size_t size() const { return rows_.size(); }

    const std::set<RowId> &ids() const { return rows_; }

    // The set as two parallel arrays, for the parameters that make_membership() names.
    pg::Parameter tables() const;
    pg::Parameter positions() const;

private:
    std::set<RowId> rows_;
};

RowSet make_set(const RowId &row);

// Those that are not among the others.
RowSet subtract(const RowSet &rows, const RowSet &others);

// Where one partition has all these rows and belongs to the table's owner, it in the place of the table, so that statements on the rows
// look at no other; else the table. Triggers of whole statements are those of the partition.
catalog::TableInfo narrow_to_partition(const catalog::TableInfo &table, const RowSet &rows);

// SQL: the row under this alias is in the set whose tables are parameter $first::oid[] and positions the next one.
std::string make_membership(const catalog::TableInfo &table, const char *alias, int first);

// SQL: the row under this alias is the one whose table is parameter $first::oid and position the next one.
std::string make_identity(const catalog::TableInfo &table, const char *alias, int first);

// SQL: the row under this alias is not in that set. One look-up per row in a hash table, however large the set.
std::string make_exclusion(const char *alias, int first);

// The rows by the table that they are in.
std::map<Oid, RowSet> group_by_table(const RowSet &rows);

} // namespace softdelete::rows
