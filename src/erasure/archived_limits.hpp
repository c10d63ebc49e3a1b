// What the table of an archive asks of values that the archive itself takes: an archived row must be able to come back, however a
// rule for anonymization has overwritten it.
#pragma once

#include "catalog/table_info.hpp"
#include "pg/spi.hpp"

#include <string>
#include <vector>

namespace softdelete::erasure {

// What the table asks of a column.
struct Limits {
    bool is_required = false; // NOT NULL
    std::string type;         // as a cast target; empty where any value of the archive's type will do
    bool cuts = false;        // a cast to it makes a long value shorter, which the table refuses
};

// A column, quoted, what it gets, and its type as a cast target.
struct Assignment {
    std::string column;
    std::string value;
    std::string type;
    bool is_generated = false; // the value is made of the columns as they are written
    Limits limits = {};
};

// A CHECK constraint over some of the columns.
struct TableCheck {
    std::string name;
    std::string before; // SQL over the archived row under its alias, before it is overwritten
    std::string after;  // the same afterwards, with the table's types for what is overwritten
};

// source: the table whose archive it is.
void add_generated(pg::Spi &spi, const catalog::TableInfo &archive, Oid source,
                   std::vector<Assignment> *assignments);
void add_limits(pg::Spi &spi, Oid source, std::vector<Assignment> *assignments);

// The enforced ones that the assignments may break, in the order in which the server asks them.
std::vector<TableCheck> find_checks(pg::Spi &spi, Oid archive, Oid source, const std::string &alias,
                                    const std::vector<Assignment> &assignments);

// SQL: what of the row, as it is stored, the table would refuse, as a number for raise_misfit(); NULL for nothing. Checks that were not
// met before, as "softdelete.new".c0, c1 ... say, do not count: restore() says so. A domain raises its own error.
std::string make_misfit(const std::vector<Assignment> &assignments, const std::vector<TableCheck> &checks,
                        const std::string &alias);

// As the table itself refuses it.
[[noreturn]] void raise_misfit(const catalog::TableInfo &table, const std::vector<Assignment> &assignments,
                               const std::vector<TableCheck> &checks, std::int64_t number);

} // namespace softdelete::erasure
