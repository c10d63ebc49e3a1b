// Which indexes cover live rows only while the table is registered, which stay as they are, and why.
#pragma once

#include "model/index_facts.hpp"
#include "model/table_settings.hpp"

namespace softdelete::model {

enum class Conversion {
    none,      // stays; not worth a word
    keep,      // stays; said why
    warn,      // stays although it should not; said why
    adopt,     // covers live rows only already
    index,     // a partial index
    unique,    // a UNIQUE constraint becomes a partial unique index
    exclusion, // an exclusion constraint gets the condition
    deferrable // a deferrable UNIQUE constraint becomes a deferrable exclusion constraint
};

struct IndexDecision {
    Conversion conversion;
    std::string reason;     // of keep and warn: a sentence without its first capital and its period
    bool is_needed = false; // for all rows, by what may go
};

// What the decision needs to know besides the index.
struct IndexContext {
    IndexMode mode;
    std::string live_condition; // as the server deparses it
    bool serves_foreign_key;    // its leading columns are those of a foreign key of the table
    bool is_part_of_tree;       // on a partitioned table
};

IndexDecision decide(const IndexFacts &index, const IndexContext &context);

// True where the index's leading columns are these, in any order.
bool leads_with(const IndexFacts &index, const std::vector<int> &columns);

} // namespace softdelete::model
