// Decides which indexes cover live rows only while their table is registered, in order of precedence, and says why.
// Called by registration/plan_conversions and ddl/; the facts come from catalog/index_catalog.
#include "model/index_decision.hpp"

#include "model/predicate.hpp"

#include <algorithm>

namespace softdelete::model {

namespace {

IndexDecision warn(const std::string &reason) {
    return {Conversion::warn, reason + "; it covers deleted rows too, so that their values stay taken"};
}

IndexDecision need(IndexDecision decision) {
    decision.is_needed = true;
    return decision;
}

bool must_be_unique(const IndexFacts &index) {
    return index.is_unique || index.is_exclusion;
}

// Unique and exclusion indexes: correctness needs them converted.
IndexDecision decide_unique(const IndexFacts &index, const IndexContext &context) {
    if (index.without_overlaps) {
        return warn("a WITHOUT OVERLAPS constraint cannot be partial");
    }
    if (!index.referencing.empty()) {
        std::string list;
        for (const std::string &key : index.referencing) {
            list += (list.empty() ? "" : ", ") + key;
        }
        return need(warn("foreign keys need it: " + list));
    }
    if (index.is_replica_identity) {
        return need(warn("it is the table's replica identity"));
    }
    if (index.is_exclusion) {
        return {Conversion::exclusion, ""};
    }
    if (index.is_constraint && index.is_deferrable) {
        if (index.nulls_not_distinct) {
            return warn("a deferrable constraint with NULLS NOT DISTINCT cannot be partial");
        }
        if (context.is_part_of_tree) {
            return warn("a deferrable constraint of a partitioned table cannot be partial");
        }
        return {Conversion::deferrable, ""};
    }
    return {index.is_constraint ? Conversion::unique : Conversion::index, ""};
}

IndexDecision decide_other(const IndexFacts &index, const IndexContext &context) {
    if (context.mode != IndexMode::all) {
        return {Conversion::none, ""};
    }
    if (context.serves_foreign_key) {
        return need({Conversion::keep, "a foreign key needs it for all rows"});
    }
    if (index.is_clustered) {
        return need({Conversion::keep, "the table is clustered on it, which a partial index does not allow"});
    }
    return {Conversion::index, ""};
}

} // namespace

IndexDecision decide(const IndexFacts &index, const IndexContext &context) {
    if (index.is_primary) {
        return {Conversion::keep, "the primary key covers all rows"};
    }
    if (index.predicate && has_condition(*index.predicate, context.live_condition)) {
        return {Conversion::adopt, ""};
    }
    if (context.mode == IndexMode::none) {
        return {Conversion::none, ""};
    }
    // As a part of unique keys they make up for the condition that the index lacks.
    if (index.mentions_deletion && (index.predicate || !must_be_unique(index))) {
        return {Conversion::keep, "it is about deleted rows"};
    }
    if (!index.is_valid) {
        return {Conversion::warn, "it is invalid; once it is rebuilt, softdelete.repair() takes it on"};
    }
    return must_be_unique(index) ? decide_unique(index, context) : decide_other(index, context);
}

bool leads_with(const IndexFacts &index, const std::vector<int> &columns) {
    if (columns.size() > index.key_columns.size()) {
        return false;
    }
    std::vector<int> leading(index.key_columns.begin(),
                             index.key_columns.begin() + static_cast<std::ptrdiff_t>(columns.size()));
    return std::is_permutation(leading.begin(), leading.end(), columns.begin());
}

} // namespace softdelete::model
