// An index as the catalogs describe it, and what becomes of it while its table is registered.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace softdelete::model {

struct IndexFacts {
    unsigned int oid;
    unsigned int table;
    unsigned int parent; // the index of the parent table that it is attached to; 0 for none
    std::string name;
    std::string quoted_name;
    bool is_partitioned;
    bool is_unique;
    bool is_primary;
    bool is_exclusion;
    bool is_valid;
    bool is_replica_identity;
    bool is_clustered;
    bool nulls_not_distinct;
    bool without_overlaps;
    bool mentions_deletion;                      // one of the columns that softdelete keeps, anywhere in it
    std::string definition;                      // as pg_get_indexdef() says it, whole
    std::optional<std::string> predicate;        // as pg_get_expr() says it
    std::optional<std::string> tablespace;       // quoted; nothing for the database's own
    std::vector<int> key_columns;                // 0 for an expression
    std::vector<std::string> keys;               // SQL of each key column
    std::vector<std::string> included;           // SQL of each further column
    std::optional<std::string> comment;          // on the index
    std::vector<std::pair<int, int>> statistics; // column of the index and its statistics target
    std::vector<std::string> referencing;        // foreign keys of other tables that need it

    // Of its constraint, if it has one.
    bool is_constraint;
    bool is_deferrable;
    bool is_initially_deferred;
    std::string constraint_definition;
    std::optional<std::string> constraint_comment;
};

// `index users_pkey`, or `constraint users_pkey`.
std::string describe(const IndexFacts &index);

// Its definition in parts: CREATE [UNIQUE] INDEX name ON [ONLY] table body WHERE predicate.
std::string get_definition_body(const IndexFacts &index);

// What stands in the body after the key columns, INCLUDE and NULLS NOT DISTINCT: storage options, with a leading space.
std::string get_storage_options(const IndexFacts &index);

} // namespace softdelete::model
