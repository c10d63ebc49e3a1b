// A registered table as the commands on rows see it: names already quoted, the key with its operators.
#pragma once

#include "catalog/comparison.hpp"
#include "pg/spi.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::catalog {

struct KeyColumn {
    std::string name;      // quoted
    std::string type;      // as a cast target, schema-qualified
    std::string cast;      // ::schema.type, to what the operator takes; empty where the column has that type
    Comparison equality;   // of the primary key's index
    Oid type_id;           // under any domains
    bool is_deterministic; // texts are equal where their bytes are
};

// Where the deleted rows of a table are that is registered with the strategy archive.
struct Archive {
    Oid relation;
    std::string name;       // schema-qualified, quoted
    std::string deleted_at; // quoted
    std::string deleted_by; // quoted; empty where there is none
};

struct TableInfo {
    Oid relation;
    Oid owner;
    std::string name;   // schema-qualified, quoted
    std::string schema; // quoted
    std::string title;  // "name", as messages call it
    bool is_partitioned;
    bool has_children;      // partitions or inheritance children
    bool is_registered;     // with the strategy flag
    std::string deleted_at; // quoted; of registered tables only
    std::string deleted_by; // quoted; empty where there is none
    std::string retention;  // as text; empty where there is none
    std::optional<Archive> archive =
        {};                     // of tables that are registered with the strategy archive, or between
    bool lacks_archive = false; // registered so, and somebody has dropped the archive alone

    // With the strategy archive, be the archive there or not.
    bool is_archived() const { return archive.has_value() || lacks_archive; }

    // On its way from one strategy to the other (archive/change_in_batches): what is deleted is marked, and a part of the marked
    // rows lies in the archive.
    bool is_between() const { return is_registered && is_archived(); }

    // The rows that foreign keys of this table and to it speak of: not those of inheritance children.
    std::string key_rows() const { return (is_partitioned ? "" : "ONLY ") + name; }
};

// A table that is registered with the strategy flag; a partition stands for its root. Errors: 42809 where the relation is
// no table, 55000 where it is not registered, 0A000 where it is with the strategy archive; each with a hint.
TableInfo get_registered_table(pg::Spi &spi, Oid relation);

// A table of a user's, registered or not; a partition stands for its root. Errors: 42809 as above, 42501 for a system
// catalog.
TableInfo get_users_table(pg::Spi &spi, Oid relation);

// The first, with either strategy. Errors: also 55000 where the table's archive is missing.
TableInfo get_soft_table(pg::Spi &spi, Oid relation);

// The same, also where its archive is missing.
TableInfo find_soft_table(pg::Spi &spi, Oid relation);

// 55000. A session with row_security off, or one without event triggers, may drop an archive and leave its table.
// Plain server code.
[[noreturn]] void raise_archive_missing(Oid relation);

// The archive of a table that has one, as a table.
TableInfo get_archive(const TableInfo &table);

// 0A000: what is asked for is not there for tables with an archive.
[[noreturn]] void refuse_archive(const std::string &title, Oid relation);

// Any table; is_registered says which.
TableInfo get_table(pg::Spi &spi, Oid relation);

// The table as far as it lies in one partition of it, which statements name instead; whose owner reads it.
TableInfo get_part(pg::Spi &spi, const TableInfo &table, Oid partition);

// The table and those that inherit from it, at any depth: each has foreign keys and indexes of its own. A partitioned
// table stands for its partitions.
std::vector<Oid> find_heirs(pg::Spi &spi, Oid relation);

// The primary key's columns in order; empty where there is none.
std::vector<KeyColumn> find_primary_key(pg::Spi &spi, Oid relation);

// Finds one row by its key: a condition with parameters from $1 on. No cast is called: types' owners make casts.
struct KeyLookup {
    std::string condition;
    std::vector<pg::Parameter> values; // of the key's types, as the caller has written them
};

// Errors: 42P10 without a primary key, 22023 for the wrong number of values.
KeyLookup get_key_lookup(pg::Spi &spi, const TableInfo &table, const std::vector<std::string> &values);

// The values as pg::ExactTextScope writes them, however the caller has; written as the table's owner.
std::vector<std::string> write_key(const TableInfo &table, const KeyLookup &lookup);

// 42501, in the server's words.
[[noreturn]] void raise_permission_denied(const TableInfo &table, const char *detail = "");

} // namespace softdelete::catalog
