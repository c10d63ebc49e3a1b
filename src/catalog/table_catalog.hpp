// A table as registration sees it, read from the system catalogs: its members (itself, partitions, inheritance
// children), columns, foreign keys and triggers.
#pragma once

#include "pg/spi.hpp"
#include "sqltext/fragments.hpp"

#include <optional>
#include <string>
#include <vector>

namespace softdelete::catalog {

// The table itself, one of its partitions, or an inheritance child.
struct Member {
    Oid oid;
    Oid parent; // the member that it is a partition or a child of; 0 for the table itself
    std::string name;
    std::string schema;
    Oid schema_oid;
    sqltext::QualifiedName qualified;
    char kind;        // pg_class.relkind
    char persistence; // pg_class.relpersistence
    bool is_partition;

    bool is_partitioned() const { return kind == 'p'; }
};

struct Column {
    int number;
    std::string name;
    sqltext::Identifier quoted;
    std::string type;      // as format_type() says it
    std::string base_type; // name of the type in pg_catalog under any domains; empty for other types
    bool is_not_null;
    bool has_default;
    bool is_generated;
    std::optional<std::string> comment;
};

struct Table {
    Oid oid;
    Oid owner;
    Oid schema_oid;
    std::string schema;
    std::string name;
    sqltext::QualifiedName qualified;
    char kind;
    char persistence;
    bool is_partition;
    bool has_row_security;
    std::vector<Member> members; // parents before children; the first is the table itself
    std::vector<Column> columns;

    bool is_partitioned() const { return kind == 'p'; }

    const Member &root() const { return members.front(); }

    std::vector<Oid> member_oids() const;
    const Member *find_member(Oid oid) const;
    const Column *find_column(const std::string &name) const;
    // The first table that inherits from it; null for none. Partitions do not count.
    const Member *find_heir() const;
};

// Reads a relation of any kind. Errors: 42P01 where it does not exist.
Table get_table_definition(pg::Spi &spi, Oid relation);

// The tables that the relation inherits from, or is a partition of.
std::vector<Oid> find_parents(pg::Spi &spi, Oid relation);

// The topmost table that the relation is a partition of; itself where it is none.
Oid get_partition_root(pg::Spi &spi, Oid relation);

// The schema-qualified, quoted name of a relation. Errors: 42P01 where it does not exist.
sqltext::QualifiedName get_qualified_name(pg::Spi &spi, Oid relation);

// True where the table carries the marker trigger.
bool has_marker(pg::Spi &spi, Oid relation);

// Has it the guard of histories and archives?
bool is_guarded(pg::Spi &spi, Oid relation);

// True where the statistics of the table know each of the columns, as far as the current user may see them, or that it
// is empty.
bool has_statistics(pg::Spi &spi, const Member &table, const std::vector<std::string> &columns);

struct PrimaryKeyColumn {
    std::string name;
    bool is_generated; // a uuid, or made by a function
    bool is_integer;
    bool is_partition_key;
    bool is_foreign_key; // references a table
};

std::vector<PrimaryKeyColumn> find_primary_key_columns(pg::Spi &spi, Oid relation);

// A foreign key of the table.
struct OwnForeignKey {
    Oid oid;
    Oid parent; // the referenced table
    std::string name;
    std::vector<int> columns;   // numbers
    std::string joined_columns; // names joined as core does for an index's name
    sqltext::Expression column_list;
    bool cascades;   // ON DELETE CASCADE
    bool keeps_link; // ON DELETE SET NULL or SET DEFAULT: a soft delete leaves the link alone
    bool is_enforced;
};

std::vector<OwnForeignKey> find_own_foreign_keys(pg::Spi &spi, Oid relation);

// A user's trigger that fires on DELETE.
struct DeleteTrigger {
    std::string name;
    bool is_row;
    bool is_before;
    bool fires_on_update;        // of any column: on a soft delete, too
    bool reads_transition_table; // which no trigger for UPDATE OF a column can have
    bool
        deletes_softly; // BEFORE DELETE of rows: updates, and returns NULL, as far as the text of its function tells
    sqltext::Expression call; // function and arguments
    // Its definition up to the function, and its condition, empty for none; of one that CREATE OR REPLACE can give another
    // condition on the old row, which is one for rows that is no constraint trigger and does not fire on INSERT.
    std::optional<sqltext::Expression> head;
    std::string condition;
    // What the table's trigger for INSERT of rows calls; its own call where it is that, and none where there is none.
    std::optional<sqltext::Expression> insert_call;
    // What enables it ALWAYS or for REPLICA, which CREATE OR REPLACE ends, after a semicolon; empty where it is not.
    std::string enabling;
    // Does another trigger call the same on soft deletes, or its own condition keep it to rows that are not deleted?
    bool is_provided_for;
};

// deleted_at: the name of the column, which need not be there yet.
std::vector<DeleteTrigger> find_delete_triggers(pg::Spi &spi, Oid relation, const std::string &deleted_at);

// A user's trigger that fires on every UPDATE, so on soft deletes and restores too, and may refuse or change them.
struct UpdateTrigger {
    std::string name;
    std::optional<sqltext::Expression> head; // as above
    std::string condition;
    sqltext::Expression call;
    std::string enabling; // as above
};

// Those that do not mention a column of that name, which is quoted.
std::vector<UpdateTrigger> find_update_triggers(pg::Spi &spi, Oid relation, const std::string &deleted_at);

} // namespace softdelete::catalog
