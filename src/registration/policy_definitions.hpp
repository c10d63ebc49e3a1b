// What our two row-security policies say.
#pragma once

#include "catalog/policy_catalog.hpp"
#include "catalog/table_catalog.hpp"

namespace softdelete::registration {

struct PolicyDefinition {
    std::string name;
    bool is_permissive;
    sqltext::Expression condition; // of USING; new rows are not checked
    std::string deparsed;          // the same as the server says it

    // True where the policy says the same. Read with search_path held still.
    bool matches(const catalog::Policy &policy) const;
};

PolicyDefinition make_live_policy(const std::string &deleted_at, const catalog::Member &table);
PolicyDefinition make_default_policy();

} // namespace softdelete::registration
