// The text of our two row-security policies, as it is created and as the server deparses it. Called by
// registration/plan_policies.
#include "registration/policy_definitions.hpp"

#include "catalog/quoting.hpp"
#include "model/policy_names.hpp"

#include <boost/algorithm/string/replace.hpp>

namespace softdelete::registration {

bool PolicyDefinition::matches(const catalog::Policy &policy) const {
    return policy.is_permissive == is_permissive && policy.command == '*' && policy.is_public
           && policy.condition == deparsed && policy.check == "true";
}

PolicyDefinition make_live_policy(const std::string &deleted_at, const catalog::Member &table) {
    sqltext::Expression condition =
        sqltext::expression("(%1% IS NULL) OR softdelete_internal.sees_deleted(%2%::regclass)",
                            catalog::identifier(deleted_at), catalog::literal(table.qualified.text()));
    // Where strings are standard a backslash needs no escaping, which quote_literal() does nonetheless.
    std::string name = boost::algorithm::replace_all_copy(table.qualified.text(), "'", "''");
    sqltext::Expression deparsed =
        sqltext::expression("((%1% IS NULL) OR softdelete_internal.sees_deleted(%2%::regclass))",
                            catalog::identifier(deleted_at), sqltext::Literal("'" + name + "'"));
    return {model::live_policy, false, condition, deparsed.text()};
}

PolicyDefinition make_default_policy() {
    return {model::default_policy, true, sqltext::Expression("true"), "true"};
}

} // namespace softdelete::registration
