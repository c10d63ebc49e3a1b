// softdelete_internal.registration and softdelete_internal.converted_index. Everything here acts as the extension's owner.
#pragma once

#include "model/table_settings.hpp"
#include "pg/spi.hpp"
#include "sqltext/fragments.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace softdelete::registry {

struct Registration {
    Oid relation;
    model::TableSettings settings;
    std::vector<std::string> added_columns;
    std::vector<std::string> added_indexes;
    std::vector<std::string> added_views;
    std::optional<std::string> comment_before;
};

std::optional<Registration> find_registration(pg::Spi &spi, Oid relation);

// The same for who is going to change it: waits for others who do, and locks it until the transaction ends.
std::optional<Registration> lock_registration(pg::Spi &spi, Oid relation);

void insert_registration(pg::Spi &spi, const Registration &registration);
void update_registration(pg::Spi &spi, const Registration &registration);

// With its converted indexes, those of the given members included.
void delete_registration(pg::Spi &spi, Oid relation, const std::vector<Oid> &members);

// The registration alone: what is known of converted indexes stays.
void forget_registration(pg::Spi &spi, Oid relation);

// An index or constraint as it was before. relation is the member that has it.
struct ConvertedIndex {
    Oid relation;
    std::string name;
    std::string kind; // 'index', 'partial index', 'unique', 'exclude', 'unique deferrable', 'whole'
    std::string definition;
    bool is_deferrable;
    bool is_initially_deferred;
    bool is_clustered;
    std::optional<std::string> comment; // on the constraint

    // Its author wrote the condition, on a column that goes with the registration.
    bool is_authors() const { return kind == "partial index"; }

    // It was not converted, as a foreign key, the replica identity or CLUSTER needed it for all rows. It stays so when that goes: no
    // migration waits until an index is built.
    bool is_whole() const { return kind == "whole"; }

    bool is_constraint() const { return kind != "index" && !is_authors(); }
};

// Replaces a former record of the same name.
void insert_converted_index(pg::Spi &spi, const ConvertedIndex &index);
void delete_converted_index(pg::Spi &spi, Oid relation, const std::string &name);
// Without those that stayed whole.
std::vector<ConvertedIndex> find_converted_indexes(pg::Spi &spi, const std::vector<Oid> &relations);

// Those that stayed whole, by table and name.
std::set<std::pair<Oid, std::string>> find_whole_indexes(pg::Spi &spi, const std::vector<Oid> &relations);
void delete_whole_indexes(pg::Spi &spi, const std::vector<Oid> &relations);

// The indexes of partitions that came later get the record of the index that they are attached to.
void record_partition_indexes(pg::Spi &spi, Oid root);

// Deletions of the one table become deletions of the other.
void hand_deletions_over(pg::Spi &spi, Oid from, Oid to);

// A user's table whose rows are read, as its owner.
struct TableRows {
    Oid relation; // the registered table that they belong to
    Oid owner;
    sqltext::QualifiedName name;
    sqltext::Identifier deleted_at;
    Oid archive = InvalidOid; // that has them; else the table itself
};

// After DROP EXTENSION and a new start: deletions that rows remember get a row in the log again. Their ids have
// been reserved by renumber_deletions(). Returns how many deletions were added.
std::int64_t adopt_deletions(pg::Spi &spi, const TableRows &table,
                             const std::optional<std::string> &deleted_by);

// True where a live row has a deletion_id.
bool has_live_deletion_ids(pg::Spi &spi, const TableRows &table);

// Rows with a deletion time.
std::int64_t count_deleted_rows(pg::Spi &spi, const TableRows &table);

} // namespace softdelete::registry
